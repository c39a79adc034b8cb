"""What a text record's canonical bytes say: its plain text in reading order, read without a JSON library.

The four forms of text records are read as their canonical JSON has them and in no other way: keys in order,
no spaces, a quote, a backslash and control characters as the only escapes. What is no such record reverts
with `InvalidArgument("content")`.

Covered: contents of up to 65,536 bytes and 1,024 pieces of text, bytewise: nothing here needs Unicode's
tables. Not covered: whether bytes beyond ASCII are UTF-8.
Source: `docs/formats.md`, "Text records"; `workers.datasets.text`.
"""

import re
from collections.abc import Sequence

from precompiles.checks import require

MAGIC = b"OLTX\x01"
MAXIMUM_TEXT_BYTES = 65_536
MAXIMUM_PIECES = 1_024
SALT_BYTES = 32
_STRING = re.compile(rb'"((?:[^"\\\x00-\x1f]|\\["\\bfnrt]|\\u00[01][0-9a-f])*+)"')
_ESCAPE = re.compile(rb"\\(?:u00(..)|(.))")
_ESCAPED = {b'"': b'"', b"\\": b"\\", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}


def is_text(content: bytes) -> bool:
    """True iff these are the canonical bytes of a text record, by how they begin."""
    return content.startswith(MAGIC)


def plain_text(content: bytes) -> bytes:
    """All text of a record in reading order, UTF-8: what sketches and spans are taken of."""
    require(is_text(content) and len(content) <= MAXIMUM_TEXT_BYTES, "content")
    reader = _Reader(content, len(MAGIC))
    reader.expect(b"{")
    pieces = _pieces(reader)
    reader.expect(b"}")
    require(reader.at == len(content), "content")
    return b"\n".join(pieces)


def answer_text(output: bytes) -> bytes:
    """The text of a language model's answer, out of what its output hash is of: 32 bytes of salt, then
    canonical JSON of the text and its tokens."""
    require(len(output) <= MAXIMUM_TEXT_BYTES, "content")
    reader = _Reader(output, SALT_BYTES)
    reader.expect(b'{"text":')
    text = reader.string()
    reader.expect(b',"tokens":[')
    return text


class _Reader:
    """A place in the content; what is not there as expected reverts."""

    def __init__(self, content: bytes, at: int) -> None:
        self._content = content
        self._pieces = 0
        self.at = at

    def stands(self, literal: bytes) -> bool:
        """Whether `literal` comes next."""
        return self._content.startswith(literal, self.at)

    def takes(self, literal: bytes) -> bool:
        """Whether `literal` comes next; if so it is passed."""
        found = self.stands(literal)
        self.at += len(literal) if found else 0
        return found

    def expect(self, literal: bytes) -> None:
        """Pass `literal`."""
        require(self.takes(literal), "content")

    def string(self) -> bytes:
        """Pass a string and say what it means."""
        found = _STRING.match(self._content, self.at)
        self._pieces += 1
        require(found is not None and self._pieces <= MAXIMUM_PIECES, "content")
        assert found is not None
        self.at = found.end()
        return _ESCAPE.sub(_meaning, found.group(1))

    def list_of(self, count: int, marks: tuple[bytes, ...]) -> list[bytes]:
        """Pass an array of items of `count` strings each, with `marks` before, between and after them."""
        self.expect(b"[")
        pieces = self._item(count, marks)
        while self.takes(b","):
            pieces += self._item(count, marks)
        self.expect(b"]")
        return pieces

    def _item(self, count: int, marks: tuple[bytes, ...]) -> list[bytes]:
        pieces = []
        for place in range(count):
            self.expect(marks[place])
            pieces.append(self.string())
        self.expect(marks[count])
        return pieces


def _meaning(escape: re.Match[bytes]) -> bytes:
    code, short = escape.groups()
    return bytes([int(code, 16)]) if code is not None else _ESCAPED[short]


def _pieces(reader: _Reader) -> Sequence[bytes]:
    """The form's pieces in reading order; keys come sorted."""
    if reader.takes(b'"text":'):
        return [reader.string()]
    if reader.takes(b'"messages":'):
        return _messages(reader)
    if reader.takes(b'"chosen":'):
        chosen = reader.string()
        reader.expect(b',"prompt":')
        prompt = [reader.string()] if reader.stands(b'"') else _messages(reader)
        reader.expect(b',"rejected":')
        return [*prompt, chosen, reader.string()]
    return _instruction(reader)


def _messages(reader: _Reader) -> list[bytes]:
    return reader.list_of(2, (b'{"content":', b',"role":', b"}"))[::2]


def _instruction(reader: _Reader) -> list[bytes]:
    history: list[bytes] = []
    if reader.takes(b'"history":'):
        history = reader.list_of(2, (b"[", b",", b"]"))
        reader.expect(b",")
    added = b""
    if reader.takes(b'"input":'):
        added = b"\n\n" + reader.string()
        reader.expect(b",")
    reader.expect(b'"instruction":')
    instruction = reader.string()
    reader.expect(b',"output":')
    output = reader.string()
    system = [reader.string()] if reader.takes(b',"system":') else []
    return [*system, *history, instruction + added, output]
