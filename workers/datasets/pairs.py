"""Which two texts of a record belong together: what an embedding model learns from.

A question and its answer, an instruction and its output, the prompt of a preference and its chosen answer;
of plain text the first line, its title, and the rest.
"""

from dataclasses import dataclass

from workers.datasets.text import TextRecord
from workers.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class Pair:
    """`anchor` should be near to `positive`, and far from `negative` where that is not ""."""

    anchor: str
    positive: str
    negative: str = ""


def pair_of(record: TextRecord) -> Pair:
    """The record's pair; raises InvalidInputError for a text without a title line."""
    before, response = record.turns()
    if not before:
        title, _, rest = response.strip().partition("\n")
        if not rest.strip():
            raise InvalidInputError(
                f"a plain text needs a title line above the text to be a pair: {response[:40]!r} has none"
            )
        return Pair(title.strip(), rest.strip())
    asked = [message.content for message in before if message.role == "user"] or [before[-1].content]
    rejected = str(record.fields()["rejected"]) if record.form == "preference" else ""
    return Pair(asked[-1], response, rejected)
