from collections.abc import Iterator
from typing import Any

import pytest

from tests.rpc.asking import COUNTER, Ask, init_code, post
from tests.rpc.running_node import KEYS, RunningNode, address_of

UNLOCKED = "0x" + address_of(KEYS[0]).hex()


@pytest.fixture(scope="module")
def node() -> Iterator[RunningNode]:
    running = RunningNode().start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def ask(node: RunningNode) -> Ask:
    """The result, or the error object."""

    def call(method: str, *params: Any) -> Any:
        answer = post(node.url, {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
        return answer["error"] if "error" in answer else answer["result"]

    return call


@pytest.fixture
def snapshot(ask: Ask) -> Iterator[None]:
    """Whatever the test does to the chain is undone."""
    identity = ask("evm_snapshot")
    yield
    assert ask("evm_revert", identity) is True


@pytest.fixture(scope="module")
def counter(ask: Ask) -> str:
    sent = ask("eth_sendTransaction", {"from": UNLOCKED, "data": init_code(COUNTER)})
    ask("evm_mine")
    receipt = ask("eth_getTransactionReceipt", sent)
    assert receipt["status"] == "0x1"
    return str(receipt["contractAddress"])
