"""What changed since the client asked last: filters that collect until polled, and expire when forgotten."""

import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from openledger_node.chain.records import HeadChange, LogQuery
from openledger_node.evm.records import Transaction
from openledger_node.rpc import encode, encode_receipts
from openledger_node.rpc.errors import LimitError, ServerError
from openledger_node.rpc.feeds import Cancel, Feeds, logs_of_change
from openledger_node.rpc.log_filter import LogFilter

EXPIRY_S = 300.0
MAXIMUM_FILTERS = 4_096
MAXIMUM_CHANGES = 20_000
"""Kept per filter; the oldest are forgotten first."""


@dataclass
class Filter:
    last_polled_s: float
    cancel: Cancel = lambda: None
    wanted: LogFilter | None = None
    changes: deque[Any] = field(default_factory=lambda: deque(maxlen=MAXIMUM_CHANGES))


class Filters:
    """Lives on the event loop. `now_s` is any clock that only goes forward."""

    def __init__(self, feeds: Feeds, now_s: Callable[[], float] = time.monotonic) -> None:
        self._feeds = feeds
        self._now_s = now_s
        self._filters: dict[str, Filter] = {}

    def new_block_filter(self) -> str:
        identity, made = self._new()

        def on_change(change: HeadChange) -> None:
            made.changes.extend(encode.data(block.header.hash) for block in change.added)

        made.cancel = self._feeds.on_head_change(on_change)
        return identity

    def new_pending_filter(self, full: bool) -> str:
        identity, made = self._new()

        def on_pending(transaction: Transaction) -> None:
            shown = encode.pending_transaction(transaction) if full else encode.data(transaction.hash)
            made.changes.append(shown)

        made.cancel = self._feeds.on_pending(on_pending)
        return identity

    def new_log_filter(self, wanted: LogFilter, query: LogQuery) -> str:
        identity, made = self._new()
        made.wanted = wanted

        def on_change(change: HeadChange) -> None:
            made.changes.extend(
                encode_receipts.log(item.found, removed=item.removed)
                for item in logs_of_change(change, query)
            )

        made.cancel = self._feeds.on_head_change(on_change)
        return identity

    def changes(self, identity: str) -> list[Any]:
        found = self._get(identity)
        answer = list(found.changes)
        found.changes.clear()
        return answer

    def log_filter(self, identity: str) -> LogFilter:
        wanted = self._get(identity).wanted
        if wanted is None:
            raise ServerError("filter not found")
        return wanted

    def uninstall(self, identity: str) -> bool:
        found = self._filters.pop(identity, None)
        if found is not None:
            found.cancel()
        return found is not None

    def _new(self) -> tuple[str, Filter]:
        self._expire()
        if len(self._filters) >= MAXIMUM_FILTERS:
            raise LimitError("too many filters")
        identity = "0x" + secrets.token_hex(16).lstrip("0")
        made = self._filters[identity] = Filter(self._now_s())
        return identity, made

    def _get(self, identity: str) -> Filter:
        found = self._filters.get(identity)
        if found is None:
            raise ServerError("filter not found")
        found.last_polled_s = self._now_s()
        return found

    def _expire(self) -> None:
        oldest_s = self._now_s() - EXPIRY_S
        for identity in [key for key, item in self._filters.items() if item.last_polled_s < oldest_s]:
            self.uninstall(identity)
