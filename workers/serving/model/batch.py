"""What one forward pass computes: rows of tokens, some one step of a sequence each, some pieces of prompts.

Rows come in this order: first the decoding sequences (one row each), then the prompt pieces one after the
other. Only the last row of a decoding sequence or of a finished prompt gets logits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

Tensor = torch.Tensor


@dataclass(frozen=True, slots=True)
class Piece:
    """Tokens of one sequence, to be written at `start` of `lane`; `slot` is its adapter's, -1 for none."""

    lane: int
    start: int
    tokens: Sequence[int]
    slot: int
    wants_logits: bool


@dataclass(frozen=True, slots=True)
class Span:
    """Rows `first`..`last` (exclusive) belong to one prompt piece."""

    first: int
    last: int
    lane: int
    start: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Everything the model needs, as tensors. `decode_lanes[i]` is the lane of row i < `decode_rows`."""

    tokens: Tensor
    positions: Tensor
    lanes: Tensor
    slots: tuple[int, ...]
    logit_rows: Tensor
    decode_rows: int
    decode_lanes: tuple[int, ...]
    decode_lengths: Tensor
    spans: tuple[Span, ...]


def assemble(pieces: Sequence[Piece], device: torch.device) -> Batch:
    """Flatten pieces into rows; decoding pieces (one token after the first position) must come first."""
    decoding = _count_decoding(pieces)
    tokens: list[int] = []
    positions: list[int] = []
    lanes: list[int] = []
    slots: list[int] = []
    logit_rows: list[int] = []
    spans: list[Span] = []
    for number, piece in enumerate(pieces):
        first, count = len(tokens), len(piece.tokens)
        tokens.extend(piece.tokens)
        positions.extend(range(piece.start, piece.start + count))
        lanes.extend([piece.lane] * count)
        slots.extend([piece.slot] * count)
        if piece.wants_logits:
            logit_rows.append(len(tokens) - 1)
        if number >= decoding:
            spans.append(Span(first, first + count, piece.lane, piece.start))
    return Batch(
        tokens=torch.tensor(tokens, device=device),
        positions=torch.tensor(positions, device=device),
        lanes=torch.tensor(lanes, device=device),
        slots=tuple(slots),
        logit_rows=torch.tensor(logit_rows, device=device, dtype=torch.long),
        decode_rows=decoding,
        decode_lanes=tuple(lanes[:decoding]),
        decode_lengths=torch.tensor(positions[:decoding], device=device, dtype=torch.long) + 1,
        spans=tuple(spans),
    )


def _count_decoding(pieces: Sequence[Piece]) -> int:
    count = 0
    while count < len(pieces) and len(pieces[count].tokens) == 1 and pieces[count].start > 0:
        count += 1
    return count
