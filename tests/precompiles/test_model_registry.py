"""Models: sources must be published and usable, only the owner changes anything."""

from typing import Any

import pytest

from genesis.addresses import DATANET_REGISTRY, MODEL_REGISTRY
from genesis.types import Address, Hash32
from precompiles import model_access as law
from precompiles import model_indexes, model_registry
from precompiles.checks import INVALID_ARGUMENT
from tests.precompiles.calls import event, number
from tests.precompiles.scene import HASH, Scene
from tests.precompiles.world import NativeMachine, TwinMachine

ZERO = Hash32(bytes(32))


@pytest.fixture(params=[NativeMachine, TwinMachine])
def scene(request: pytest.FixtureRequest) -> Scene:
    return Scene(machine_type=request.param)


def register(scene: Scene, *, datanets: tuple[int, ...] = (), parent: int = 0) -> int:
    arguments = (HASH, parent, HASH, datanets, (1,) * len(datanets), b"uri")
    return number(scene.do(scene.owner, MODEL_REGISTRY, "registerModel", *arguments))


def refuse_register(scene: Scene, *arguments: Any, sender: Any = None) -> bytes:
    return scene.refuse(sender or scene.owner, MODEL_REGISTRY, "registerModel", *arguments)


def test_a_model_names_its_sources(scene: Scene) -> None:
    first, second = scene.published_datanet(), scene.published_datanet()
    arguments = (HASH, 0, HASH, (second, first), (1, 1), b"uri")
    outcome = scene.do(scene.owner, MODEL_REGISTRY, "registerModel", *arguments)
    topics = [topics[0] for _, topics, _ in outcome.logs]
    source = event(MODEL_REGISTRY, "ModelSource").topic
    assert topics == [event(MODEL_REGISTRY, "ModelRegistered").topic, source, source]
    assert scene.fields(MODEL_REGISTRY, "getSource", 1, 0) == [second, 1]
    assert scene.fields(MODEL_REGISTRY, "getSource", 1, 1) == [first, 1]
    refused = scene.refuse(scene.owner, MODEL_REGISTRY, "getSource", 1, 2)
    assert refused == INVALID_ARGUMENT(b"position").data


def test_the_owner_earns_until_another_is_named(scene: Scene) -> None:
    register(scene)
    owner = int.from_bytes(scene.owner.address, "big")
    assert scene.fields(MODEL_REGISTRY, "getModel", 1)[:2] == [owner, owner]
    scene.do(scene.owner, MODEL_REGISTRY, "setRevenueRecipient", 1, scene.payer.address)
    payer = int.from_bytes(scene.payer.address, "big")
    assert scene.fields(MODEL_REGISTRY, "getModel", 1)[:2] == [owner, payer]
    zero = Address(bytes(20))
    refused = scene.refuse(scene.owner, MODEL_REGISTRY, "setRevenueRecipient", 1, zero)
    assert refused == INVALID_ARGUMENT(b"recipient").data


def test_registering_has_rules(scene: Scene) -> None:
    datanet_id = scene.published_datanet()
    assert refuse_register(scene, ZERO, 0, HASH, (), (), b"") == INVALID_ARGUMENT(b"artifactHash").data
    assert refuse_register(scene, HASH, 0, ZERO, (), (), b"") == INVALID_ARGUMENT(b"manifestHash").data
    assert refuse_register(scene, HASH, 0, HASH, (1,), (), b"") == INVALID_ARGUMENT(b"versions").data
    many = (datanet_id,) * 65
    assert refuse_register(scene, HASH, 0, HASH, many, many, b"") == INVALID_ARGUMENT(b"datanetIds").data
    assert refuse_register(scene, HASH, 0, HASH, (), (), b"u" * 2_049) == INVALID_ARGUMENT(b"uri").data
    assert refuse_register(scene, HASH, 1, HASH, (), (), b"") == law.MODEL_NOT_FOUND(1).data
    assert refuse_register(scene, HASH, 0, HASH, (9,), (1,), b"") == INVALID_ARGUMENT(b"datanetIds").data
    for version in (0, 2):
        refused = refuse_register(scene, HASH, 0, HASH, (datanet_id,), (version,), b"")
        assert refused == INVALID_ARGUMENT(b"versions").data


@pytest.mark.parametrize("usage", [1, 2])
def test_a_datanet_that_is_not_open_serves_its_owner(scene: Scene, usage: int) -> None:
    datanet_id = scene.published_datanet(usage)
    arguments = (HASH, 0, HASH, (datanet_id,), (1,), b"")
    refused = refuse_register(scene, *arguments, sender=scene.payer)
    assert refused == model_registry.USAGE_NOT_GRANTED(datanet_id).data
    register(scene, datanets=(datanet_id,))


