"""Claims: by signature, below the minimum, before they can be made; and pools that pay nobody."""

from dataclasses import replace

import pytest

from genesis.addresses import ATTRIBUTION, TREASURY
from genesis.shares import pool_amount
from genesis.spec import DEV_L2_CHAIN_ID
from genesis.typed_data import claim_digest
from genesis.types import Address
from precompiles import attribution_interface as interface
from precompiles.checks import INVALID_ARGUMENT
from precompiles.views.attribution import ClaimOrder
from tests.precompiles.calls import UNIT, Account, event
from tests.precompiles.evidence import Posted
from tests.precompiles.scene import FEES_WEI, SCENE_POLICY, Scene
from tests.precompiles.world import NativeMachine, TwinMachine

ELSEWHERE = Address(b"\x99" * 20)
MACHINES = [NativeMachine, TwinMachine]


def settled(machine_type: type[NativeMachine | TwinMachine], minimum_claim_wei: int = 0) -> Scene:
    scene = Scene(replace(SCENE_POLICY, minimum_claim_wei=minimum_claim_wei), machine_type)
    scene.channel_id = scene.channel()
    scene.settlement_id = scene.settle(scene.channel_id)
    return scene


@pytest.fixture(params=MACHINES)
def scene(request: pytest.FixtureRequest) -> Scene:
    return settled(request.param)


def finalized(scene: Scene) -> tuple[int, Posted]:
    posted = scene.prepare_post([scene.settlement_id])
    post_id = scene.send_post(posted)
    scene.wait(scene.policy.post_window_s + 1)
    scene.do(scene.stranger, ATTRIBUTION, "finalize", post_id)
    return post_id, posted


def sign(order: ClaimOrder, signer: Account, chain_id: int = DEV_L2_CHAIN_ID) -> bytes:
    fields = (order.post_id, order.contributor_index, order.contributor, order.recipient, order.deadline_s)
    return signer.sign(claim_digest(*fields, chain_id))


def order_of(scene: Scene, post_id: int, posted: Posted) -> tuple[ClaimOrder, int, tuple[object, ...]]:
    deadline_s = scene.machine.moment.timestamp_s + 5
    order = ClaimOrder(post_id, 0, posted.index.contributors[0], ELSEWHERE, deadline_s)
    return order, posted.amounts.leaves[0][1], posted.amounts.siblings(0)


def test_a_signature_sends_the_money_elsewhere_once(scene: Scene) -> None:
    post_id, posted = finalized(scene)
    order, amount, proof = order_of(scene, post_id, posted)
    signature = sign(order, Account(21))
    scene.do(scene.stranger, ATTRIBUTION, "claimFor", order, amount, *proof, signature)
    assert scene.machine.balance(ELSEWHERE) == amount > 0
    again = scene.refuse(scene.stranger, ATTRIBUTION, "claimFor", order, amount, *proof, signature)
    assert again == interface.ALREADY_CLAIMED(post_id, 0).data


def test_an_order_binds_chain_post_place_recipient_and_time(scene: Scene) -> None:
    post_id, posted = finalized(scene)
    order, amount, proof = order_of(scene, post_id, posted)
    bad = interface.INVALID_SIGNATURE().data

    def refused(sent: ClaimOrder, signature: bytes) -> bytes:
        return scene.refuse(scene.stranger, ATTRIBUTION, "claimFor", sent, amount, *proof, signature)

    assert refused(order, sign(order, Account(21), chain_id=1)) == bad
    assert refused(order, sign(order, Account(22))) == bad
    for changes in ({"recipient": scene.stranger.address}, {"contributor_index": 1}, {"deadline_s": 2**64}):
        assert refused(replace(order, **changes), sign(order, Account(21))) == bad
    scene.wait(6)
    assert refused(order, sign(order, Account(21))) == interface.ORDER_EXPIRED(order.deadline_s).data
    zero = replace(order, recipient=Address(bytes(20)))
    assert refused(zero, sign(zero, Account(21))) == INVALID_ARGUMENT(b"recipient").data


