"""Which words a curator does not want in data: names, places and whatever has no pattern, from a file.

One entry per line, `#` before remarks. A line is a phrase, found as whole words in any case, however it is
spaced or hyphenated; a line between slashes is a regular expression (`/.../i` for any case).

Covered: a hundred thousand phrases at the speed of one; expressions that would run for ever (each text has a
second, each upload some minutes); letters composed and decomposed.
Not covered: other spellings and inflections of a name; the same name of somebody else.
"""

import time
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import regex  # type: ignore[import-untyped] # it brings no types

from workers.errors import InvalidInputError

MASK_TEXT = "<DENIED>"
NAME = "deny_list"
MAX_PHRASES = 100_000
MAX_EXPRESSIONS = 1_000
MAX_CHARACTERS = 1_000
TEXT_TIMEOUT_S = 1.0
UPLOAD_TIMEOUT_S = 300.0
MAX_GAP = 3
"""Characters between two words of a phrase: spaces, a hyphen, a comma and a space."""
_WORD = regex.compile(r"\w+")


@dataclass(slots=True)
class DenyList:
    """Phrases by their first word, and expressions with their lines; `spent_s` on expressions so far."""

    phrases: Mapping[str, Sequence[tuple[str, ...]]]
    expressions: Sequence[tuple[int, Any]]
    spent_s: float = field(default=0.0)

    def mask(self, text: str) -> tuple[str, int]:
        """The text masked, and how often; raises InvalidInputError for an expression that takes too long."""
        text, found = self._without_phrases(text)
        for line, expression in self.expressions:
            text, count = self._masked(line, expression, text)
            found += count
        return text, found

    def _without_phrases(self, text: str) -> tuple[str, int]:
        words = list(_WORD.finditer(text)) if self.phrases else []
        forms = [_form(word.group()) for word in words]
        parts, end, place, found = [], 0, 0, 0
        while place < len(words):
            length = self._length_at(words, forms, place)
            if length:
                parts += [text[end : words[place].start()], MASK_TEXT]
                end, found = words[place + length - 1].end(), found + 1
            place += length or 1
        return "".join([*parts, text[end:]]), found

    def _length_at(self, words: Sequence[Any], forms: Sequence[str], place: int) -> int:
        """How many words of the text from `place` on are a phrase; 0 for none."""
        for phrase in self.phrases.get(forms[place], ()):
            last = place + len(phrase)
            if tuple(forms[place:last]) == phrase and all(
                after.start() - before.end() <= MAX_GAP for before, after in pairwise(words[place:last])
            ):
                return len(phrase)
        return 0

    def _masked(self, line: int, expression: Any, text: str) -> tuple[str, int]:
        started_s = time.monotonic()
        try:
            masked, count = expression.subn(MASK_TEXT, text, timeout=TEXT_TIMEOUT_S)
        except TimeoutError:
            raise InvalidInputError(
                f"line {line} of the deny list takes longer than {TEXT_TIMEOUT_S:.0f} s on a text: avoid "
                " repetitions inside repetitions"
            ) from None
        self.spent_s += time.monotonic() - started_s
        if self.spent_s > UPLOAD_TIMEOUT_S:
            raise InvalidInputError(
                f"the deny list's expressions took longer than {UPLOAD_TIMEOUT_S:.0f} s: name phrases instead"
            )
        return masked, count


def deny_list(data: bytes) -> DenyList:
    """A list from its file; raises InvalidInputError naming the line that is wrong."""
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"the deny list is not UTF-8: {error}") from error
    entries = [(number, line.strip()) for number, line in enumerate(lines, start=1)]
    entries = [(number, entry) for number, entry in entries if entry and not entry.startswith("#")]
    for number, entry in entries:
        if len(entry) > MAX_CHARACTERS:
            raise InvalidInputError(
                f"line {number} of the deny list is longer than {MAX_CHARACTERS} characters"
            )
    expressions = [(number, _expression(number, entry)) for number, entry in entries if entry[0] == "/"]
    phrases = [(number, entry) for number, entry in entries if entry[0] != "/"]
    if not entries:
        raise InvalidInputError("the deny list is empty: one phrase or /expression/ per line")
    if len(phrases) > MAX_PHRASES or len(expressions) > MAX_EXPRESSIONS:
        raise InvalidInputError(
            f"a deny list has at most {MAX_PHRASES} phrases and {MAX_EXPRESSIONS} expressions"
        )
    return DenyList(_phrases(phrases), expressions)


def _expression(number: int, entry: str) -> Any:
    body, slash, flags = entry[1:].rpartition("/")
    if not slash or not body or flags not in {"", "i"}:
        raise InvalidInputError(f"line {number} of the deny list: write /expression/ or /expression/i")
    try:
        found = regex.compile(body, regex.IGNORECASE | regex.FULLCASE if flags else 0)
        is_everywhere = found.search("", timeout=TEXT_TIMEOUT_S) is not None
    except (regex.error, TimeoutError) as error:
        raise InvalidInputError(f"line {number} of the deny list: {error}") from error
    if is_everywhere:
        raise InvalidInputError(f"line {number} of the deny list finds the empty text, so it is everywhere")
    return found


def _phrases(entries: Sequence[tuple[int, str]]) -> dict[str, list[tuple[str, ...]]]:
    """Phrases as words, by their first, the longest first."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for number, entry in entries:
        words = list(_WORD.finditer(entry))
        if not words or (words[0].start(), words[-1].end()) != (0, len(entry)):
            raise InvalidInputError(
                f"line {number} of the deny list begins or ends with a sign: write it as an /expression/"
            )
        phrase = tuple(_form(word.group()) for word in words)
        found.setdefault(phrase[0], []).append(phrase)
    for same in found.values():
        same.sort(key=len, reverse=True)
    return found


def _form(word: str) -> str:
    """A word as it is compared."""
    return unicodedata.normalize("NFC", word).casefold()
