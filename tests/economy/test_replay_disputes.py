"""What is signed, committed or shown in a dispute counts once, and only where it was meant: a matrix.

A row is a genuine call and the same call with one binding changed, as in `test_replay`; the changed one is
refused and moves nothing, the genuine one goes through, and not a second time.
Covered: explanations and what contests them, demands, cases of rows and queries, verdicts, pay, absences,
audits, released pools, rewards and bonds; across chain, channel, receipt, index, case, round and account.
Not covered here: evidence of another place (`tests/precompiles`, each challenge's own file).
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from genesis.addresses import ATTRIBUTION, STAKING
from genesis.spec import DEV_L2_CHAIN_ID, MAINNET_L2_CHAIN_ID
from genesis.typed_data import explanation_digest
from genesis.types import Hash32
from precompiles.views.disputes import DemandPath
from tests.economy.test_replay import Attempt, refused, state
from tests.precompiles.batch_scene import BatchScene
from tests.precompiles.calls import Account
from tests.precompiles.jury_scene import SALT, VALUES, JuryScene
from tests.precompiles.scene import HASH, Scene
from tests.precompiles.test_attribution_challenges import dishonest
from tests.precompiles.test_attribution_demands import sum_nodes
from tests.precompiles.test_attribution_spans import CONTENT, OUTPUT, RIGHT, SECOND, SpanScene
from tests.precompiles.test_audits import PAY_WEI, AuditScene
from tests.precompiles.test_query_cases import PLACE, QueryCaseScene
from tests.precompiles.world import NativeMachine

RIGHT_VERDICT, WRONG = 1, 2
OTHER_SALT = Hash32(b"\x22" * 32)

Rows = tuple[Scene, Attempt, Attempt]
"""A scene, what is genuine in it, and the same with one binding changed."""


def put(call: Attempt, place: int, value: Any) -> Attempt:
    """The call with another argument at a place."""
    return replace(call, arguments=(*call.arguments[:place], value, *call.arguments[place + 1 :]))


# --- Explanations -----------------------------------------------------------------------------------------


def explained(change: str) -> Rows:
    """A passage that stands elsewhere, signed by the provider and proved false by the record."""
    scene = SpanScene(NativeMachine)
    said, spans = scene.explanation(), (SECOND, replace(RIGHT, offset=0))
    scene.commit_to_span(said, spans)
    scene.wait(1)
    evidence = (1, scene.record(0, 0), CONTENT)
    genuine = _accusation(scene, said, spans, evidence)
    if change == "account":
        return scene, genuine, replace(genuine, sender=scene.stranger)
    if change == "salt":
        return scene, genuine, put(genuine, 0, OTHER_SALT)
    if change == "chain":
        digest = explanation_digest(said, spans, MAINNET_L2_CHAIN_ID)
        return scene, genuine, put(genuine, 3, scene.provider.sign(digest))
    if change == "signer":
        return scene, genuine, put(genuine, 3, scene.signed(said, spans, scene.payer))
    other: dict[str, dict[str, Any]] = {
        "channel": {"channel_id": scene.open_channel()},
        "receipt": {"number": 4},
        "index": {"feature_index": scene.index_id + 1},
        "output": {"output_hash": HASH},
    }
    return scene, genuine, put(genuine, 1, replace(said, **other[change]))


def contradicted(change: str) -> Rows:
    """Two outputs of one receipt: neither of another receipt's, chain's or signer's."""
    scene = SpanScene(NativeMachine)
    said, other = scene.explanation(), scene.explanation(output_hash=HASH)
    scene.commit_to_span(said, (RIGHT,))
    scene.wait(1)
    digest = explanation_digest(other, (), MAINNET_L2_CHAIN_ID if change == "chain" else DEV_L2_CHAIN_ID)
    second = (other, (), scene.signed(other, ()))
    genuine = _accusation(scene, said, (RIGHT,), second, "challengeExplanations")
    if change == "chain":
        return scene, genuine, put(genuine, 6, scene.provider.sign(digest))
    if change == "signer":
        return scene, genuine, put(genuine, 6, scene.signed(other, (), scene.payer))
    elsewhere: dict[str, dict[str, Any]] = {
        "receipt": {"number": 4},
        "channel": {"channel_id": scene.open_channel()},
    }
    moved = replace(other, **elsewhere[change])
    return scene, genuine, put(put(genuine, 4, moved), 6, scene.signed(moved, ()))


def _accusation(
    scene: SpanScene, said: Any, spans: Any, evidence: tuple[Any, ...], name: str = "challengeSpan"
) -> Attempt:
    arguments = (HASH, said, spans, scene.signed(said, spans), *evidence)
    return Attempt(scene.validator, ATTRIBUTION, name, arguments)


