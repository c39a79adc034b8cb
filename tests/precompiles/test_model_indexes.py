"""Feature indexes: who may sign one, what stake that takes, and how the signer gets it back."""

import pytest

from genesis.addresses import ATTRIBUTION, INFERENCE_METERING, MODEL_REGISTRY, STAKING
from genesis.types import ZERO_ADDRESS
from precompiles import metering_interface, model_access, model_indexes, staking_interface
from precompiles.checks import INVALID_ARGUMENT
from tests.precompiles.calls import UNIT, Account, number
from tests.precompiles.scene import HASH, Scene
from tests.precompiles.world import NativeMachine, TwinMachine

PROVIDER_ROLE = 2
INDEX = (HASH, HASH, HASH, HASH, 2, 1, 4, b"")


@pytest.fixture(params=[NativeMachine, TwinMachine])
def scene(request: pytest.FixtureRequest) -> Scene:
    """A registered model with a price, and nobody staked."""
    made = Scene(machine_type=request.param)
    register(made)
    return made


def register(scene: Scene) -> int:
    model = number(scene.do(scene.owner, MODEL_REGISTRY, "registerModel", HASH, 0, HASH, (), (), b"uri"))
    scene.do(scene.owner, MODEL_REGISTRY, "setPrice", model, UNIT, UNIT)
    return model


def commit(scene: Scene, signer: Account, model: int = 1) -> int:
    return number(scene.do(signer, MODEL_REGISTRY, "commitFeatureIndex", model, *INDEX))


def refusal(scene: Scene, signer: Account, model: int = 1) -> bytes:
    return scene.refuse(signer, MODEL_REGISTRY, "commitFeatureIndex", model, *INDEX)


def withdrawal(scene: Scene, account: Account) -> bytes:
    return scene.refuse(account, STAKING, "withdraw", PROVIDER_ROLE)


def indexes_of(scene: Scene, account: Account) -> list[int]:
    return scene.fields(MODEL_REGISTRY, "indexesOf", account.address)


def test_a_signer_stakes_the_minimum(scene: Scene) -> None:
    not_staked = model_indexes.SIGNER_NOT_STAKED(scene.owner.address).data
    assert refusal(scene, scene.owner) == not_staked
    scene.stake(scene.owner, scene.policy.minimum_provider_stake_wei - 1)
    assert refusal(scene, scene.owner) == not_staked
    scene.stake(scene.owner, 1)
    commit(scene, scene.owner)
    assert indexes_of(scene, scene.owner) == [1, 0]


def test_delegated_and_unbonding_stake_do_not_answer_for_an_index(scene: Scene) -> None:
    least_wei = scene.policy.minimum_provider_stake_wei
    scene.stake(scene.owner, least_wei)
    scene.do(scene.owner, STAKING, "requestUnstake", PROVIDER_ROLE, 1)
    delegated = (scene.owner.address, PROVIDER_ROLE)
    scene.do(scene.payer, STAKING, "delegate", *delegated, value_wei=least_wei)
    assert refusal(scene, scene.owner) == model_indexes.SIGNER_NOT_STAKED(scene.owner.address).data


def test_each_index_takes_a_slash_more(scene: Scene) -> None:
    second = register(scene)
    scene.stake(scene.owner, scene.policy.minimum_provider_stake_wei)
    commit(scene, scene.owner)
    assert refusal(scene, scene.owner, second) == model_indexes.SIGNER_NOT_STAKED(scene.owner.address).data
    scene.stake(scene.owner, scene.policy.slash_amount_wei)
    commit(scene, scene.owner, second)
    assert indexes_of(scene, scene.owner) == [2, 0]


def test_open_posts_take_stake_too() -> None:
    scene = Scene()
    settlement_id = scene.settle(scene.channel())
    scene.send_post(scene.prepare_post([settlement_id]))
    exposure_wei = scene.read(ATTRIBUTION, "exposureOf", scene.provider.address)
    assert exposure_wei == scene.pool_of(settlement_id)
    second = register(scene)
    least_wei = scene.policy.minimum_provider_stake_wei
    scene.do(scene.owner, MODEL_REGISTRY, "setIndexSigner", second, scene.provider.address)
    stake_wei = scene.fields(STAKING, "stakeOf", scene.provider.address, PROVIDER_ROLE)[0]
    spare_wei = stake_wei - least_wei - 2 * exposure_wei
    scene.do(scene.provider, STAKING, "requestUnstake", PROVIDER_ROLE, spare_wei + 1)
    refused = refusal(scene, scene.provider, second)
    assert refused == model_indexes.SIGNER_NOT_STAKED(scene.provider.address).data
    scene.stake(scene.provider, 1)
    commit(scene, scene.provider, second)


