from rollup_bridge.codec.frame import Frame, encode_frames
from rollup_bridge.derive.frame_queue import FrameQueue, in_order


def frame(channel: str, number: int, *, last: bool = False) -> Frame:
    return Frame(channel.encode() * 16, number, b"", last)


def names(frames: list[Frame]) -> str:
    return " ".join(f"{f.channel_id[:1].decode()}{f.number}{'!' if f.is_last else ''}" for f in frames)


A0, A1, A2, A2_LAST = frame("a", 0), frame("a", 1), frame("a", 2), frame("a", 2, last=True)
B0, B1 = frame("b", 0), frame("b", 1)


def test_frames_in_order_are_kept() -> None:
    assert names(in_order([A0, A1, A2_LAST, B0, B1])) == "a0 a1 a2! b0 b1"


def test_out_of_order_frames_are_dropped() -> None:
    assert names(in_order([A0, A2, A1])) == "a0 a1"


def test_a_repeated_frame_is_dropped() -> None:
    assert names(in_order([A0, A0, A1, A1])) == "a0 a1"


def test_nothing_follows_the_last_frame_of_its_channel() -> None:
    assert names(in_order([A0, A1, A2_LAST, frame("a", 3)])) == "a0 a1 a2!"


def test_a_new_channel_drops_the_unfinished_one_before_it() -> None:
    assert names(in_order([A0, A1, B0])) == "b0"
    assert names(in_order([frame("c", 0, last=True), A0, A1, B0])) == "c0! b0"


def test_a_new_channel_must_begin_with_its_first_frame() -> None:
    assert names(in_order([A0, B1, A1])) == "a0 a1"


def test_the_first_frame_in_the_queue_is_left_to_the_next_stage() -> None:
    assert names(in_order([A1, A2])) == "a1 a2"


def test_a_bad_transaction_changes_nothing() -> None:
    queue = FrameQueue()
    queue.load(encode_frames([A0, A1])[:-1])
    queue.load(b"\x01unknown version")
    assert queue.next() is None
    queue.load(encode_frames([A0]))
    assert queue.next() == A0
