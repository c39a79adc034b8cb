"""What the economy keeps off the chain: jobs, receipts, attributions, earnings and the proofs of them.

Answered by the gateway of this node; a node without one does not have these methods. Proofs are computed on
demand from published documents, so that only a few requests run at a time.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from openledger_node.rpc import parse
from openledger_node.rpc.encode import Json
from openledger_node.rpc.errors import TIMED_OUT, RpcError
from openledger_node.rpc.parse import Parser
from openledger_node.rpc.ports import EconomyDoor, EconomyPort
from openledger_node.rpc.table import Method, Table, service

AT_A_TIME = 4
ANSWER_TIME_S = 20.0

Read = Callable[..., Awaitable[Json | None]]


class RecordMethods:
    def __init__(self, economy: EconomyDoor) -> None:
        self._economy = economy
        self._turns = asyncio.Semaphore(AT_A_TIME)

    def table(self) -> Table:
        number, account, channel = parse.number, parse.address, parse.hash32
        return {
            "openledger_getJob": self._method(lambda port: port.job, parse.text),
            "openledger_getReceipt": self._method(lambda port: port.receipt, channel, number),
            "openledger_getReceiptProof": self._method(lambda port: port.receipt_proof, channel, number),
            "openledger_getAttribution": self._method(lambda port: port.attribution, parse.text),
            "openledger_getAttributionProof": self._method(
                lambda port: port.attribution_proof, number, account
            ),
            "openledger_estimateEarnings": self._method(lambda port: port.estimate_earnings, account, number),
            "openledger_getRecordProof": self._method(lambda port: port.record_proof, number, number, number),
        }

    def _method(self, choose: Callable[[EconomyPort], Read], *parameters: Parser[Any]) -> Method:
        async def answer(*values: Any) -> Json | None:
            read = choose(self._economy.port)
            try:
                async with asyncio.timeout(ANSWER_TIME_S), self._turns:
                    return await read(*values)
            except TimeoutError:
                raise RpcError(TIMED_OUT, "request timed out") from None

        return service(answer, *parameters)
