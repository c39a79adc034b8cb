"""The declarations that run are the interfaces that are published: same ABI and selectors as solc's."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from genesis.keccak import keccak256
from genesis.types import Address
from precompiles.abis import abi_of, contract_named
from precompiles.contract import COMMON_ERRORS
from precompiles.table import CONTRACTS
from tests.precompiles.artifacts import artifact


def comparable(entry: Mapping[str, Any]) -> str:
    """An ABI entry without solc's own names for types."""
    kept: str = json.dumps(entry, sort_keys=True)
    stripped = json.loads(
        kept, object_hook=lambda node: {k: v for k, v in node.items() if k != "internalType"}
    )
    return json.dumps(stripped, sort_keys=True)


@pytest.mark.parametrize("address", list(CONTRACTS))
def test_abi_equals_the_interfaces(address: Address) -> None:
    interface = artifact("I" + CONTRACTS[address].name)
    common = artifact("IPrecompileErrors")
    expected = sorted(map(comparable, (*interface.abi, *common.abi)))
    assert sorted(map(comparable, abi_of(address))) == expected


@pytest.mark.parametrize("address", list(CONTRACTS))
def test_a_twin_has_every_method_but_the_one_it_decodes_itself(address: Address) -> None:
    native = {method.name for method in CONTRACTS[address].methods}
    twin = {
        entry["name"]
        for entry in artifact(CONTRACTS[address].name + "Twin").abi
        if entry["type"] == "function"
    }
    assert native - twin == ({"settle"} if CONTRACTS[address].name == "InferenceMetering" else set())
    assert twin <= native


@pytest.mark.parametrize("address", list(CONTRACTS))
def test_selectors_are_distinct(address: Address) -> None:
    contract = CONTRACTS[address]
    selectors = [method.selector for method in contract.methods]
    errors = [error.selector for error in (*contract.errors, *COMMON_ERRORS)]
    topics = [event.topic for event in contract.events]
    for values in (selectors, errors, topics):
        assert len(set(values)) == len(values)


def test_selectors_and_topics_are_of_the_known_signatures() -> None:
    gas_of = next(method for method in contract_named("Policy").methods if method.name == "gasOf")
    assert gas_of.selector == keccak256(b"gasOf(bytes4,uint256[])")[:4]
    published = contract_named("Policy").events[0]
    assert published.topic == keccak256(b"PolicyPublished(uint256,bytes32)")
