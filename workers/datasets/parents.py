"""How a record's file names the records it was made from: "17/3" is record 3 of contribution 17.

Records count from 0 in their contribution. A list is in rising order and names each record once, so that it
has one form; it holds 64 at most. Which of them share the score: `genesis.parents`.

Covered: the form in a contribution's file. Not covered: other ways to name a record in an upload
(`workers.datasets.naming`).
"""

import re
from collections.abc import Sequence

from genesis.parents import MAXIMUM_PARENTS, ParentRecord, parent_record
from genesis.types import Hash32
from workers.errors import InvalidInputError

_NAME = re.compile(r"(0|[1-9][0-9]{0,18})/(0|[1-9][0-9]{0,18})")


def parse_parents(values: object) -> tuple[Hash32, ...]:
    """A file's list as the words of a record's leaf; raises InvalidInputError."""
    if not isinstance(values, list) or len(values) > MAXIMUM_PARENTS:
        raise InvalidInputError(f"parents must be an array of at most {MAXIMUM_PARENTS} records")
    named = [parse_name(value) for value in values]
    if named != sorted(set(named)):
        raise InvalidInputError("parents must be in rising order, each once")
    return tuple(parent.word for parent in named)


def parse_name(value: object) -> ParentRecord:
    """One record of one contribution; raises InvalidInputError."""
    match = _NAME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise InvalidInputError(f'a parent is named "contribution/record", not {value!r}')
    return ParentRecord(int(match[1]), int(match[2]))


def name_of(parent: ParentRecord) -> str:
    """The inverse of `parse_name`."""
    return f"{parent.contribution_id}/{parent.place}"


def names_of(parents: Sequence[Hash32]) -> list[str]:
    """The inverse of `parse_parents`."""
    return [name_of(parent_record(word)) for word in parents]
