"""How a language model's calls of tools come in pieces, lie on disk, and become OpenAI's objects again.

Covered: a server's chunks and whole messages, pieces of one call put together, an answer that was broken off
in the middle of a call. Not covered: what a call says (the server's; `client.answers` has its text).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class CallPiece:
    """What is added to call number `index` of an answer; the first piece of each has its id and name."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


def read_calls(said: Mapping[str, Any]) -> tuple[CallPiece, ...]:
    """The calls in a server's delta or message; raises KeyError, TypeError, ValueError for what is none."""
    return tuple(_read(place, each) for place, each in enumerate(said.get("tool_calls") or ()))


def _read(place: int, call: Mapping[str, Any]) -> CallPiece:
    function = call.get("function") or {}
    return CallPiece(
        int(call.get("index", place)),
        str(call.get("id") or ""),
        str(function.get("name") or ""),
        str(function.get("arguments") or ""),
    )


def merged(pieces: Iterable[CallPiece]) -> tuple[CallPiece, ...]:
    """One piece for each call, in their order."""
    calls: dict[int, CallPiece] = {}
    for piece in pieces:
        before = calls.get(piece.index, CallPiece(piece.index))
        calls[piece.index] = CallPiece(
            piece.index,
            before.id or piece.id,
            before.name or piece.name,
            before.arguments + piece.arguments,
        )
    return tuple(calls[index] for index in sorted(calls))


def to_rows(pieces: Sequence[CallPiece]) -> list[tuple[Any, ...]] | None:
    """For the disk; None for none."""
    return [astuple(piece) for piece in pieces] or None


def from_rows(rows: Sequence[Sequence[Any]] | None) -> tuple[CallPiece, ...]:
    return tuple(CallPiece(*row) for row in rows or ())


def message_calls(calls: Sequence[CallPiece]) -> dict[str, Any]:
    """`tool_calls` of a message, which has the field only where there are any."""
    return {"tool_calls": [_call(call) for call in calls]} if calls else {}


def delta_calls(message: Mapping[str, Any]) -> dict[str, Any]:
    """The same of a message that goes out as one chunk."""
    calls = message.get("tool_calls") or ()
    return {"tool_calls": [{"index": at, **call} for at, call in enumerate(calls)]} if calls else {}


def _call(call: CallPiece) -> dict[str, Any]:
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments},
    }
