"""Audits: which posts and rows are drawn, who pays, what a wrong row does to a post and its settlements."""

from bisect import bisect
from dataclasses import replace
from itertools import accumulate
from typing import Any

import pytest

from genesis.addresses import ATTRIBUTION, INFERENCE_METERING, STAKING
from genesis.commitments import word
from genesis.keccak import keccak256
from genesis.policy import Policy
from genesis.shares import PPM
from precompiles import attribution_interface as interface
from precompiles.checks import INVALID_ARGUMENT
from precompiles.views import juries, l1_block
from tests.precompiles.batch_actors import wide_sum
from tests.precompiles.calls import UNIT, Account, number
from tests.precompiles.evidence import Posted
from tests.precompiles.jury_scene import SALT, VALUES
from tests.precompiles.scene import FEES_WEI, SCENE_POLICY, Scene
from tests.precompiles.world import L1_BLOCK_TIME_S, NativeMachine, TwinMachine, origin_at

ALWAYS = replace(SCENE_POLICY, audit_ppm=PPM, post_window_s=60, unbonding_s=200)
PAY_WEI = 3 * ALWAYS.jury_seats * ALWAYS.juror_fee_wei
STAKE_WEI = 1_000 * UNIT
RIGHT, WRONG = 1, 2
AUDITS_TOTAL = (INFERENCE_METERING, "auditsTotal")
POST_VOID = 3


class AuditScene(Scene):
    """A settled batch and its post, and three validators."""

    def __init__(
        self, machine_type: Any, policy: Policy = ALWAYS, fees_wei: tuple[int, ...] = FEES_WEI
    ) -> None:
        super().__init__(policy, machine_type)
        self.jurors = [Account(31 + i) for i in range(3)]
        for juror in self.jurors:
            self.machine.fund(juror.address, STAKE_WEI + UNIT)
            self.do(juror, STAKING, "stake", 1, value_wei=STAKE_WEI)
        self.channel_id = self.channel()
        self.stake(self.owner)
        self.post_again(fees_wei)

    def post_again(self, fees_wei: tuple[int, ...]) -> None:
        self.settlement_id = self.settle(self.channel_id, fees_wei)
        self.posted: Posted = self.prepare_post([self.settlement_id])
        self.post_id = self.send_post(self.posted)

    def await_lot(self) -> None:
        self.wait((self.policy.jury_delay_blocks + 1) * L1_BLOCK_TIME_S)

    def place(self) -> int:
        """The wei that is drawn."""
        is_drawn, place = self.fields(ATTRIBUTION, "auditOf", self.post_id)
        assert is_drawn
        return place

    def contributor(self) -> int:
        """Whose amount covers it."""
        return bisect(list(accumulate(amount for _, amount in self.posted.amounts.leaves)), self.place())

    def arguments(self, contributor: int) -> tuple[Any, ...]:
        amount = self.posted.amounts.opened(contributor)
        evidence = wide_sum(self.index, contributor)
        return (self.post_id, contributor, self.contributors[contributor], amount, evidence)

    def open(self, value_wei: int = PAY_WEI) -> int:
        arguments = self.arguments(self.contributor())
        return number(self.do(self.stranger, ATTRIBUTION, "openAudit", *arguments, value_wei=value_wei))

    def decide(self, case_id: int, verdict: int) -> None:
        self.await_lot()
        self.do(self.stranger, ATTRIBUTION, "drawJury", case_id)
        for juror in self.jurors:
            commitment = juries.commitment_of(case_id, 1, juror.address, verdict, VALUES, SALT)
            self.do(juror, ATTRIBUTION, "commitVerdict", case_id, commitment)
        self.wait(self.policy.jury_commit_s + 1)
        for juror in self.jurors:
            self.do(juror, ATTRIBUTION, "revealVerdict", case_id, verdict, VALUES, SALT)
        self.wait(self.policy.jury_reveal_s)
        self.do(self.stranger, ATTRIBUTION, "closeJuryCase", case_id)

    def status(self) -> int:
        return self.fields(ATTRIBUTION, "getPost", self.post_id)[9]