def test_the_owner_names_whose_stake_answers(scene: Scene) -> None:
    scene.stake(scene.provider)
    not_owner = model_access.NOT_OWNER(scene.provider.address).data
    assert refusal(scene, scene.provider) == not_owner
    named = (1, scene.provider.address)
    assert scene.refuse(scene.provider, MODEL_REGISTRY, "setIndexSigner", *named) == not_owner
    scene.do(scene.owner, MODEL_REGISTRY, "setIndexSigner", *named)
    assert scene.fields(MODEL_REGISTRY, "indexSignerOf", 1) == [int.from_bytes(scene.provider.address, "big")]
    index = commit(scene, scene.provider)
    signer = scene.fields(MODEL_REGISTRY, "getFeatureIndex", index)[1]
    assert signer == int.from_bytes(scene.provider.address, "big")
    scene.do(scene.owner, MODEL_REGISTRY, "setIndexSigner", 1, ZERO_ADDRESS)
    assert refusal(scene, scene.provider) == not_owner


def test_stake_stays_until_an_unbonding_time_after_the_index(scene: Scene) -> None:
    stake_wei = scene.policy.minimum_provider_stake_wei
    scene.stake(scene.owner, stake_wei)
    index = commit(scene, scene.owner)
    scene.do(scene.owner, STAKING, "requestUnstake", PROVIDER_ROLE, stake_wei)
    scene.wait(scene.policy.unbonding_s)
    assert withdrawal(scene, scene.owner) == staking_interface.STAKE_HELD_BY_INDEXES(1, 0).data
    scene.do(scene.owner, MODEL_REGISTRY, "retireFeatureIndex", index)
    until_s = scene.machine.moment.timestamp_s + scene.policy.unbonding_s
    assert indexes_of(scene, scene.owner) == [0, until_s]
    assert withdrawal(scene, scene.owner) == staking_interface.STAKE_HELD_BY_INDEXES(0, until_s).data
    scene.wait(scene.policy.unbonding_s)
    assert number(scene.do(scene.owner, STAKING, "withdraw", PROVIDER_ROLE)) == stake_wei


def test_delegators_leave_while_an_index_stands(scene: Scene) -> None:
    scene.stake(scene.owner)
    pool = (scene.owner.address, PROVIDER_ROLE)
    scene.do(scene.payer, STAKING, "delegate", *pool, value_wei=UNIT)
    commit(scene, scene.owner)
    scene.do(scene.payer, STAKING, "undelegate", *pool, UNIT)
    scene.wait(scene.policy.unbonding_s)
    assert number(scene.do(scene.payer, STAKING, "withdrawDelegation", *pool)) == UNIT


def test_a_later_index_retires_the_one_before(scene: Scene) -> None:
    scene.stake(scene.owner, scene.policy.minimum_provider_stake_wei)
    first = commit(scene, scene.owner)
    second = commit(scene, scene.owner)
    held_until_s = scene.machine.moment.timestamp_s + scene.policy.unbonding_s
    assert indexes_of(scene, scene.owner) == [1, held_until_s]
    assert scene.fields(MODEL_REGISTRY, "isRetired", first) == [1]
    assert scene.fields(MODEL_REGISTRY, "isRetired", second) == [0]


def test_the_owner_lets_a_signer_go(scene: Scene) -> None:
    scene.stake(scene.provider)
    scene.do(scene.owner, MODEL_REGISTRY, "setIndexSigner", 1, scene.provider.address)
    index = commit(scene, scene.provider)
    stranger = scene.refuse(scene.payer, MODEL_REGISTRY, "retireFeatureIndex", index)
    assert stranger == model_access.NOT_OWNER(scene.payer.address).data
    missing = scene.refuse(scene.owner, MODEL_REGISTRY, "retireFeatureIndex", index + 1)
    assert missing == model_indexes.FEATURE_INDEX_NOT_FOUND(index + 1).data
    scene.do(scene.owner, MODEL_REGISTRY, "retireFeatureIndex", index)
    again = scene.refuse(scene.owner, MODEL_REGISTRY, "retireFeatureIndex", index)
    assert again == INVALID_ARGUMENT(b"indexId").data
    assert indexes_of(scene, scene.provider)[0] == 0


def test_a_retired_index_takes_no_new_channels(scene: Scene) -> None:
    scene.stake(scene.provider)
    scene.do(scene.owner, MODEL_REGISTRY, "setIndexSigner", 1, scene.provider.address)
    index = commit(scene, scene.provider)
    scene.wait(scene.policy.index_window_s)
    opening = (scene.provider.address, 1, scene.payer.address)
    scene.do(scene.payer, INFERENCE_METERING, "openChannel", *opening, value_wei=UNIT)
    scene.do(scene.provider, MODEL_REGISTRY, "retireFeatureIndex", index)
    refused = scene.refuse(scene.payer, INFERENCE_METERING, "openChannel", *opening, value_wei=UNIT)
    assert refused == metering_interface.MODEL_NOT_SERVABLE(1).data
