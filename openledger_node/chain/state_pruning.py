"""How a store that keeps every state becomes one that keeps the recent ones: count, then sweep.

Counts and journals are made anew from the kept states, in one write; what no kept state names is deleted
after that. A crash in the sweep leaves nodes that nobody names; running it again takes them away. Needs
about 200 bytes of memory for each node of the kept states.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

from genesis.types import Hash32
from openledger_node.chain.block_store import BlockStore
from openledger_node.chain.heads import stored_heads
from openledger_node.chain.state_history import history_entries, oldest_state
from openledger_node.chain.state_journal import journal_entry
from openledger_node.errors import StartError
from openledger_node.evm.node_store import NodeStore
from openledger_node.evm.state_difference import state_difference
from openledger_node.evm.trie import EMPTY_ROOT
from openledger_node.storage import keys
from openledger_node.storage.keyvalue import KeyValue
from openledger_node.storage.migrations import migrate

SWEEP_BATCH = 10_000


@dataclass(frozen=True, slots=True)
class Pruned:
    """Numbers of the first and last block whose states are kept, and how many nodes were deleted."""

    first: int
    last: int
    deleted_nodes: int


def prune_store(store: KeyValue, history: int) -> Pruned:
    """Keep `history` states behind the head, or those from the finalized block on if that is more.

    Raises `StartError` for a store that cannot be pruned, `MissingStateError` if a state to keep is missing.
    """
    identity = store.get(keys.IDENTITY)
    if identity is None:
        raise StartError("the database holds no chain", "correct --datadir")
    if store.get(keys.DETACHED) is not None:
        raise StartError("the state was changed by development methods", "such a chain cannot be pruned")
    migrate(store)
    blocks = BlockStore(store, int.from_bytes(identity[32:], "big"))
    heads = stored_heads(store, blocks)
    first = max(oldest_state(store), min(heads.unsafe.number - history, heads.finalized.number))
    hashes = (blocks.canonical_hash(number) for number in range(first, heads.unsafe.number + 1))
    headers = (None if block_hash is None else blocks.header_by_hash(block_hash) for block_hash in hashes)
    states = [(header.number, header.state_root) for header in headers if header is not None]
    return Pruned(first, heads.unsafe.number, keep_recent_states(store, states, history))


def keep_recent_states(store: KeyValue, states: Sequence[tuple[int, Hash32]], history: int) -> int:
    """Keep only `states`, (block number, state root) from the oldest to the head's, and count from now on.

    Returns how many nodes were deleted. Raises `MissingStateError` if one of the states is not whole.
    """
    places, journals = count_places(store, states)
    puts = [*history_entries(history, states[0][0]), *journals]
    puts += [(keys.references(node), count.to_bytes(4, "big")) for node, count in places.items() if count > 1]
    old = [key for prefix in (keys.REFERENCES, keys.JOURNAL) for key, _ in store.scan(prefix)]
    store.write(puts, old)
    return sum(_sweep(store, places))


def count_places(
    store: KeyValue, states: Sequence[tuple[int, Hash32]]
) -> tuple[Counter[bytes], list[tuple[bytes, bytes]]]:
    """Node hash → places that name it in the newest state, or in an older one where it was replaced later;
    and the journals of all blocks but the oldest."""
    load = NodeStore(store).node
    places = state_difference(load, EMPTY_ROOT, states[-1][1])
    journals = []
    for (_, old_root), (number, new_root) in pairwise(states):
        changes = state_difference(load, old_root, new_root)
        journals.append(journal_entry(number, changes))
        places.update({node: -change for node, change in changes.items() if change < 0})
    return places, journals


def _sweep(store: KeyValue, kept: Counter[bytes]) -> Iterator[int]:
    """Delete every node that is not kept; the size of each batch."""
    garbage = (key for key, _ in store.scan(keys.NODE) if key[1:] not in kept)
    while batch := list(islice(garbage, SWEEP_BATCH)):
        store.write([], batch)
        yield len(batch)
