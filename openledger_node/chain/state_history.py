"""Which states a pruned chain still has, and what a block's write batch must add and delete for that.

A trie node is counted once for each place that names it: in the newest state, or in a kept older one at a
place that a later block has replaced. A block adds its new places at once; those it replaces are listed in
its journal and given up when the state before it is no longer kept. A node whose count falls to zero goes.

Covered: the entries of a block and of a rewind as parts of one write batch, so that counts and nodes agree
after any crash. Not covered: codes, which are kept for ever; storage of destroyed accounts (possible before
Cancun only), which stays until `db prune`; states changed by hand, after which nothing is pruned any more.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from openledger_node.errors import CriticalError, StartError
from openledger_node.evm.records import ExecutedBlock
from openledger_node.evm.trie import NodeChanges
from openledger_node.storage import keys
from openledger_node.storage.keyvalue import KeyValue

STATES_PER_BLOCK = 32
"""At most so many states are given up in one batch, when finality or a shorter history frees many at once."""
_HASH_BYTES = 32
_COUNT_BYTES = 4


@dataclass
class Batch:
    """Parts of one write."""

    puts: list[tuple[bytes, bytes]] = field(default_factory=list)
    deletes: list[bytes] = field(default_factory=list)


def kept_states(store: KeyValue) -> int | None:
    """How many states behind the head the store keeps; None if all of them."""
    found = store.get(keys.HISTORY)
    return None if found is None else int.from_bytes(found, "big")


def oldest_state(store: KeyValue) -> int:
    """Number of the first block whose state is kept."""
    found = store.get(keys.OLDEST_STATE)
    return 0 if found is None else int.from_bytes(found, "big")


def history_entries(states: int, oldest: int) -> list[tuple[bytes, bytes]]:
    """What makes a store one that keeps `states` states behind the head."""
    return [
        (keys.HISTORY, states.to_bytes(8, "big")),
        (keys.OLDEST_STATE, oldest.to_bytes(8, "big")),
    ]


def must_start_pruning(store: KeyValue, wanted: int | None, head_number: int) -> bool:
    """Whether a new store must begin to count, as the operator wants so many states.

    Takes a changed length of the history into the store. Raises `StartError` where only another command can
    do what is wanted.
    """
    states = kept_states(store)
    if wanted is None or wanted == (states or 0):
        return False
    if wanted == 0:
        raise StartError(
            f"the data directory keeps {states} states, older ones are gone",
            "start without --state-history, or choose another --datadir to keep all",
        )
    if states is None and head_number:
        raise StartError(
            "the data directory keeps the state of every block",
            f"run openledger-node db prune --state-history {wanted} on it first, "
            "or start without --state-history",
        )
    if states is not None:
        store.write(history_entries(wanted, oldest_state(store)))
    return states is None


class StateHistory(Protocol):
    """What a block's batch holds for states; neither kind remembers anything outside the store."""

    def accept(self, executed: ExecutedBlock, finalized_number: int) -> Batch:
        """What a block on the head writes for its state, and what goes with it."""
        ...

    def take_back(self, numbers: Iterable[int]) -> Batch:
        """What goes when blocks on the head leave the chain."""
        ...


def state_history(store: KeyValue) -> StateHistory:
    """As the store is kept. One whose state was changed by hand keeps everything from then on."""
    states = kept_states(store)
    detached = store.get(keys.DETACHED) is not None
    return AllStates() if states is None or detached else RecentStates(store, states)


class AllStates:
    """Nothing ever goes."""

    def accept(self, executed: ExecutedBlock, finalized_number: int) -> Batch:
        return Batch([*executed.state_writes])

    def take_back(self, numbers: Iterable[int]) -> Batch:
        return Batch()


