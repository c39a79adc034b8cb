"""ABIs read from Solidity interfaces: what is parsed equals what the law declares and compilers say."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis.keccak import keccak256
from openledger_node.client.abi import (
    decode_values,
    encode_values,
    interface_from_artefact,
    interface_from_signatures,
    interface_from_solidity,
)
from openledger_node.client.contract import precompile_interface

TWINS = Path("precompiles/solidity/twins/artifacts")
INTERFACES = (
    "IAttribution",
    "IDatanetRegistry",
    "IInferenceMetering",
    "IModelRegistry",
    "IPolicy",
    "IStaking",
)


def test_selectors_are_those_of_the_signature() -> None:
    interface = interface_from_signatures("function transfer(address to, uint256 amount) returns (bool)")
    assert interface.functions["transfer"].selector.hex() == "a9059cbb"
    assert interface.functions["transfer"].outputs[0].type == "bool"


def test_structs_become_tuples_and_arrays_keep_their_suffix() -> None:
    interface = interface_from_solidity(
        "struct Point { uint256 x; bytes32 y; }\n"
        "function draw(Point[] calldata line, Point memory end) external;"
    )
    assert interface.functions["draw"].text == "draw((uint256,bytes32)[],(uint256,bytes32))"


def test_comments_and_many_lines_do_not_matter() -> None:
    interface = interface_from_solidity(
        "/// function ghost(uint256 a) external;\n/* event Ghost(); */\n"
        "function real(\n uint256 a,\n uint256 b\n) external\n payable\n returns (\n uint256 c\n);"
    )
    assert set(interface.functions) == {"real"}
    assert interface.events == {}


def test_indexed_event_parameters_are_known() -> None:
    interface = interface_from_signatures("event Paid(address indexed to, uint256 amount)")
    event = interface.event("Paid")
    assert [parameter.indexed for parameter in event.inputs] == [True, False]
    assert event.topic == keccak256(b"Paid(address,uint256)")


@pytest.mark.parametrize("name", INTERFACES)
def test_every_interface_parses_without_leftovers(name: str) -> None:
    interface = precompile_interface(name)
    text = (Path("precompiles/solidity/interfaces") / f"{name}.sol").read_text()
    assert len(interface.functions) == text.count("    function ")
    assert len(interface.events) == text.count("    event ")


@given(
    st.lists(st.tuples(st.integers(0, 2**256 - 1), st.binary(min_size=32, max_size=32)), max_size=4),
    st.binary(min_size=20, max_size=20),
    st.binary(max_size=70),
    st.text(max_size=20),
)
def test_values_come_back(points: list[tuple[int, bytes]], who: bytes, data: bytes, text: str) -> None:
    interface = interface_from_solidity(
        "struct Point { uint256 x; bytes32 y; }\n"
        "function f(Point[] points, address who, bytes data, string text) external;"
    )
    inputs = interface.functions["f"].inputs
    named = [{"x": x, "y": y} for x, y in points]
    packed = encode_values(inputs, [points, who, data, text])
    assert packed == encode_values(inputs, [named, who, data, text])
    assert decode_values(inputs, packed) == [named, who, data, text]


def test_a_compiler_artefact_gives_the_same_interface() -> None:
    abi = [
        {
            "type": "function",
            "name": "f",
            "inputs": [{"name": "p", "type": "tuple[]", "components": [{"name": "x", "type": "uint256"}]}],
            "outputs": [],
        }
    ]
    interface = interface_from_artefact(json.dumps({"abi": abi}))
    assert interface.functions["f"].text == "f((uint256)[])"
