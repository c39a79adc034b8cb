import pytest

from openledger_node.l1.errors import L1RefusedError, L1UnavailableError
from openledger_node.l1.rpc import FailoverRpc
from rollup_bridge.errors import TemporaryError
from tests.l1.server import FakeNode, RpcError, running
from tests.rollup_bridge.fakes import FakeClock


def good() -> FakeNode:
    return FakeNode(eth_chainId=lambda params: "0x7a69")


def bad(status: int = 500, body: bytes | None = None) -> FakeNode:
    node = good()
    node.status, node.body = status, body
    return node


async def ask(*nodes: FakeNode, calls: int = 1) -> tuple[object, FakeClock]:
    clock = FakeClock()
    async with running(*nodes) as urls:
        rpc = FailoverRpc(urls, clock, timeout_s=0.2, jitter=lambda: 0.5)
        try:
            for _ in range(calls):
                answer = await rpc.call("eth_chainId")
        finally:
            await rpc.close()
    return answer, clock


async def test_an_answer() -> None:
    answer, clock = await ask(good())
    assert answer == "0x7a69"
    assert clock.slept_s == []


@pytest.mark.parametrize(
    "broken",
    [
        bad(500),
        bad(429),
        bad(body=b"<html>"),
        bad(body=b"[]"),
        bad(body=b'{"jsonrpc":"2.0","id":1}'),
        bad(body=b'{"error":{"code":-32005,"message":"limit exceeded"}}'),
    ],
)
async def test_a_broken_node_is_passed_over_and_left_alone_afterwards(broken: FakeNode) -> None:
    answer, clock = await ask(broken, good(), calls=3)
    assert answer == "0x7a69"
    assert len(broken.requests) == 1
    assert clock.slept_s == []


async def test_a_hanging_node_is_passed_over() -> None:
    slow = good()
    slow.hang_s = 2
    answer, _ = await ask(slow, good())
    assert answer == "0x7a69"


async def test_all_nodes_down_backs_off_with_jitter_and_gives_up() -> None:
    first, second = bad(503), bad(503)
    clock = FakeClock()
    async with running(first, second) as urls:
        rpc = FailoverRpc(urls, clock, rounds=4, first_pause_s=0.25, jitter=lambda: 0.5)
        with pytest.raises(L1UnavailableError, match="eth_chainId") as caught:
            await rpc.call("eth_chainId")
        await rpc.close()
    assert isinstance(caught.value, TemporaryError), "the rollup's services wait for it"
    assert clock.slept_s == [0.25, 0.5, 1.0]
    assert (len(first.requests), len(second.requests), rpc.failures) == (4, 4, 8)


async def test_a_port_nobody_listens_on_is_passed_over() -> None:
    node = good()
    async with running(node) as urls:
        rpc = FailoverRpc(["http://127.0.0.1:1/", *urls], FakeClock())
        assert await rpc.call("eth_chainId") == "0x7a69"
        await rpc.close()


async def test_what_a_node_means_is_not_asked_again() -> None:
    def refuse(params: object) -> object:
        raise RpcError(3, "execution reverted")

    node, other = FakeNode(eth_call=refuse), good()
    async with running(node, other) as urls:
        rpc = FailoverRpc(urls, FakeClock())
        with pytest.raises(L1RefusedError, match="reverted") as caught:
            await rpc.call("eth_call")
        await rpc.close()
    assert caught.value.rpc_code == 3
    assert other.requests == []


def test_no_url_is_refused() -> None:
    with pytest.raises(ValueError, match="URL"):
        FailoverRpc([], FakeClock())
