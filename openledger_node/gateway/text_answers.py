"""How a language model's answer is written down: OpenAI's bodies and stream chunks, and what servers send us.

Covered: chat and plain completions, calls of tools, token ids taken out of the server's chunks (customers get
OpenAI's fields only, and `x_openledger`), an answer replayed as a stream.
Not covered: billing (`text_calls`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from openledger_node.gateway.backend import BackendLostError
from openledger_node.gateway.deliveries import Piece
from openledger_node.gateway.text_tools import delta_calls, message_calls, read_calls

WITHOUT_IDS = "the server does not say which tokens it made (return_token_ids)"


@dataclass(frozen=True, slots=True)
class Frame:
    """What all parts of one answer share."""

    is_chat: bool
    model: str
    receipt_id: str
    created_s: int

    @property
    def id(self) -> str:
        return f"{'chatcmpl' if self.is_chat else 'cmpl'}-{self.receipt_id}"

    def head(self, *, is_chunk: bool) -> dict[str, Any]:
        """The fields every body begins with."""
        kind = "text_completion" if not self.is_chat else "chat.completion"
        if self.is_chat and is_chunk:
            kind = "chat.completion.chunk"
        return {"id": self.id, "object": kind, "created": self.created_s, "model": self.model}


@dataclass(frozen=True, slots=True)
class Part:
    """A server's chunk: what it adds to the answer, and the choice to pass on.

    `finish` is "" while the answer goes on.
    """

    piece: Piece
    choice: Mapping[str, Any]
    finish: str


def read_part(chunk: Mapping[str, Any], *, is_chat: bool) -> Part | None:
    """A chunk's part, None for one that only counts tokens; raises BackendLostError without token ids."""
    choices = chunk.get("choices")
    if not isinstance(choices, list) or not choices:
        return None
    choice = dict(choices[0])
    tokens = choice.pop("token_ids", None) or []
    choice.pop("prompt_token_ids", None)
    said = (choice.get("delta") or {}) if is_chat else choice
    piece = _piece(said, tokens)
    if (piece.text or piece.calls) and not tokens and not choice.get("finish_reason"):
        raise BackendLostError(WITHOUT_IDS)
    return Part(piece, choice, choice.get("finish_reason") or "")


def read_answer(body: Mapping[str, Any], *, is_chat: bool) -> Part:
    """The same of an answer at once; raises BackendLostError when it is none or has no token ids."""
    try:
        choice = dict(body["choices"][0])
        tokens = choice.pop("token_ids")
        piece = _piece(choice["message"] if is_chat else choice, tokens)
    except (KeyError, IndexError, TypeError):
        raise BackendLostError(WITHOUT_IDS) from None
    choice.pop("prompt_token_ids", None)
    if piece.calls:
        choice["message"] = {**choice["message"], **message_calls(piece.calls)}
    return Part(piece, choice, choice.get("finish_reason") or "stop")


def _piece(said: Mapping[str, Any], tokens: Sequence[int]) -> Piece:
    """What a delta, a message or a plain choice says; raises BackendLostError for calls that are none."""
    try:
        calls = read_calls(said)
    except (AttributeError, TypeError, ValueError) as error:
        raise BackendLostError(f"the server's calls of tools cannot be read: {error}") from None
    return Piece(tuple(tokens), said.get("content") or said.get("text") or "", calls)


def plain_choice(said: Piece, finish: str, *, is_chat: bool) -> dict[str, Any]:
    """The one choice of an answer whose parts were put together here."""
    choice: dict[str, Any] = {"index": 0, "logprobs": None, "finish_reason": finish}
    if not is_chat:
        return {**choice, "text": said.text}
    content = None if said.calls and not said.text else said.text
    message = {"role": "assistant", "content": content, "refusal": None, **message_calls(said.calls)}
    return {**choice, "message": message}


def usage(tokens_in: int, tokens_out: int) -> dict[str, int]:
    return {
        "prompt_tokens": tokens_in,
        "completion_tokens": tokens_out,
        "total_tokens": tokens_in + tokens_out,
    }


def whole(
    frame: Frame, choice: Mapping[str, Any], counted: Mapping[str, int], paid: Mapping[str, Any]
) -> dict[str, Any]:
    """An answer at once."""
    return {
        **frame.head(is_chunk=False),
        "choices": [dict(choice)],
        "usage": dict(counted),
        "x_openledger": dict(paid),
    }


def chunk(frame: Frame, choice: Mapping[str, Any], paid: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """One chunk of a stream; the last one has the receipt."""
    body = {**frame.head(is_chunk=True), "choices": [dict(choice)]}
    return body if paid is None else body | {"x_openledger": dict(paid)}


def usage_chunk(frame: Frame, counted: Mapping[str, int]) -> dict[str, Any]:
    """What follows the last chunk for who asked for it (`stream_options.include_usage`)."""
    return {**frame.head(is_chunk=True), "choices": [], "usage": dict(counted)}


def end_choice(finish: str, *, is_chat: bool) -> dict[str, Any]:
    """The choice of a chunk that ends an answer and adds nothing to it."""
    said: dict[str, Any] = {"delta": {}} if is_chat else {"text": ""}
    return {"index": 0, **said, "logprobs": None, "finish_reason": finish}


def replay(answer: Mapping[str, Any], *, wants_usage: bool) -> Iterator[dict[str, Any]]:
    """A stored answer as a stream of one chunk."""
    head = {name: answer[name] for name in ("id", "created", "model")}
    choice = answer["choices"][0]
    message = choice.get("message")
    head["object"] = "text_completion" if message is None else "chat.completion.chunk"
    ending = end_choice(choice["finish_reason"], is_chat=message is not None)
    if message is None:
        ending["text"] = choice["text"]
    else:
        said = {"content": message["content"]} if message["content"] else {}
        ending["delta"] = {"role": "assistant", **said, **delta_calls(message)}
    yield {**head, "choices": [ending], "x_openledger": answer["x_openledger"]}
    if wants_usage:
        yield {**head, "choices": [], "usage": answer["usage"]}
