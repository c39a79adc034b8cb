"""How transactions come in and what waits: `eth_sendRawTransaction`, `txpool_*`."""

from collections.abc import Mapping

from eth_utils.address import to_checksum_address

from genesis.types import Address
from openledger_node.rpc import encode, parse
from openledger_node.rpc.context import RpcContext
from openledger_node.rpc.encode import Json, data, quantity
from openledger_node.rpc.table import Table, quick, service
from sequencer.ports import PooledTransaction

BySender = Mapping[Address, tuple[PooledTransaction, ...]]


class PoolMethods:
    def __init__(self, context: RpcContext) -> None:
        self._service = context.pool

    def table(self) -> Table:
        return {
            "eth_sendRawTransaction": service(self._send_raw, parse.data),
            "txpool_status": quick(self._status),
            "txpool_content": quick(self._content),
            "txpool_contentFrom": quick(self._content_from, parse.address),
            "txpool_inspect": quick(self._inspect),
        }

    async def _send_raw(self, raw: bytes) -> str:
        return data(await self._service.submit(raw))

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
