"""Channels: what a voucher binds, what a settlement pays, how a channel ends."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis.addresses import ATTRIBUTION, INFERENCE_METERING, MODEL_REGISTRY, STAKING, TREASURY
from genesis.shares import PPM, SplitRule, split_fee
from genesis.types import Address, Hash32
from precompiles import metering_interface as law
from precompiles.checks import INVALID_ARGUMENT
from tests.precompiles.calls import UNIT, words
from tests.precompiles.scene import FEES_WEI, HASH, Scene
from tests.precompiles.world import NativeMachine, TwinMachine


@pytest.fixture(params=[NativeMachine, TwinMachine])
def scene(request: pytest.FixtureRequest) -> Scene:
    scene = Scene(machine_type=request.param)
    scene.channel_id = scene.channel()
    return scene


def refuse_settle(scene: Scene, arguments: tuple[Any, ...], sender: Any = None) -> bytes:
    return scene.refuse(sender or scene.provider, INFERENCE_METERING, "settle", *arguments)


def test_opening_pins_price_index_and_policy(scene: Scene) -> None:
    fields = scene.fields(INFERENCE_METERING, "getChannel", scene.channel_id)
    payer, provider, key = (
        int.from_bytes(account.address, "big") for account in (scene.payer, scene.provider, scene.key)
    )
    expected = [payer, provider, key, scene.model_id, scene.index_id, 1, UNIT, 2 * UNIT, 100 * UNIT, 0, 0, 0]
    assert fields == expected
    scene.do(scene.owner, MODEL_REGISTRY, "setPrice", scene.model_id, 5, 5)
    assert scene.fields(INFERENCE_METERING, "getChannel", scene.channel_id) == expected


def test_channel_ids_are_never_reused(scene: Scene) -> None:
    assert scene.open_channel() != scene.channel_id
    assert scene.read(INFERENCE_METERING, "channelNonce", scene.payer.address) == 2


def test_opening_needs_a_servable_model_and_a_staked_provider() -> None:
    scene = Scene()
    scene.model_id = scene.model()
    arguments = (scene.provider.address, scene.model_id, scene.key.address)

    def refused(*changed: Any, value_wei: int = UNIT) -> bytes:
        return scene.refuse(scene.payer, INFERENCE_METERING, "openChannel", *changed, value_wei=value_wei)

    assert refused(*arguments) == law.PROVIDER_NOT_STAKED(scene.provider.address).data
    scene.stake(scene.provider)
    assert refused(scene.provider.address, 9, scene.key.address) == law.MODEL_NOT_SERVABLE(9).data
    assert refused(*arguments, value_wei=0) == INVALID_ARGUMENT(b"value").data
    assert refused(*arguments[:2], Address(bytes(20))) == INVALID_ARGUMENT(b"voucherKey").data
    scene.do(scene.owner, MODEL_REGISTRY, "setPrice", scene.model_id, 0, 0)
    assert refused(*arguments) == law.MODEL_NOT_SERVABLE(scene.model_id).data
    scene.do(scene.owner, MODEL_REGISTRY, "setPrice", scene.model_id, 1, 0)
    scene.commit_index(scene.model_id)
    assert refused(*arguments) == law.MODEL_NOT_SERVABLE(scene.model_id).data


def test_a_settlement_splits_the_fees_exactly(scene: Scene) -> None:
    settlement_id = scene.settle(scene.channel_id)
    gross = sum(FEES_WEI)
    rule = SplitRule(
        scene.policy.platform_ppm,
        scene.policy.provider_ppm,
        scene.policy.owner_ppm,
        scene.policy.stakers_ppm,
    )
    split = split_fee(gross, rule)
    audits_wei = split.platform_wei * scene.policy.audit_fund_ppm // PPM
    earnings = {
        TREASURY: split.platform_wei - audits_wei,
        scene.provider.address: 0,
        scene.owner.address: split.owner_wei,
    }
    assert scene.read(INFERENCE_METERING, "heldOf", scene.provider.address) == split.provider_wei
    assert scene.read(INFERENCE_METERING, "heldIn", settlement_id) == split.provider_wei
    for account, amount in earnings.items():
        assert scene.read(INFERENCE_METERING, "earningsOf", account) == amount
    assert scene.read(INFERENCE_METERING, "stakersTotal") == split.stakers_wei
    assert scene.read(INFERENCE_METERING, "auditsTotal") == audits_wei > 0
    assert scene.read(ATTRIBUTION, "auditFund") == audits_wei
    assert scene.machine.balance(ATTRIBUTION) == split.contributors_wei + audits_wei
    assert scene.pool_of(settlement_id) == split.contributors_wei
    staked_wei = 1_000 * UNIT + scene.policy.minimum_provider_stake_wei
    assert scene.machine.balance(STAKING) == staked_wei + split.stakers_wei
    left = 100 * UNIT - split.contributors_wei - split.stakers_wei - audits_wei
    assert scene.machine.balance(INFERENCE_METERING) == left


@given(
    gross=st.integers(0, 10**27),
    platform=st.integers(0, PPM),
    parts=st.lists(st.integers(0, PPM // 3), min_size=3, max_size=3),
)
def test_every_split_sums_to_its_gross(gross: int, platform: int, parts: list[int]) -> None:
    split = split_fee(gross, SplitRule(platform, *parts))
    values = (
        split.platform_wei,
        split.provider_wei,
        split.owner_wei,
        split.stakers_wei,
        split.contributors_wei,
    )
    assert sum(values) == gross
    assert min(values) >= 0


def test_a_second_settlement_takes_only_what_is_new(scene: Scene) -> None:
    scene.settle(scene.channel_id)
    settlement_id = scene.settle(scene.channel_id, (*FEES_WEI, UNIT))
    fields = scene.fields(INFERENCE_METERING, "getSettlement", settlement_id)
    assert fields[6:9] == [3, 1, UNIT]


def test_a_voucher_counts_once(scene: Scene) -> None:
    arguments = scene.settle_arguments(scene.channel_id)
    scene.do(scene.provider, INFERENCE_METERING, "settle", *arguments)
    assert refuse_settle(scene, arguments) == law.STALE_VOUCHER(3).data


def test_a_voucher_is_for_one_channel_and_one_chain(scene: Scene) -> None:
    invalid = law.INVALID_SIGNATURE().data
    other = scene.open_channel()
    arguments = scene.settle_arguments(scene.channel_id)
    assert refuse_settle(scene, (other, *arguments[1:])) == invalid
    on_another_chain = scene.settle_arguments(scene.channel_id, chain_id=1)
    assert refuse_settle(scene, on_another_chain) == invalid
    by_another_key = scene.settle_arguments(scene.channel_id, signer=scene.stranger)
    assert refuse_settle(scene, by_another_key) == invalid


def high_s(signature: bytes) -> bytes:
    """The same signature's other form."""
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    s = order - int.from_bytes(signature[32:64], "big")
    return signature[:32] + s.to_bytes(32, "big") + bytes((55 - signature[64],))


