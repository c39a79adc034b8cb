import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.keccak import keccak256
from genesis.types import Address
from rollup_bridge.errors import TemporaryError, TransactionError
from rollup_bridge.ports import L1Inclusion, UnsignedTransaction
from rollup_bridge.txmgr.attempt import AttemptPolicy
from rollup_bridge.txmgr.fees import FeePolicy
from rollup_bridge.txmgr.manager import TransactionManager
from tests.rollup_bridge.txmgr.fake_network import ACCOUNT, FakeNetwork, FakeSigner

TARGET = Address(b"\x07" * 20)


class Ticking:
    """A clock that lets something happen to the L1 with every pause."""

    def __init__(self, *events: Callable[[], None]) -> None:
        self.time_s = 0.0
        self.events = list(events)
        self.pauses = 0

    def now_s(self) -> float:
        return self.time_s

    async def sleep(self, seconds: float) -> None:
        self.time_s += max(seconds, 1.0)
        self.pauses += 1
        assert self.pauses < 500, "it never ends"
        if self.events:
            self.events.pop(0)()
        await asyncio.sleep(0)


def nothing() -> None:
    pass


class Bench:
    def __init__(self, *, confirmations: int = 1, timeout_s: float = 5.0) -> None:
        self.signer = FakeSigner()
        self.network = FakeNetwork(self.signer)
        self.clock = Ticking()
        self.policy = AttemptPolicy(confirmations=confirmations, resubmission_timeout_s=timeout_s)
        self.manager = TransactionManager(
            self.network,
            self.signer,
            self.clock,
            chain_id=31337,
            attempts=self.policy,
            fees=FeePolicy(minimum_tip_wei=100),
        )

    async def send(self, *events: Callable[[], None], gas: int | None = 21_000) -> L1Inclusion:
        self.clock.events = list(events)
        return await self.manager.send(TARGET, b"data", gas=gas)


async def test_a_transaction_is_mined() -> None:
    bench = Bench()
    inclusion = await bench.send(bench.network.mine)
    (sent,) = bench.network.received
    assert (sent.to, sent.data, sent.nonce, sent.chain_id, sent.gas) == (TARGET, b"data", 0, 31337, 21_000)
    assert inclusion.block.number == 101
    assert bench.manager.address == ACCOUNT


async def test_gas_is_estimated_with_a_margin() -> None:
    bench = Bench()
    await bench.send(bench.network.mine, gas=None)
    assert bench.network.received[0].gas == 60_000


async def test_what_would_revert_is_not_sent() -> None:
    bench = Bench()
    bench.network.reverts = True
    with pytest.raises(TransactionError, match="reverted"):
        await bench.send(gas=None)
    assert bench.network.received == []


async def test_confirmations_are_waited_for() -> None:
    bench = Bench(confirmations=3)
    await bench.send(*[bench.network.mine] * 3)
    assert bench.network.head == 103


async def test_nonces_follow_each_other() -> None:
    bench = Bench()
    await bench.send(bench.network.mine)
    await bench.send(bench.network.mine)
    assert [sent.nonce for sent in bench.network.received] == [0, 1]


async def test_a_fee_spike_is_answered_with_a_higher_bid() -> None:
    bench = Bench()

    def spike() -> None:
        bench.network.base_fee_wei = 10_000

    await bench.send(spike, *[bench.network.mine] * 8)
    first, second = bench.network.received
    assert first.nonce == second.nonce
    assert first.max_fee_wei < 10_000 <= second.max_fee_wei


async def test_a_transaction_the_pool_forgot_is_sent_again() -> None:
    bench = Bench()
    bench.network.drop = True

    def remember() -> None:
        bench.network.drop = False

    await bench.send(nothing, remember, *[nothing] * 4, bench.network.mine)
    assert len(bench.network.received) == 2


async def test_a_reorg_that_undoes_the_inclusion_is_waited_out() -> None:
    bench = Bench(confirmations=3)
    mine = bench.network.mine
    inclusion = await bench.send(mine, mine, bench.network.reorg, *[mine] * 20)
    assert bench.network.mined[inclusion.transaction_hash] == inclusion
    assert {sent.nonce for sent in bench.network.received} == {0}


