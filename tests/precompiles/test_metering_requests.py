"""Requests on chain: escrow, answer, window, dispute, refund, callback; the receipt they settle by."""

from typing import Any

import pytest

from genesis.addresses import ATTRIBUTION, CALLBACK_CALLER, INFERENCE_METERING, TREASURY
from genesis.commitments import EMPTY_SUM_NODE, KIND_RECEIPTS, receipt_hash, sum_leaf, sum_node, sum_tree_id
from genesis.keccak import keccak256
from genesis.shares import SplitRule, split_fee
from genesis.spec import DEV_L2_CHAIN_ID
from genesis.types import Address, Hash32
from precompiles import metering_interface as law
from precompiles.checks import INVALID_ARGUMENT
from tests.precompiles.calls import UNIT, number
from tests.precompiles.scene import HASH, Scene
from tests.precompiles.world import NativeMachine, TwinMachine

PROMPT, OUTPUT, QUERIES = (Hash32(bytes((i,)) * 32) for i in (1, 2, 3))
FEE = UNIT + 2 * 2 * UNIT
"""1,000 tokens in at one unit and 2,000 out at two."""


@pytest.fixture(params=[NativeMachine, TwinMachine])
def scene(request: pytest.FixtureRequest) -> Scene:
    scene = Scene(machine_type=request.param)
    scene.channel()
    return scene


def asking(scene: Scene, **changes: Any) -> tuple[Any, ...]:
    arguments = {
        "model": scene.model_id,
        "provider": scene.provider.address,
        "prompt": PROMPT,
        "lifetime": 100,
        "gas": 50_000,
        "tip": UNIT,
        "uri": b"sha256:55",
    }
    return tuple((arguments | changes).values())


def ask(scene: Scene, value_wei: int = 10 * UNIT, **changes: Any) -> int:
    arguments = asking(scene, **changes)
    outcome = scene.do(scene.payer, INFERENCE_METERING, "requestInference", *arguments, value_wei=value_wei)
    return number(outcome)


def fulfil(scene: Scene, request_id: int) -> None:
    arguments = (request_id, OUTPUT, 1_000, 2_000, QUERIES, b"sha256:66")
    scene.do(scene.provider, INFERENCE_METERING, "fulfil", *arguments)


def state(scene: Scene, request_id: int) -> int:
    return scene.fields(INFERENCE_METERING, "getRequest", request_id)[13]


def test_an_answer_is_paid_after_its_window_like_a_receipt(scene: Scene) -> None:
    request_id = ask(scene)
    before = scene.machine.balance(scene.payer.address)
    fulfil(scene, request_id)
    assert scene.machine.balance(scene.payer.address) == before + 9 * UNIT - FEE
    payable_at = scene.machine.moment.timestamp_s + scene.policy.request_window_s
    settle = (scene.stranger, INFERENCE_METERING, "settleRequest", request_id)
    assert scene.refuse(*settle) == law.TOO_EARLY(payable_at).data
    scene.wait(scene.policy.request_window_s)
    settlement_id = number(scene.do(*settle))
    fields = scene.fields(INFERENCE_METERING, "getSettlement", settlement_id)
    chain = DEV_L2_CHAIN_ID.to_bytes(32, "big")
    channel_id = keccak256(chain + bytes(12) + INFERENCE_METERING + request_id.to_bytes(32, "big"))
    receipt = receipt_hash(
        channel_id=channel_id,
        number=0,
        prompt_hash=PROMPT,
        output_hash=OUTPUT,
        tokens_in=1_000,
        tokens_out=2_000,
        fee_wei=FEE,
    )
    parts = (KIND_RECEIPTS, DEV_L2_CHAIN_ID, INFERENCE_METERING, int.from_bytes(channel_id, "big"))
    root = sum_node(sum_leaf(sum_tree_id(*parts), 0, receipt, FEE), EMPTY_SUM_NODE)
    policy = scene.policy
    rule = SplitRule(policy.platform_ppm, policy.provider_ppm, policy.owner_ppm, policy.stakers_ppm)
    split = split_fee(FEE, rule)
    roots = [int.from_bytes(each, "big") for each in (channel_id, QUERIES, root.hash)]
    assert [fields[0], fields[4], fields[5]] == roots
    assert fields[6:10] == [0, 1, FEE, split.contributors_wei]
    assert scene.read(INFERENCE_METERING, "heldOf", scene.provider.address) == split.provider_wei
    assert scene.fields(INFERENCE_METERING, "statisticsOf", scene.provider.address) == [0, 0, 1, FEE, 0]
    assert scene.fields(INFERENCE_METERING, "statisticsOf", scene.payer.address) == [1, FEE, 0, 0, 0]
    assert state(scene, request_id) == 3
    assert scene.refuse(*settle) == law.WRONG_STATUS(3).data
    post_id = scene.send_post(scene.prepare_post([settlement_id]))
    scene.wait(policy.post_window_s + 1)
    scene.do(scene.stranger, ATTRIBUTION, "finalize", post_id)


