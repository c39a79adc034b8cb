"""Front-running an index signer: what is seen in the pool is worth nothing from another account.

An index is committed by a plain call, so its caller is the signer whose stake answers and there is no
signature to carry over. Who copies the calldata needs to be the model's owner or named by it, and even then
pays with its own stake; challenges and claims that are signed or committed bind their account and index.
"""

from dataclasses import replace
from typing import Any

import pytest

from genesis.addresses import ATTRIBUTION, INFERENCE_METERING, MODEL_REGISTRY, STAKING
from genesis.commitments import address_word, word
from genesis.keccak import keccak256
from genesis.types import ZERO_ADDRESS, Hash32
from precompiles import attribution_interface as interface
from precompiles import metering_interface, model_access, model_indexes
from precompiles.checks import INVALID_ARGUMENT
from precompiles.views.attribution import INDEX_KEY
from tests.precompiles.calls import UNIT, Account, number
from tests.precompiles.evidence import Row
from tests.precompiles.index_scene import IndexScene
from tests.precompiles.scene import HASH
from tests.precompiles.test_model_indexes import PROVIDER_ROLE, commit, indexes_of, refusal, register
from tests.precompiles.world import NativeMachine, TwinMachine

ROWS = (Row(0, 0, 0, (100, -3)), Row(1, 1, 0, (5, 60)), Row(2, 2, 0, (7, 8)))


@pytest.fixture(params=[NativeMachine, TwinMachine])
def scene(request: pytest.FixtureRequest) -> IndexScene:
    """A model of the owner, who has stake as the provider and the stranger have, and no index."""
    made = IndexScene(request.param, ROWS)
    for account in (made.provider, made.stranger):
        made.stake(account)
    return made


def signer_of(scene: IndexScene, index_id: int) -> bytes:
    word_ = scene.fields(MODEL_REGISTRY, "getFeatureIndex", index_id)[1]
    return word_.to_bytes(20, "big")


def name_signer(scene: IndexScene, account: Account) -> None:
    scene.do(scene.owner, MODEL_REGISTRY, "setIndexSigner", scene.model_id, account.address)


def test_a_copied_commitment_is_refused_and_does_not_stop_the_signers(scene: IndexScene) -> None:
    """Though the copier has stake, a model of its own, and comes first."""
    name_signer(scene, scene.provider)
    arguments = (HASH, 0, HASH, (), (), b"uri")
    own = number(scene.do(scene.stranger, MODEL_REGISTRY, "registerModel", *arguments))
    not_owner = model_access.NOT_OWNER(scene.stranger.address).data
    assert refusal(scene, scene.stranger, scene.model_id) == not_owner
    copied = commit(scene, scene.stranger, own)
    index_id = commit(scene, scene.provider, scene.model_id)
    assert (signer_of(scene, copied), signer_of(scene, index_id)) == (
        scene.stranger.address,
        scene.provider.address,
    )
    assert scene.fields(MODEL_REGISTRY, "isRetired", index_id) == [0]
    assert indexes_of(scene, scene.provider) == indexes_of(scene, scene.stranger) == [1, 0]


def test_a_named_signer_signs_for_its_model_only(scene: IndexScene) -> None:
    other = register(scene)
    name_signer(scene, scene.provider)
    assert refusal(scene, scene.provider, other) == model_access.NOT_OWNER(scene.provider.address).data
    commit(scene, scene.provider, scene.model_id)


def test_an_owner_who_copies_its_signers_index_answers_for_it_itself(scene: IndexScene) -> None:
    """The earlier one is retired, and its signer's stake is held no longer than by its own index."""
    name_signer(scene, scene.provider)
    copied = commit(scene, scene.owner, scene.model_id)
    assert indexes_of(scene, scene.provider) == [0, 0]
    signed = commit(scene, scene.provider, scene.model_id)
    assert scene.fields(MODEL_REGISTRY, "isRetired", copied) == [1]
    assert signer_of(scene, copied) == scene.owner.address
    assert indexes_of(scene, scene.owner)[0] == 0
    assert indexes_of(scene, scene.provider) == [1, 0]
    assert signer_of(scene, signed) == scene.provider.address


