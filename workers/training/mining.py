"""Which texts of other pairs an encoder takes for near to a pair's anchor: what it must learn to tell apart.

A text counts only while it is clearly less near than the pair's own (at most 0.95 of its cosine): nearer ones
may well be right answers that nobody paired. Everything is by the base, before the first step, so a run that
goes on after a kill mines the same.

Covered: texts that are the positive of several pairs, ties (the earlier text first).
Not covered: mining again as the encoder learns. Source: Moreira et al. 2024 (NV-Retriever), TopK-PercPos.
"""

from collections.abc import Sequence

import torch

from workers.datasets.pairs import Pair
from workers.text.encoders import Encoder

NEAREST_PART = 0.95
ANCHORS = 256
"""At a time: their cosines with all texts are held."""


def hard_negatives(encoder: Encoder, pairs: Sequence[Pair], count: int, limit: int) -> list[list[str]]:
    """Per pair at most `count` positives of others, the nearest first."""
    if not count:
        return [[] for _ in pairs]
    texts = list(dict.fromkeys(pair.positive for pair in pairs))
    places = {text: place for place, text in enumerate(texts)}
    vectors = encoder.vectors(texts, limit)
    found: list[list[str]] = []
    for first in range(0, len(pairs), ANCHORS):
        some = pairs[first : first + ANCHORS]
        cosines = encoder.vectors([pair.anchor for pair in some], limit) @ vectors.T
        own = torch.tensor([places[pair.positive] for pair in some])
        bound = NEAREST_PART * cosines.gather(1, own[:, None])
        cosines = cosines.masked_fill((cosines > bound).scatter(1, own[:, None], True), float("-inf"))
        order = cosines.argsort(dim=1, descending=True, stable=True)[:, :count]
        found += [
            [texts[place] for place in row if float(near[place]) > 0]
            for row, near in zip(order.tolist(), cosines, strict=True)
        ]
    return found
