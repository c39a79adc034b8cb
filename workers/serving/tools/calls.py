"""Which parts of an answer are calls of tools: the Hermes form, which Qwen's models speak, as its text comes.

`<tool_call>{"name": …, "arguments": {…}}</tool_call>`, as many as there are, with words before and between.
Arguments are passed on as they come; text that may be the beginning of a call waits until that is known.

Covered: tags that span tokens, calls with their arguments before the name or as a string, calls that the end
of the answer cuts off (a beginning without a name is left out where tokens ran out), what only looks like a
call (content). Not covered: whether arguments meet their schema; only forced calls (`form`) always do.
"""

import json
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

OPENING, CLOSING = "<tool_call>", "</tool_call>"
_HEAD = re.compile(r'\s*\{\s*"name"\s*:\s*"([^"\\]+)"\s*,\s*"arguments"\s*:\s*(?=\{)')


@dataclass(frozen=True, slots=True)
class CallPiece:
    """What is added to the answer's call number `index`; the first piece of each has its id and name."""

    index: int
    arguments: str = ""
    name: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """What a piece of text came to."""

    content: str
    calls: tuple[CallPiece, ...]


class CallStream:
    """One answer's text in, content and calls out."""

    def __init__(self) -> None:
        self._pending = ""
        self._content: list[str] = []
        self._calls: list[CallPiece] = []
        self.begun = 0
        self.completed = 0
        self._is_after_call = False
        self._arguments = _Arguments()
        self._step: Callable[[], bool] = self._words

    def add(self, text: str) -> Said:
        """What is certain now."""
        self._pending += text
        while self._step():
            pass
        return self._taken()

    def finish(self, *, is_cut: bool) -> Said:
        """What was held back, once nothing follows; `is_cut` where there was more to say."""
        rest, self._pending = self._pending, ""
        if self._step == self._head and not self._add_whole(rest):
            rest = OPENING + rest
        elif self._step != self._words:
            rest = ""
        if not is_cut:
            self._content.append(rest)
        return self._taken()

    def _taken(self) -> Said:
        said = Said("".join(self._content), merged(self._calls))
        self._content, self._calls = [], []
        return said

    def _words(self) -> bool:
        """Words until a call begins; white space behind a call belongs to it."""
        if self._is_after_call:
            self._pending = self._pending.lstrip()
        before, tag, after = self._pending.partition(OPENING)
        certain = before if tag else before[: len(before) - _overlap(before, OPENING)]
        self._content.append(certain)
        self._is_after_call = self._is_after_call and not certain
        self._pending = after if tag else before[len(certain) :]
        if tag:
            self._step = self._head
        return bool(tag)

    def _head(self) -> bool:
        """Everything before the arguments; a call of another order is taken whole."""
        found = _HEAD.match(self._pending)
        if found:
            self._begin(found[1])
            self._pending = self._pending[found.end() :]
            self._arguments, self._step = _Arguments(), self._body
            return True
        body, tag, after = self._pending.partition(CLOSING)
        if not tag:
            return False
        if not self._add_whole(body):
            self._content.append(OPENING + body + CLOSING)
        self._pending, self._step = after, self._words
        return True

    def _body(self) -> bool:
        """Arguments as they come."""
        end = self._arguments.take(self._pending)
        self._calls.append(CallPiece(self.begun - 1, self._pending[:end]))
        self._pending = self._pending[end:]
        if self._arguments.has_ended:
            self._step = self._tail
        return self._arguments.has_ended

    def _tail(self) -> bool:
        """The end of a call."""
        rest = self._pending.lstrip(" \t\r\n}")
        if CLOSING.startswith(rest) and rest != CLOSING:
            return False
        self._pending = rest.removeprefix(CLOSING)
        self._end()
        self._step = self._words
        return True

    def _begin(self, name: str, arguments: str = "") -> None:
        self._calls.append(CallPiece(self.begun, arguments, name, _new_id()))
        self.begun += 1

    def _end(self) -> None:
        self.completed += 1
        self._is_after_call = True

    def _add_whole(self, body: str) -> bool:
        """Take a call by its whole JSON; False for what is none."""
        try:
            call = json.loads(body)
        except (json.JSONDecodeError, RecursionError):
            return False
        if not isinstance(call, dict) or not isinstance(call.get("name"), str):
            return False
        arguments = call.get("arguments", {})
        self._begin(call["name"], arguments if isinstance(arguments, str) else json.dumps(arguments))
        self._end()
        return True


class _Arguments:
    """Where an object of JSON ends, character by character."""

    def __init__(self) -> None:
        self._depth = 0
        self._is_text = False
        self._is_escaped = False
        self.has_ended = False

    def take(self, text: str) -> int:
        """How many characters belong to the object."""
        for place, character in enumerate(text):
            if not self._is_text and character == "<":  # never in JSON: the model closes the call too early
                self.has_ended = True
                return place
            self._look(character)
            if self.has_ended:
                return place + 1
        return len(text)

    def _look(self, character: str) -> None:
        if self._is_text:
            self._is_text = self._is_escaped or character != '"'
            self._is_escaped = not self._is_escaped and character == "\\"
        elif character == '"':
            self._is_text = True
        elif character in "{[":
            self._depth += 1
        elif character in "}]":
            self._depth -= 1
            self.has_ended = self._depth <= 0


def merged(pieces: Iterable[CallPiece]) -> tuple[CallPiece, ...]:
    """One piece a call, in their order."""
    calls: dict[int, CallPiece] = {}
    for piece in pieces:
        before = calls.get(piece.index, CallPiece(piece.index))
        calls[piece.index] = replace(
            before,
            arguments=before.arguments + piece.arguments,
            name=before.name or piece.name,
            id=before.id or piece.id,
        )
    return tuple(call for call in calls.values() if call.name or call.arguments)


def _new_id() -> str:
    """Nine letters and digits: what Mistral's chat templates insist on is enough for everybody."""
    return secrets.token_hex(5)[:9]


def _overlap(text: str, tag: str) -> int:
    """How many characters at the end of `text` may be the beginning of `tag`."""
    lengths = range(min(len(text), len(tag) - 1), 0, -1)
    return next((length for length in lengths if text.endswith(tag[:length])), 0)
