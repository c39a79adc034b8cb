import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openledger_node.errors import UserError
from openledger_node.evm.errors import CallError
from openledger_node.rpc import parse
from openledger_node.rpc.dispatch import Dispatcher, RpcLimits
from openledger_node.rpc.table import executor, optional, quick, reader, scanner, service

LIMITS = RpcLimits(
    batch_requests=5,
    response_bytes=2_000,
    answer_time_s=0.2,
    batch_time_s=0.3,
    reader_threads=2,
    execution_threads=2,
)


def fail(error: Exception) -> Any:
    raise error


async def later(value: int) -> int:
    await asyncio.sleep(0)
    return value


REVERT_NO = bytes.fromhex("08c379a0") + bytes(31) + b"\x20" + bytes(31) + b"\x02" + b"no" + bytes(30)
TABLE = {
    "test_echo": quick(lambda value, other: [value, other], parse.quantity, optional(parse.quantity, 9)),
    "test_read": reader(lambda: "read"),
    "test_thread": reader(threading.get_ident),
    "test_failing_read": reader(lambda: fail(UserError("no such block", "ask later"))),
    "test_number": reader(lambda number: number, parse.quantity),
    "test_later": service(later, parse.quantity),
    "test_quick_call": executor(lambda: 1),
    "test_slow": executor(lambda: time.sleep(0.5)),
    "test_scan": scanner(lambda: time.sleep(0.5)),
    "test_big": quick(lambda size: "x" * size, parse.quantity),
    "test_fault": quick(lambda: fail(ZeroDivisionError("secret detail"))),
    "test_unserialisable": quick(object),
    "test_user": quick(lambda: fail(UserError("no such thing", "look elsewhere"))),
    "test_revert": quick(lambda: fail(CallError("execution reverted", REVERT_NO))),
}


@pytest.fixture
async def dispatcher() -> AsyncIterator[Dispatcher]:
    made = Dispatcher(TABLE, LIMITS)
    yield made
    made.close()


async def ask(dispatcher: Dispatcher, method: str, *params: Any) -> Any:
    body = json.dumps({"jsonrpc": "2.0", "id": 7, "method": method, "params": params})
    answer = json.loads(await dispatcher.answer(body) or b"null")
    assert answer["id"] == 7
    return answer.get("result", answer.get("error"))


async def test_answers(dispatcher: Dispatcher) -> None:
    assert await ask(dispatcher, "test_echo", "0x5") == [5, 9]
    assert await ask(dispatcher, "test_echo", "0x5", None) == [5, 9]
    assert await ask(dispatcher, "test_read") == "read"
    assert await ask(dispatcher, "test_later", "0x3") == 3


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("test_none", [], -32601),
        ("test_echo", [], -32602),
        ("test_echo", ["0x1", "0x2", "0x3"], -32602),
        ("test_echo", ["5"], -32602),
        ("test_slow", [], -32002),
        ("test_fault", [], -32603),
        ("test_unserialisable", [], -32603),
        ("test_user", [], -32000),
        ("test_revert", [], 3),
    ],
)
async def test_codes(dispatcher: Dispatcher, method: str, params: list[Any], code: int) -> None:
    error = await ask(dispatcher, method, *params)
    assert error["code"] == code
    assert "secret" not in error["message"]


async def test_revert_carries_reason_and_data(dispatcher: Dispatcher) -> None:
    error = await ask(dispatcher, "test_revert")
    assert error["message"] == "execution reverted: no"
    assert error["data"].startswith("0x08c379a0")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", -32700),
        (b"\xff\xfe", -32700),
        (b"[" * 5_000, -32700),
        (b"[]", -32600),
        (b"5", -32600),
        (b"null", -32600),
        (b'{"jsonrpc":"2.0","id":1}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":5}', -32600),
        (b'{"jsonrpc":"2.0","id":{},"method":"test_read"}', -32600),
        (b'{"jsonrpc":"2.0","id":true,"method":"test_read"}', -32600),
        (b'{"jsonrpc":"2.0","id":1e999,"method":"test_read"}', -32700),
        (b'{"jsonrpc":"2.0","id":1.5,"params":' + b"[" * 1_000 + b"]" * 1_000 + b"}", -32600),
        (b'{"jsonrpc":"2.0","id":%b}' % (b"9" * 5_000), -32700),
        (b'{"id":1,"method":"test_read"}', -32600),
        (b'{"jsonrpc":"1.0","id":1,"method":"test_read"}', -32600),
        (b'{"method":"test_read"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"test_read","params":{"a":1}}', -32602),
        (json.dumps({"jsonrpc": "2.0", "id": "i" * 5_000, "method": "test_read"}).encode(), -32600),
    ],
)
async def test_hostile_bodies(dispatcher: Dispatcher, body: bytes, code: int) -> None:
    answer = json.loads(await dispatcher.answer(body) or b"null")
    assert answer["error"]["code"] == code
    assert len(json.dumps(answer)) < 500


