"""A Datanet's usage rule, price, metadata and owner; contributions taken back."""

import pytest

from genesis.addresses import DATANET_REGISTRY, INFERENCE_METERING, MODEL_REGISTRY
from genesis.types import Address, Hash32
from precompiles import datanet_interface as law
from precompiles import metering_interface, model_access, model_registry
from precompiles.checks import INVALID_ARGUMENT
from tests.precompiles.calls import UNIT, Account, number
from tests.precompiles.scene import HASH, Scene
from tests.precompiles.world import NativeMachine, TwinMachine

OTHER = Hash32(b"\x22" * 32)


@pytest.fixture(params=[NativeMachine, TwinMachine])
def scene(request: pytest.FixtureRequest) -> Scene:
    return Scene(machine_type=request.param)


def register(scene: Scene, sender: Account, datanet_id: int) -> bool:
    arguments = (HASH, 0, HASH, (datanet_id,), (1,), b"uri")
    outcome = scene.attempt(sender, MODEL_REGISTRY, "registerModel", *arguments)
    refused = model_registry.USAGE_NOT_GRANTED(datanet_id).data
    assert outcome.succeeded or outcome.data == refused
    may = scene.read(DATANET_REGISTRY, "mayUse", datanet_id, sender.address)
    assert bool(may) == outcome.succeeded
    return outcome.succeeded


def test_a_granted_datanet_serves_its_owner_and_grantees_until_the_grant_ends(scene: Scene) -> None:
    datanet_id = scene.published_datanet(usage=1)
    assert register(scene, scene.owner, datanet_id)
    assert not register(scene, scene.payer, datanet_id)
    until = scene.machine.moment.timestamp_s + 5
    scene.do(scene.owner, DATANET_REGISTRY, "grantUsage", datanet_id, scene.payer.address, until)
    assert register(scene, scene.payer, datanet_id)
    scene.wait(5)
    assert not register(scene, scene.payer, datanet_id)
    scene.do(scene.owner, DATANET_REGISTRY, "grantUsage", datanet_id, scene.payer.address, 2**256 - 1)
    assert register(scene, scene.payer, datanet_id)
    scene.do(scene.owner, DATANET_REGISTRY, "grantUsage", datanet_id, scene.payer.address, 0)
    assert not register(scene, scene.payer, datanet_id)


def test_a_price_is_paid_to_the_owner_once_and_for_good(scene: Scene) -> None:
    datanet_id = scene.published_datanet()
    buy = (scene.payer, DATANET_REGISTRY, "buyUsage", datanet_id)
    assert scene.refuse(*buy) == INVALID_ARGUMENT(b"usage").data
    scene.do(scene.owner, DATANET_REGISTRY, "setUsage", datanet_id, 2, 0)
    assert scene.refuse(*buy) == INVALID_ARGUMENT(b"price").data
    scene.do(scene.owner, DATANET_REGISTRY, "setUsage", datanet_id, 2, 3 * UNIT)
    assert scene.read(DATANET_REGISTRY, "usagePrice", datanet_id) == 3 * UNIT
    assert scene.refuse(*buy, value_wei=UNIT) == law.WRONG_PRICE(3 * UNIT, UNIT).data
    before = scene.machine.balance(scene.owner.address)
    scene.do(*buy, value_wei=3 * UNIT)
    assert scene.machine.balance(scene.owner.address) == before + 3 * UNIT
    assert scene.refuse(*buy, value_wei=3 * UNIT) == INVALID_ARGUMENT(b"account").data
    scene.do(scene.owner, DATANET_REGISTRY, "grantUsage", datanet_id, scene.payer.address, 0)
    scene.do(scene.owner, DATANET_REGISTRY, "setUsage", datanet_id, 1, 0)
    assert register(scene, scene.payer, datanet_id)
    assert not register(scene, scene.stranger, datanet_id)


def test_only_the_owner_administers(scene: Scene) -> None:
    datanet_id = scene.datanet()
    for name, arguments in (
        ("setUsage", (0, 0)),
        ("grantUsage", (scene.payer.address, 1)),
        ("setMetadata", (b"uri", OTHER, OTHER)),
        ("transferDatanet", (scene.payer.address,)),
    ):
        refused = scene.refuse(scene.stranger, DATANET_REGISTRY, name, datanet_id, *arguments)
        assert refused == law.NOT_OWNER(scene.stranger.address).data


