"""Which rows a checker recomputes, and whether they are right: the cheap steady state of checking.

Places are drawn by what the records earn, with replacement, from a seed that nobody knew when the rows were
committed (a later block's randomness). m draws catch a corrupted share ε of the earnings with probability
`1 - (1 - ε)^m`: 300 for 1 % with 95 %. Weighting by earnings is what makes corrupting few rich rows as risky
as many poor ones. A row is right if every coordinate is within the profile's tolerance (`verify`).
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workers.errors import InvalidInputError
from workers.influence.attributor import Attributor
from workers.influence.batches import each, length
from workers.influence.featureindex import FeatureIndex, RowPart
from workers.influence.verify import Distance, row_distance


@dataclass(frozen=True, slots=True)
class SpotCheck:
    """What was found: the distinct places checked, those that are wrong, and their distance together."""

    places: tuple[int, ...]
    wrong: tuple[int, ...]
    distance: Distance


def draw_places(seed: bytes, earnings: Sequence[int], count: int) -> tuple[int, ...]:
    """`count` places, each by its earnings plus one, from the seed alone; exact integers, so all agree."""
    if not earnings or min(earnings) < 0:
        raise InvalidInputError("earnings are at least 0, of at least one record")
    bounds, total = [], 0
    for value in earnings:
        total += value + 1
        bounds.append(total)
    places = []
    for number in range(count):
        digest = hashlib.sha256(seed + number.to_bytes(8, "big")).digest()
        ticket = int.from_bytes(digest, "big") * total >> 256
        low, high = 0, len(bounds) - 1
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if bounds[middle] <= ticket else (low, middle)
        places.append(low)
    return tuple(places)


def spot_check(
    index: FeatureIndex,
    attributor: Attributor,
    fetch: Callable[[Sequence[int]], Any],
    places: Sequence[int],
) -> SpotCheck:
    """Recompute the rows at `places` from the records that `fetch` gives for them, as one batch in order."""
    distinct = tuple(sorted(set(places)))
    chosen = np.array(distinct)
    part = RowPart(index.mantissas()[chosen], index.exponents()[chosen], index.self_influence[chosen])
    return spot_check_rows(part, attributor, fetch(distinct), places=distinct)


def spot_check_rows(
    rows: RowPart, attributor: Attributor, records: Any, *, places: Sequence[int]
) -> SpotCheck:
    """The committed `rows` against their `records`, both in the order of `places`."""
    if not len(rows.mantissas) == length(records) == len(places):
        raise InvalidInputError("one record and one row per place are needed")
    preconditioner = attributor.committed
    attributor.runner.batch = min(attributor.runner.batch, len(places))  # nothing is filled up for a few rows
    together = row_distance(FeatureIndex((rows,), preconditioner), attributor, records)
    if together.is_within:
        return SpotCheck(tuple(places), (), together)
    wrong = []
    for number, place in enumerate(places):
        some = slice(number, number + 1)
        one = RowPart(rows.mantissas[some], rows.exponents[some], rows.self_influence[some])
        record = each(lambda t, part=some: t[part], records)
        if not row_distance(FeatureIndex((one,), preconditioner), attributor, record).is_within:
            wrong.append(place)
    return SpotCheck(tuple(places), tuple(wrong), together)
