"""Cases before a jury, from opening to pay and punishment, each move sent once by a forced deposit."""

from genesis.addresses import ATTRIBUTION, STAKING
from genesis.shares import PPM
from precompiles.views import juries
from tests.economy.forced import sends
from tests.precompiles import test_audits as audits
from tests.precompiles import test_query_cases as queries
from tests.precompiles.calls import number
from tests.precompiles.jury_scene import STAKE_WEI, JuryMoves, JuryScene
from tests.precompiles.scene import HASH
from tests.precompiles.world import MachineType

RIGHT, WRONG, NOT_AVAILABLE = 1, 2, 3
USABLE, VOID = 0, 2
POST_VOID = 3
VOID_SETTLEMENT = 2**256 - 1
OUTCOME, PAY = 18, 19


def pay(scene: JuryMoves, case_id: int) -> None:
    """Every juror collects the policy's fee for its one seat."""
    for juror in scene.jurors:
        before_wei = scene.machine.balance(juror.address)
        scene.do(juror, ATTRIBUTION, "claimJurorPay", case_id)
        assert scene.machine.balance(juror.address) == before_wei + scene.policy.juror_fee_wei


@sends("openRowCase", "drawJury", "commitVerdict", "revealVerdict", "closeJuryCase", "claimJurorPay")
def test_a_wrong_row(machine_type: MachineType) -> None:
    scene = JuryScene(machine_type)
    case_id = scene.open(1)
    assert scene.drawn(case_id)[1] == 0
    scene.draw(case_id)
    assert scene.drawn(case_id)[1] != 0
    assert [scene.seats(case_id, each) for each in scene.jurors] == [1, 1, 1]
    scene.vote(case_id, scene.all_say(WRONG))
    scene.do(scene.stranger, ATTRIBUTION, "closeJuryCase", case_id)
    assert scene.case(case_id)[OUTCOME] == WRONG
    assert scene.status() == VOID
    assert scene.read(ATTRIBUTION, "slashedOf", scene.owner.address) == scene.policy.slash_amount_wei
    pay(scene, case_id)
    assert scene.machine.balance(ATTRIBUTION) == 0


@sends("openPreconditionerCase", "punishAbsence")
def test_a_right_preconditioner_and_an_absent_juror(machine_type: MachineType) -> None:
    scene = JuryScene(machine_type)
    case_id = number(scene.do(scene.validator, ATTRIBUTION, "openPreconditionerCase", scene.index_id, HASH))
    scene.draw(case_id)
    absent = scene.jurors[2]
    scene.vote(case_id, dict.fromkeys(scene.jurors[:2], (RIGHT, b"")))
    scene.do(scene.stranger, ATTRIBUTION, "closeJuryCase", case_id)
    assert scene.case(case_id)[OUTCOME] == RIGHT
    assert scene.status() == USABLE
    scene.do(scene.stranger, ATTRIBUTION, "punishAbsence", case_id, 1, absent.address)
    lost_wei = scene.policy.absence_slash_wei
    assert scene.read(ATTRIBUTION, "validatorSlashedOf", absent.address) == lost_wei
    assert scene.read(STAKING, "stakeOf", absent.address, 1) == STAKE_WEI - lost_wei
    reward_wei = lost_wei * scene.policy.challenger_ppm // PPM
    assert scene.read(ATTRIBUTION, "rewardOf", scene.stranger.address) == reward_wei


@sends("showQuery", "openQueryCase")
def test_a_forged_query(machine_type: MachineType) -> None:
    scene = queries.QueryCaseScene(machine_type)
    scene.show()
    root = scene.batch.query_root(queries.PLACE)
    assert scene.read(ATTRIBUTION, "shownOf", root) == scene.index.dimensions
    case_id = number(scene.do(scene.payer, ATTRIBUTION, "openQueryCase", *scene.arguments()))
    case = scene.decide(case_id, scene.all_say(WRONG, queries.VALUES))
    assert (case[1], case[OUTCOME]) == (juries.QUERY, WRONG)
    assert scene.status(scene.post_id) == POST_VOID
    assert scene.slashed(scene.provider) == scene.policy.slash_amount_wei
    assert scene.read(ATTRIBUTION, "postOfSettlement", scene.settlement_id) == VOID_SETTLEMENT
    pay(scene, case_id)


@sends("fundAudits", "openAudit", "releaseSettlement")
def test_an_audit_finds_a_wrong_row(machine_type: MachineType) -> None:
    scene = audits.AuditScene(machine_type)
    pool_wei = scene.pool_of(scene.settlement_id)
    before_wei = scene.read(ATTRIBUTION, "auditFund")
    scene.do(scene.payer, ATTRIBUTION, "fundAudits", value_wei=audits.PAY_WEI)
    assert scene.read(ATTRIBUTION, "auditFund") == before_wei + audits.PAY_WEI
    scene.await_lot()
    case_id = scene.open(0)
    assert scene.read(ATTRIBUTION, "auditFund") == before_wei
    scene.decide(case_id, WRONG)
    assert scene.status() == POST_VOID
    assert scene.read(ATTRIBUTION, "indexStatus", scene.index_id) == VOID
    carry_wei = scene.read(ATTRIBUTION, "carryOf", scene.model_id)
    scene.do(scene.stranger, ATTRIBUTION, "releaseSettlement", scene.settlement_id)
    assert scene.read(ATTRIBUTION, "carryOf", scene.model_id) == carry_wei + pool_wei