def test_metadata_and_owner_change(scene: Scene) -> None:
    datanet_id = scene.datanet()
    scene.do(scene.owner, DATANET_REGISTRY, "setMetadata", datanet_id, b"uri", OTHER, HASH)
    zero = Address(bytes(20))
    refused = scene.refuse(scene.owner, DATANET_REGISTRY, "transferDatanet", datanet_id, zero)
    assert refused == INVALID_ARGUMENT(b"owner").data
    scene.do(scene.owner, DATANET_REGISTRY, "transferDatanet", datanet_id, scene.payer.address)
    fields = scene.fields(DATANET_REGISTRY, "getDatanet", datanet_id)
    assert fields[:2] == [int.from_bytes(scene.payer.address, "big"), int.from_bytes(OTHER, "big")]
    refused = scene.refuse(scene.owner, DATANET_REGISTRY, "setUsage", datanet_id, 0, 0)
    assert refused == law.NOT_OWNER(scene.owner.address).data


def test_a_contribution_nobody_reviewed_is_taken_back_with_its_bond(scene: Scene) -> None:
    datanet_id = scene.datanet()
    contributor = scene.contributors[0]
    contribution_id = scene.contribution(datanet_id, contributor, [HASH])
    refused = scene.refuse(scene.stranger, DATANET_REGISTRY, "cancel", contribution_id)
    assert refused == law.NOT_CONTRIBUTOR(scene.stranger.address).data
    scene.do(contributor, DATANET_REGISTRY, "cancel", contribution_id)
    wrong = law.WRONG_STATUS(5).data
    assert scene.refuse(scene.owner, DATANET_REGISTRY, "review", contribution_id, True, 1) == wrong
    assert scene.refuse(contributor, DATANET_REGISTRY, "cancel", contribution_id) == wrong
    before = scene.machine.balance(contributor)
    scene.do(contributor, DATANET_REGISTRY, "withdrawBond", contribution_id)
    assert scene.machine.balance(contributor) == before + scene.policy.contribution_bond_wei


def test_lineage_reads_both_ways(scene: Scene) -> None:
    first, second = scene.published_datanet(), scene.published_datanet()

    def model(parent: int, *sources: int) -> int:
        arguments = (HASH, parent, HASH, sources, (1,) * len(sources), b"uri")
        return number(scene.do(scene.owner, MODEL_REGISTRY, "registerModel", *arguments))

    base = model(0, first)
    children = [model(base, second), model(base, first, second)]

    def listed(count: str, at: str, key: int) -> list[int]:
        size = scene.read(MODEL_REGISTRY, count, key)
        beyond = scene.refuse(scene.owner, MODEL_REGISTRY, at, key, size)
        assert beyond == INVALID_ARGUMENT(b"position").data
        return [scene.read(MODEL_REGISTRY, at, key, i) for i in range(size)]

    assert listed("childCount", "childAt", base) == children
    assert listed("childCount", "childAt", children[0]) == []
    assert listed("userCount", "userAt", first) == [base, children[1]]
    assert listed("userCount", "userAt", second) == children


def test_a_deprecated_model_takes_no_new_channels(scene: Scene) -> None:
    scene.channel_id = scene.channel()
    successor = scene.model()
    deprecate = (MODEL_REGISTRY, "deprecateModel", scene.model_id)
    for sender, argument, error in (
        (scene.stranger, 0, model_access.NOT_OWNER(scene.stranger.address)),
        (scene.owner, scene.model_id, INVALID_ARGUMENT(b"successor")),
        (scene.owner, 99, model_access.MODEL_NOT_FOUND(99)),
    ):
        assert scene.refuse(sender, *deprecate, argument) == error.data
    assert scene.read(MODEL_REGISTRY, "isDeprecated", scene.model_id) == 0
    scene.do(scene.owner, *deprecate, successor)
    assert scene.read(MODEL_REGISTRY, "isDeprecated", scene.model_id) == 1
    assert scene.refuse(scene.owner, *deprecate, 0) == INVALID_ARGUMENT(b"model").data
    arguments = (scene.provider.address, scene.model_id, scene.key.address)
    refused = scene.refuse(scene.payer, INFERENCE_METERING, "openChannel", *arguments, value_wei=UNIT)
    assert refused == metering_interface.MODEL_NOT_SERVABLE(scene.model_id).data
    scene.settle(scene.channel_id)


def test_a_model_changes_hands_without_its_revenue(scene: Scene) -> None:
    model_id = scene.model()
    scene.do(scene.owner, MODEL_REGISTRY, "transferModel", model_id, scene.payer.address)
    owner, recipient = scene.fields(MODEL_REGISTRY, "getModel", model_id)[:2]
    assert owner == int.from_bytes(scene.payer.address, "big")
    assert recipient == int.from_bytes(scene.owner.address, "big")
    refused = scene.refuse(scene.owner, MODEL_REGISTRY, "setPrice", model_id, 1, 1)
    assert refused == model_access.NOT_OWNER(scene.owner.address).data
