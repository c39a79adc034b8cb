"""`openledger-node rollup …`: what a rollup posted, for people."""

import sys
from pathlib import Path

import orjson

from openledger_node.errors import UserError
from openledger_node.l1.inspection import Chain, Kind, describe, read_input


def decode_file(file: Path, kind: Kind, *, chain_id: int, genesis_time_s: int, block_time_s: int) -> None:
    """Print the JSON of a file; raises `UserError` if it cannot be read or is not of that kind."""
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {file} ({error.strerror})") from None
    found = describe(kind, read_input(content), Chain(chain_id, genesis_time_s, block_time_s))
    sys.stdout.buffer.write(orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n")
