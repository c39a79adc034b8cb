"""`openledger-node snapshot`: a stopped node's chain into a folder, and a new data directory out of one.

Covered: who vouches for the restored block: a hash the operator was told, or an output on the L1 that is
older than the dispute period.
"""

import shutil
from pathlib import Path

from genesis.addresses import L2_TO_L1_MESSAGE_PASSER
from genesis.spec import DEV_L1_CHAIN_ID, RollupConfig
from genesis.types import Hash32
from openledger_node.chain.snapshot import Manifest, create_snapshot, read_manifest, restore_entries
from openledger_node.errors import StartError
from openledger_node.evm.account_leaf import read_account
from openledger_node.evm.node_store import NodeStore
from openledger_node.evm.records import Header
from openledger_node.evm.trie import EMPTY_ROOT
from openledger_node.l1.client import L1Client
from openledger_node.node.execution import CHAIN_FOLDER
from openledger_node.node.preflight import held_directory
from openledger_node.storage.keyvalue import KeyValue
from openledger_node.storage.leveldb import LevelDb
from rollup_bridge.errors import TransactionError
from rollup_bridge.ports import OutputParts
from rollup_bridge.proposer.oracle import OracleReader
from rollup_bridge.proposer.output_root import output_root

RESTORING = "chain.restoring"


def create(datadir: Path, folder: Path, number: int | None) -> Manifest:
    """Snapshot of a stopped node. Raises `StartError`."""
    if not (datadir / CHAIN_FOLDER / "CURRENT").exists():
        raise StartError(f"there is no database in {datadir}", "correct --datadir")
    store = LevelDb.open(datadir / CHAIN_FOLDER, create=False)
    try:
        return create_snapshot(store, folder, number)
    finally:
        store.close()


async def restore(
    folder: Path,
    datadir: Path,
    *,
    state_history: int,
    block_hash: Hash32 | None,
    rollup: RollupConfig | None,
    l1_urls: list[str],
) -> Manifest:
    """A data directory out of a snapshot, checked against `block_hash` or, without one, the L1's outputs.

    Raises `StartError` for anything that does not fit; no chain is left in the directory then.
    """
    manifest = read_manifest(folder)
    if block_hash is None and rollup is None:
        raise StartError(
            "nobody vouches for the snapshot", "give --block-hash, or --l1.url and --rollup.config"
        )
    if block_hash is not None and "0x" + block_hash.hex() != manifest.block_hash:
        raise StartError(
            f"the snapshot is of block {manifest.block_hash}", "get another, or correct --block-hash"
        )
    with held_directory(datadir) as directory:
        if (directory / CHAIN_FOLDER).exists():
            raise StartError(f"{directory} has a chain already", "choose another --datadir")
        shutil.rmtree(directory / RESTORING, ignore_errors=True)
        store = LevelDb.open(directory / RESTORING)
        try:
            header = restore_entries(folder, manifest, store, state_history)
            if rollup is not None:
                await _compare_with_l1(rollup, l1_urls, store, header)
        except BaseException:
            store.close()
            shutil.rmtree(directory / RESTORING, ignore_errors=True)
            raise
        store.close()
        (directory / RESTORING).rename(directory / CHAIN_FOLDER)
    return manifest


async def _compare_with_l1(rollup: RollupConfig, urls: list[str], store: KeyValue, header: Header) -> None:
    """Raises `StartError` unless an output on the L1 that can no longer be disputed is this very block's."""
    passer = read_account(NodeStore(store), header.state_root, L2_TO_L1_MESSAGE_PASSER)
    passer_root = EMPTY_ROOT if passer is None else passer.storage_root
    own = output_root(OutputParts(header.number, header.state_root, passer_root, header.hash))
    async with L1Client(urls, is_development=rollup.l1_chain_id == DEV_L1_CHAIN_ID) as l1:
        oracle = OracleReader(rollup.output_oracle, l1)
        try:
            output = await oracle.output(await oracle.output_index_after(header.number))
        except TransactionError:
            raise StartError(
                f"no output on the L1 covers block {header.number}", "give --block-hash"
            ) from None
        head = await l1.block_by_tag("latest")
        assert head is not None, "a chain with contracts has a head"
        if output.l2_number != header.number:
            raise StartError(
                f"the L1 has no output of block {header.number}; the next is of block {output.l2_number}",
                "create the snapshot with that --block, or give --block-hash",
            )
        if output.root != own:
            raise StartError(f"the L1 has another output of block {header.number}", "get another snapshot")
        if head.timestamp_s <= output.proposed_s + await oracle.finalization_period_s():
            raise StartError(f"the output of block {header.number} can still be disputed", "try again later")
