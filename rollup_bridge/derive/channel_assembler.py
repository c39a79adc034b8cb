"""How frames become a complete channel, one channel at a time.

Source: OP Stack specification, Holocene, derivation, "Channel Bank" (its replacement by strict ordering).
"""

from dataclasses import dataclass, field

from rollup_bridge.codec.channel import MAX_CHANNEL_RLP_BYTES
from rollup_bridge.codec.frame import Frame
from rollup_bridge.derive.frame_queue import FrameQueue

FRAME_MEMORY_OVERHEAD_BYTES = 200


@dataclass(slots=True)
class _Channel:
    id: bytes
    opened_at: int
    pieces: list[bytes] = field(default_factory=list)
    size_bytes: int = 0


class ChannelAssembler:
    """`timeout` counts L1 blocks from the one that held frame 0; a channel over `max_bytes`, overhead of its
    frames included, is dropped."""

    def __init__(self, frames: FrameQueue, timeout: int, max_bytes: int = MAX_CHANNEL_RLP_BYTES) -> None:
        self._max_bytes = max_bytes
        self._frames = frames
        self._timeout = timeout
        self._channel: _Channel | None = None

    def next(self, origin_number: int) -> bytes | None:
        """Bytes of the next complete channel, or None when the frames of this L1 block are used up."""
        if self._channel is not None and self._channel.opened_at + self._timeout < origin_number:
            self._channel = None
        while (frame := self._frames.next()) is not None:
            channel = self._add(frame, origin_number)
            if channel is not None and frame.is_last:
                self._channel = None
                return b"".join(channel.pieces)
        return None

    def flush(self) -> None:
        """Forget the channel under construction."""
        self._channel = None

    def _add(self, frame: Frame, origin_number: int) -> _Channel | None:
        """The channel that took the frame, or None if the frame was dropped."""
        if frame.number == 0:
            self._channel = _Channel(frame.channel_id, origin_number)
        channel = self._channel
        if channel is None or channel.id != frame.channel_id or frame.number != len(channel.pieces):
            return None
        channel.pieces.append(frame.data)
        channel.size_bytes += len(frame.data) + FRAME_MEMORY_OVERHEAD_BYTES
        if channel.size_bytes > self._max_bytes:
            self._channel = None
            return None
        return channel
