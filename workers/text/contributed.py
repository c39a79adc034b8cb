"""Which passages demo, tests and benchmarks contribute and hold out, and that the base reads none of them.

Five modules of the standard library, one contributor each. Of every module the same passages are chosen,
evenly over it; the base reads the rest of the module and its neighbours, and of these nothing.

Covered: the chosen passages word for word, inside of longer texts, and nearly so by the similarity sketch
that canonical records are told by. Not covered: the same said in other words.
"""

from collections.abc import Iterable
from functools import cache

from workers.datasets.canonical import canonical_indices
from workers.datasets.minhash import shingles, text_sketches
from workers.text.corpus import Passage, library_passages

SUBJECTS = ("imaplib", "tkinter.ttk", "turtle", "unittest", "xml.sax")
"""What each contributor knows about: one module, whose passages speak in its own words."""
CHOSEN = 36
"""Passages of each subject that the base never reads."""
LEAST_CHARACTERS, MOST_CHARACTERS = 60, 360
"""So long are they: an answer's length."""
SIMILARITY_PPM = 990_000
"""The policy's default: shingle sets of Jaccard similarity 0.80."""


@cache
def chosen_passages(subject: str) -> tuple[Passage, ...]:
    """What of a subject is contributed or held out: evenly spread, no two alike, in order."""
    by_text = {
        passage.text: passage
        for passage in library_passages()
        if f"{passage.name}.".startswith(f"{subject}.")
        and LEAST_CHARACTERS <= len(passage.text) <= MOST_CHARACTERS
    }
    found = list(by_text.values())
    sketches = text_sketches([passage.text for passage in found])
    kept = canonical_indices(sketches, range(len(found)), SIMILARITY_PPM)
    different = [passage for place, passage in enumerate(found) if kept[place] == place]
    count = min(CHOSEN, len(different))
    return tuple(different[place * len(different) // count] for place in range(count))


def without_contributed(passages: Iterable[Passage]) -> list[Passage]:
    """The passages that repeat nothing of what is contributed or held out."""
    chosen = [passage for subject in SUBJECTS for passage in chosen_passages(subject)]
    known = set().union(*(shingles(passage.text) for passage in chosen))
    given = list(passages)
    suspects = [passage for passage in given if not known.isdisjoint(shingles(passage.text))]
    repeating = _repeating(suspects, chosen)
    return [passage for passage in given if passage not in repeating]


def _repeating(suspects: list[Passage], chosen: list[Passage]) -> set[Passage]:
    """Those that contain a chosen text, or whose sketch is similar to one's."""
    texts = [passage.text for passage in chosen]
    sketches = text_sketches([*texts, *(passage.text for passage in suspects)])
    first = canonical_indices(sketches, range(len(sketches)), SIMILARITY_PPM)[len(texts) :]
    return {
        passage
        for passage, earliest in zip(suspects, first, strict=True)
        if earliest < len(texts) or any(text in passage.text for text in texts)
    }