@pytest.mark.parametrize("machine_type", MACHINES)
def test_dust_is_held_and_paid_when_asked(machine_type: type[NativeMachine | TwinMachine]) -> None:
    scene = settled(machine_type, minimum_claim_wei=UNIT // 2 * 20)
    post_id, posted = finalized(scene)
    contributor, amount = posted.index.contributors[0], posted.amounts.leaves[0][1]
    before = scene.machine.balance(contributor)
    outcome = scene.do(scene.stranger, ATTRIBUTION, "claim", *scene.claim_arguments(post_id, posted, 0))
    assert [log[1][0] for log in outcome.logs] == [
        event(ATTRIBUTION, name).topic for name in ("Claimed", "DustHeld")
    ]
    assert scene.machine.balance(contributor) == before
    assert scene.read(ATTRIBUTION, "dustOf", contributor) == amount
    assert scene.read(ATTRIBUTION, "earningsOf", contributor) == amount
    scene.do(contributor, ATTRIBUTION, "withdrawDust", ELSEWHERE)
    assert scene.machine.balance(ELSEWHERE) == amount
    nothing = interface.NOTHING_TO_CLAIM().data
    assert scene.refuse(contributor, ATTRIBUTION, "withdrawDust", ELSEWHERE) == nothing


@pytest.mark.parametrize("machine_type", MACHINES)
def test_dust_that_reaches_the_minimum_is_sent(machine_type: type[NativeMachine | TwinMachine]) -> None:
    scene = settled(machine_type)
    posted = scene.prepare_post([scene.settlement_id])
    amount = posted.amounts.leaves[0][1]
    scene = settled(machine_type, minimum_claim_wei=amount + 1)
    contributor = scene.contributors[0]
    fees = list(FEES_WEI)
    for _ in range(2):
        post_id, posted = finalized(scene)
        before = scene.machine.balance(contributor)
        scene.do(scene.stranger, ATTRIBUTION, "claim", *scene.claim_arguments(post_id, posted, 0))
        fees.append(UNIT // 10)
        scene.settlement_id = scene.settle(scene.channel_id, tuple(fees))
    assert scene.machine.balance(contributor) == before + amount + posted.amounts.leaves[0][1]
    assert scene.read(ATTRIBUTION, "dustOf", contributor) == 0


def test_claimable_says_what_a_claim_would_pay(scene: Scene) -> None:
    posted = scene.prepare_post([scene.settlement_id])
    post_id = scene.send_post(posted)
    arguments = scene.claim_arguments(post_id, posted, 0)[:-1]
    assert scene.read(ATTRIBUTION, "claimable", *arguments) == 0
    scene.wait(scene.policy.post_window_s + 1)
    scene.do(scene.stranger, ATTRIBUTION, "finalize", post_id)
    assert scene.read(ATTRIBUTION, "claimable", *arguments) == posted.amounts.leaves[0][1]
    wrong = (*arguments[:3], arguments[3] + 1, *arguments[4:])
    assert scene.read(ATTRIBUTION, "claimable", *wrong) == 0
    scene.do(scene.stranger, ATTRIBUTION, "claim", *arguments, arguments[2])
    assert scene.read(ATTRIBUTION, "claimable", *arguments) == 0


def test_preview_is_the_law_of_amounts(scene: Scene) -> None:
    for score, total in ((0, 0), (1, 3), (7, 7)):
        expected = pool_amount(UNIT, score, total, scene.policy.maximum_share_ppm)
        assert scene.read(ATTRIBUTION, "preview", UNIT, score, total, 1) == expected
    for bad, name in (
        ((10**27 + 1, 1, 1, 1), b"pool"),
        ((1, 2, 1, 1), b"score"),
        ((1, 1, 1, 2), b"policyVersion"),
    ):
        assert scene.refuse(scene.stranger, ATTRIBUTION, "preview", *bad) == INVALID_ARGUMENT(name).data


def test_a_pool_that_pays_nobody_rolls_over_and_then_is_the_treasurys(scene: Scene) -> None:
    scene.query = (0, 0, 0, 0)
    fees, waiting = list(FEES_WEI), 0
    before = scene.machine.balance(TREASURY)
    limit = scene.policy.rollover_limit
    for turn in range(limit + 1):
        posted = scene.prepare_post([scene.settlement_id])
        assert posted.amounts.root.sum == 0
        assert scene.read(ATTRIBUTION, "carryOf", scene.model_id) == waiting
        assert scene.machine.balance(TREASURY) == before
        pool = scene.pool_of(scene.settlement_id)
        post_id = scene.send_post(posted)
        scene.wait(scene.policy.post_window_s + 1)
        scene.do(scene.stranger, ATTRIBUTION, "finalize", post_id)
        out, kept = pool + posted.carry_in_wei, waiting - posted.carry_in_wei
        is_released = turn >= limit - 1
        assert kept >= limit * out or not is_released
        waiting, before = (kept, before + out) if is_released else (kept + out, before)
        fees.append(UNIT)
        scene.settlement_id = scene.settle(scene.channel_id, tuple(fees))
    assert scene.read(ATTRIBUTION, "carryOf", scene.model_id) == waiting > 0
    assert scene.machine.balance(TREASURY) == before