# --- Demands ----------------------------------------------------------------------------------------------


def shown(change: str) -> Rows:
    """Content for one demand, sent for another one, or cut."""
    scene = BatchScene(NativeMachine)
    post_id, posted = scene.posted()
    first, other = (scene.demand(post_id, posted, DemandPath(tree, 0, 0, ())) for tree in (0, 1))
    content = sum_nodes(posted.amounts, 0)[0]
    genuine = Attempt(scene.stranger, ATTRIBUTION, "answerDemand", (first, content))
    return scene, genuine, put(genuine, 0, other) if change == "demand" else put(genuine, 1, content[1:])


# --- Cases ------------------------------------------------------------------------------------------------


def row_case(change: str) -> Rows:
    """A challenge of one index opened as a case."""
    scene = JuryScene(NativeMachine)
    first = scene.index_id
    other = scene.commit_rows()
    genuine = Attempt(scene.validator, ATTRIBUTION, "openRowCase", (first, HASH, scene.row_leaf(0)))
    if change == "account":
        return scene, genuine, replace(genuine, sender=scene.stranger)
    if change == "salt":
        return scene, genuine, put(genuine, 1, OTHER_SALT)
    return scene, genuine, put(genuine, 0, other)


def query_case(change: str) -> Rows:
    """A customer's answer, shown with its receipt and query."""
    scene = QueryCaseScene(NativeMachine)
    scene.show()
    genuine = Attempt(scene.payer, ATTRIBUTION, "openQueryCase", scene.arguments())
    if change == "account":
        return scene, genuine, replace(genuine, sender=scene.stranger)
    if change == "receipt":
        return scene, genuine, put(genuine, 5, scene.batch.receipt(PLACE + 1))
    if change == "query":
        return scene, genuine, put(genuine, 4, scene.batch.query(PLACE + 1))
    return scene, genuine, replace(genuine, arguments=scene.arguments(output=b"another"))


# --- Verdicts, pay, absences ------------------------------------------------------------------------------


class TwoCases(JuryScene):
    """Two rows of one index before the same three jurors, who all have one seat in both."""

    def __init__(self) -> None:
        super().__init__(NativeMachine)
        self.first = self.open(0)
        self.commit_to(self.stranger)
        arguments = (self.index_id, HASH, self.row_leaf(1))
        self.do(self.stranger, ATTRIBUTION, "openRowCase", *arguments)
        self.second = self.first + 1
        self.draw(self.first)
        self.do(self.stranger, ATTRIBUTION, "drawJury", self.second)

    def promise(self, case_id: int, juror: Account, copied_from: Account | None = None) -> None:
        commitment = self.commitment(self.first, copied_from or juror, WRONG)
        self.do(juror, ATTRIBUTION, "commitVerdict", case_id, commitment)


def verdict(change: str) -> Rows:
    """What a juror promised for one case, opened by it there; copied to another case, or by another juror."""
    scene = TwoCases()
    juror, other = scene.jurors[:2]
    scene.promise(scene.first, juror)
    scene.promise(scene.second, juror)
    scene.promise(scene.first, other, copied_from=juror)
    scene.wait(scene.policy.jury_commit_s + 1)
    said = (scene.first, WRONG, VALUES, SALT)
    genuine = Attempt(juror, ATTRIBUTION, "revealVerdict", said)
    changes = {"case": (0, scene.second), "verdict": (1, RIGHT_VERDICT), "values": (2, bytes(16))}
    if change == "juror":
        return scene, genuine, replace(genuine, sender=other)
    return scene, genuine, put(genuine, *(changes.get(change) or (3, OTHER_SALT)))


def _closed() -> TwoCases:
    """The first case is closed by two jurors, the third stayed away; the second is open."""
    scene = TwoCases()
    scene.vote(scene.first, dict.fromkeys(scene.jurors[:2], (RIGHT_VERDICT, VALUES)))
    scene.do(scene.stranger, ATTRIBUTION, "closeJuryCase", scene.first)
    return scene


def pay(change: str) -> Rows:
    """A juror's pay: not for another case, nor for who was not with it."""
    scene = _closed()
    genuine = Attempt(scene.jurors[0], ATTRIBUTION, "claimJurorPay", (scene.first,))
    if change == "case":
        return scene, genuine, put(genuine, 0, scene.second)
    return scene, genuine, replace(genuine, sender=scene.jurors[2] if change == "absent" else scene.stranger)


