import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollup_bridge.codec.frame import (
    FRAME_OVERHEAD_BYTES,
    Frame,
    decode_frames,
    encode_frame,
    encode_frames,
    split_channel,
)
from rollup_bridge.errors import MalformedError
from tests.rollup_bridge.codec import second_decoder

FRAMES = st.lists(
    st.builds(
        Frame,
        channel_id=st.binary(min_size=16, max_size=16),
        number=st.integers(0, 2**16 - 1),
        data=st.binary(max_size=60),
        is_last=st.booleans(),
    ),
    min_size=1,
    max_size=5,
)
ONE = Frame(b"c" * 16, 0, b"data", True)


@given(FRAMES)
def test_frames_survive_the_round_trip(frames: list[Frame]) -> None:
    assert decode_frames(encode_frames(frames)) == tuple(frames)


def test_a_frame_costs_23_bytes() -> None:
    assert len(encode_frame(ONE)) == len(ONE.data) + FRAME_OVERHEAD_BYTES == 4 + 23


def test_the_layout_is_byte_exact() -> None:
    assert encode_frames([ONE]).hex() == "00" + "63" * 16 + "0000" + "00000004" + b"data".hex() + "01"


def test_is_last_of_two_is_rejected() -> None:
    with pytest.raises(MalformedError, match="is_last"):
        decode_frames(encode_frames([ONE])[:-1] + b"\x02")


def test_one_bad_frame_rejects_all_frames_of_its_transaction() -> None:
    good = encode_frames([ONE, ONE])
    with pytest.raises(MalformedError):
        decode_frames(good + encode_frame(ONE)[:-1])


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x01" + encode_frame(ONE), b"\xff" * 40])
def test_unknown_version_or_no_frames_is_rejected(data: bytes) -> None:
    with pytest.raises(MalformedError):
        decode_frames(data)


def test_a_huge_length_is_rejected_without_being_allocated() -> None:
    header = b"c" * 16 + b"\x00\x00" + b"\xff\xff\xff\xff"
    with pytest.raises(MalformedError):
        decode_frames(b"\x00" + header + b"x" * 100)


def test_a_frame_of_more_than_a_million_bytes_is_rejected() -> None:
    with pytest.raises(MalformedError):
        decode_frames(encode_frames([Frame(b"c" * 16, 0, bytes(1_000_001), True)]))


@given(FRAMES, st.data())
def test_mutated_frames_are_read_as_the_second_decoder_reads_them(
    frames: list[Frame], data: st.DataObject
) -> None:
    raw = bytearray(encode_frames(frames))
    for _ in range(data.draw(st.integers(0, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    mutated = bytes(raw[: data.draw(st.integers(0, len(raw)))])
    first = None
    with contextlib.suppress(MalformedError):
        first = [(f.channel_id, f.number, f.data, f.is_last) for f in decode_frames(mutated)]
    assert second_decoder.frames(mutated) == first


@given(st.binary(max_size=500), st.integers(24, 120))
def test_a_split_channel_is_whole_and_its_frames_fit(data: bytes, max_frame_bytes: int) -> None:
    frames = split_channel(b"c" * 16, data, max_frame_bytes)
    assert b"".join(frame.data for frame in frames) == data
    assert [frame.number for frame in frames] == list(range(len(frames)))
    assert [frame.is_last for frame in frames] == [False] * (len(frames) - 1) + [True]
    assert all(len(encode_frame(frame)) <= max_frame_bytes for frame in frames)


def test_a_channel_of_too_many_frames_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bits"):
        split_channel(b"c" * 16, bytes(65_537), 24)
