"""What a store holds: whose chain, up to where, and how many entries and bytes of each kind."""

from dataclasses import dataclass

from genesis.types import Hash32
from openledger_node.chain.block_store import BlockStore
from openledger_node.chain.heads import stored_heads
from openledger_node.chain.records import Heads
from openledger_node.chain.state_history import kept_states, oldest_state
from openledger_node.errors import StartError
from openledger_node.storage import keys
from openledger_node.storage.keyvalue import KeyValue

KINDS = {
    keys.NODE: "state nodes",
    keys.CODE: "codes",
    keys.REFERENCES: "counts of state nodes",
    keys.JOURNAL: "state journals",
    keys.HEADER: "headers",
    keys.BODY: "bodies",
    keys.RECEIPTS: "receipts",
    keys.SUPPLY: "supplies",
    keys.CANONICAL: "blocks by number",
    keys.BLOOM: "blooms by number",
    keys.TRANSACTION: "transactions by hash",
    keys.PATCHED_ROOT: "states changed by hand",
    keys.META: "metadata",
}


@dataclass(frozen=True, slots=True)
class KindStatistics:
    kind: str
    entries: int
    bytes: int
    """Of keys and values, before compression."""


@dataclass(frozen=True, slots=True)
class StoreStatistics:
    """`kept_states` is None where every state is kept."""

    schema: int
    chain_id: int
    genesis_hash: Hash32
    heads: Heads
    kept_states: int | None
    oldest_state: int
    kinds: tuple[KindStatistics, ...]


def store_statistics(store: KeyValue) -> StoreStatistics:
    """Reads every entry once. Raises `StartError` if there is no chain."""
    identity = store.get(keys.IDENTITY)
    if identity is None:
        raise StartError("the database holds no chain", "correct --datadir")
    chain_id = int.from_bytes(identity[32:], "big")
    return StoreStatistics(
        schema=int.from_bytes(store.get(keys.SCHEMA) or b"", "big"),
        chain_id=chain_id,
        genesis_hash=Hash32(identity[:32]),
        heads=stored_heads(store, BlockStore(store, chain_id)),
        kept_states=kept_states(store),
        oldest_state=oldest_state(store),
        kinds=tuple(_kind(store, prefix, name) for prefix, name in KINDS.items()),
    )


def _kind(store: KeyValue, prefix: bytes, name: str) -> KindStatistics:
    entries = size_bytes = 0
    for key, value in store.scan(prefix):
        entries += 1
        size_bytes += len(key) + len(value)
    return KindStatistics(name, entries, size_bytes)