def test_adapters_have_a_parent(scene: Scene) -> None:
    base = register(scene)
    adapter = register(scene, parent=base)
    assert scene.fields(MODEL_REGISTRY, "getModel", adapter)[4] == base


def test_only_the_owner_changes_a_model(scene: Scene) -> None:
    register(scene)
    not_owner = law.NOT_OWNER(scene.payer.address).data
    index = (HASH, HASH, HASH, HASH, 2, 1, 4, b"")
    for name, arguments in (
        ("setPrice", (1, 1, 1)),
        ("setRevenueRecipient", (1, scene.payer.address)),
        ("commitFeatureIndex", (1, *index)),
    ):
        assert scene.refuse(scene.payer, MODEL_REGISTRY, name, *arguments) == not_owner
        missing = law.MODEL_NOT_FOUND(2).data
        assert scene.refuse(scene.owner, MODEL_REGISTRY, name, 2, *arguments[1:]) == missing


@pytest.mark.parametrize(
    ("prices", "name"), [((10**27 + 1, 0), b"inputPrice"), ((0, 10**27 + 1), b"outputPrice")]
)
def test_prices_are_bounded(scene: Scene, prices: tuple[int, int], name: bytes) -> None:
    register(scene)
    refused = scene.refuse(scene.owner, MODEL_REGISTRY, "setPrice", 1, *prices)
    assert refused == INVALID_ARGUMENT(name).data


@pytest.mark.parametrize(
    ("position", "value", "name"),
    [
        (0, ZERO, b"rowsRoot"),
        (1, ZERO, b"sumsRoot"),
        (4, 0, b"rows"),
        (4, 2**32 + 1, b"rows"),
        (5, 0, b"contributors"),
        (5, 101, b"contributors"),
        (6, 0, b"dimensions"),
        (6, 65_537, b"dimensions"),
        (7, b"u" * 2_049, b"uri"),
    ],
)
def test_an_index_has_rules(scene: Scene, position: int, value: object, name: bytes) -> None:
    register(scene)
    arguments: list[object] = [HASH, HASH, HASH, HASH, 100, 5, 64, b"uri"]
    arguments[position] = value
    refused = scene.refuse(scene.owner, MODEL_REGISTRY, "commitFeatureIndex", 1, *arguments)
    assert refused == INVALID_ARGUMENT(name).data


def test_an_index_is_usable_after_its_window(scene: Scene) -> None:
    register(scene)
    arguments = (HASH, HASH, HASH, HASH, 100, 5, 64, b"uri")
    scene.stake(scene.owner)
    scene.do(scene.owner, MODEL_REGISTRY, "commitFeatureIndex", 1, *arguments)
    fields = scene.fields(MODEL_REGISTRY, "getFeatureIndex", 1)
    assert fields[6:] == [100, 5, 64, 1, scene.machine.moment.timestamp_s + scene.policy.index_window_s]
    assert scene.fields(MODEL_REGISTRY, "getModel", 1)[7] == 1
    refused = scene.refuse(scene.owner, MODEL_REGISTRY, "getFeatureIndex", 2)
    assert refused == model_indexes.FEATURE_INDEX_NOT_FOUND(2).data


def test_a_version_of_another_datanet_is_no_source(scene: Scene) -> None:
    scene.published_datanet()
    unpublished = scene.datanet()
    refused = refuse_register(scene, HASH, 0, HASH, (unpublished,), (1,), b"")
    assert refused == INVALID_ARGUMENT(b"versions").data
    assert scene.fields(DATANET_REGISTRY, "getDatanet", unpublished)[8] == 0


def test_the_owner_says_whose_retrieved_records_share(scene: Scene) -> None:
    datanet_id = scene.published_datanet()
    model_id = register(scene)
    arguments = (model_id, datanet_id)
    assert scene.fields(MODEL_REGISTRY, "mayRetrieve", *arguments) == [0]
    scene.do(scene.owner, MODEL_REGISTRY, "setRetrieval", *arguments, True)
    assert scene.fields(MODEL_REGISTRY, "mayRetrieve", *arguments) == [1]
    assert scene.fields(MODEL_REGISTRY, "mayRetrieve", model_id, datanet_id + 1) == [0]
    scene.do(scene.owner, MODEL_REGISTRY, "setRetrieval", *arguments, False)
    assert scene.fields(MODEL_REGISTRY, "mayRetrieve", *arguments) == [0]
    refused = scene.refuse(scene.payer, MODEL_REGISTRY, "setRetrieval", *arguments, True)
    assert refused == law.NOT_OWNER(scene.payer.address).data
    refused = scene.refuse(scene.owner, MODEL_REGISTRY, "setRetrieval", model_id, 9, True)
    assert refused == INVALID_ARGUMENT(b"datanetId").data