async def test_what_a_reorg_cut_off_is_given_up_and_the_freed_nonce_is_used() -> None:
    """A reorg drops transactions before ours: ours would wait for their nonces for ever."""
    bench = Bench()
    await bench.send(bench.network.mine)
    await bench.send(bench.network.mine)
    with pytest.raises(TransactionError, match="reorg"):
        await bench.send(bench.network.reorg)
    assert bench.network.received[-1].nonce == 2
    assert (await bench.send(bench.network.mine)).succeeded
    assert bench.network.received[-1].nonce == 1


async def test_either_variant_may_be_mined() -> None:
    bench = Bench()

    def spike() -> None:
        bench.network.base_fee_wei = 5_000

    def mine_the_first() -> None:
        first = bench.network.received[0]
        raw = next(raw for raw, fields in bench.signer.signed.items() if fields == first)
        bench.network.base_fee_wei = 1
        bench.network.pool[0] = (keccak256(raw), first)
        bench.network.mine()

    inclusion = await bench.send(spike, *[nothing] * 6, mine_the_first)
    assert len(bench.network.received) == 2
    assert inclusion.block.number == bench.network.head


async def test_a_nonce_that_another_transaction_took_is_given_up() -> None:
    bench = Bench()

    def taken() -> None:
        bench.network.pool.clear()
        bench.network.nonce = 1

    with pytest.raises(TransactionError, match="used by another"):
        await bench.send(taken)
    inclusion = await bench.send(bench.network.mine)
    assert inclusion.succeeded
    assert bench.network.received[-1].nonce == 1


async def test_one_late_nonce_too_low_is_not_believed() -> None:
    """The node may be behind, or our own transaction was mined a moment ago."""
    bench = Bench()
    bench.network.refusals = ["nonce too low"]
    assert (await bench.send(nothing, nothing, bench.network.mine)).succeeded


async def test_what_an_earlier_process_left_in_the_pool_is_replaced() -> None:
    bench = Bench()
    old = await bench.signer.sign(UnsignedTransaction(31337, 0, TARGET, 0, b"old", 21_000, 2_000, 100))
    await bench.network.send_raw(old.raw)
    inclusion = await bench.send(*[nothing] * 3, bench.network.mine)
    assert inclusion.transaction_hash != old.hash


async def test_underpriced_bids_rise_at_once() -> None:
    bench = Bench()
    bench.network.refusals = ["replacement transaction underpriced"] * 3
    await bench.send(*[nothing] * 3, bench.network.mine)
    bids = [sent.max_fee_wei for sent in bench.network.received]
    assert bids == sorted(bids)
    assert bids[-1] > bids[0]


async def test_no_funds_is_an_error_at_once() -> None:
    bench = Bench()
    bench.network.refusals = ["insufficient funds for gas * price + value"]
    with pytest.raises(TransactionError, match="funds"):
        await bench.send()


async def test_an_l1_that_is_down_before_anything_is_sent_is_temporary() -> None:
    bench = Bench()
    bench.network.down = True
    with pytest.raises(TemporaryError):
        await bench.send()


async def test_an_l1_that_goes_down_later_is_waited_for() -> None:
    bench = Bench()

    def down() -> None:
        bench.network.down = True

    def up() -> None:
        bench.network.down = False

    assert (await bench.send(down, nothing, nothing, up, bench.network.mine)).succeeded
    assert len(bench.network.received) == 1