class RecentStates:
    """The states from `head - states` (at least 1) or the finalized block on, whichever is older."""

    def __init__(self, store: KeyValue, states: int) -> None:
        self._store = store
        self._states = states

    def accept(self, executed: ExecutedBlock, finalized_number: int) -> Batch:
        """See `StateHistory`."""
        number = executed.block.header.number
        places = net_places(executed.node_changes)
        counts = _Counts(self._store)
        counts.add(_created(places))
        batch = Batch([*executed.state_writes, journal_entry(number, places)])
        oldest = oldest_state(self._store)
        free = min(number - self._states, finalized_number, oldest + STATES_PER_BLOCK)
        for given_up in range(oldest + 1, free + 1):
            counts.subtract(_replaced(self._journal(given_up)))
            batch.deletes.append(keys.by_number(keys.JOURNAL, given_up))
        if free > oldest:
            batch.puts.append((keys.OLDEST_STATE, free.to_bytes(8, "big")))
        return counts.into(batch)

    def take_back(self, numbers: Iterable[int]) -> Batch:
        """The nodes the blocks brought; those they replaced belong to the newest state again."""
        batch, counts = Batch(), _Counts(self._store)
        for number in numbers:
            counts.subtract(_created(self._journal(number)))
            batch.deletes.append(keys.by_number(keys.JOURNAL, number))
        return counts.into(batch)

    def _journal(self, number: int) -> Counter[bytes]:
        found = self._store.get(keys.by_number(keys.JOURNAL, number))
        if found is None:
            raise CriticalError(
                f"the state journal of block {number} is missing", "run openledger-node db check"
            )
        return decode_journal(found)


def _created(places: Mapping[bytes, int]) -> dict[bytes, int]:
    return {node_hash: more for node_hash, more in places.items() if more > 0}


def _replaced(places: Mapping[bytes, int]) -> dict[bytes, int]:
    return {node_hash: -more for node_hash, more in places.items() if more < 0}


def net_places(changes: NodeChanges) -> Counter[bytes]:
    """Node hash → places it gains, or loses if negative; without zeros."""
    net = Counter(changes.created)
    net.subtract(Counter(changes.replaced))
    return Counter({node_hash: places for node_hash, places in net.items() if places})


def journal_entry(number: int, places: Mapping[bytes, int]) -> tuple[bytes, bytes]:
    """A block's journal: the number of created places (4), their hashes, then those of replaced ones."""
    created = [node_hash * more for node_hash, more in places.items() if more > 0]
    replaced = [node_hash * -more for node_hash, more in places.items() if more < 0]
    hashes = b"".join(created)
    count = (len(hashes) // _HASH_BYTES).to_bytes(_COUNT_BYTES, "big")
    return keys.by_number(keys.JOURNAL, number), b"".join((count, hashes, *replaced))


def decode_journal(encoded: bytes) -> Counter[bytes]:
    """The inverse of `journal_entry`: node hash → places."""
    created = int.from_bytes(encoded[:_COUNT_BYTES], "big")
    places: Counter[bytes] = Counter()
    for index, node_hash in enumerate(_hashes(encoded[_COUNT_BYTES:])):
        places[node_hash] += 1 if index < created else -1
    return places


def _hashes(joined: bytes) -> Iterator[bytes]:
    for start in range(0, len(joined), _HASH_BYTES):
        yield joined[start : start + _HASH_BYTES]


class _Counts:
    """Places that name each node, on top of what the store says; a node that is stored has at least one."""

    def __init__(self, store: KeyValue) -> None:
        self._store = store
        self._stored: dict[bytes, int] = {}
        self._now: dict[bytes, int] = {}

    def add(self, places: Mapping[bytes, int]) -> None:
        for node_hash, more in places.items():
            self._now[node_hash] = self._of(node_hash) + more

    def subtract(self, places: Mapping[bytes, int]) -> None:
        for node_hash, fewer in places.items():
            self._now[node_hash] = self._of(node_hash) - fewer

    def _of(self, node_hash: bytes) -> int:
        if node_hash not in self._now:
            self._stored[node_hash] = stored_places(self._store, node_hash)
            return self._stored[node_hash]
        return self._now[node_hash]

    def into(self, batch: Batch) -> Batch:
        """Add what changed; raises `CriticalError` rather than count below zero."""
        for node_hash, places in self._now.items():
            if places < 0:
                raise CriticalError(
                    f"state node 0x{node_hash.hex()} is given up more often than it is named",
                    "run openledger-node db prune, which counts anew",
                )
            if places > 1:
                batch.puts.append((keys.references(node_hash), places.to_bytes(_COUNT_BYTES, "big")))
            elif self._stored[node_hash] > 1:
                batch.deletes.append(keys.references(node_hash))
            if not places:
                batch.deletes.append(keys.node(node_hash))
        return batch


def stored_places(store: KeyValue, node_hash: bytes) -> int:
    """How many places name the node, as the store counts; 0 if it is not stored."""
    found = store.get(keys.references(node_hash))
    if found is not None:
        return int.from_bytes(found, "big")
    return 0 if store.get(keys.node(node_hash)) is None else 1