def test_a_dispute_pays_neither_side(scene: Scene) -> None:
    request_id = ask(scene)
    fulfil(scene, request_id)
    dispute = (INFERENCE_METERING, "disputeRequest", request_id)
    assert scene.refuse(scene.stranger, *dispute) == law.NOT_PAYER(scene.stranger.address).data
    balance = scene.machine.balance(scene.payer.address)
    scene.do(scene.payer, *dispute)
    assert scene.machine.balance(scene.payer.address) == balance
    assert scene.read(INFERENCE_METERING, "earningsOf", TREASURY) == FEE
    assert scene.read(INFERENCE_METERING, "earningsOf", scene.provider.address) == 0
    assert scene.fields(INFERENCE_METERING, "statisticsOf", scene.provider.address)[4] == 1
    refused = scene.refuse(scene.stranger, INFERENCE_METERING, "settleRequest", request_id)
    assert refused == law.WRONG_STATUS(4).data


def test_a_dispute_comes_too_late_after_the_window(scene: Scene) -> None:
    request_id = ask(scene)
    fulfil(scene, request_id)
    end = scene.machine.moment.timestamp_s + scene.policy.request_window_s
    scene.wait(scene.policy.request_window_s)
    refused = scene.refuse(scene.payer, INFERENCE_METERING, "disputeRequest", request_id)
    assert refused == law.DEADLINE_PASSED(end).data


def test_a_timeout_pays_everything_back_to_the_requester_only(scene: Scene) -> None:
    before = scene.machine.balance(scene.payer.address)
    request_id = ask(scene)
    deadline = scene.machine.moment.timestamp_s + 100
    refund = (scene.stranger, INFERENCE_METERING, "refundRequest", request_id)
    scene.wait(100)
    assert scene.refuse(*refund) == law.TOO_EARLY(deadline + 1).data
    scene.wait(1)
    late = scene.refuse(
        scene.provider, INFERENCE_METERING, "fulfil", request_id, OUTPUT, 1_000, 2_000, QUERIES, b""
    )
    assert late == law.DEADLINE_PASSED(deadline).data
    scene.do(*refund)
    assert scene.machine.balance(scene.payer.address) == before
    assert scene.refuse(*refund) == law.WRONG_STATUS(5).data
    assert scene.machine.balance(INFERENCE_METERING) == 100 * UNIT


def test_only_the_callback_caller_marks_a_delivery_once(scene: Scene) -> None:
    request_id = ask(scene)
    mark = (INFERENCE_METERING, "markDelivered", request_id)
    assert scene.refuse(CALLBACK_CALLER, *mark, scene.stranger.address) == law.WRONG_STATUS(1).data
    fulfil(scene, request_id)
    foreign = law.NOT_CALLBACK_CALLER(scene.provider.address).data
    assert scene.refuse(scene.provider, *mark, scene.provider.address) == foreign
    before = scene.machine.balance(scene.stranger.address)
    scene.do(CALLBACK_CALLER, *mark, scene.stranger.address)
    assert scene.machine.balance(scene.stranger.address) == before + UNIT
    assert scene.refuse(CALLBACK_CALLER, *mark, scene.stranger.address) == law.WRONG_STATUS(2).data


def test_no_callback_asked_for_none_delivered(scene: Scene) -> None:
    request_id = ask(scene, gas=0, tip=0)
    fulfil(scene, request_id)
    refused = scene.refuse(CALLBACK_CALLER, INFERENCE_METERING, "markDelivered", request_id, TREASURY)
    assert refused == law.WRONG_STATUS(2).data