class TestSeveralInFlight:
    def send(self, bench: Bench, *contents: bytes) -> "asyncio.Future[list[L1Inclusion | BaseException]]":
        sends = (bench.manager.send(TARGET, content, gas=21_000) for content in contents)
        return asyncio.gather(*sends, return_exceptions=True)

    async def test_all_are_in_the_pool_before_the_first_is_mined(self) -> None:
        bench = Bench(timeout_s=500.0)
        pools: list[list[int]] = []
        look = [lambda: pools.append(sorted(bench.network.pool))]
        bench.clock.events = [*look * 6, *[bench.network.mine] * 12]
        done = await self.send(bench, b"one", b"two", b"three")
        assert pools[-1] == [0, 1, 2]
        assert [sent.data for sent in bench.network.received] == [b"one", b"two", b"three"]
        blocks = [each.block.number for each in done if isinstance(each, L1Inclusion)]
        assert blocks == sorted(blocks)
        assert len(blocks) == 3

    async def test_what_waits_behind_a_pending_one_is_no_gap(self) -> None:
        bench = Bench()
        bench.network.base_fee_wei = 1_000

        def spike() -> None:
            bench.network.base_fee_wei = 10**9

        def calm() -> None:
            bench.network.base_fee_wei = 1_000

        bench.clock.events = [spike, *[bench.network.mine] * 60, calm, *[bench.network.mine] * 60]
        done = await self.send(bench, b"one", b"two")
        assert [type(each) for each in done] == [L1Inclusion, L1Inclusion]

    async def test_one_given_up_takes_those_behind_it_and_frees_their_nonces(self) -> None:
        bench = Bench()

        def taken() -> None:
            bench.network.pool.pop(0)
            bench.network.nonce = 1
            bench.network.pool.clear()

        bench.clock.events = [taken]
        done = await self.send(bench, b"one", b"two")
        assert [type(each) for each in done] == [TransactionError, TransactionError]
        bench.network.pool.clear()
        inclusion = await bench.send(bench.network.mine)
        assert (inclusion.succeeded, bench.network.received[-1].nonce) == (True, 1)

    async def test_a_cancelled_one_leaves_nothing_behind(self) -> None:
        bench = Bench()
        task = asyncio.create_task(bench.manager.send(TARGET, b"one", gas=21_000))
        for _ in range(10):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await bench.send(*[nothing] * 3, bench.network.mine)).succeeded
        assert {sent.nonce for sent in bench.network.received} == {0}


async def test_blobs_bid_for_blob_gas_and_double_to_be_replaced() -> None:
    bench = Bench()
    bench.network.blob_base_fee_wei = 7
    bench.network.refusals = ["replacement transaction underpriced"]
    bench.clock.events = [nothing, bench.network.mine]
    await bench.manager.send(TARGET, b"", gas=21_000, blobs=(b"blob",))
    first, second = bench.network.received
    assert (first.blobs, first.max_blob_fee_wei) == ((b"blob",), 14)
    assert second.max_blob_fee_wei == 2 * first.max_blob_fee_wei
    assert second.max_fee_wei >= 2 * first.max_fee_wei


EVENTS = ["mine", "nothing", "spike", "calm", "down", "up", "drop", "keep", "busy", "underpriced", "low"]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(EVENTS), max_size=40))
async def test_whatever_the_l1_does_each_content_is_mined_at_most_once(events: list[str]) -> None:
    bench = Bench()
    network = bench.network
    acts: dict[str, Callable[[], None]] = {
        "mine": network.mine,
        "nothing": nothing,
        "spike": lambda: setattr(network, "base_fee_wei", 20_000),
        "calm": lambda: setattr(network, "base_fee_wei", 1_000),
        "down": lambda: setattr(network, "down", True),
        "up": lambda: setattr(network, "down", False),
        "drop": lambda: setattr(network, "drop", True),
        "keep": lambda: setattr(network, "drop", False),
        "busy": lambda: network.refusals.append("txpool is full"),
        "underpriced": lambda: network.refusals.append("transaction underpriced"),
        "low": lambda: network.refusals.append("nonce too low"),
    }
    calm_end = ["up", "keep", "calm", *["mine"] * 200]
    try:
        inclusion = await bench.send(*(acts[event] for event in [*events, *calm_end]))
    except TransactionError:
        assert len(network.mined) <= 1
    else:
        assert list(network.mined) == [inclusion.transaction_hash]
