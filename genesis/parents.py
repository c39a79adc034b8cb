"""Who is credited with the row of a record that was made from others: its contributor, or a parent's.

A row has one creditor. For a record with parents it is drawn: the record's contributor with one half, else
the contributor of a parent, every listed one with an equal part. A drawn parent that does not count leaves
the row with the record's contributor, so that the draw needs nothing but the record: the randomness of its
contribution's acceptance, its leaf, its list. Parents of parents have no part.

Covered: how a record names a parent, the draw. Not covered: which parents count (canonical, earlier, in a
source of the model), which wants the chain (`precompiles.attribution_parents`) or the records
(`workers.datasets.creditors`). Source: `docs/decisions/0013-parents.md`.
"""

from collections.abc import Sequence
from typing import NamedTuple

from genesis.keccak import keccak256
from genesis.types import Hash32

MAXIMUM_PARENTS = 64
"""How many parents a record names at most."""


class ParentRecord(NamedTuple):
    """A record by its contribution's number on the chain and its place in it, from 0 on."""

    contribution_id: int
    place: int

    @property
    def word(self) -> Hash32:
        """The 32 bytes that a leaf's list holds: number and place, 16 bytes each; raises OverflowError."""
        return Hash32(self.contribution_id.to_bytes(16, "big") + self.place.to_bytes(16, "big"))


def parent_record(word: Hash32) -> ParentRecord:
    """The inverse of `ParentRecord.word`."""
    return ParentRecord(int.from_bytes(word[:16], "big"), int.from_bytes(word[16:], "big"))


def parents_hash(parents: Sequence[Hash32]) -> Hash32:
    """What a record's leaf binds of its list."""
    return keccak256(b"".join(parents))


def drawn_parent(randomness: Hash32, leaf: Hash32, parents: Sequence[Hash32]) -> Hash32 | None:
    """The parent that a record's row goes to if it counts; None for the record's own contributor.

    `leaf` is the record's, fixed before anybody knew `randomness`.
    """
    if not parents:
        return None
    ticket = int.from_bytes(keccak256(randomness + leaf), "big")
    place = ticket % (2 * len(parents))
    return parents[place] if place < len(parents) else None
