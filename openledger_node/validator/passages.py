"""A bought answer as it was kept, its receipt, and which of the passages signed with it are false.

Pure. Covered: answers of language models as `infer ask --json` prints them, receipts by the hashes alone;
passages against the answer and the published records. Not covered: classifiers' answers, which have none.
Source: `docs/formats.md`, "Signed explanations".
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from genesis.keccak import keccak256
from genesis.typed_data import Span
from genesis.types import ZERO_HASH, Hash32
from openledger_node.client.answers import said_text
from openledger_node.client.ethereum import from_hex
from openledger_node.client.explanations import SignedExplanation, is_in_answer, output_of, read_signed
from openledger_node.client.receipt_tree import salted_hash
from openledger_node.errors import UserError
from openledger_node.validator.record_check import published_evidence
from openledger_node.validator.sources import Sources
from openledger_node.validator.suspicions import Proof, Receipt
from precompiles.record_texts import MAXIMUM_TEXT_BYTES
from precompiles.views.disputes import RecordEvidence
from workers.datasets.kinds import content_of
from workers.datasets.text import TextRecord

NO_RECORD = RecordEvidence(0, 0, 0, 0, (), 0, ZERO_HASH, b"", ZERO_HASH, (), 0, 0, 0, ZERO_HASH, ())
"""Where a passage is false on its face, no record is looked at."""


@dataclass(frozen=True, slots=True)
class Passages:
    """What a provider signed for an answer, and the answer: its text, and what its output hash is of."""

    signed: SignedExplanation
    text: str
    output: bytes


def read_receipt(value: Mapping[str, Any]) -> Receipt:
    """The receipt of a kept answer, or one given by its hashes; raises UserError."""
    try:
        if "x_openledger" in value:
            return _receipt_of(value["x_openledger"], _output(value))
        return Receipt(
            Hash32(from_hex(value["channelId"])),
            int(value["number"]),
            Hash32(from_hex(value["promptHash"])),
            Hash32(from_hex(value["outputHash"])),
            int(value["tokensIn"]),
            int(value["tokensOut"]),
            int(value["fee"]),
        )
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise UserError(
            f"that is not a receipt: {error!r}", "give what `infer ask --json` printed, or its hashes"
        ) from error


def read_passages(value: Mapping[str, Any]) -> Passages:
    """What was signed with a kept answer; raises UserError."""
    try:
        signed = value["x_openledger"]["attribution"]["signed"]
        return Passages(read_signed(signed), _text(value), _output(value))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise UserError(
            f"that is not an answer with signed passages: {error!r}", "give what `infer ask --json` printed"
        ) from error


def false_passage(found: Passages, rows: int, sources: Sources, which: int | None = None) -> Proof:
    """The first passage that is false, or the one named; raises UserError where none is.

    `rows` are the index's. Raises InvalidInputError for files that are not what was committed.
    """
    spans = found.signed.spans
    places = range(len(spans)) if which is None else [which]
    for place in places:
        if not 0 <= place < len(spans):
            raise UserError(f"there is no passage {place}: {len(spans)} are signed", "name another")
        proof = _false(found, place, rows, sources)
        if proof is not None:
            return proof
    raise UserError("the signed passages stand where they are said to be", "there is nothing to contest")


def _false(found: Passages, place: int, rows: int, sources: Sources) -> Proof | None:
    span = found.signed.spans[place]
    shown = {"passage": place, "record": span.record}
    if span.start >= span.end or span.record >= rows:
        return Proof("challengeSpan", (place, _values(NO_RECORD), b""), shown | {"reason": "on its face"})
    if not is_in_answer(span, found.text):
        return Proof("challengeAnswerSpan", (place, found.output), shown | {"reason": "not in the answer"})
    contribution = sources.locate(span.record)[2]
    record = contribution.records[span.record - contribution.first_row]
    if isinstance(record, TextRecord) and _stands(span, record.plain().encode()):
        return None
    content = content_of(record)
    if len(content) > MAXIMUM_TEXT_BYTES:
        raise UserError(f"record {span.record} is too long to be shown", "see docs/economy.md")
    evidence = (place, _values(published_evidence(sources, span.record)), content)
    return Proof("challengeSpan", evidence, shown | {"reason": "not in the record"})


def _stands(span: Span, text: bytes) -> bool:
    end = span.offset + span.end - span.start
    return end <= len(text) and keccak256(text[span.offset : end]) == span.text_hash


def _receipt_of(paid: Mapping[str, Any], output: bytes) -> Receipt:
    said = paid["receipt"]
    return Receipt(
        Hash32(from_hex(said["channelId"])),
        int(said["number"]),
        salted_hash(from_hex(said["promptSalt"]), paid["promptTokens"]),
        keccak256(output),
        int(said["tokensIn"]),
        int(said["tokensOut"]),
        int(said["fee"]),
    )


def _output(value: Mapping[str, Any]) -> bytes:
    paid = value["x_openledger"]
    return output_of(from_hex(paid["receipt"]["outputSalt"]), _text(value), paid["responseTokens"])


def _text(value: Mapping[str, Any]) -> str:
    return said_text(value["choices"][0])


def _values(evidence: RecordEvidence) -> tuple[Any, ...]:
    return tuple(asdict(evidence).values())
