"""What `openledger-node snapshot` takes and prints."""

from pathlib import Path

from genesis.types import Hash32
from openledger_node.chain.snapshot import Manifest
from openledger_node.errors import UserError
from openledger_node.node import snapshots
from openledger_node.node.network_files import load_rollup_config


def create(datadir: Path, out: Path, block: int | None) -> None:
    """Write a snapshot and say of what."""
    print(_line("wrote", snapshots.create(datadir, out, block)))


async def restore(
    folder: Path,
    datadir: Path,
    *,
    block_hash: str | None,
    l1_url: str | None,
    rollup_config: Path | None,
    state_history: int,
) -> None:
    """Restore one and say of what. Raises `UserError` for half an L1."""
    if (l1_url is None) != (rollup_config is None):
        raise UserError(
            "an L1 is asked with its URL and the network's file", "give --l1.url and --rollup.config"
        )
    manifest = await snapshots.restore(
        folder,
        datadir,
        state_history=state_history,
        block_hash=None if block_hash is None else _hash(block_hash),
        rollup=None if rollup_config is None else load_rollup_config(rollup_config),
        l1_urls=[] if l1_url is None else [url.strip() for url in l1_url.split(",")],
    )
    print(_line("restored", manifest))


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
        raise UserError(f"{text!r} is no block hash", "give 32 bytes in hex with --block-hash")
    return Hash32(data)
