from rollup_bridge.codec.frame import Frame, encode_frames
from rollup_bridge.derive.channel_assembler import ChannelAssembler
from rollup_bridge.derive.frame_queue import FrameQueue

TIMEOUT = 10


class Bench:
    def __init__(self, max_bytes: int = 10_000) -> None:
        self.frames = FrameQueue()
        self.assembler = ChannelAssembler(self.frames, TIMEOUT, max_bytes)

    def add(self, at: int, *frames: Frame) -> bytes | None:
        self.frames.load(encode_frames(frames))
        return self.assembler.next(at)


def frame(channel: bytes, number: int, data: bytes, *, last: bool = False) -> Frame:
    return Frame(channel * 16, number, data, last)


def test_a_channel_is_complete_with_its_last_frame() -> None:
    bench = Bench()
    assert bench.add(1, frame(b"a", 0, b"one ")) is None
    assert bench.add(2, frame(b"a", 1, b"two", last=True)) == b"one two"


def test_two_channels_in_one_block_come_one_after_the_other() -> None:
    bench = Bench()
    assert bench.add(1, frame(b"a", 0, b"A", last=True), frame(b"b", 0, b"B", last=True)) == b"A"
    assert bench.assembler.next(1) == b"B"
    assert bench.assembler.next(1) is None


def test_out_of_order_frames_across_blocks_are_dropped() -> None:
    bench = Bench()
    assert bench.add(1, frame(b"a", 0, b"one ")) is None
    assert bench.add(2, frame(b"a", 2, b"three", last=True)) is None
    assert bench.add(3, frame(b"a", 1, b"two", last=True)) == b"one two"


def test_a_frame_without_its_channel_is_dropped() -> None:
    assert Bench().add(1, frame(b"a", 1, b"x", last=True)) is None


def test_a_first_frame_replaces_an_unfinished_channel() -> None:
    bench = Bench()
    bench.add(1, frame(b"a", 0, b"old"))
    assert bench.add(2, frame(b"a", 0, b"new", last=True)) == b"new"


def test_a_channel_times_out_after_its_blocks() -> None:
    bench = Bench()
    bench.add(1, frame(b"a", 0, b"one "))
    assert bench.add(1 + TIMEOUT, frame(b"a", 1, b"two", last=True)) == b"one two"
    bench.add(20, frame(b"b", 0, b"one "))
    assert bench.add(21 + TIMEOUT, frame(b"b", 1, b"two", last=True)) is None


def test_flush_forgets_the_unfinished_channel() -> None:
    bench = Bench()
    bench.add(1, frame(b"a", 0, b"one "))
    bench.assembler.flush()
    assert bench.add(2, frame(b"a", 1, b"two", last=True)) is None


def test_an_oversized_channel_is_dropped() -> None:
    bench = Bench(max_bytes=1_000)
    assert bench.add(1, frame(b"a", 0, bytes(600)), frame(b"a", 1, bytes(600), last=True)) is None
    assert bench.add(2, frame(b"b", 0, b"fine", last=True)) == b"fine"
    assert bench.add(3, frame(b"c", 0, bytes(801), last=True)) is None
    assert bench.add(4, frame(b"d", 0, bytes(800), last=True)) == bytes(800), "200 bytes of overhead count"
