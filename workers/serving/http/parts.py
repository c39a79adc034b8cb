"""What an answer comes in: parts of text, tokens and calls of tools, the last of which says why it ended."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from workers.serving.engine.sequence import TokenOutput
from workers.serving.tools.calls import CallPiece, CallStream, Said, merged

CALLED = "tool_calls"
"""`finish_reason` of an answer that called a tool and came to its end."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of an answer: its text and the tokens that made it; the last one says why it ended."""

    text: str
    tokens: tuple[TokenOutput, ...]
    finish: str | None = None
    stop_reason: str | int | None = None
    calls: tuple[CallPiece, ...] = ()


def with_calls(part: Part, calls: CallStream, most_calls: int) -> Part:
    """A part's text as words and calls; the last call that is allowed ends the answer."""
    said = calls.add(part.text)
    finish = part.finish or ("stop" if calls.completed >= most_calls else None)
    if part.finish is not None:
        rest = calls.finish(is_cut=part.finish == "length")
        said = Said(said.content + rest.content, merged([*said.calls, *rest.calls]))
    if finish == "stop" and calls.begun:
        finish = CALLED
    return replace(part, text=said.content, calls=said.calls, finish=finish)


def joined(parts: Sequence[Part]) -> Part:
    """All of an answer's parts as one."""
    text = "".join(part.text for part in parts)
    tokens = tuple(token for part in parts for token in part.tokens)
    calls = merged(call for part in parts for call in part.calls)
    return Part(text, tokens, parts[-1].finish, parts[-1].stop_reason, calls)
