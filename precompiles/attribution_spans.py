"""Challenges of explanations that a provider signed: a span is not where it is said to be.

An explanation names passages of an answer and where each stands in a record behind the model. What is signed
is proved false by the record's content, by the answer's own, or by a second signed explanation of the same
receipt with another output. The provider loses the policy's slash, once a receipt; the challenger has the
policy's share at once. A commitment to the explanation's digest, made in an earlier block, keeps copies of a
challenge out; it takes no bond, since it holds nothing up and a challenge that fails costs its sender alone.

Covered: spans of texts whose record's content and whose output have at most 65,536 bytes; spans out of the
index or of no length, on their face. Not covered: passages left out; contributors and shares.
Source: protocol, section 3 "Challenges" (a span is not where it is said to be) and "Staking" (a contradiction
proved by two signatures); `docs/decisions/0015-spans.md`.
"""

from collections.abc import Sequence

from genesis.addresses import ATTRIBUTION
from genesis.keccak import keccak256
from genesis.typed_data import Explanation, Span, explanation_digest
from genesis.types import ZERO_HASH, Hash32
from precompiles import gas
from precompiles.attribution_interface import (
    ALREADY_PROVED,
    CHALLENGE_FAILED,
    COMMITMENT_NOT_FOUND,
    EXPLANATION_PROVED_FALSE,
    INVALID_PROOF,
    INVALID_SIGNATURE,
    NOT_DUE_YET,
    SPAN_CHALLENGE_COMMITTED,
    WINDOW_CLOSED,
)
from precompiles.attribution_records import charge_records, hashes_of, place_of
from precompiles.attribution_verdict import credit_default, slash
from precompiles.checks import require
from precompiles.host import Host
from precompiles.record_texts import answer_text, is_text, plain_text
from precompiles.views import metering, models, policy
from precompiles.views import spans as view
from precompiles.views.disputes import RecordEvidence
from precompiles.views.metering import Channel

MAXIMUM_SPANS = 64
Spans = Sequence[Span]


def commit_span_challenge(host: Host, commitment: Hash32) -> None:
    """Say, without saying about what, that the caller contests an explanation."""
    gas.charge(host, gas.ATTRIBUTION["commitSpanChallenge"])
    require(commitment != ZERO_HASH and view.committed_at(host, commitment) == 0, "commitment")
    host.store(view.committed_at_slot(commitment), host.timestamp_s)
    SPAN_CHALLENGE_COMMITTED.emit(host, host.caller, commitment)


def challenge_span(  # noqa: PLR0917 - the method's arguments
    host: Host,
    salt: Hash32,
    explanation: Explanation,
    spans: Spans,
    signature: bytes,
    which: int,
    evidence: RecordEvidence,
    content: bytes,
) -> None:
    """Prove with a record's content that a signed span does not stand there."""
    sizes, index_id = len(evidence.sketch) + len(content), explanation.feature_index
    charge_records(host, "challengeSpan", index_id, sizes, hashes_of(evidence), len(spans))
    channel = _accused(host, salt, explanation, spans, signature)
    span = _named(spans, which)
    index = models.feature_index(host, index_id)
    if span.start < span.end and span.record < index.rows:
        place = place_of(host, index, evidence)
        require(place.index == span.record, "record")
        if keccak256(content) != evidence.content_hash:
            raise INVALID_PROOF(b"content")
        plain = plain_text(content) if is_text(content) else b""
        if _stands(span, plain, span.offset):
            raise CHALLENGE_FAILED(which, which)
    _convict(host, explanation, channel)


def challenge_answer_span(  # noqa: PLR0917 - the method's arguments
    host: Host,
    salt: Hash32,
    explanation: Explanation,
    spans: Spans,
    signature: bytes,
    which: int,
    output: bytes,
) -> None:
    """Prove with an answer's salted output that a signed span does not stand in it."""
    gas.charge(host, gas.ATTRIBUTION["challengeAnswerSpan"], len(output), len(spans))
    channel = _accused(host, salt, explanation, spans, signature)
    span = _named(spans, which)
    if keccak256(output) != explanation.output_hash:
        raise INVALID_PROOF(b"output")
    text = answer_text(output)
    if span.start < span.end and _stands(span, text, span.start):
        raise CHALLENGE_FAILED(which, which)
    _convict(host, explanation, channel)


def challenge_explanations(  # noqa: PLR0917 - the method's arguments
    host: Host,
    salt: Hash32,
    explanation: Explanation,
    spans: Spans,
    signature: bytes,
    other: Explanation,
    other_spans: Spans,
    other_signature: bytes,
) -> None:
    """Prove by two signatures that a provider gave one receipt two outputs."""
    gas.charge(host, gas.ATTRIBUTION["challengeExplanations"], len(spans) + len(other_spans))
    channel = _accused(host, salt, explanation, spans, signature)
    require(len(other_spans) <= MAXIMUM_SPANS, "spans")
    _check_signed(host, channel, other, other_spans, other_signature)
    is_same = (explanation.channel_id, explanation.number) == (other.channel_id, other.number)
    require(is_same, "other")
    if explanation.output_hash == other.output_hash:
        raise CHALLENGE_FAILED(explanation.number, other.number)
    _convict(host, explanation, channel)


def _accused(host: Host, salt: Hash32, explanation: Explanation, spans: Spans, signature: bytes) -> Channel:
    """The channel of an explanation that its provider signed and the caller has an open commitment on."""
    require(len(spans) <= MAXIMUM_SPANS, "spans")
    channel = metering.channel(host, explanation.channel_id)
    digest = _check_signed(host, channel, explanation, spans, signature)
    committed_s = view.committed_at(host, view.span_commitment(digest, host.caller, salt))
    if committed_s == 0:
        raise COMMITMENT_NOT_FOUND()
    if host.timestamp_s <= committed_s:
        raise NOT_DUE_YET(committed_s + 1)
    until_s = committed_s + policy.parameter(host, channel.policy_version, "challenge_reveal_s")
    if host.timestamp_s > until_s:
        raise WINDOW_CLOSED(until_s)
    if host.load(ATTRIBUTION, view.proved_slot(explanation.channel_id, explanation.number)) != 0:
        raise ALREADY_PROVED(explanation.channel_id, explanation.number)
    return channel


def _check_signed(
    host: Host, channel: Channel, explanation: Explanation, spans: Spans, signature: bytes
) -> Hash32:
    """The digest that the channel's provider signed."""
    digest = explanation_digest(explanation, spans, host.chain_id)
    if host.recover(digest, signature) != channel.provider:
        raise INVALID_SIGNATURE()
    return digest


def _named(spans: Spans, which: int) -> Span:
    require(which < len(spans), "span")
    return spans[which]


def _stands(span: Span, text: bytes, at: int) -> bool:
    """True iff the span's bytes are in the text from `at` on."""
    end = at + span.end - span.start
    return end <= len(text) and keccak256(text[at:end]) == span.text_hash


def _convict(host: Host, explanation: Explanation, channel: Channel) -> None:
    host.store(view.proved_slot(explanation.channel_id, explanation.number), 1)
    slashed_wei = slash(host, channel.provider, channel.policy_version)
    reward_wei = credit_default(host, host.caller, slashed_wei, channel.policy_version)
    receipt = (explanation.channel_id, explanation.number)
    EXPLANATION_PROVED_FALSE.emit(host, *receipt, channel.provider, host.caller, slashed_wei, reward_wei)
