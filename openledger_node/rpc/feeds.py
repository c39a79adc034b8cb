"""Who hears what when: new heads, their logs and new pending transactions, fanned out on the event loop."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from openledger_node.chain.log_search import logs_in
from openledger_node.chain.records import FoundLog, HeadChange, LogQuery
from openledger_node.evm.records import Block, Transaction

HeadListener = Callable[[HeadChange], None]
PendingListener = Callable[[Transaction], None]
Cancel = Callable[[], None]
Listener = TypeVar("Listener")


class Feeds:
    """Synchronous fan-out; listeners must not block and must not raise."""

    def __init__(self) -> None:
        self._heads: dict[int, HeadListener] = {}
        self._pending: dict[int, PendingListener] = {}
        self._next = 0

    def on_head_change(self, listener: HeadListener) -> Cancel:
        return self._register(self._heads, listener)

    def on_pending(self, listener: PendingListener) -> Cancel:
        return self._register(self._pending, listener)

    def _register(self, listeners: dict[int, Listener], listener: Listener) -> Cancel:
        key = self._next
        self._next += 1
        listeners[key] = listener

        def cancel() -> None:
            listeners.pop(key, None)

        return cancel

    def head_changed(self, change: HeadChange) -> None:
        for listener in list(self._heads.values()):
            listener(change)

    def pending_added(self, transaction: Transaction) -> None:
        for listener in list(self._pending.values()):
            listener(transaction)


@dataclass(frozen=True, slots=True)
class ChangedLog:
    found: FoundLog
    removed: bool


def logs_of_change(change: HeadChange, query: LogQuery) -> Iterator[ChangedLog]:
    """Matching logs of blocks that left (newest first, marked removed), then of blocks that joined."""
    for block in change.removed:
        for found in reversed(list(block_logs(block, query))):
            yield ChangedLog(found, removed=True)
    for block in change.added:
        for found in block_logs(block, query):
            yield ChangedLog(found, removed=False)


def block_logs(block: Block, query: LogQuery) -> Iterator[FoundLog]:
    """The block's logs that match `query`, its range included."""
    if query.first_block <= block.header.number <= query.last_block:
        yield from logs_in(block, query)
