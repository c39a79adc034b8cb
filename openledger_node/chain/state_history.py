"""Which states a pruned chain still has, and what a block's write batch must add and delete for that.

A trie node is counted once for each place that names it: in the newest state, or in a kept older one at a
place that a later block has replaced. A block adds its new places at once; those it replaces are listed in
its journal and given up when the state before it is no longer kept. A node whose count falls to zero goes.

Covered: the entries of a block and of a rewind as parts of one write batch, so that counts and nodes agree
after any crash. Not covered: codes, which are kept for ever; storage of destroyed accounts (possible before
Cancun only), which stays until `db prune`; states changed by hand, after which nothing is pruned any more.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Protocol

from openledger_node.chain.batch import Batch
from openledger_node.chain.node_counts import NodeCounts
from openledger_node.chain.state_journal import (
    created_places,
    decode_journal,
    journal_entry,
    net_places,
    replaced_places,
)
from openledger_node.errors import CriticalError, StartError
from openledger_node.evm.records import ExecutedBlock
from openledger_node.storage import keys
from openledger_node.storage.keyvalue import KeyValue

STATES_PER_BLOCK = 32
"""At most so many states are given up in one batch, when finality or a shorter history frees many at once."""


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
        counts = NodeCounts(self._store)
        counts.add(created_places(places))
        batch = Batch([*executed.state_writes, journal_entry(number, places)])
        oldest = oldest_state(self._store)
        free = min(number - self._states, finalized_number, oldest + STATES_PER_BLOCK)
        for given_up in range(oldest + 1, free + 1):
            counts.subtract(replaced_places(self._journal(given_up)))
            batch.deletes.append(keys.by_number(keys.JOURNAL, given_up))
        if free > oldest:
            batch.puts.append((keys.OLDEST_STATE, free.to_bytes(8, "big")))
        return counts.into(batch)

    def take_back(self, numbers: Iterable[int]) -> Batch:
        """The nodes the blocks brought; those they replaced belong to the newest state again."""
        batch, counts = Batch(), NodeCounts(self._store)
        for number in numbers:
            counts.subtract(created_places(self._journal(number)))
            batch.deletes.append(keys.by_number(keys.JOURNAL, number))
        return counts.into(batch)

    def _journal(self, number: int) -> Counter[bytes]:
        found = self._store.get(keys.by_number(keys.JOURNAL, number))
        if found is None:
            raise CriticalError(
                f"the state journal of block {number} is missing", "run openledger-node db check"
            )
        return decode_journal(found)
