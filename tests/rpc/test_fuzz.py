"""Whatever a client sends: a result or an error of the client's own, never a fault of the node."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from openledger_node.rpc import dev
from openledger_node.rpc.dispatch import RpcLimits
from tests.rpc.asking import COUNTER, init_code
from tests.rpc.mutation import corpus, filled, mutated
from tests.rpc.running_node import KEYS, RunningNode, address_of

LIMITS = RpcLimits(answer_time_s=20)
QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
CLIENT_ERRORS = {-32700, -32600, -32601, -32602, -32000, -32003, -32005, 3, 4}
SIMULATION_ERRORS = set(range(-38026, -38009)) | {-32015}
MOST_WORDS = 2_000


class Target:
    """A development chain with a contract, a block of its transaction, and the values it is asked with."""

    def __init__(self) -> None:
        self.node = RunningNode(limits=LIMITS, testing=True).start()
        rich = "0x" + address_of(KEYS[0]).hex()
        made = self.ask("eth_sendTransaction", {"from": rich, "data": init_code(COUNTER)})
        self.node.mine()
        receipt = self.ask("eth_getTransactionReceipt", made)
        sent = self.ask("eth_sendTransaction", {"from": rich, "to": receipt["contractAddress"]})
        self.node.mine()
        signed = self.ask("eth_signTransaction", {"from": rich, "to": rich, "nonce": "0x99", "gas": "0x5208"})
        head = self.ask("eth_getBlockByNumber", "latest", False)
        self.values: Mapping[str, str] = {
            "$block": receipt["blockHash"],
            "$head": head["hash"],
            "$number": head["number"],
            "$transaction": sent,
            "$rich": rich,
            "$nobody": "0x" + "ee" * 20,
            "$contract": receipt["contractAddress"],
            "$filter": self.ask("eth_newBlockFilter"),
            "$chain": self.ask("eth_chainId"),
            "$raw": signed["raw"],
        }

    def answer(self, body: bytes) -> bytes | None:
        return self.node.wait(self.node.server.dispatcher.answer(body))

    def ask(self, method: str, *params: Any) -> Any:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        return json.loads(self.answer(body) or b"")["result"]

    def check(self, method: str, params: list[Any]) -> None:
        body = {"jsonrpc": "2.0", "id": "same", "method": method, "params": filled(params, self.values)}
        answer = json.loads(self.answer(json.dumps(body).encode()) or b"")
        assert answer["jsonrpc"] == "2.0"
        assert set(answer) in ({"jsonrpc", "id", "result"}, {"jsonrpc", "id", "error"})
        assert answer["id"] == "same"
        if "error" in answer:
            _check_error(answer["error"])


def _check_error(error: Any) -> None:
    assert error["code"] in CLIENT_ERRORS | SIMULATION_ERRORS, error
    assert set(error) <= {"code", "message", "data"}
    assert 0 < len(error["message"]) < MOST_WORDS
    assert "Traceback" not in error["message"]


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dev, "MAXIMUM_MINED_BLOCKS", 3)
        made = Target()
        yield made
        before = int(made.ask("eth_blockNumber"), 16)
        made.node.mine()
        assert int(made.ask("eth_blockNumber"), 16) == before + 1
        made.node.stop()


SEEDS = corpus()


@pytest.mark.parametrize(("method", "params"), SEEDS)
def test_the_corpus(target: Target, method: str, params: list[Any]) -> None:
    target.check(method, params)


@settings(max_examples=600, deadline=None, suppress_health_check=QUIET)
@given(mutated(SEEDS))
def test_requests_near_good_ones(target: Target, request_: Any) -> None:
    target.check(*request_)


@pytest.mark.slow
@settings(max_examples=4_000, deadline=None, suppress_health_check=QUIET)
@given(mutated(SEEDS))
def test_many_requests_near_good_ones(target: Target, request_: Any) -> None:
    target.check(*request_)


ENVELOPE = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_getBlockByNumber", "params": ["0x1", True]})


@st.composite
def _garbled_bodies(draw: Any) -> bytes:
    body = bytearray(draw(st.sampled_from([ENVELOPE, f"[{ENVELOPE},{ENVELOPE}]"])).encode())
    for _ in range(draw(st.integers(1, 5))):
        position = draw(st.integers(0, len(body) - 1))
        end = position + draw(st.sampled_from([0, 1, 5]))
        body[position:end] = draw(st.binary(max_size=3) | st.sampled_from([b"[", b"{", b'"', b",", b"\\u"]))
        body = body or bytearray(b"0")
    return bytes(body)


@settings(max_examples=500, deadline=None, suppress_health_check=QUIET)
@given(_garbled_bodies() | st.binary(max_size=50))
@example(b'{"id":1e999,"method":"eth_chainId"}')
@example(b'{"id":123456789012345678901234567890,"method":"eth_chainId"}')
@example(b'{"id":"\\ud800","method":"eth_chainId"}')
@example(b'{"id":1,"method":"\\ud800"}')
@example(b"[" * 100_000 + b"]" * 100_000)
@example(b'{"a":' * 100_000 + b"1" + b"}" * 100_000)
@example(b'{"id":1,"id":2,"method":"eth_chainId"}')
@example(b'\xef\xbb\xbf{"id":1,"method":"eth_chainId"}')
@example(b"NaN")
@example(b'{"id":1,"method":"eth_chainId","params":[' + b"0," * 50_000 + b"0]}")
def test_bodies_that_are_hardly_json(target: Target, body: bytes) -> None:
    answer = target.answer(body)
    if answer is None:
        return
    told = json.loads(answer)
    for one in told if isinstance(told, list) else [told]:
        if "error" in one:
            _check_error(one["error"])
