"""Where two answers differ, in words; and the shortest case that still shows it."""

from collections.abc import Callable
from dataclasses import fields

from tests.differential.case import Answer, Case, Included
from tests.differential.ours import shortened


def difference(ours: Answer, theirs: Answer) -> str | None:
    """The first difference, or None."""
    for index, (mine, other) in enumerate(zip(ours.transactions, theirs.transactions, strict=True)):
        if mine != other:
            return f"transaction {index}: {_between(mine, other)}"
    if ours.state_root != theirs.state_root:
        return f"state root {ours.state_root}, theirs {theirs.state_root}"
    return None


def _between(mine: Included | None, other: Included | None) -> str:
    if mine is None or other is None:
        return "refused by one" if mine != other else "the same"
    different = [
        field.name for field in fields(Included) if getattr(mine, field.name) != getattr(other, field.name)
    ]
    return ", ".join(f"{name} {getattr(mine, name)!r}, theirs {getattr(other, name)!r}" for name in different)


def shrink(case: Case, differs: Callable[[Case], bool]) -> Case:
    """Drop transactions one by one as long as the difference stays."""
    index = 0
    while index < len(case.transactions):
        candidate = shortened(case, case.transactions[:index] + case.transactions[index + 1 :])
        if differs(candidate):
            case = candidate
        else:
            index += 1
    return case
