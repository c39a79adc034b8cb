"""The registry knows the seven precompiles and ERC-165."""

import pytest

from genesis.addresses import PRECOMPILE_REGISTRY, PRECOMPILES, TREASURY
from precompiles.precompile_registry import INTERFACE_ID
from tests.precompiles.artifacts import artifact
from tests.precompiles.calls import method
from tests.precompiles.scene import Scene


@pytest.mark.parametrize("address", PRECOMPILES)
def test_precompiles_are_active(address: bytes) -> None:
    scene = Scene()
    assert scene.read(PRECOMPILE_REGISTRY, "isActive", address) == 1
    assert scene.read(PRECOMPILE_REGISTRY, "version", address) == 1


def test_nothing_else_is() -> None:
    scene = Scene()
    assert scene.read(PRECOMPILE_REGISTRY, "isActive", TREASURY) == 0
    assert scene.read(PRECOMPILE_REGISTRY, "version", TREASURY) == 0


@pytest.mark.parametrize(
    ("interface_id", "supported"),
    [("01ffc9a7", 1), (INTERFACE_ID.hex(), 1), ("ffffffff", 0), ("00000000", 0)],
)
def test_the_registry_names_its_interfaces(interface_id: str, supported: int) -> None:
    scene = Scene()
    assert scene.read(PRECOMPILE_REGISTRY, "supportsInterface", bytes.fromhex(interface_id)) == supported


def test_the_interface_id_covers_every_method() -> None:
    value = 0
    for entry in artifact("IPrecompileRegistry").abi:
        value ^= int.from_bytes(method(PRECOMPILE_REGISTRY, entry["name"]).selector, "big")
    assert value.to_bytes(4, "big") == INTERFACE_ID
