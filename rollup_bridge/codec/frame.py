"""How a channel is cut into frames and packed into an L1 transaction.

Source: OP Stack specification, derivation, "Batcher Transaction Format" and "Frame Format".
"""

from collections.abc import Iterable
from dataclasses import dataclass

from rollup_bridge.errors import MalformedError

DERIVATION_VERSION = 0
CHANNEL_ID_BYTES = 16
FRAME_OVERHEAD_BYTES = 23
"""id 16, number 2, length 4, is_last 1."""
MAX_FRAME_DATA_BYTES = 1_000_000
_HEADER_BYTES = 22
_MAX_NUMBER = 2**16 - 1


@dataclass(frozen=True, slots=True)
class Frame:
    """One piece of a channel; `number` counts from 0 within the channel."""

    channel_id: bytes
    number: int
    data: bytes
    is_last: bool


def encode_frame(frame: Frame) -> bytes:
    """A frame without the version byte. Source: OP Stack, derivation, frame format."""
    return (
        frame.channel_id
        + frame.number.to_bytes(2, "big")
        + len(frame.data).to_bytes(4, "big")
        + frame.data
        + bytes([frame.is_last])
    )


def encode_frames(frames: Iterable[Frame]) -> bytes:
    """Calldata of one batcher transaction."""
    return bytes([DERIVATION_VERSION]) + b"".join(encode_frame(frame) for frame in frames)


def decode_frames(data: bytes) -> tuple[Frame, ...]:
    """Frames of one batcher transaction; `MalformedError` if any of them is bad: all or none count."""
    if not data or data[0] != DERIVATION_VERSION:
        raise MalformedError("not a batcher transaction of a known version")
    frames: list[Frame] = []
    at = 1
    while at < len(data):
        frame, at = _decode_frame(data, at)
        frames.append(frame)
    if not frames:
        raise MalformedError("a batcher transaction without frames")
    return tuple(frames)


def _decode_frame(data: bytes, at: int) -> tuple[Frame, int]:
    body = at + _HEADER_BYTES
    size = int.from_bytes(data[body - 4 : body], "big")
    end = body + size
    if size > MAX_FRAME_DATA_BYTES or end >= len(data):
        raise MalformedError("frame is too long or cut off")
    if data[end] > 1:
        raise MalformedError("is_last is neither 0 nor 1")
    number = int.from_bytes(data[at + CHANNEL_ID_BYTES : body - 4], "big")
    return Frame(data[at : at + CHANNEL_ID_BYTES], number, data[body:end], data[end] == 1), end + 1


def split_channel(channel_id: bytes, data: bytes, max_frame_bytes: int) -> tuple[Frame, ...]:
    """Cut a channel's bytes into frames of at most `max_frame_bytes` each, overhead included.

    An empty channel is one empty last frame. `ValueError` if it takes more than 65,536 frames.
    """
    room = min(max_frame_bytes - FRAME_OVERHEAD_BYTES, MAX_FRAME_DATA_BYTES)
    if len(channel_id) != CHANNEL_ID_BYTES or room < 1:
        raise ValueError("a channel id has 16 bytes and a frame more than 23")
    pieces = [data[at : at + room] for at in range(0, len(data), room)] or [b""]
    if len(pieces) > _MAX_NUMBER + 1:
        raise ValueError(f"{len(pieces)} frames do not fit 16 bits")
    last = len(pieces) - 1
    return tuple(Frame(channel_id, number, piece, number == last) for number, piece in enumerate(pieces))
