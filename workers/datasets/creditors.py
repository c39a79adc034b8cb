"""Whose the rows of derived records are: their contributors', or a drawn parent's that counts.

Pure, and read by whoever makes an index and whoever checks one; the law is
`precompiles.attribution_parents`.
A parent counts iff it is one of the records at hand, of a contribution that was committed earlier (whose
number is lower), and canonical.

Covered: the rule for records that are at hand. Not covered: where they come from (`version`, a validator's
`sources`). Source: `docs/decisions/0013-parents.md`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genesis.parents import drawn_parent, parent_record
from genesis.types import Hash32
from workers.errors import InvalidInputError

Randomness = Mapping[int, Hash32]
"""What the chain kept for a contribution's draw, by its number; those without are not drawn yet."""
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Derived:
    """A record that names parents: its row, its contribution's number, its leaf and its list."""

    row: int
    contribution_id: int
    leaf: Hash32
    parents: tuple[Hash32, ...]


def parent_row(derived: Derived, randomness: Hash32, rows: Mapping[int, range]) -> int | None:
    """The row of the drawn parent, if it stands among the records and is earlier; it may not be canonical.

    `rows` are those of each contribution by its number.
    """
    drawn = drawn_parent(randomness, derived.leaf, derived.parents)
    if drawn is None:
        return None
    named = parent_record(drawn)
    standing = rows.get(named.contribution_id, range(0))
    is_earlier = named.contribution_id < derived.contribution_id
    return standing[named.place] if is_earlier and named.place < len(standing) else None


def creditors(
    owners: NDArray[np.int64],
    canonical: NDArray[np.int64],
    derived: Sequence[Derived],
    rows: Mapping[int, range],
    randomness: Randomness,
) -> NDArray[np.int64]:
    """(N,): per row whose it is, of (N,) `owners`, the records' contributors, and (N,) `canonical` rows.

    Raises InvalidInputError where a contribution with derived records is not drawn.
    """
    if missing := sorted({each.contribution_id for each in derived} - set(randomness)):
        named = ", ".join(map(str, missing[:SHOWN]))
        raise InvalidInputError(
            f"whom derived records of contributions {named} are credited to is not drawn: "
            f"openledger-node datanet draw {missing[0]}"
        )
    found = owners.copy()
    for each in derived:
        row = parent_row(each, randomness[each.contribution_id], rows)
        if row is not None and canonical[row] == row:
            found[each.row] = owners[row]
    return found
