"""What one call has of the server that runs language models: its prompt counted, an answer whole or streamed.

It is reached only when there is something to ask: a retry of what is stored needs no server.
Covered: the server's name of the model, the body that it gets, no more tokens than were agreed on.
Not covered: the dialect (`backend`), what is billed (`text_calls`).
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from openledger_node.errors import UserError
from openledger_node.gateway import text_answers as shape
from openledger_node.gateway.backend import BackendLostError, TextBackend
from openledger_node.gateway.text_requests import DEFAULT_MAX_TOKENS, TextRequest
from openledger_node.gateway.text_terms import Terms


@dataclass(frozen=True, slots=True)
class Upstream:
    """A server, and what it calls the model."""

    backend: TextBackend
    model: str

    @property
    def url(self) -> str:
        return self.backend.url

    async def measure(self, request: TextRequest) -> tuple[tuple[int, ...], int]:
        """(prompt tokens, most answer tokens) of a request.

        Raises UserError for a prompt that is too long, BackendRefusedError, BackendLostError.
        """
        given = request.prompt.get("prompt")
        if isinstance(given, list):
            empty = await self.backend.tokenize({"model": self.model, "prompt": ""})
            found = replace(empty, tokens=tuple(given))
        else:
            found = await self.backend.tokenize({"model": self.model, **request.prompt})
        wanted = request.max_tokens or DEFAULT_MAX_TOKENS
        if found.context_tokens:
            room = found.context_tokens - len(found.tokens)
            if room < (request.max_tokens or 1):
                raise UserError(
                    f"the prompt has {len(found.tokens)} tokens and the answer {request.max_tokens or 1} of"
                    f" {found.context_tokens} in all",
                    "shorten it, or lower max_tokens",
                )
            wanted = min(wanted, room)
        return found.tokens, wanted

    async def complete(self, request: TextRequest, terms: Terms) -> shape.Part:
        """An answer at once; raises BackendRefusedError, BackendLostError."""
        body = await self.backend.complete(terms.path, self._body(request, terms, is_stream=False))
        part = shape.read_answer(body, is_chat=terms.is_chat)
        assert_within(len(part.piece.tokens), terms)
        return part

    def stream(self, request: TextRequest, terms: Terms) -> AsyncGenerator[dict[str, Any], None]:
        """An answer's chunks; raises like `complete`. Close it to end the generation."""
        return self.backend.stream(terms.path, self._body(request, terms, is_stream=True))

    def _body(self, request: TextRequest, terms: Terms, *, is_stream: bool) -> dict[str, Any]:
        body = {
            **request.forwarded,
            "model": self.model,
            "max_tokens": terms.max_tokens,
            "return_token_ids": True,
            "stream": is_stream,
        }
        return body | {"stream_options": {"include_usage": True}} if is_stream else body


Reach = Callable[[], Awaitable[Upstream]]
"""Finds the server of a call; raises BackendLostError, UserError."""


def assert_within(made: int, terms: Terms) -> None:
    """The voucher allows so many tokens and no more; raises BackendLostError."""
    if made > terms.max_tokens:
        raise BackendLostError(f"the server made {made} tokens of at most {terms.max_tokens}")
