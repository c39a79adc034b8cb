from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis.types import Address, Hash32
from openledger_node.evm.records import Authorization
from openledger_node.rpc import requests
from openledger_node.rpc.errors import InvalidParamsError, ServerError
from openledger_node.rpc.log_filter import log_filter
from openledger_node.rpc.requests import HashReference, Tag

HASH = "0x" + "11" * 32
ADDRESS = "0x" + "22" * 20

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=70),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(
    [
        "from",
        "to",
        "gas",
        "gasPrice",
        "maxFeePerGas",
        "value",
        "data",
        "input",
        "nonce",
        "accessList",
        "authorizationList",
        "chainId",
        "blockHash",
        "blockNumber",
        "requireCanonical",
        "fromBlock",
        "toBlock",
        "address",
        "topics",
        "balance",
        "code",
        "state",
        "stateDiff",
        "number",
        "time",
    ]
)


def test_block_references_take_every_form() -> None:
    assert requests.block_reference("latest") is Tag.LATEST
    assert requests.block_reference("0x10") == 16
    assert requests.block_reference(HASH) == HashReference(Hash32(b"\x11" * 32))
    assert requests.block_reference({"blockHash": HASH, "requireCanonical": True}) == HashReference(
        Hash32(b"\x11" * 32), require_canonical=True
    )
    assert requests.block_reference({"blockNumber": "safe"}) is Tag.SAFE


@pytest.mark.parametrize(
    "bad", ["newest", "16", "0x010", {"blockHash": HASH, "blockNumber": "0x1"}, 5, None, []]
)
def test_bad_references(bad: object) -> None:
    with pytest.raises(InvalidParamsError):
        requests.block_reference(bad)


def test_a_reference_to_nothing() -> None:
    with pytest.raises(ServerError, match="neither block nor hash"):
        requests.block_reference({})


def test_fees_of_a_call() -> None:
    free = requests.call_object({"to": ADDRESS}).request(10, base_fee_wei=7)
    assert free.gas_price_wei is None
    fixed = requests.call_object({"gasPrice": "0x9"}).request(10, base_fee_wei=7)
    assert fixed.gas_price_wei == 9
    dynamic = {"maxFeePerGas": "0x9", "maxPriorityFeePerGas": "0x1"}
    assert requests.call_object(dynamic).request(10, base_fee_wei=7).gas_price_wei == 8
    assert requests.call_object(dynamic).request(10, base_fee_wei=20).gas_price_wei == 9


@pytest.mark.parametrize(
    "bad",
    [
        {"gasPrice": "0x1", "maxFeePerGas": "0x1"},
        {"maxFeePerGas": "0x1", "maxPriorityFeePerGas": "0x2"},
        {"data": "0x01", "input": "0x02"},
        {"to": "0x"},
        {"gas": "0x10000000000000000"},
        {"accessList": [{}]},
        {"authorizationList": [{}]},
        {"authorizationList": [{"address": ADDRESS, "nonce": "0x00"}]},
        "0x",
    ],
)
def test_contradictory_calls(bad: object) -> None:
    with pytest.raises(InvalidParamsError):
        requests.call_object(bad)


def test_authorizations_of_a_call() -> None:
    signed = {"chainId": "0x7", "address": ADDRESS, "nonce": "0x3", "yParity": "0x1", "r": "0x5", "s": "0x6"}
    request = requests.call_object({"to": ADDRESS, "authorizationList": [signed]}).request(10, base_fee_wei=7)
    assert request.authorizations == (Authorization(7, Address(b"\x22" * 20), 3, 1, 5, 6),)


def test_state_overrides_are_read_and_contradictions_refused() -> None:
    found = requests.state_overrides(
        {ADDRESS: {"balance": "0x5", "stateDiff": {"0x" + "00" * 32: "0x" + "00" * 31 + "07"}}}
    )
    override = found[Address(b"\x22" * 20)]
    assert (override.balance_wei, override.storage, override.storage_changes) == (5, None, {0: 7})
    with pytest.raises(ServerError, match="has both"):
        requests.state_overrides({ADDRESS: {"state": {}, "stateDiff": {}}})


@pytest.mark.parametrize("field", ["beaconRoot", "withdrawals"])
def test_overrides_of_a_call_are_fewer_than_a_blocks(field: str) -> None:
    given_: Any = {"number": "0x5", field: HASH}
    assert requests.block_overrides(given_).number == 5
    assert requests.call_block_overrides({"number": "0x5"}).number == 5
    with pytest.raises(ServerError, match=f'"{field}" is not supported'):
        requests.call_block_overrides(given_)


def test_log_filters() -> None:
    found = log_filter({"address": ADDRESS, "topics": [None, HASH, [HASH, HASH]]})
    assert found.addresses == {b"\x22" * 20}
    assert [len(item) for item in found.topics] == [0, 1, 1]
    bad_filters: list[Any] = [
        {"topics": [None] * 5},
        {"blockHash": HASH, "toBlock": "0x1"},
        {"address": [5]},
        [],
        None,
    ]
    for bad in bad_filters:
        with pytest.raises(InvalidParamsError):
            log_filter(bad)


@given(JSON | st.dictionaries(NAMES, JSON, max_size=6))
def test_nothing_but_errors_of_the_client_comes_out_of_any_json(value: Any) -> None:
    for parse in (
        requests.block_reference,
        requests.call_object,
        requests.state_overrides,
        requests.block_overrides,
        log_filter,
        requests.access_list,
    ):
        try:
            parse(value)
        except (InvalidParamsError, ServerError):
            continue
