"""Arrays of typed data against the lengths in their types."""

import json
from typing import Any

import pytest

from openledger_node.rpc.typed_data import check_array_lengths
from tests.rpc.asking import Ask
from tests.rpc.running_node import KEYS, address_of

TYPES = {
    "Person": [{"name": "name", "type": "string"}],
    "Mail": [{"name": "to", "type": "Person[2]"}, {"name": "grid", "type": "uint8[2][]"}],
}
BOB = {"name": "Bob"}


@pytest.mark.parametrize(
    "message",
    [
        {"to": [BOB, BOB], "grid": []},
        {"to": [BOB, BOB], "grid": [[1, 2], [3, 4]]},
        {"to": None, "grid": []},
        {},
    ],
)
def test_arrays_of_the_declared_length_pass(message: Any) -> None:
    check_array_lengths(TYPES, "Mail", message)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"to": [BOB]}, r"Expected 2 items for array type Person\[2\], got 1 items"),
        ({"to": [BOB, BOB], "grid": [[1, 2], [3]]}, r"uint8\[2\], got 1 items"),
        ({"to": [BOB] * 3}, "got 3 items"),
    ],
)
def test_an_array_of_another_length_is_refused(message: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_array_lengths(TYPES, "Mail", message)


def test_the_node_signs_no_array_of_another_length(ask: Ask) -> None:
    unlocked = "0x" + address_of(KEYS[0]).hex()
    typed = {
        "types": {
            "EIP712Domain": [{"name": "name", "type": "string"}],
            "M": [{"name": "a", "type": "uint256[2]"}],
        },
        "primaryType": "M",
        "domain": {"name": "t"},
        "message": {"a": [1, 2]},
    }
    assert ask("eth_signTypedData", unlocked, typed) == ask("eth_signTypedData_v4", unlocked, typed)
    assert ask("eth_signTypedData", unlocked, json.dumps(typed)) == ask("eth_signTypedData", unlocked, typed)
    for nonsense in ("{", "[]", "[" * 100_000, 5):
        assert ask("eth_signTypedData", unlocked, nonsense)["code"] == -32602
    refused = ask("eth_signTypedData", unlocked, typed | {"message": {"a": [1]}})
    assert refused["code"] == -32602
    assert "got 1 items" in refused["message"]
