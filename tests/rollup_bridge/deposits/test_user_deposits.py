import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from genesis.types import Address, Hash32
from rollup_bridge.deposits.source_hash import user_deposit_source
from rollup_bridge.deposits.user_deposits import (
    TRANSACTION_DEPOSITED_TOPIC,
    decode_deposit_log,
    user_deposits,
)
from rollup_bridge.errors import CriticalError, MalformedError
from rollup_bridge.ports import L1Log, L1Receipt
from tests.rollup_bridge.fakes import PORTAL

BLOCK = Hash32(b"b" * 32)
SENDER, TARGET = b"\x01" * 20, b"\x02" * 20
OTHER = L1Log(Address(b"\x09" * 20), (TRANSACTION_DEPOSITED_TOPIC,), b"")


def deposit_log(
    mint: int = 5, value: int = 4, gas: int = 21_000, *, creation: bool = False, data: bytes = b"call"
) -> L1Log:
    opaque = mint.to_bytes(32, "big") + value.to_bytes(32, "big") + gas.to_bytes(8, "big")
    opaque += bytes([creation]) + data
    topics = (TRANSACTION_DEPOSITED_TOPIC, SENDER.rjust(32, b"\0"), TARGET.rjust(32, b"\0"), bytes(32))
    return L1Log(PORTAL, tuple(Hash32(topic) for topic in topics), encode(["bytes"], [opaque]))


def receipt(*logs: L1Log, succeeded: bool = True) -> L1Receipt:
    return L1Receipt(Hash32(bytes(32)), succeeded, logs)


def test_a_deposit_is_read_from_its_event() -> None:
    (deposit,) = user_deposits([receipt(deposit_log())], PORTAL, BLOCK)
    assert (deposit.sender, deposit.to) == (SENDER, TARGET)
    assert (deposit.mint_wei, deposit.value_wei, deposit.gas, deposit.data) == (5, 4, 21_000, b"call")
    assert not deposit.is_system


def test_a_creation_has_no_target() -> None:
    (deposit,) = user_deposits([receipt(deposit_log(creation=True))], PORTAL, BLOCK)
    assert deposit.to is None


def test_log_indexes_count_all_logs_of_the_block() -> None:
    receipts = [receipt(OTHER, OTHER), receipt(), receipt(OTHER, deposit_log())]
    (deposit,) = user_deposits(receipts, PORTAL, BLOCK)
    assert deposit.source_hash == user_deposit_source(BLOCK, 3)


def test_two_equal_deposits_in_one_block_differ_in_their_source() -> None:
    first, second = user_deposits([receipt(deposit_log(), deposit_log())], PORTAL, BLOCK)
    assert first.source_hash != second.source_hash


def test_only_the_portal_and_only_success_count() -> None:
    assert user_deposits([receipt(OTHER), receipt(deposit_log(), succeeded=False)], PORTAL, BLOCK) == ()


def test_an_event_of_the_portal_that_cannot_be_read_stops_the_node() -> None:
    broken = L1Log(PORTAL, deposit_log().topics, b"\x00" * 31)
    with pytest.raises(CriticalError):
        user_deposits([receipt(broken)], PORTAL, BLOCK)


def test_an_unknown_version_is_refused() -> None:
    log = deposit_log()
    newer = L1Log(PORTAL, (*log.topics[:3], Hash32(bytes(31) + b"\x01")), log.data)
    with pytest.raises(MalformedError, match="version"):
        decode_deposit_log(newer, BLOCK)


@given(st.binary(max_size=200))
def test_any_data_is_read_or_refused(data: bytes) -> None:
    log = deposit_log()
    for content in (data, encode(["bytes"], [data])):
        try:
            decode_deposit_log(L1Log(PORTAL, log.topics, content), BLOCK)
        except MalformedError:
            continue