def test_a_signer_let_go_before_its_commitment_arrives_signs_nothing(scene: IndexScene) -> None:
    """Nor does its stake become another's: the owner cannot commit in its name."""
    name_signer(scene, scene.provider)
    scene.do(scene.owner, MODEL_REGISTRY, "setIndexSigner", scene.model_id, ZERO_ADDRESS)
    refused = refusal(scene, scene.provider, scene.model_id)
    assert refused == model_access.NOT_OWNER(scene.provider.address).data
    assert indexes_of(scene, scene.provider) == [0, 0]
    scene.do(scene.provider, STAKING, "requestUnstake", PROVIDER_ROLE, UNIT)
    scene.wait(scene.policy.unbonding_s)
    assert number(scene.do(scene.provider, STAKING, "withdraw", PROVIDER_ROLE)) == UNIT


def test_a_retired_index_comes_back_only_as_another_with_its_own_window(scene: IndexScene) -> None:
    """The same roots again are a new index: new window, new answer; the old id stays retired."""
    first = commit(scene, scene.owner, scene.model_id)
    scene.wait(scene.policy.index_window_s)
    scene.do(scene.owner, MODEL_REGISTRY, "retireFeatureIndex", first)
    for account in (scene.stranger, scene.provider):
        refused = scene.refuse(account, MODEL_REGISTRY, "retireFeatureIndex", first)
        assert refused == model_access.NOT_OWNER(account.address).data
    again = commit(scene, scene.owner, scene.model_id)
    assert again == first + 1
    assert scene.fields(MODEL_REGISTRY, "isRetired", first) == [1]
    refused = scene.refuse(scene.owner, MODEL_REGISTRY, "retireFeatureIndex", first)
    assert refused == INVALID_ARGUMENT(b"indexId").data
    opening = (scene.provider.address, scene.model_id, scene.payer.address)
    refused = scene.refuse(scene.payer, INFERENCE_METERING, "openChannel", *opening, value_wei=UNIT)
    assert refused == metering_interface.MODEL_NOT_SERVABLE(scene.model_id).data
    scene.wait(scene.policy.index_window_s)
    scene.do(scene.payer, INFERENCE_METERING, "openChannel", *opening, value_wei=UNIT)


def test_a_stake_carries_no_copies_beyond_what_it_answers_for(scene: IndexScene) -> None:
    """Committing the same seen index for model after model takes a slash more each time."""
    scene.machine.fund(Account(61).address, 10_000 * UNIT)
    copier = Account(61)
    scene.stake(copier, scene.policy.minimum_provider_stake_wei)
    arguments = (HASH, 0, HASH, (), (), b"uri")
    models = [number(scene.do(copier, MODEL_REGISTRY, "registerModel", *arguments)) for _ in range(2)]
    commit(scene, copier, models[0])
    refused = refusal(scene, copier, models[1])
    assert refused == model_indexes.SIGNER_NOT_STAKED(copier.address).data


# --- Challenges of an index -------------------------------------------------------------------------------


def false_norm(scene: IndexScene) -> tuple[Any, ...]:
    """An index with a false norm, committed; arguments of the challenge that shows it."""
    scene.commit_rows(replace(scene.index, norms=(1, *scene.index.norms[1:])))
    return scene.norm_challenge(0)


def test_a_proof_seen_in_the_pool_is_its_committers_only(scene: IndexScene) -> None:
    """Evidence and salt are public with the proof: who copies them, or the commitment, has nothing."""
    arguments = false_norm(scene)
    scene.commit_to()
    key = word(INDEX_KEY + scene.index_id)
    copied = keccak256(key + address_word(scene.validator.address) + HASH)
    bond_wei = scene.policy.challenge_bond_wei
    commitment = (scene.index_id, Hash32(copied))
    scene.do(scene.stranger, ATTRIBUTION, "commitIndexChallenge", *commitment, value_wei=bond_wei)
    missing = interface.COMMITMENT_NOT_FOUND().data
    for thief in (scene.stranger, scene.payer):
        assert scene.refuse(thief, ATTRIBUTION, "challengeNorm", *arguments) == missing
    scene.do(scene.validator, ATTRIBUTION, "challengeNorm", *arguments)
    assert scene.status() == 2
    assert scene.read(ATTRIBUTION, "rewardOf", scene.stranger.address) == 0
    assert scene.read(ATTRIBUTION, "rewardOf", scene.validator.address) > 0
