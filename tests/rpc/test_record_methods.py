import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from genesis.types import Address, Hash32
from openledger_node.errors import UserError
from openledger_node.rpc import record_methods
from openledger_node.rpc.dispatch import Dispatcher, RpcLimits
from openledger_node.rpc.ports import EconomyDoor
from openledger_node.rpc.record_methods import AT_A_TIME, RecordMethods

CHANNEL, ACCOUNT = "0x" + "11" * 32, "0x" + "22" * 20


class Echo:
    """A gateway that says what it was asked."""

    def __init__(self) -> None:
        self.running = self.most = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def _told(self, *asked: Any) -> dict[str, Any] | None:
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.gate.wait()
        finally:
            self.running -= 1
        return {"asked": [item.hex() if isinstance(item, bytes) else item for item in asked]}

    async def job(self, job_id: str) -> dict[str, Any] | None:
        return None if job_id == "unknown" else await self._told(job_id)

    async def receipt(self, channel_id: Hash32, number: int) -> dict[str, Any] | None:
        return await self._told(channel_id, number)

    async def receipt_proof(self, channel_id: Hash32, number: int) -> dict[str, Any] | None:
        return await self._told(channel_id, number)

    async def attribution(self, inference_id: str) -> dict[str, Any] | None:
        return await self._told(inference_id)

    async def attribution_proof(self, post_id: int, contributor: Address) -> dict[str, Any] | None:
        return await self._told(post_id, contributor)

    async def estimate_earnings(self, contributor: Address, model_id: int) -> dict[str, Any] | None:
        return await self._told(contributor, model_id)

    async def record_proof(self, datanet_id: int, version: int, record: int) -> dict[str, Any] | None:
        raise UserError("the file is elsewhere", "fetch it")


class Bench:
    def __init__(self) -> None:
        self.door = EconomyDoor()
        self.echo = Echo()
        self.dispatcher = Dispatcher(RecordMethods(self.door).table(), RpcLimits())

    async def ask(self, method: str, *params: Any) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": f"openledger_{method}", "params": params}
        answer = json.loads(await self.dispatcher.answer(json.dumps(body)) or b"")
        return answer["error"] if "error" in answer else answer["result"]


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    made.door.open(made.echo)
    yield made
    made.dispatcher.close()


async def test_nothing_is_known_before_the_gateway_is_open() -> None:
    bench = Bench()
    error = await bench.ask("getJob", "any")
    assert (error["code"], "try again" in error["message"]) == (-32000, True)
    bench.dispatcher.close()


@pytest.mark.parametrize(
    ("method", "params", "asked"),
    [
        ("getJob", ["j"], ["j"]),
        ("getReceipt", [CHANNEL, 5], [CHANNEL[2:], 5]),
        ("getReceiptProof", [CHANNEL, "0x5"], [CHANNEL[2:], 5]),
        ("getAttribution", ["a-1"], ["a-1"]),
        ("getAttributionProof", [7, ACCOUNT], [7, ACCOUNT[2:]]),
        ("estimateEarnings", [ACCOUNT, "0x1"], [ACCOUNT[2:], 1]),
    ],
)
async def test_requests_reach_the_gateway(
    bench: Bench, method: str, params: list[Any], asked: list[Any]
) -> None:
    assert await bench.ask(method, *params) == {"asked": asked}
    assert (await bench.ask(method))["code"] == -32602
    assert (await bench.ask(method, *[{}] * len(params)))["code"] == -32602


async def test_unknown_is_null_and_unreadable_is_an_error(bench: Bench) -> None:
    assert await bench.ask("getJob", "unknown") is None
    error = await bench.ask("getRecordProof", 1, 1, 1)
    assert error == {"code": -32000, "message": "the file is elsewhere: fetch it"}


async def test_few_run_at_a_time_and_none_for_ever(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_methods, "ANSWER_TIME_S", 0.1)
    bench.echo.gate.clear()
    errors = await asyncio.gather(*(bench.ask("getJob", "j") for _ in range(3 * AT_A_TIME)))
    assert {error["code"] for error in errors} == {-32002}
    assert bench.echo.most == AT_A_TIME
    bench.echo.gate.set()
    assert await bench.ask("getJob", "j") == {"asked": ["j"]}
