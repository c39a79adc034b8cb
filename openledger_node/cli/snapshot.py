"""`openledger-node snapshot`: a chain as a folder of files, and a data directory out of one."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from genesis.types import Hash32
from openledger_node.chain.snapshot import Manifest
from openledger_node.cli.db import StateHistory
from openledger_node.cli.process import run_to_end
from openledger_node.errors import UserError
from openledger_node.node import snapshots
from openledger_node.node.network_files import load_rollup_config

app = App(name="snapshot")


@app.command
def create(*, datadir: Path, out: Path, block: int | None = None) -> None:
    """Write a stopped node's blocks and the state after the last of them into a new folder.

    Parameters
    ----------
    datadir
        The node's data directory.
    out
        The folder to make.
    block
        A final block whose state is kept; the newest final one if not given.
    """
    print(_line("wrote", snapshots.create(datadir, out, block)))


@app.command
def restore(
    folder: Path,
    *,
    datadir: Path,
    block_hash: str | None = None,
    l1_url: Annotated[str | None, Parameter(name="--l1.url")] = None,
    rollup_config: Annotated[Path | None, Parameter(name="--rollup.config")] = None,
    state_history: StateHistory = 128,
) -> None:
    """Make a data directory out of a snapshot, every byte of it checked.

    Parameters
    ----------
    folder
        The snapshot.
    datadir
        The new data directory.
    block_hash
        Hash of the snapshot's block, from somebody you trust.
    l1_url
        Without a hash: an L1 node whose output of that very block is compared.
    rollup_config
        Network file that names the L1 contracts.
    state_history
        How many states behind the head the node will keep.
    """
    if (l1_url is None) != (rollup_config is None):
        raise UserError(
            "an L1 is asked with its URL and the network's file", "give --l1.url and --rollup.config"
        )
    restored = snapshots.restore(
        folder,
        datadir,
        state_history=state_history,
        block_hash=None if block_hash is None else _hash(block_hash),
        rollup=None if rollup_config is None else load_rollup_config(rollup_config),
        l1_urls=[] if l1_url is None else [url.strip() for url in l1_url.split(",")],
    )
    print(_line("restored", run_to_end(restored)))


def _line(done: str, manifest: Manifest) -> str:
    size = sum(chunk.size_bytes for chunk in manifest.chunks) / 1e6
    return (
        f"{done} block {manifest.number} {manifest.block_hash} with state {manifest.state_root}:"
        f" {size:,.1f} MB in {len(manifest.chunks)} chunks"
    )


def _hash(text: str) -> Hash32:
    try:
        data = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        data = b""
    if len(data) != 32:
        raise UserError(f"{text!r} is not a block hash", "give 32 bytes in hex with --block-hash")
    return Hash32(data)
