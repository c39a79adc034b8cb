"""Signed explanations proved false, on both machines: by the record, by the answer, by a second signature."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from genesis.addresses import ATTRIBUTION, MODEL_REGISTRY
from genesis.keccak import keccak256
from genesis.spec import DEV_L2_CHAIN_ID
from genesis.typed_data import Explanation, Span, explanation_digest
from genesis.types import Hash32
from precompiles import attribution_interface as interface
from precompiles.checks import INVALID_ARGUMENT
from precompiles.views.spans import span_commitment
from tests.precompiles.calls import UNIT, Account, call
from tests.precompiles.evidence import Row
from tests.precompiles.record_scene import RecordScene
from tests.precompiles.scene import HASH
from tests.precompiles.world import NativeMachine, TwinMachine
from workers.artifacts import canonical_json
from workers.datasets.text import MAGIC, text_record

RECORD = text_record({"instruction": "Say it", "input": "in “quotes”", "output": 'twice\n"once"'})
CONTENT = MAGIC + RECORD.content
PLAIN = RECORD.plain().encode()
ANSWER = 'He said in “quotes” that twice\n"once" is enough'
OUTPUT = b"\x05" * 32 + canonical_json.encode({"text": ANSWER, "tokens": [1, 2, 3]})
ROWS = [Row(i, i, 0, (100 - i, 7)) for i in range(3)]
ROW_COUNT = len(ROWS)


@pytest.fixture(params=[NativeMachine, TwinMachine])
def scene(request: pytest.FixtureRequest) -> "SpanScene":
    return SpanScene(request.param)


def span_of(passage: str, **changes: Any) -> Span:
    """Where a passage really stands, or not."""
    said = passage.encode()
    start = ANSWER.encode().index(said)
    right = Span(start, start + len(said), 0, PLAIN.index(said), keccak256(said))
    return replace(right, **changes)


RIGHT = span_of("in “quotes”")
SECOND = span_of('twice\n"once"')


class SpanScene(RecordScene):
    """A usable index over three texts of one content, and an open channel of its model."""

    def __init__(self, machine_type: Any) -> None:
        super().__init__(machine_type, ((b"s",) * ROW_COUNT,), (0,), ROWS, Hash32(keccak256(CONTENT)))
        self.do(self.owner, MODEL_REGISTRY, "setPrice", self.model_id, UNIT, UNIT)
        self.wait(self.policy.index_window_s)
        self.stake(self.provider)
        self.channel_id = self.open_channel()

    def explanation(self, **changes: Any) -> Explanation:
        right = Explanation(self.channel_id, 3, self.index_id, keccak256(OUTPUT))
        return replace(right, **changes)

    def signed(self, explanation: Explanation, spans: Sequence[Span], by: Account | None = None) -> bytes:
        return (by or self.provider).sign(explanation_digest(explanation, spans, DEV_L2_CHAIN_ID))

    def commit_to_span(self, explanation: Explanation, spans: Sequence[Span]) -> None:
        digest = explanation_digest(explanation, spans, DEV_L2_CHAIN_ID)
        commitment = span_commitment(digest, self.validator.address, HASH)
        self.do(self.validator, ATTRIBUTION, "commitSpanChallenge", commitment)

    def accuse(
        self, method: str, explanation: Explanation, spans: Sequence[Span], *evidence: Any, wait_s: int = 1
    ) -> bytes | None:
        """Commit and challenge; None if that convicts the provider, else the revert's data."""
        self.commit_to_span(explanation, spans)
        self.wait(wait_s)
        signature = self.signed(explanation, spans)
        before = self.read(ATTRIBUTION, "slashedOf", self.provider.address)
        outcome = self.attempt(
            self.validator, ATTRIBUTION, method, HASH, explanation, spans, signature, *evidence
        )
        slashed = self.read(ATTRIBUTION, "slashedOf", self.provider.address) - before
        assert slashed == (self.policy.slash_amount_wei if outcome.succeeded else 0)
        return None if outcome.succeeded else outcome.data

    def by_record(self, span: Span, content: bytes = CONTENT, row: int = 0) -> bytes | None:
        spans = (SECOND, span)
        return self.accuse("challengeSpan", self.explanation(), spans, 1, self.record(0, row), content)

    def by_answer(self, span: Span, output: bytes = OUTPUT) -> bytes | None:
        return self.accuse("challengeAnswerSpan", self.explanation(), (span,), 0, output)


def test_a_span_that_stands_is_not_convicted(scene: SpanScene) -> None:
    assert scene.by_record(RIGHT) == interface.CHALLENGE_FAILED(1, 1).data


def test_the_answer_s_span_stands_too(scene: SpanScene) -> None:
    assert scene.by_answer(RIGHT) == interface.CHALLENGE_FAILED(0, 0).data
    assert scene.by_answer(SECOND) == interface.CHALLENGE_FAILED(0, 0).data


@pytest.mark.parametrize(
    "changes",
    [
        {"offset": 0},
        {"offset": len(PLAIN) - 1},
        {"offset": 2**256 - 1},
        {"text_hash": HASH},
        {"end": RIGHT.start},
        {"record": ROW_COUNT},
        {"end": 2**255},
    ],
    ids=str,
)
def test_a_record_proves_a_span_false(scene: SpanScene, changes: dict[str, Any]) -> None:
    wrong = replace(RIGHT, **changes)
    assert scene.by_record(wrong) is None
    reward = scene.read(ATTRIBUTION, "rewardOf", scene.validator.address)
    assert reward == scene.policy.slash_amount_wei * scene.policy.challenger_ppm // 10**6


