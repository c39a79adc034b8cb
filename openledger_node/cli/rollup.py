"""`openledger-node rollup`: what a rollup posted on its L1, and what is disputed there, as JSON."""

import sys
from pathlib import Path
from typing import Annotated

import orjson
from cyclopts import App, Parameter

from openledger_node.cli.process import run_to_end
from openledger_node.errors import UserError
from openledger_node.l1.inspection import Chain, Kind, describe, read_input

app = App(name="rollup")


@app.command
def decode(
    file: Path,
    *,
    kind: Kind,
    chain_id: int = 10,
    genesis_time: int = 1686789347,
    block_time: int = 2,
) -> None:
    """Print as JSON what a batcher posted: frames, channels, batches, epochs, transactions.

    Parameters
    ----------
    file
        Hex or binary, or either in xz; `-` reads the standard input.
    kind
        What is in it: a raw L1 transaction, its calldata (or one blob), frames without the version byte, a
        compressed channel, or one batch.
    chain_id
        The L2's, which span batches leave out. Like the next two, OP Mainnet's unless given.
    genesis_time
        Timestamp of the L2's genesis.
    block_time
        Seconds per L2 block.
    """
    decode_file(file, kind, chain_id=chain_id, genesis_time_s=genesis_time, block_time_s=block_time)


@app.command
def disputes(
    *,
    l1_url: Annotated[str, Parameter(name="--l1.url")],
    rollup_config: Annotated[Path, Parameter(name="--rollup.config")],
    only_open: bool = False,
) -> None:
    """Print as JSON who challenged which output root, who defends it, and how far each line is.

    Parameters
    ----------
    l1_url
        The L1's node.
    rollup_config
        Network file that names the L1 contracts.
    only_open
        Leave out what is decided.
    """
    from openledger_node.cli.disputes import show_disputes

    run_to_end(show_disputes(l1_url, rollup_config, only_open=only_open))


def decode_file(file: Path, kind: Kind, *, chain_id: int, genesis_time_s: int, block_time_s: int) -> None:
    """Print the JSON of a file; raises `UserError` if it cannot be read or is not of that kind."""
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {file} ({error.strerror})") from None
    found = describe(kind, read_input(content), Chain(chain_id, genesis_time_s, block_time_s))
    sys.stdout.buffer.write(orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n")