@pytest.mark.parametrize(
    "spoil",
    [high_s, lambda s: s[:64], lambda s: s + b"\0", lambda s: s[:64] + b"\0", lambda _: bytes(65)],
)
def test_only_one_form_of_a_signature_counts(scene: Scene, spoil: Callable[[bytes], bytes]) -> None:
    arguments = list(scene.settle_arguments(scene.channel_id))
    arguments[4] = spoil(arguments[4])
    assert refuse_settle(scene, tuple(arguments)) == law.INVALID_SIGNATURE().data


@pytest.mark.parametrize("position", [1, 2, 3])
def test_the_signature_covers_count_ceiling_and_root(scene: Scene, position: int) -> None:
    arguments = list(scene.settle_arguments(scene.channel_id))
    arguments[position] = HASH if position == 3 else arguments[position] + 1
    assert refuse_settle(scene, tuple(arguments)) == law.INVALID_SIGNATURE().data


@pytest.mark.parametrize("position", [5, 6, 7, 8])
def test_the_sum_is_the_roots(scene: Scene, position: int) -> None:
    arguments = list(scene.settle_arguments(scene.channel_id))
    arguments[position] = HASH if position in (5, 7) else 2**256 - 1
    assert refuse_settle(scene, tuple(arguments)) == law.WRONG_RECEIPTS_ROOT().data


def test_a_channel_never_pays_more_than_its_deposit(scene: Scene) -> None:
    arguments = scene.settle_arguments(scene.channel_id, (100 * UNIT, 1))
    above = law.FEE_ABOVE_DEPOSIT(100 * UNIT + 1, 100 * UNIT).data
    assert refuse_settle(scene, arguments) == above
    scene.do(scene.stranger, INFERENCE_METERING, "topUp", scene.channel_id, value_wei=1)
    scene.do(scene.provider, INFERENCE_METERING, "settle", *arguments)


def test_settling_has_rules(scene: Scene) -> None:
    arguments = scene.settle_arguments(scene.channel_id)
    assert refuse_settle(scene, arguments, scene.payer) == law.NOT_PROVIDER(scene.payer.address).data
    unknown = (HASH, *arguments[1:])
    assert refuse_settle(scene, unknown) == law.CHANNEL_NOT_FOUND(HASH).data
    no_queries = (*arguments[:9], Hash32(bytes(32)), b"")
    assert refuse_settle(scene, no_queries) == INVALID_ARGUMENT(b"queriesRoot").data
    long_uri = (*arguments[:10], b"x" * 2_049)
    assert refuse_settle(scene, long_uri) == INVALID_ARGUMENT(b"uri").data
    free = scene.settle_arguments(scene.channel_id, (0, 0))
    assert refuse_settle(scene, free) == INVALID_ARGUMENT(b"totalFee").data