@pytest.mark.parametrize(
    ("changes", "value_wei", "name"),
    [
        ({"prompt": Hash32(bytes(32))}, UNIT, "promptHash"),
        ({"lifetime": 0}, UNIT, "lifetime"),
        ({"lifetime": 30 * 86_400 + 1}, UNIT, "lifetime"),
        ({"gas": 1_000_001}, UNIT, "callbackGas"),
        ({"gas": 0}, UNIT, "callbackTip"),
        ({}, UNIT, "value"),
        ({"uri": b"x" * 2_049}, 2 * UNIT, "uri"),
    ],
)
def test_a_request_has_rules(scene: Scene, changes: dict[str, Any], value_wei: int, name: str) -> None:
    arguments = asking(scene, **changes)
    refused = scene.refuse(
        scene.payer, INFERENCE_METERING, "requestInference", *arguments, value_wei=value_wei
    )
    assert refused == INVALID_ARGUMENT(name.encode()).data


def test_an_answer_has_rules(scene: Scene) -> None:
    request_id = ask(scene)
    good: list[Any] = [request_id, OUTPUT, 1_000, 2_000, QUERIES, b"uri"]

    def refused(place: int, value: Any, sender: Any = None) -> bytes:
        changed = [*good[:place], value, *good[place + 1 :]]
        return scene.refuse(sender or scene.provider, INFERENCE_METERING, "fulfil", *changed)

    assert refused(0, 2) == law.REQUEST_NOT_FOUND(2).data
    assert refused(0, 1, scene.stranger) == law.NOT_PROVIDER(scene.stranger.address).data
    assert refused(1, Hash32(bytes(32))) == INVALID_ARGUMENT(b"outputHash").data
    assert refused(2, 2**32 + 1) == INVALID_ARGUMENT(b"tokensIn").data
    assert refused(3, 2**32 + 1) == INVALID_ARGUMENT(b"tokensOut").data
    assert refused(4, Hash32(bytes(32))) == INVALID_ARGUMENT(b"queriesRoot").data
    assert refused(3, 5_000) == law.FEE_ABOVE_DEPOSIT(11 * UNIT, 9 * UNIT).data
    good[2] = 0
    assert refused(3, 0) == INVALID_ARGUMENT(b"fee").data


def test_the_directory_lists_who_announced_and_offers(scene: Scene) -> None:
    stranger = scene.stranger
    unstaked = law.PROVIDER_NOT_STAKED(stranger.address).data
    assert scene.refuse(stranger, INFERENCE_METERING, "announceProvider", b"url", HASH) == unstaked
    absent = law.NOT_PROVIDER(scene.provider.address).data
    assert scene.refuse(scene.provider, INFERENCE_METERING, "setOffer", scene.model_id, True) == absent
    scene.stake(stranger)
    for _ in range(2):
        for account in (scene.provider, stranger):
            scene.do(account, INFERENCE_METERING, "announceProvider", b"url", HASH)
            scene.do(account, INFERENCE_METERING, "setOffer", scene.model_id, True)
    accounts = [int.from_bytes(each.address, "big") for each in (scene.provider, stranger)]
    assert scene.read(INFERENCE_METERING, "providerCount") == 2
    assert [scene.read(INFERENCE_METERING, "providerAt", i) for i in range(2)] == accounts
    assert scene.read(INFERENCE_METERING, "modelProviderCount", scene.model_id) == 2
    listed = [scene.read(INFERENCE_METERING, "modelProviderAt", scene.model_id, i) for i in range(2)]
    assert listed == accounts
    scene.do(stranger, INFERENCE_METERING, "setOffer", scene.model_id, False)
    offered = [
        scene.read(INFERENCE_METERING, "isOffered", each, scene.model_id)
        for each in (scene.provider.address, stranger.address, Address(bytes(20)))
    ]
    assert offered == [1, 0, 0]
    now = scene.machine.moment.timestamp_s
    entry = scene.fields(INFERENCE_METERING, "getProvider", stranger.address)
    assert entry == [2, int.from_bytes(HASH, "big"), now]
    missing = law.MODEL_NOT_SERVABLE(99).data
    assert scene.refuse(stranger, INFERENCE_METERING, "setOffer", 99, True) == missing
