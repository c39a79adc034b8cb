"""What was agreed before an answer's first token, and what came of it.

Covered: terms and outcomes as records that go to disk and back, what the customer is told of them.
Not covered: how an answer comes about (`text_calls`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from genesis.shares import receipt_fee
from openledger_node.client.answers import said_text
from openledger_node.gateway import text_answers as shape
from openledger_node.gateway.channels import ChannelSession, Delivered, receipt_name
from openledger_node.gateway.deliveries import Piece, joined

CUT = "length"
"""`finish_reason` of an answer that was broken off; `x_openledger.interrupted` says by what."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed before the first token. `created_s` is a unix time."""

    path: str
    model: str
    prompt: tuple[int, ...]
    max_tokens: int
    input_price: int
    output_price: int
    created_s: int
    request_hash: str
    idempotency_key: str
    payment: Mapping[str, Any]
    retrieval: Mapping[str, Any] | None = None
    """Datanet, version and citations of what was looked up."""

    @property
    def is_chat(self) -> bool:
        return self.path.endswith("/chat/completions")

    def frame(self, session: ChannelSession) -> shape.Frame:
        name = receipt_name(session.channel_id, session.tree.count)
        return shape.Frame(self.is_chat, self.model, name, self.created_s)

    def fee_wei(self, tokens_out: int) -> int:
        return receipt_fee(len(self.prompt), tokens_out, self.input_price, self.output_price)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a call. `choice` is the answer's, `interrupted` says what broke it off, or ""."""

    tokens: tuple[int, ...]
    choice: Mapping[str, Any]
    interrupted: str = ""
    attribution: Mapping[str, Any] | None = None

    @property
    def text(self) -> str:
        """What was said, calls of tools included."""
        return said_text(self.choice)


def outcome_of(terms: Terms, pieces: list[Piece], finish: str, interrupted: str = "") -> Outcome:
    """What pieces came to that were put together here."""
    whole = joined(pieces)
    return Outcome(whole.tokens, shape.plain_choice(whole, finish, is_chat=terms.is_chat), interrupted)


def broken_off(terms: Terms, pieces: list[Piece], why: str) -> Outcome:
    return outcome_of(terms, pieces, CUT, why)


def paid(receipt: Mapping[str, Any], delivered: Delivered, outcome: Outcome) -> dict[str, Any]:
    """`x_openledger`: the receipt, and what its hashes are over besides the text."""
    paid = {
        **receipt,
        "inferenceId": receipt["receipt"]["id"],
        "promptTokens": list(delivered.prompt),
        "responseTokens": list(delivered.response),
    }
    if outcome.interrupted:
        paid["interrupted"] = outcome.interrupted
    if outcome.attribution is not None:
        paid["attribution"] = dict(outcome.attribution)
    return paid