@pytest.mark.parametrize("changes", [{"start": 0}, {"start": 1, "end": 1}, {"end": 2**256 - 1}], ids=str)
def test_an_answer_proves_a_span_false(scene: SpanScene, changes: dict[str, Any]) -> None:
    assert scene.by_answer(replace(RIGHT, **changes)) is None


def test_two_outputs_of_one_receipt_are_a_contradiction(scene: SpanScene) -> None:
    first, spans = scene.explanation(), (RIGHT,)
    for other, expected in (
        (scene.explanation(feature_index=7), interface.CHALLENGE_FAILED(3, 3).data),
        (scene.explanation(number=4, output_hash=HASH), INVALID_ARGUMENT(b"other").data),
        (scene.explanation(output_hash=HASH), None),
    ):
        evidence = (other, (), scene.signed(other, ()))
        if expected is None:
            assert scene.attempt(
                scene.validator,
                ATTRIBUTION,
                "challengeExplanations",
                HASH,
                first,
                spans,
                scene.signed(first, spans),
                *evidence,
            ).succeeded
        else:
            scene.wait(0)
            digest = explanation_digest(first, spans, DEV_L2_CHAIN_ID)
            commitment = span_commitment(digest, scene.validator.address, HASH)
            scene.attempt(scene.validator, ATTRIBUTION, "commitSpanChallenge", commitment)
            scene.wait(1)
            signed = (first, spans, scene.signed(first, spans))
            refused = scene.refuse(
                scene.validator, ATTRIBUTION, "challengeExplanations", HASH, *signed, *evidence
            )
            assert refused == expected


def test_a_receipt_convicts_once_and_only_by_its_provider_s_word(scene: SpanScene) -> None:
    wrong = replace(RIGHT, offset=0)
    assert scene.by_record(wrong) is None
    proved = interface.ALREADY_PROVED(scene.channel_id, 3).data
    assert scene.by_answer(replace(RIGHT, start=0)) == proved
    explanation, spans = scene.explanation(number=4), (wrong,)
    scene.commit_to_span(explanation, spans)
    scene.wait(1)
    evidence = (0, scene.record(0, 0), CONTENT)
    for by in (scene.stranger, scene.payer):
        said = (HASH, explanation, spans, scene.signed(explanation, spans, by))
        refused = scene.refuse(scene.validator, ATTRIBUTION, "challengeSpan", *said, *evidence)
        assert refused == interface.INVALID_SIGNATURE().data
    nobody = replace(explanation, channel_id=HASH)
    said = (HASH, nobody, spans, scene.signed(nobody, spans))
    refused = scene.refuse(scene.validator, ATTRIBUTION, "challengeSpan", *said, *evidence)
    assert refused == interface.INVALID_SIGNATURE().data


def test_only_an_earlier_commitment_of_one_s_own_is_taken(scene: SpanScene) -> None:
    explanation, spans = scene.explanation(), (replace(RIGHT, offset=0),)
    said = (HASH, explanation, spans, scene.signed(explanation, spans), 0, scene.record(0, 0), CONTENT)
    refused = scene.refuse(scene.validator, ATTRIBUTION, "challengeSpan", *said)
    assert refused == interface.COMMITMENT_NOT_FOUND().data
    scene.commit_to_span(explanation, spans)
    now_s = scene.machine.moment.timestamp_s
    refused = scene.refuse(scene.validator, ATTRIBUTION, "challengeSpan", *said)
    assert refused == interface.NOT_DUE_YET(now_s + 1).data
    scene.wait(1)
    assert scene.refuse(scene.stranger, ATTRIBUTION, "challengeSpan", *said)
    scene.wait(scene.policy.challenge_reveal_s)
    refused = scene.refuse(scene.validator, ATTRIBUTION, "challengeSpan", *said)
    assert refused == interface.WINDOW_CLOSED(now_s + scene.policy.challenge_reveal_s).data


def test_evidence_of_something_else_proves_nothing(scene: SpanScene) -> None:
    wrong = replace(RIGHT, offset=0)
    assert scene.by_record(wrong, row=1) == INVALID_ARGUMENT(b"record").data
    other = MAGIC + text_record({"text": "something else"}).content
    explanation = scene.explanation()
    spans = (SECOND, wrong)
    said = (HASH, explanation, spans, scene.signed(explanation, spans))
    refused = scene.refuse(scene.validator, ATTRIBUTION, "challengeSpan", *said, 1, scene.record(0, 0), other)
    assert refused == interface.INVALID_PROOF(b"content").data
    refused = scene.refuse(
        scene.validator, ATTRIBUTION, "challengeSpan", *said, 2, scene.record(0, 0), CONTENT
    )
    assert refused == INVALID_ARGUMENT(b"span").data
    assert scene.by_answer(RIGHT, OUTPUT + b" ") == interface.INVALID_PROOF(b"output").data


def test_a_commitment_is_taken_once(scene: SpanScene) -> None:
    scene.do(scene.validator, ATTRIBUTION, "commitSpanChallenge", HASH)
    for commitment in (HASH, bytes(32)):
        outcome = scene.machine.call(
            call(scene.stranger.address, ATTRIBUTION, "commitSpanChallenge", commitment)
        )
        assert outcome.data == INVALID_ARGUMENT(b"commitment").data
