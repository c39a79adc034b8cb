"""One WebSocket connection: requests, subscriptions, and a reader that may be slow.

What a client does not read waits in a bounded outbox: its further requests wait as well, and when
notifications find no room it is disconnected, so that memory stays flat however many clients do not read.
"""

import asyncio
import secrets
from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import WSMsgType, web

from openledger_node.chain.records import HeadChange, LogQuery
from openledger_node.evm.records import Transaction
from openledger_node.rpc import encode, encode_receipts, parse
from openledger_node.rpc.dispatch import Dispatcher, RpcLimits
from openledger_node.rpc.errors import METHOD_NOT_FOUND, LimitError, RpcError, ServerError
from openledger_node.rpc.feeds import Cancel, Feeds, logs_of_change
from openledger_node.rpc.log_filter import log_filter
from openledger_node.rpc.log_methods import open_query
from openledger_node.rpc.outbox import Outbox
from openledger_node.rpc.table import Table, optional, quick

IDLE_PING_S = 30.0
CONCURRENT_REQUESTS = 16
POLICY_VIOLATION = 1008


class Connection:
    """Requests run side by side, so answers may overtake each other; a subscription's notifications follow
    its answer."""

    def __init__(
        self, socket: web.WebSocketResponse, dispatcher: Dispatcher, feeds: Feeds, limits: RpcLimits
    ):
        self._socket = socket
        self._dispatcher = dispatcher
        self._feeds = feeds
        self._limits = limits
        self._subscriptions: dict[str, Cancel] = {}
        self._outbox = Outbox(most_messages=limits.queued_messages, most_bytes=limits.queued_bytes)
        self._overflowed = asyncio.Event()
        self._slots = asyncio.Semaphore(CONCURRENT_REQUESTS)
        self._table: Table = {
            "eth_subscribe": quick(self._subscribe, parse.text, optional(lambda value: value)),
            "eth_unsubscribe": quick(self._unsubscribe, parse.text),
        }

    async def serve(self) -> None:
        """Until either side closes."""
        writer = asyncio.create_task(self._write())
        watcher = asyncio.create_task(self._close_on_overflow())
        answering: set[asyncio.Task[None]] = set()
        try:
            async for message in self._socket:
                if message.type not in {WSMsgType.TEXT, WSMsgType.BINARY}:
                    break
                await self._slots.acquire()
                await self._outbox.room()
                task = asyncio.create_task(self._answer(message.data))
                answering.add(task)
                task.add_done_callback(answering.discard)
        finally:
            for cancel in self._subscriptions.values():
                cancel()
            for pending in (writer, watcher, *answering):
                pending.cancel()

    async def _answer(self, request: bytes | str) -> None:
        try:
            answer = await self._dispatcher.answer(request, self._table)
            if answer is not None:
                self._outbox.add(answer)
        finally:
            self._slots.release()

    async def _write(self) -> None:
        while True:
            message = await self._outbox.next()
            await self._socket.send_str(message.decode())
            self._outbox.written(message)

    async def _close_on_overflow(self) -> None:
        await self._overflowed.wait()
        await self._socket.close(code=POLICY_VIOLATION, message=b"too slow")

    # -- subscriptions

    def _subscribe(self, kind: str, detail: object) -> str:
        if len(self._subscriptions) >= self._limits.subscriptions:
            raise LimitError("too many subscriptions")
        identity = "0x" + secrets.token_hex(16)
        self._subscriptions[identity] = self._start(kind, detail, identity)
        return identity

    def _start(self, kind: str, detail: object, identity: str) -> Cancel:
        if kind == "newHeads":
            return self._feeds.on_head_change(self._heads_listener(identity))
        if kind == "logs":
            query = open_query(log_filter({} if detail is None else detail))
            return self._feeds.on_head_change(self._logs_listener(identity, query))
        if kind == "newPendingTransactions":
            full = detail is not None and parse.boolean(detail)
            return self._feeds.on_pending(self._pending_listener(identity, full=full))
        if kind == "syncing":
            return lambda: None
        raise RpcError(METHOD_NOT_FOUND, f'no "{kind[:64]}" subscription in eth namespace')

    def _unsubscribe(self, identity: str) -> bool:
        cancel = self._subscriptions.pop(identity, None)
        if cancel is None:
            raise ServerError("subscription not found")
        cancel()
        return True

    def _heads_listener(self, identity: str) -> Callable[[HeadChange], None]:
        def listen(change: HeadChange) -> None:
            for block in change.added:
                self._notify(identity, encode.header(block.header))

        return listen

    def _logs_listener(self, identity: str, query: LogQuery) -> Callable[[HeadChange], None]:
        def listen(change: HeadChange) -> None:
            for item in logs_of_change(change, query):
                self._notify(identity, encode_receipts.log(item.found, removed=item.removed))

        return listen

    def _pending_listener(self, identity: str, *, full: bool) -> Callable[[Transaction], None]:
        def listen(transaction: Transaction) -> None:
            shown = encode.pending_transaction(transaction) if full else encode.data(transaction.hash)
            self._notify(identity, shown)

        return listen

    def _notify(self, identity: str, result: Any) -> None:
        if self._outbox.is_full:
            self._overflowed.set()
            return
        body = {
            "jsonrpc": "2.0",
            "method": "eth_subscription",
            "params": {"subscription": identity, "result": result},
        }
        self._outbox.add(orjson.dumps(body))
