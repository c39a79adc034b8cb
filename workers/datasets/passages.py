"""Where a text is cut into passages that an embedding model reads whole.

Cut at the last blank line, line end, sentence end or space before the limit, in this order of preference; no
text is lost. Covered: any text. Not covered: tables and code, which are cut like prose.
"""

import re

MOST_CHARACTERS = 700
"""About 180 tokens of English: well under what small embedding models read."""
LEAST_CHARACTERS = MOST_CHARACTERS // 3
_BREAKS = tuple(re.compile(pattern) for pattern in (r"\n\s*\n", r"\n", r"[.!?]\s", r"\s"))


def passages(text: str) -> list[tuple[int, int]]:
    """(start, end) of each passage, without white space at either end; none of a text of white space."""
    found, start = [], 0
    while start < len(text):
        end = start + _cut(text[start : start + MOST_CHARACTERS + 1])
        part = text[start:end]
        if part.strip():
            lead = len(part) - len(part.lstrip())
            found.append((start + lead, start + len(part.rstrip())))
        start = end
    return found


def _cut(window: str) -> int:
    """How much of a window is the next passage."""
    if len(window) <= MOST_CHARACTERS:
        return len(window)
    for pattern in _BREAKS:
        ends = [match.end() for match in pattern.finditer(window, LEAST_CHARACTERS)]
        if ends and ends[-1] <= MOST_CHARACTERS:
            return ends[-1]
    return MOST_CHARACTERS
