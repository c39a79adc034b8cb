"""How a language model's answer is written down: OpenAI's bodies and stream chunks, and what servers send us.

Covered: chat and plain completions, token ids taken out of the server's chunks (customers get OpenAI's fields
only, and `x_openledger`), an answer replayed as a stream. Not covered: billing (`text_calls`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from openledger_node.gateway.backend import BackendLostError
from openledger_node.gateway.deliveries import Piece

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
    text = (choice.get("delta") or {}).get("content") if is_chat else choice.get("text")
    if text and not tokens and not choice.get("finish_reason"):
        raise BackendLostError(WITHOUT_IDS)
    return Part(Piece(tuple(tokens), text or ""), choice, choice.get("finish_reason") or "")


def read_answer(body: Mapping[str, Any], *, is_chat: bool) -> Part:
    """The same of an answer at once; raises BackendLostError when it is none or has no token ids."""
    try:
        choice = dict(body["choices"][0])
        tokens = tuple(choice.pop("token_ids"))
        text = choice["message"]["content"] if is_chat else choice["text"]
    except (KeyError, IndexError, TypeError):
        raise BackendLostError(WITHOUT_IDS) from None
    choice.pop("prompt_token_ids", None)
    return Part(Piece(tokens, text or ""), choice, choice.get("finish_reason") or "stop")


def plain_choice(text: str, finish: str, *, is_chat: bool) -> dict[str, Any]:
    """The one choice of an answer whose parts were put together here."""
    said: dict[str, Any] = (
        {"message": {"role": "assistant", "content": text, "refusal": None}} if is_chat else {"text": text}
    )
    return {"index": 0, **said, "logprobs": None, "finish_reason": finish}


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


def end_choice(finish: str, *, is_chat: bool, text: str = "") -> dict[str, Any]:
    """The choice of a chunk that ends an answer."""
    said: dict[str, Any] = {"delta": {"content": text} if text else {}} if is_chat else {"text": text}
    return {"index": 0, **said, "logprobs": None, "finish_reason": finish}


def replay(answer: Mapping[str, Any], *, wants_usage: bool) -> Iterator[dict[str, Any]]:
    """A stored answer as a stream of one chunk."""
    head = {name: answer[name] for name in ("id", "created", "model")}
    choice = answer["choices"][0]
    is_chat = "message" in choice
    head["object"] = "chat.completion.chunk" if is_chat else "text_completion"
    text = choice["message"]["content"] if is_chat else choice["text"]
    ending = end_choice(choice["finish_reason"], is_chat=is_chat, text=text)
    if is_chat:
        ending["delta"]["role"] = "assistant"
    yield {**head, "choices": [ending], "x_openledger": answer["x_openledger"]}
    if wants_usage:
        yield {**head, "choices": [], "usage": answer["usage"]}