def test_closing_returns_the_rest_after_the_delay(scene: Scene) -> None:
    close = scene.policy.close_delay_s
    scene.do(scene.payer, INFERENCE_METERING, "requestClose", scene.channel_id)
    closable_at = scene.machine.moment.timestamp_s + close
    refused = scene.refuse(scene.payer, INFERENCE_METERING, "withdraw", scene.channel_id)
    assert refused == law.TOO_EARLY(closable_at).data
    scene.wait(close - 1)
    scene.settle(scene.channel_id)
    scene.wait(1)
    late = scene.settle_arguments(scene.channel_id, (*FEES_WEI, 1))
    assert refuse_settle(scene, late) == INVALID_ARGUMENT(b"channel").data
    before = scene.machine.balance(scene.payer.address)
    scene.do(scene.payer, INFERENCE_METERING, "withdraw", scene.channel_id)
    assert scene.machine.balance(scene.payer.address) == before + 100 * UNIT - sum(FEES_WEI)


def test_an_ended_channel_stays_ended(scene: Scene) -> None:
    scene.do(scene.payer, INFERENCE_METERING, "requestClose", scene.channel_id)
    scene.wait(scene.policy.close_delay_s)
    scene.do(scene.payer, INFERENCE_METERING, "withdraw", scene.channel_id)
    again = INVALID_ARGUMENT(b"channel").data
    for name in ("requestClose", "withdraw"):
        assert scene.refuse(scene.payer, INFERENCE_METERING, name, scene.channel_id) == again
    refused = scene.refuse(scene.payer, INFERENCE_METERING, "topUp", scene.channel_id, value_wei=1)
    assert refused == again
    arguments = scene.settle_arguments(scene.channel_id)
    assert refuse_settle(scene, arguments) == law.FEE_ABOVE_DEPOSIT(sum(FEES_WEI), 0).data


def test_only_the_payer_closes(scene: Scene) -> None:
    for name in ("requestClose", "withdraw"):
        refused = scene.refuse(scene.stranger, INFERENCE_METERING, name, scene.channel_id)
        assert refused == law.NOT_PAYER(scene.stranger.address).data


def test_a_channel_without_a_request_does_not_close(scene: Scene) -> None:
    refused = scene.refuse(scene.payer, INFERENCE_METERING, "withdraw", scene.channel_id)
    assert refused == INVALID_ARGUMENT(b"channel").data


def test_earnings_are_withdrawn_by_their_owner(scene: Scene) -> None:
    scene.settle(scene.channel_id)
    earned = scene.read(INFERENCE_METERING, "earningsOf", scene.owner.address)
    elsewhere = Address(b"\x77" * 20)
    scene.do(scene.owner, INFERENCE_METERING, "withdrawEarnings", elsewhere)
    assert scene.machine.balance(elsewhere) == earned
    refused = scene.refuse(scene.owner, INFERENCE_METERING, "withdrawEarnings", elsewhere)
    assert refused == law.NOTHING_TO_WITHDRAW().data
    zero = Address(bytes(20))
    refused = scene.refuse(scene.owner, INFERENCE_METERING, "withdrawEarnings", zero)
    assert refused == INVALID_ARGUMENT(b"recipient").data


def test_anyone_may_send_the_treasury_its_own(scene: Scene) -> None:
    scene.settle(scene.channel_id)
    earned = scene.read(INFERENCE_METERING, "earningsOf", TREASURY)
    outcome = scene.do(scene.stranger, INFERENCE_METERING, "withdrawEarnings", TREASURY)
    assert words(outcome) == [earned]
    assert scene.machine.balance(TREASURY) == earned


def test_the_revenue_recipient_earns_the_owners_part(scene: Scene) -> None:
    vault = Address(b"\x55" * 20)
    scene.do(scene.owner, MODEL_REGISTRY, "setRevenueRecipient", scene.model_id, vault)
    scene.settle(scene.channel_id)
    assert scene.read(INFERENCE_METERING, "earningsOf", vault) > 0
    assert scene.read(INFERENCE_METERING, "earningsOf", scene.owner.address) == 0


def test_unknown_settlements(scene: Scene) -> None:
    for unknown in (0, 1, 2**256 - 1):
        refused = scene.refuse(scene.payer, INFERENCE_METERING, "getSettlement", unknown)
        assert refused == law.SETTLEMENT_NOT_FOUND(unknown).data
