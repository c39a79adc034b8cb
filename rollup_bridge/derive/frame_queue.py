"""Which frames wait to be put together, in strict order.

Source: OP Stack specification, Holocene, derivation, "Frame Queue".
"""

from collections import deque
from collections.abc import Iterable

from rollup_bridge.codec.frame import Frame, decode_frames
from rollup_bridge.errors import MalformedError


class FrameQueue:
    """First in, first out; frames that can no longer complete a channel are dropped as they arrive."""

    def __init__(self) -> None:
        self._frames: deque[Frame] = deque()

    def load(self, payload: bytes) -> None:
        """Take the frames of one batcher transaction: all of them, or none if one is bad."""
        try:
            frames = decode_frames(payload)
        except MalformedError:
            return
        self._frames = deque(in_order((*self._frames, *frames)))

    def next(self) -> Frame | None:
        return self._frames.popleft() if self._frames else None


def in_order(frames: Iterable[Frame]) -> list[Frame]:
    """Frames that follow each other: consecutive within a channel, a new channel only from its frame 0, which
    drops what is unfinished before it. The first frame is judged by the next stage."""
    kept: list[Frame] = []
    for frame in frames:
        if kept and frame.channel_id == kept[-1].channel_id:
            follows = not kept[-1].is_last and frame.number == kept[-1].number + 1
            if not follows:
                continue
        elif kept:
            if frame.number != 0:
                continue
            _drop_unfinished(kept)
        kept.append(frame)
    return kept


def _drop_unfinished(kept: list[Frame]) -> None:
    unfinished = kept[-1].channel_id
    while kept and not kept[-1].is_last and kept[-1].channel_id == unfinished:
        kept.pop()