def absence(change: str) -> Rows:
    """A report of who stayed away, from the case and round in which it did."""
    scene = _closed()
    arguments = (scene.first, 1, scene.jurors[2].address)
    genuine = Attempt(scene.stranger, ATTRIBUTION, "punishAbsence", arguments)
    places: dict[str, tuple[int, Any]] = {
        "round": (1, 2),
        "juror": (2, scene.jurors[0].address),
        "stranger": (2, scene.payer.address),
    }
    return scene, genuine, put(genuine, *places[change])


# --- Audits and what verdicts leave -----------------------------------------------------------------------


def audit(change: str) -> Rows:
    """The drawn contributor of a drawn post, once."""
    scene = AuditScene(NativeMachine)
    scene.await_lot()
    drawn = scene.contributor()
    genuine = Attempt(scene.stranger, ATTRIBUTION, "openAudit", scene.arguments(drawn), PAY_WEI)
    assert change == "contributor"
    return scene, genuine, replace(genuine, arguments=scene.arguments(1 - drawn))


def release(change: str) -> Rows:
    """The pool of a settlement whose index is void; not of one that has an index."""
    scene = AuditScene(NativeMachine)
    scene.await_lot()
    scene.decide(scene.open(), WRONG)
    scene.model_id = scene.model()
    other = scene.settle(scene.open_channel())
    genuine = Attempt(scene.stranger, ATTRIBUTION, "releaseSettlement", (scene.settlement_id,))
    assert change == "settlement"
    return scene, genuine, put(genuine, 0, other)


def reward(change: str) -> Rows:
    """A challenger's part of a slash, and nobody else's."""
    scene, _ = _convicted()
    genuine = Attempt(scene.validator, STAKING, "claimSlashReward", (scene.validator.address,))
    assert change == "account"
    return scene, genuine, replace(genuine, sender=scene.stranger)


def bond(change: str) -> Rows:
    """A bond that comes back to who proved, from the post that it was given for."""
    scene, post_id = _convicted()
    scene.wait(scene.policy.challenge_reveal_s + 1)
    genuine = Attempt(scene.validator, ATTRIBUTION, "withdrawBond", (post_id,))
    assert change == "account"
    return scene, genuine, replace(genuine, sender=scene.stranger)


def _convicted() -> tuple[Scene, int]:
    scene = Scene()
    scene.settlement_id = scene.settle(scene.channel())
    post_id, posted = dishonest(scene)
    scene.commit(post_id)
    scene.do(scene.validator, ATTRIBUTION, "challengeScore", *scene.score_challenge(post_id, posted, 0))
    return scene, post_id


Maker = Callable[[str], Rows]
MATRIX: dict[Maker, tuple[str, ...]] = {
    explained: ("chain", "channel", "receipt", "index", "output", "signer", "account", "salt"),
    contradicted: ("chain", "channel", "receipt", "signer"),
    shown: ("demand", "content"),
    row_case: ("index", "account", "salt"),
    query_case: ("account", "receipt", "query", "answer"),
    verdict: ("case", "juror", "verdict", "values", "salt"),
    pay: ("case", "absent", "stranger"),
    absence: ("round", "juror", "stranger"),
    audit: ("contributor",),
    release: ("settlement",),
    reward: ("account",),
    bond: ("account",),
}
ROWS = [
    pytest.param(maker, change, id=f"{maker.__name__}-{change}")
    for maker, changes in MATRIX.items()
    for change in changes
]


@pytest.mark.parametrize(("maker", "change"), ROWS)
def test_nothing_counts_where_it_was_not_meant(maker: Maker, change: str) -> None:
    scene, genuine, changed = maker(change)
    before = state(scene)
    assert refused(changed.on(scene))
    assert state(scene) == before
    assert genuine.on(scene).succeeded


@pytest.mark.parametrize("maker", list(MATRIX), ids=lambda maker: maker.__name__)
def test_nothing_counts_twice(maker: Maker) -> None:
    scene, genuine, _ = maker(MATRIX[maker][0])
    assert genuine.on(scene).succeeded
    before = state(scene)
    assert refused(genuine.on(scene))
    assert state(scene) == before


def test_a_receipt_convicts_its_provider_once_however_it_is_proved_false() -> None:
    """By the record, then by the answer, then by a second signature."""
    scene = SpanScene(NativeMachine)
    assert scene.by_record(replace(RIGHT, offset=0)) is None
    slashed_wei = scene.read(ATTRIBUTION, "slashedOf", scene.provider.address)
    assert scene.by_answer(replace(RIGHT, start=0), OUTPUT) is not None
    said, other = scene.explanation(), scene.explanation(output_hash=HASH)
    second = (other, (), scene.signed(other, ()))
    assert scene.accuse("challengeExplanations", said, (RIGHT,), *second) is not None
    assert scene.read(ATTRIBUTION, "slashedOf", scene.provider.address) == slashed_wei
