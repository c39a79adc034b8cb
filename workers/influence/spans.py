"""Which passages of a response stand word for word in the training texts, and whose they are.

All texts are joined, a 0 byte between them, and indexed by a suffix array (`pydivsufsort`, native; without
it a slower one in numpy). Every position of a response gets its longest match; each output position pays the
longest span that covers it, with weight `length - minimum + 1`; of several records with the same passage the
first one has it. Shown, and at most a small part of what pays: a verbatim-only rule could be farmed by
whoever asks for its own text.

Source: attribution.md, section 3 "Verbatim index prototype"; infini-gram, OLMoTrace.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from workers.errors import InvalidInputError

MINIMUM = 8
MAX_BYTES = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Span:
    """Response bytes `start` to `start + length` stand in text `record` at `offset`; `count` places in
    all."""

    start: int
    length: int
    record: int
    offset: int
    count: int


class SpanIndex:
    """Suffix array over texts: 5 bytes in memory per byte of text."""

    def __init__(self, texts: Sequence[bytes]) -> None:
        self._starts = np.cumsum([0, *(len(text) + 1 for text in texts)])
        self._text = b"\0".join(texts) + b"\0"
        if not texts or len(self._text) > MAX_BYTES:
            raise InvalidInputError("spans need at least one text and at most 2 GiB")
        self._suffixes = suffix_array(self._text)
        self._ordered = memoryview(self._suffixes.data)
        joined = np.frombuffer(self._text, np.uint8).astype(np.int64)
        pairs = np.bincount(joined[:-1] * 256 + joined[1:], minlength=65_536)
        # Suffixes in order of their first two bytes; the very first is the last byte alone.
        self._buckets: list[int] = [1, *(1 + np.cumsum(pairs)).tolist()]

    def spans(self, response: bytes, minimum: int = MINIMUM) -> list[Span]:
        """The longest matches of at least `minimum` bytes that no other match contains, from left to
        right."""
        found: list[Span] = []
        reached = 0
        for start in range(len(response) - minimum + 1):
            # A match at `start` is at least the previous one less a byte: look only where more is possible.
            if found and start + minimum <= reached and not self._count(response[start : reached + 1])[1]:
                continue
            length, low, high = self._longest(response, start, minimum)
            if length >= minimum and start + length > reached:
                place = int(self._suffixes[low:high].min())
                record = int(np.searchsorted(self._starts, place, side="right")) - 1
                found.append(Span(start, length, record, int(place - self._starts[record]), high - low))
                reached = start + length
        return found

    def credits(self, response: bytes, minimum: int = MINIMUM) -> dict[int, float]:
        """Per record what its spans earn: every covered position pays its longest span."""
        best = np.zeros(len(response), dtype=np.int64)
        spans = self.spans(response, minimum)
        for span in spans:
            covered = slice(span.start, span.start + span.length)
            best[covered] = np.maximum(best[covered], span.length)
        earned: dict[int, float] = {}
        for span in spans:
            covered = slice(span.start, span.start + span.length)
            positions = int((best[covered] == span.length).sum())
            weight = positions * (span.length - minimum + 1)
            earned[span.record] = earned.get(span.record, 0.0) + weight
        return earned

    def count(self, passage: bytes) -> int:
        """At how many places a passage stands."""
        return self._count(passage)[1]

    def _longest(self, response: bytes, start: int, minimum: int) -> tuple[int, int, int]:
        """Length of the longest match at `start` and the suffixes that have it."""
        low, size = self._count(response[start : start + minimum])
        if not size:
            return 0, 0, 0
        best = (minimum, low, low + size)
        short, long = minimum, len(response) - start
        step = minimum
        while short < long:  # doubling, then halving
            middle = min(long, short + step)
            low, size = self._count(response[start : start + middle])
            if size:
                short, best, step = middle, (middle, low, low + size), step * 2
            else:
                long, step = middle - 1, max(1, step // 2)
        return best

    def _count(self, passage: bytes) -> tuple[int, int]:
        """The first suffix that begins with `passage`, and how many do."""
        if not passage or b"\0" in passage:
            return 0, 0
        low, high = 0, len(self._ordered)
        if len(passage) >= 2:
            pair = passage[0] * 256 + passage[1]
            low, high = self._buckets[pair], self._buckets[pair + 1]
        low = self._bound(passage, low, high, is_upper=False)
        if low == high or not self._text.startswith(passage, self._ordered[low]):
            return low, 0
        return low, self._bound(passage, low, high, is_upper=True) - low

    def _bound(self, passage: bytes, low: int, high: int, *, is_upper: bool) -> int:
        text, suffixes, size = self._text, self._ordered, len(passage)
        while low < high:
            middle = (low + high) // 2
            place = suffixes[middle]
            found = text[place : place + size]
            if found < passage or (is_upper and found == passage):
                low = middle + 1
            else:
                high = middle
        return low


def suffix_array(text: bytes) -> NDArray[np.int32]:
    """Places of all suffixes in order."""
    try:
        native = import_module("pydivsufsort")
    except ImportError:
        return doubled_suffix_array(text)
    found: NDArray[np.int32] = native.divsufsort(np.frombuffer(text, np.uint8).copy()).astype(np.int32)
    return found


def doubled_suffix_array(text: bytes) -> NDArray[np.int32]:
    """The same by doubling prefixes in numpy, about 1 MB a second."""
    rank = np.frombuffer(text, np.uint8).astype(np.int64)
    size, step = len(rank), 1
    order = np.argsort(rank, kind="stable")
    while True:
        following = np.zeros(size, dtype=np.int64)
        following[: max(0, size - step)] = rank[step:] + 1
        keys = rank * (int(following.max()) + 1) + following
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
        fresh = np.zeros(size, dtype=np.int64)
        fresh[order] = np.concatenate([[0], np.cumsum(ordered[1:] != ordered[:-1])])
        rank, step = fresh, step * 2
        if rank[order[-1]] == size - 1 or step >= 2 * size:
            return order.astype(np.int32)
