"""How transactions come in and what waits: `eth_sendRawTransaction`, `txpool_*`."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence

from eth_utils.address import to_checksum_address

from genesis.types import Address, Hash32
from openledger_node.chain.records import FoundTransaction
from openledger_node.rpc import encode, encode_receipts, parse
from openledger_node.rpc.context import RpcContext
from openledger_node.rpc.encode import Json, data, quantity
from openledger_node.rpc.errors import InvalidParamsError, RpcError
from openledger_node.rpc.table import Table, optional, quick, service
from sequencer.ports import PooledTransaction

SYNC_TIMEOUT = 4
"""Source: EIP-7966."""

BySender = Mapping[Address, tuple[PooledTransaction, ...]]


class PoolMethods:
    def __init__(self, context: RpcContext) -> None:
        self._context = context
        self._service = context.pool

    def table(self) -> Table:
        return {
            "eth_sendRawTransaction": service(self._send_raw, parse.data, prepare=self._prepare),
            "eth_sendRawTransactionSync": service(self._send_and_wait, parse.data, optional(parse.number)),
            "txpool_status": quick(self._status),
            "txpool_content": quick(self._content),
            "txpool_contentFrom": quick(self._content_from, parse.address),
            "txpool_inspect": quick(self._inspect),
        }

    async def _prepare(self, batch: Sequence[object]) -> None:
        """Recover the senders of a batch's transactions side by side."""
        raws: list[bytes] = []
        for parameters in batch:
            with contextlib.suppress(InvalidParamsError):
                raws += parse.list_of(parse.data)(parameters)
        await self._service.prepare(raws)

    async def _send_raw(self, raw: bytes) -> str:
        return data(await self._service.submit(raw))

    async def _send_and_wait(self, raw: bytes, timeout_ms: int | None) -> Json:
        """Send a transaction and answer with its receipt. Source: EIP-7966."""
        limit_s = self._context.limits.receipt_time_s
        wait_s = limit_s if not timeout_ms else min(timeout_ms / 1_000, limit_s)
        moved = asyncio.Event()
        cancel = self._context.feeds.on_head_change(lambda _change: moved.set())
        try:
            transaction_hash = await self._service.submit(raw)
            found = await self._mined(transaction_hash, moved, wait_s)
        finally:
            cancel()
        if found is None:
            message = f"The transaction was added to the transaction pool but wasn't processed in {wait_s:g}s"
            raise RpcError(SYNC_TIMEOUT, message, data(transaction_hash))
        fee_wei = self._context.chain.snapshot(found.block.header).blob_base_fee_wei
        return encode_receipts.receipt(found.block, found.index, fee_wei)

    async def _mined(
        self, transaction_hash: Hash32, moved: asyncio.Event, wait_s: float
    ) -> FoundTransaction | None:
        """Where the transaction is, once it is in a block; None past the time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                while (found := self._context.chain.find_transaction(transaction_hash)) is None:
                    await moved.wait()
                    moved.clear()
                return found
        return None

    def _status(self) -> Json:
        statistics = self._service.pool.statistics()
        return {"pending": quantity(statistics.ready), "queued": quantity(statistics.gapped)}

    def _content(self) -> Json:
        pool = self._service.pool
        return {
            "pending": self._by_sender(pool.ready_by_sender()),
            "queued": self._by_sender(pool.gapped_by_sender()),
        }

    def _content_from(self, sender: Address) -> Json:
        pool = self._service.pool
        return {
            "pending": self._by_nonce(pool.ready_by_sender().get(sender, ())),
            "queued": self._by_nonce(pool.gapped_by_sender().get(sender, ())),
        }

    def _by_sender(self, items: BySender) -> Json:
        return {to_checksum_address(sender): self._by_nonce(waiting) for sender, waiting in items.items()}

    def _by_nonce(self, items: tuple[PooledTransaction, ...]) -> Json:
        return {str(item.nonce): encode.pending_transaction(self._service.decoded(item)) for item in items}

    def _inspect(self) -> Json:
        pool = self._service.pool
        return {
            "pending": self._summaries(pool.ready_by_sender()),
            "queued": self._summaries(pool.gapped_by_sender()),
        }

    def _summaries(self, items: BySender) -> Json:
        return {
            to_checksum_address(sender): {str(item.nonce): self._summary(item) for item in waiting}
            for sender, waiting in items.items()
        }

    def _summary(self, item: PooledTransaction) -> str:
        to = self._service.decoded(item).to
        where = "contract creation" if to is None else to_checksum_address(to)
        return f"{where}: {item.value_wei} wei + {item.gas} gas \u00d7 {item.max_fee_wei} wei"