@pytest.fixture(params=[NativeMachine, TwinMachine])
def machine_type(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def scene(machine_type: Any) -> AuditScene:
    return AuditScene(machine_type)


def test_the_lot_is_from_randomness_after_the_post(scene: AuditScene) -> None:
    origin = origin_at(scene.machine.moment.timestamp_s) + scene.policy.jury_delay_blocks
    refused = scene.refuse(scene.stranger, ATTRIBUTION, "auditOf", scene.post_id)
    assert refused == interface.NOT_DUE_YET(origin).data
    scene.await_lot()
    ring = keccak256(word(l1_block.RING_SLOT + origin % l1_block.RING_LENGTH))
    seed = keccak256(ring + word(31338) + word(scene.post_id))
    assert scene.place() == int.from_bytes(keccak256(seed), "big") % scene.posted.amounts.root.sum
    scene.wait(l1_block.RING_LENGTH * L1_BLOCK_TIME_S)
    assert scene.refuse(scene.stranger, ATTRIBUTION, "auditOf", scene.post_id)[:4] == (
        interface.WINDOW_CLOSED.selector
    )


def test_a_post_that_is_not_drawn_is_not_audited(machine_type: Any) -> None:
    scene = AuditScene(machine_type, replace(ALWAYS, audit_ppm=0))
    scene.await_lot()
    assert scene.fields(ATTRIBUTION, "auditOf", scene.post_id) == [0, 0]
    refused = scene.refuse(scene.stranger, ATTRIBUTION, "openAudit", *scene.arguments(0), value_wei=PAY_WEI)
    assert refused == interface.NOT_AUDITED(scene.post_id).data


def test_posts_of_dust_do_not_farm_the_audits_fund(machine_type: Any) -> None:
    """A validator that settles dust with itself, posts it and opens its audits would be paid for seats."""
    scene = AuditScene(machine_type, replace(ALWAYS, audit_ppm=PPM // 2), fees_wei=(UNIT // 1_000, 1))
    drawn = 0
    for turn in range(8):
        scene.await_lot()
        drawn += scene.fields(ATTRIBUTION, "auditOf", scene.post_id)[0]
        fees = (UNIT // 1_000, *(turn + 2) * (1_000,))
        scene.post_again(fees)
    assert drawn == 0


def test_a_right_row_is_paid_by_the_fund_which_keeps_the_rest(scene: AuditScene) -> None:
    scene.await_lot()
    fund_wei = scene.read(ATTRIBUTION, "auditFund")
    assert fund_wei == scene.read(*AUDITS_TOTAL) > 0
    refused = scene.refuse(
        scene.stranger,
        ATTRIBUTION,
        "openAudit",
        *scene.arguments(scene.contributor()),
        value_wei=PAY_WEI - fund_wei - 1,
    )
    assert refused == interface.WRONG_BOND(PAY_WEI, PAY_WEI - 1).data
    scene.do(scene.payer, ATTRIBUTION, "fundAudits", value_wei=PAY_WEI - fund_wei + 5)
    contributor = scene.contributor()
    case_id = scene.open(0)
    case = scene.fields(ATTRIBUTION, "getJuryCase", case_id)
    records = wide_sum(scene.index, contributor).records
    assert case[:3] == [scene.post_id, juries.AUDIT, contributor]
    assert case[3] < records
    assert scene.read(ATTRIBUTION, "auditFund") == 5
    again = scene.refuse(scene.stranger, ATTRIBUTION, "openAudit", *scene.arguments(contributor))
    assert again == INVALID_ARGUMENT(b"postId").data
    scene.wait(200)
    refused = scene.refuse(scene.stranger, ATTRIBUTION, "finalize", scene.post_id)
    assert refused == interface.PENDING_CHALLENGE(scene.post_id).data
    scene.decide(case_id, RIGHT)
    assert scene.read(ATTRIBUTION, "auditFund") == 5 + PAY_WEI - 3 * scene.policy.juror_fee_wei
    scene.do(scene.stranger, ATTRIBUTION, "finalize", scene.post_id)
    kept_wei, brought_wei = (scene.read(ATTRIBUTION, "auditFund"), scene.read(*AUDITS_TOTAL))
    scene.settle(scene.open_channel())
    more_wei = scene.read(*AUDITS_TOTAL) - brought_wei
    assert scene.read(ATTRIBUTION, "auditFund") == kept_wei + more_wei > kept_wei


def test_only_the_drawn_contributor_is_audited_by_its_own_leaf(scene: AuditScene) -> None:
    scene.await_lot()
    drawn = scene.contributor()
    paid = [i for i, (_, amount) in enumerate(scene.posted.amounts.leaves) if i != drawn]
    for other in paid:
        arguments = scene.arguments(other)
        refused = scene.refuse(scene.stranger, ATTRIBUTION, "openAudit", *arguments, value_wei=PAY_WEI)
        assert refused == interface.INVALID_PROOF(b"place").data
    *head, amount, evidence = scene.arguments(drawn)
    arguments = (*head, amount, replace(evidence, records=99))
    refused = scene.refuse(scene.stranger, ATTRIBUTION, "openAudit", *arguments, value_wei=PAY_WEI)
    assert refused == interface.INVALID_PROOF(b"sum").data
    arguments = (*head, replace(amount, amount=amount.amount + 1), evidence)
    refused = scene.refuse(scene.stranger, ATTRIBUTION, "openAudit", *arguments, value_wei=PAY_WEI)
    assert refused == interface.INVALID_PROOF(b"amount").data


def test_a_wrong_row_voids_index_and_post_and_frees_the_pool(scene: AuditScene) -> None:
    pool_wei = scene.pool_of(scene.settlement_id)
    scene.await_lot()
    case_id = scene.open()
    released = (ATTRIBUTION, "releaseSettlement", scene.settlement_id)
    assert scene.refuse(scene.stranger, *released) == (interface.ALREADY_ATTRIBUTED(scene.settlement_id).data)
    scene.decide(case_id, WRONG)
    assert scene.status() == POST_VOID
    assert scene.read(ATTRIBUTION, "indexStatus", scene.index_id) == 2
    assert scene.read(ATTRIBUTION, "slashedOf", scene.owner.address) == scene.policy.slash_amount_wei
    assert scene.read(ATTRIBUTION, "slashedOf", scene.provider.address) == 0
    assert scene.read(ATTRIBUTION, "openLiabilityOf", scene.provider.address) == 0
    reward_wei = scene.policy.slash_amount_wei * scene.policy.challenger_ppm // PPM
    assert scene.read(ATTRIBUTION, "rewardOf", scene.stranger.address) == reward_wei
    before_wei = scene.read(ATTRIBUTION, "carryOf", scene.model_id)
    scene.do(scene.stranger, *released)
    assert scene.read(ATTRIBUTION, "carryOf", scene.model_id) == before_wei + pool_wei
    assert scene.refuse(scene.stranger, *released) == (interface.ALREADY_ATTRIBUTED(scene.settlement_id).data)


def test_a_settlement_of_a_good_index_is_not_released(scene: AuditScene) -> None:
    other = scene.settle(scene.open_channel())
    refused = scene.refuse(scene.stranger, ATTRIBUTION, "releaseSettlement", other)
    assert refused == interface.WRONG_STATUS(0).data
    refused = scene.refuse(scene.stranger, ATTRIBUTION, "releaseSettlement", 99)
    assert refused == INVALID_ARGUMENT(b"settlementId").data


def test_an_audit_is_opened_within_the_posts_window(scene: AuditScene) -> None:
    until_s = scene.fields(ATTRIBUTION, "getPost", scene.post_id)[8]
    scene.wait(scene.policy.post_window_s + 1)
    arguments = scene.arguments(0)
    refused = scene.refuse(scene.stranger, ATTRIBUTION, "openAudit", *arguments, value_wei=PAY_WEI)
    assert refused == interface.WINDOW_CLOSED(until_s).data
