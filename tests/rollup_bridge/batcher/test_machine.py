from dataclasses import replace

import pytest

from genesis.spec import BlockId
from genesis.types import Hash32
from rollup_bridge.batcher.machine import (
    Action,
    BatcherSettings,
    BlockLoaded,
    DrainRequested,
    Event,
    FramesFailed,
    FramesIncluded,
    LoadBlock,
    Medium,
    OpenChannel,
    Prices,
    SendFrames,
    State,
    StatusSeen,
    step,
)
from rollup_bridge.codec.frame import Frame, decode_frames
from tests.rollup_bridge.codec.channels import batches_of
from tests.rollup_bridge.codec.test_channel import incompressible

SETTINGS = BatcherSettings(
    sequencing_window=50,
    max_transaction_bytes=60,
    target_channel_bytes=30,
    max_channel_l1_blocks=3,
    max_in_flight=1,
    max_waiting_channels=2,
)


def block_id(number: int, branch: int = 0) -> BlockId:
    return BlockId(Hash32(bytes([branch]) * 24 + number.to_bytes(8, "big")), number)


class Bench:
    """Feeds the machine like the service does, from a chain of empty blocks."""

    def __init__(self, settings: BatcherSettings = SETTINGS) -> None:
        self.settings = settings
        self.state = State(salt=b"salt")
        self.branch = 0
        self.sent: list[Frame] = []
        self.flying: list[SendFrames] = []

    def feed(self, event: Event) -> list[Action]:
        self.state, actions = step(self.settings, self.state, event)
        return list(actions)

    def status(self, safe: int, unsafe: int, l1: int, *, current_l1: int | None = None) -> list[Action]:
        actions = self.feed(
            StatusSeen(block_id(safe, self.branch), unsafe, l1 if current_l1 is None else current_l1, l1)
        )
        return self.follow(actions)

    def follow(self, actions: list[Action]) -> list[Action]:
        """Answer loads; note sends; what remains is for the test to answer."""
        left: list[Action] = []
        while actions:
            action = actions.pop(0)
            if isinstance(action, LoadBlock):
                number = action.number
                parent = block_id(number - 1, self.branch)
                batch = b"\x00" + number.to_bytes(9, "big")
                actions += self.feed(
                    BlockLoaded(block_id(number, self.branch), parent.hash, number // 3, batch)
                )
            else:
                self.flying.append(action)
                for payload in action.payloads:
                    assert action.blobs or len(payload) <= self.settings.max_transaction_bytes
                    self.sent += decode_frames(payload)
                left.append(action)
        return left

    def included(self, l1: int) -> list[Action]:
        """The oldest transaction in flight is mined."""
        return self.follow(self.feed(FramesIncluded(self.flying.pop(0), l1)))

    def all_included(self, l1: int) -> None:
        while self.flying:
            self.included(l1)

    def numbers(self) -> list[int]:
        """L2 blocks in the complete channels sent so far."""
        channels: dict[bytes, bytes] = {}
        done: list[int] = []
        for frame in self.sent:
            channels[frame.channel_id] = channels.get(frame.channel_id, b"") + frame.data
            if frame.is_last:
                done += [int.from_bytes(b[1:], "big") for b in batches_of(channels[frame.channel_id])]
        return done


def test_blocks_are_loaded_from_the_safe_head_to_the_unsafe_head() -> None:
    bench = Bench()
    actions = bench.feed(StatusSeen(block_id(5), 7, 10, 10))
    assert actions == [LoadBlock(6)]
    bench.follow(actions)
    assert [block.number for block in bench.state.blocks] == [6, 7]
    assert bench.sent == []


def test_a_full_channel_is_closed_and_sent_frame_by_frame() -> None:
    bench = Bench()
    bench.status(0, 3, 10)
    assert len(bench.sent) == 1
    assert bench.state.in_flight == tuple(bench.flying)
    bench.all_included(11)
    assert bench.numbers() == [1, 2, 3]
    assert bench.state.in_flight == ()
    assert [frame.number for frame in bench.sent] == list(range(len(bench.sent)))


def test_an_old_channel_is_closed() -> None:
    bench = Bench()
    bench.status(0, 1, 10)
    bench.status(0, 1, 12)
    assert bench.sent == []
    bench.status(0, 1, 13)
    assert len(bench.sent) == 1


def test_a_channel_is_closed_before_its_sequencing_window_ends() -> None:
    bench = Bench(replace(SETTINGS, max_channel_l1_blocks=1000))
    bench.status(0, 1, 39)
    assert bench.sent == []
    bench.status(0, 1, 40)
    assert len(bench.sent) == 1


@pytest.mark.parametrize("most", [1, 2, 3])
def test_so_many_transactions_are_in_flight_and_no_more(most: int) -> None:
    bench = Bench(replace(SETTINGS, max_in_flight=most, max_waiting_channels=9))
    bench.status(0, 12, 10)
    assert len(bench.sent) == most
    bench.status(0, 12, 11)
    assert len(bench.sent) == most
    bench.included(12)
    assert len(bench.sent) == most + 1
    bench.all_included(13)
    assert bench.numbers() == list(range(1, 13))


def test_answers_may_come_in_any_order() -> None:
    bench = Bench(replace(SETTINGS, max_in_flight=3))
    bench.status(0, 3, 10)
    bench.flying.reverse()
    bench.all_included(11)
    assert bench.numbers() == [1, 2, 3]
    bench.status(3, 3, 12)
    assert (bench.state.closed, bench.state.restarts) == ((), 0)


def test_one_of_several_fails_and_the_rest_of_the_plan_with_it() -> None:
    bench = Bench(replace(SETTINGS, max_in_flight=3, max_waiting_channels=9))
    bench.status(0, 9, 10)
    first, second, third = bench.flying
    bench.feed(FramesFailed(second))
    bench.feed(FramesFailed(third))
    bench.feed(FramesIncluded(first, 11))
    assert (bench.state.restarts, bench.state.in_flight) == (1, ())


class TestMedium:
    CHEAP_BLOBS = Prices(gas_wei=10**9, blob_gas_wei=1)
    DEAR_BLOBS = Prices(gas_wei=1, blob_gas_wei=10**9)
    AUTO = replace(SETTINGS, medium=Medium.CHEAPER)

    def posted(self, bench: Bench, prices: Prices | None) -> list[bool]:
        bench.follow(bench.feed(StatusSeen(block_id(0), 3, 10, 10, prices)))
        return [each.blobs for each in bench.flying]

    def test_the_cheaper_one_is_taken(self) -> None:
        assert self.posted(Bench(self.AUTO), self.CHEAP_BLOBS) == [True]
        assert self.posted(Bench(self.AUTO), self.DEAR_BLOBS) == [False]
        assert self.posted(Bench(self.AUTO), None) == [False], "until a price is known"

    def test_a_setting_may_force_either(self) -> None:
        blobs, calldata = (Bench(replace(SETTINGS, medium=m)) for m in (Medium.BLOBS, Medium.CALLDATA))
        assert self.posted(blobs, self.DEAR_BLOBS) == [True]
        assert self.posted(calldata, self.CHEAP_BLOBS) == [False]

    def test_a_pool_never_gets_both_at_once(self) -> None:
        bench = Bench(replace(self.AUTO, max_in_flight=9))
        self.posted(bench, self.CHEAP_BLOBS)
        bench.follow(bench.feed(StatusSeen(block_id(0), 6, 11, 11, self.DEAR_BLOBS)))
        assert {each.blobs for each in bench.flying} == {True}
        bench.included(12)
        assert {each.blobs for each in bench.flying} == {False}
        bench.all_included(13)
        assert bench.numbers() == [1, 2, 3, 4, 5, 6]

    def test_a_large_channel_takes_several_blobs_of_one_transaction(self) -> None:
        data = incompressible(900_000)
        opened = OpenChannel((data,), len(data), block_id(1), 1, 1)
        bench = Bench(replace(SETTINGS, medium=Medium.BLOBS, max_blobs=6, max_in_flight=2))
        bench.state = replace(bench.state, safe=block_id(0), blocks=(block_id(1),), open=opened)
        bench.follow(bench.feed(DrainRequested()))
        assert [len(each.payloads) for each in bench.flying] == [6, 1]
        assert all(len(payload) <= 130_044 for each in bench.flying for payload in each.payloads)


def test_what_compression_saves_is_counted() -> None:
    bench = Bench()
    bench.status(0, 3, 10)
    assert bench.state.written_bytes == 30
    assert bench.state.posted_bytes > 0


def test_back_pressure_stops_loading() -> None:
    bench = Bench()
    bench.status(0, 1000, 10)
    assert len(bench.state.blocks) == 3 * SETTINGS.max_waiting_channels


def test_safe_blocks_leave_the_plan() -> None:
    bench = Bench()
    bench.status(0, 3, 10)
    bench.all_included(11)
    bench.status(3, 3, 12)
    assert (bench.state.blocks, bench.state.closed, bench.state.restarts) == ((), (), 0)


def test_included_batches_that_do_not_become_safe_are_posted_again() -> None:
    """An L1 reorg dropped them, or derivation refused them."""
    bench = Bench()
    bench.status(0, 3, 10)
    bench.all_included(11)
    bench.status(0, 3, 12, current_l1=10)
    assert bench.state.restarts == 0, "derivation has not seen the L1 block yet"
    bench.status(0, 3, 12, current_l1=11)
    assert bench.state.restarts == 1
    bench.status(0, 3, 13)
    bench.all_included(14)
    assert bench.numbers() == [1, 2, 3, 1, 2, 3]
    assert len({frame.channel_id for frame in bench.sent}) == 2


def test_a_safe_head_that_goes_back_starts_a_new_plan() -> None:
    bench = Bench()
    bench.status(6, 6, 10)
    bench.status(3, 6, 11)
    assert bench.state.restarts == 1
    assert [block.number for block in bench.state.blocks] == [4, 5, 6]


def test_a_safe_head_beyond_the_plan_or_on_another_branch_starts_a_new_plan() -> None:
    bench = Bench()
    bench.status(0, 2, 10)
    bench.status(9, 9, 11)
    assert (bench.state.safe, bench.state.restarts) == (block_id(9), 1)
    bench.branch = 1
    bench.status(9, 9, 12)
    assert (bench.state.safe, bench.state.restarts) == (block_id(9, 1), 2)


def test_a_safe_head_seen_while_derivation_catches_up_means_nothing() -> None:
    bench = Bench()
    bench.status(6, 8, 10)
    bench.status(1, 8, 20, current_l1=16)
    assert (bench.state.safe, bench.state.restarts) == (block_id(6), 0)
    bench.status(7, 8, 20, current_l1=17)
    assert (bench.state.safe, bench.state.restarts) == (block_id(7), 0)
    bench.status(8, 8, 20)
    assert (bench.state.safe, bench.state.restarts) == (block_id(8), 0)


def test_unsafe_blocks_replaced_under_the_plan_start_a_new_one() -> None:
    bench = Bench()
    bench.status(0, 2, 10)
    bench.branch = 1
    actions = bench.feed(StatusSeen(block_id(0), 3, 11, 11))
    bench.follow(actions)
    assert (bench.state.restarts, bench.state.safe, bench.state.blocks) == (1, None, ())
    bench.status(0, 3, 12)
    assert [block.number for block in bench.state.blocks] == [1, 2, 3]


def test_an_unsafe_head_that_went_back_starts_a_new_plan() -> None:
    bench = Bench()
    bench.status(0, 2, 10)
    bench.status(0, 1, 11)
    assert bench.state.restarts == 1
    assert [block.number for block in bench.state.blocks] == [1]


def test_a_failed_frame_is_never_followed_by_the_next_of_its_channel() -> None:
    bench = Bench()
    bench.status(0, 3, 10)
    first = bench.sent[0]
    assert bench.feed(FramesFailed(bench.flying.pop())) == []
    bench.sent.clear()
    bench.status(0, 3, 11)
    assert bench.sent[0].number == 0
    assert bench.sent[0].channel_id != first.channel_id


def test_a_frame_of_an_abandoned_plan_counts_for_nothing() -> None:
    bench = Bench()
    bench.status(0, 3, 10)
    bench.status(9, 12, 11)  # a new plan, while the frame is in flight
    sent = len(bench.sent)
    bench.included(12)
    assert len(bench.sent) == sent + 1, "the new plan's first frame follows"
    assert bench.sent[-1].number == 0


def test_draining_sends_what_is_open_and_loads_no_more() -> None:
    bench = Bench()
    bench.status(0, 1, 10)
    bench.follow(bench.feed(DrainRequested()))
    bench.all_included(11)
    assert bench.numbers() == [1]
    assert not any(isinstance(action, LoadBlock) for action in bench.feed(StatusSeen(block_id(0), 9, 11, 11)))


def test_a_late_answer_to_an_earlier_plan_is_ignored() -> None:
    bench = Bench()
    bench.status(0, 1, 10)
    before = bench.state
    bench.feed(BlockLoaded(block_id(9), block_id(8).hash, 0, b"batch"))
    assert bench.state == before


def test_sends_hide_their_payload_in_logs() -> None:
    assert "secret" not in repr(SendFrames(b"id", 0, (b"secret",)))