async def test_batch_keeps_order_and_leaves_out_notifications(dispatcher: Dispatcher) -> None:
    batch = [
        {"jsonrpc": "2.0", "id": "a", "method": "test_read"},
        {"jsonrpc": "2.0", "method": "test_read"},
        5,
        {"jsonrpc": "2.0", "id": 2, "method": "test_none"},
    ]
    answers = json.loads(await dispatcher.answer(json.dumps(batch)) or b"null")
    assert [answer["id"] for answer in answers] == ["a", None, 2]
    assert answers[0]["result"] == "read"


async def test_notifications_alone_have_no_answer(dispatcher: Dispatcher) -> None:
    note = {"jsonrpc": "2.0", "method": "test_read"}
    assert await dispatcher.answer(json.dumps(note)) is None
    assert await dispatcher.answer(json.dumps([note, note])) is None


@pytest.mark.parametrize("identity", [0, -1, 2**53 + 1, 2**64, 10**300, 1.5, "", "\u2028", None])
async def test_answers_carry_the_id_that_was_sent(dispatcher: Dispatcher, identity: Any) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": identity, "method": "test_read"})
    assert json.loads(await dispatcher.answer(body) or b"")["id"] == identity


async def test_a_large_batch_is_refused_as_one(dispatcher: Dispatcher) -> None:
    batch = [{"jsonrpc": "2.0", "id": index, "method": "test_read"} for index in range(3, 9)]
    (error,) = json.loads(await dispatcher.answer(json.dumps(batch)) or b"null")
    assert (error["id"], error["error"]["code"]) == (3, -32600)
    assert error["error"]["message"] == "batch too large"


async def test_a_batch_stops_at_the_size_of_its_answers(dispatcher: Dispatcher) -> None:
    batch: list[Any] = [
        {"jsonrpc": "2.0", "id": index, "method": "test_big", "params": [size]}
        for index, size in enumerate(["0x3e8", "0x3e8", "0x1"])
    ]
    batch.append({"jsonrpc": "2.0", "method": "test_read"})
    answers = json.loads(await dispatcher.answer(json.dumps(batch)) or b"null")
    assert [answer["id"] for answer in answers] == [0, 1, 2]
    assert ["result" in answer for answer in answers] == [True, True, False]
    assert answers[2]["error"]["code"] == -32003


async def test_no_single_answer_is_larger_than_allowed(dispatcher: Dispatcher) -> None:
    assert (await ask(dispatcher, "test_big", "0x7d0"))["code"] == -32003


async def test_reads_are_answered_while_calls_wait(dispatcher: Dispatcher) -> None:
    names = ["test_slow", "test_scan"] * 10
    calls = [asyncio.create_task(ask(dispatcher, name)) for name in names]
    await asyncio.sleep(0.01)
    async with asyncio.timeout(0.1):
        assert await ask(dispatcher, "test_read") == "read"
    assert {error["code"] for error in await asyncio.gather(*calls)} == {-32002}


async def test_a_batch_of_slow_calls_is_given_up(dispatcher: Dispatcher) -> None:
    one = {"jsonrpc": "2.0", "id": 1, "method": "test_slow"}
    started_s = time.monotonic()
    answers = json.loads(await dispatcher.answer(json.dumps([one] * 5)) or b"null")
    assert [answer["error"]["code"] for answer in answers] == [-32002] * 5
    assert time.monotonic() - started_s < 5 * LIMITS.answer_time_s


async def test_reads_side_by_side_keep_their_order_and_their_failures(dispatcher: Dispatcher) -> None:
    batch: list[Any] = [
        {"jsonrpc": "2.0", "id": 0, "method": "test_number", "params": ["0x5"]},
        {"jsonrpc": "2.0", "id": 1, "method": "test_failing_read"},
        {"jsonrpc": "2.0", "id": 2, "method": "test_number", "params": ["five"]},
        {"jsonrpc": "2.0", "method": "test_read"},
        {"jsonrpc": "2.0", "id": 4, "method": "test_read"},
    ]
    answers = json.loads(await dispatcher.answer(json.dumps(batch)) or b"null")
    assert [answer["id"] for answer in answers] == [0, 1, 2, 4]
    assert (answers[0]["result"], answers[3]["result"]) == (5, "read")
    assert [answer["error"]["code"] for answer in answers[1:3]] == [-32000, -32602]


async def test_reads_side_by_side_share_a_thread(dispatcher: Dispatcher) -> None:
    one = {"jsonrpc": "2.0", "id": 1, "method": "test_thread"}
    answers = json.loads(await dispatcher.answer(json.dumps([one] * 5)) or b"null")
    assert len({answer["result"] for answer in answers}) == 1


async def test_a_slow_read_in_a_batch_does_not_take_the_others_along(dispatcher: Dispatcher) -> None:
    names = ["test_quick_call", "test_slow", "test_quick_call"]
    batch = [{"jsonrpc": "2.0", "id": index, "method": name} for index, name in enumerate(names)]
    answers = json.loads(await dispatcher.answer(json.dumps(batch)) or b"null")
    assert [answer.get("result", answer.get("error", {}).get("code")) for answer in answers] == [1, -32002, 1]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: json.dumps([text]).encode()))
async def test_any_bytes_get_json(dispatcher: Dispatcher, body: bytes) -> None:
    answer = await dispatcher.answer(body)
    if answer is not None:
        json.loads(answer)
