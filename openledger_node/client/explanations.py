"""The passages that a provider shows for an answer, signed: made by gateways, checked by customers.

Covered: byte places of passages in the answer's UTF-8 text, the EIP-712 signature, that what is signed is
what is shown and is about this receipt. Not covered: whether records have the passages, which needs the
records (`attribution challenge span`).
Source: `docs/formats.md`, "Signed explanations"; `docs/decisions/0015-spans.md`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genesis.keccak import keccak256
from genesis.typed_data import Explanation, Span, explanation_digest
from genesis.types import Address, Hash32
from openledger_node.client.account import Account, recover_signer
from openledger_node.client.errors import DishonestReceiptError
from openledger_node.client.ethereum import from_hex, hex_bytes
from openledger_node.errors import UserError
from workers.artifacts import canonical_json

MAXIMUM_SPANS = 64
"""More than these are neither shown nor signed."""


@dataclass(frozen=True, slots=True)
class SignedExplanation:
    explanation: Explanation
    spans: tuple[Span, ...]
    signature: bytes

    def digest(self, chain_id: int) -> Hash32:
        return explanation_digest(self.explanation, self.spans, chain_id)


def output_of(salt: bytes, text: str, tokens: Sequence[int]) -> bytes:
    """What a text answer's output hash is of, as `challengeAnswerSpan` takes it."""
    return salt + canonical_json.encode({"text": text, "tokens": list(tokens)})


def span_of(shown: Mapping[str, Any], text: str) -> Span:
    """A passage as it is signed: `start` and `end` of `shown` count characters, what is signed bytes."""
    start = len(text[: shown["start"]].encode())
    passage = text[shown["start"] : shown["end"]].encode()
    return Span(start, start + len(passage), shown["record"], shown["offset"], keccak256(passage))


def sign_explanation(
    explanation: Explanation, shown: Sequence[Mapping[str, Any]], text: str, account: Account, chain_id: int
) -> dict[str, Any]:
    """The signed passages as JSON."""
    spans = tuple(span_of(each, text) for each in shown)
    signature = account.sign_digest(explanation_digest(explanation, spans, chain_id))
    return {
        "channelId": hex_bytes(explanation.channel_id),
        "number": explanation.number,
        "featureIndex": explanation.feature_index,
        "outputHash": hex_bytes(explanation.output_hash),
        "spans": [
            {
                "start": each.start,
                "end": each.end,
                "record": each.record,
                "offset": each.offset,
                "textHash": hex_bytes(each.text_hash),
            }
            for each in spans
        ],
        "signature": hex_bytes(signature),
    }


def read_signed(value: Mapping[str, Any]) -> SignedExplanation:
    """The same read again; raises UserError for what is none."""
    try:
        return SignedExplanation(
            Explanation(
                Hash32(from_hex(value["channelId"])),
                int(value["number"]),
                int(value["featureIndex"]),
                Hash32(from_hex(value["outputHash"])),
            ),
            tuple(
                Span(
                    int(each["start"]),
                    int(each["end"]),
                    int(each["record"]),
                    int(each["offset"]),
                    Hash32(from_hex(each["textHash"])),
                )
                for each in value["spans"]
            ),
            from_hex(value["signature"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"that is not a signed explanation: {error!r}", "give what the gateway sent"
        ) from error


def signer_of(signed: SignedExplanation, chain_id: int) -> Address | None:
    """Whose word it is; None for no signature at all."""
    return recover_signer(signed.digest(chain_id), signed.signature)


def is_in_answer(span: Span, text: str) -> bool:
    """Whether the answer has the passage where it is said to be."""
    said = text.encode()
    return span.start < span.end <= len(said) and keccak256(said[span.start : span.end]) == span.text_hash


def check_explanation(paid: Mapping[str, Any], text: str, provider: Address, chain_id: int) -> int | None:
    """How many passages of an answer its provider signed; None where nothing is shown.

    `paid` is the answer's `x_openledger`. Raises DishonestReceiptError for passages that are not signed, are
    another answer's, or do not stand in it.
    """
    found = paid.get("attribution") or {}
    shown = found.get("spans", [])
    if not shown:
        return None
    if "signed" not in found:
        raise DishonestReceiptError("the provider shows passages that it did not sign")
    signed, receipt = read_signed(found["signed"]), paid["receipt"]
    output = output_of(from_hex(receipt["outputSalt"]), text, paid["responseTokens"])
    about = (signed.explanation.channel_id, signed.explanation.number, signed.explanation.output_hash)
    if about != (Hash32(from_hex(receipt["channelId"])), receipt["number"], keccak256(output)):
        raise DishonestReceiptError("the signed passages are of another answer")
    if signer_of(signed, chain_id) != provider:
        raise DishonestReceiptError("the passages are not signed by the channel's provider")
    if signed.spans != tuple(span_of(each, text) for each in shown):
        raise DishonestReceiptError("other passages are signed than shown")
    if not all(is_in_answer(span, text) for span in signed.spans):
        raise DishonestReceiptError("a signed passage does not stand in the answer")
    return len(signed.spans)
