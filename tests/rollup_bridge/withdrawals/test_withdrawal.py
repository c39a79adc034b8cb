import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from genesis.addresses import L2_TO_L1_MESSAGE_PASSER
from genesis.types import Address, Hash32
from rollup_bridge.errors import MalformedError
from rollup_bridge.withdrawals.withdrawal import (
    MESSAGE_PASSED_TOPIC,
    Withdrawal,
    message_passer_slot,
    read_message_passed,
    withdrawal_hash,
)

ADDRESSES = st.binary(min_size=20, max_size=20).map(Address)
WITHDRAWALS = st.builds(
    Withdrawal,
    nonce=st.integers(0, 2**256 - 1),
    sender=ADDRESSES,
    target=ADDRESSES,
    value_wei=st.integers(0, 2**256 - 1),
    gas_limit=st.integers(0, 2**256 - 1),
    data=st.binary(max_size=80),
)


def event(withdrawal: Withdrawal) -> tuple[tuple[bytes, ...], bytes]:
    topics = (
        MESSAGE_PASSED_TOPIC,
        withdrawal.nonce.to_bytes(32, "big"),
        withdrawal.sender.rjust(32, b"\0"),
        withdrawal.target.rjust(32, b"\0"),
    )
    fields = [withdrawal.value_wei, withdrawal.gas_limit, withdrawal.data, withdrawal_hash(withdrawal)]
    return topics, encode(["uint256", "uint256", "bytes", "bytes32"], fields)


def test_the_hash_is_the_one_clients_compute() -> None:
    """A withdrawal of OP Mainnet; vector from viem's `getWithdrawals`."""
    account = "bcce5f55dfda11600e48e91598ad0f8645466142"
    word = "{:064x}".format
    data = (
        "d764ad0b"
        + "0001000000000000000000000000000000000000000000000000000000002d49"
        + "4200000000000000000000000000000000000010".rjust(64, "0")
        + "99c9fc46f92e8a1c0dec1b1747d010903e884be1".rjust(64, "0")
        + word(13 * 10**15)
        + word(0)
        + word(0xC0)
        + word(0xA4)
        + "1635f5fd"
        + account.rjust(64, "0")
        + account.rjust(64, "0")
        + word(13 * 10**15)
        + word(0x80)
        + word(0)
        + "00" * 28
    )
    withdrawal = Withdrawal(
        nonce=1766847064778384329583297500742918515827483896875618958121606201292631369,
        sender=Address(bytes.fromhex("4200000000000000000000000000000000000007")),
        target=Address(bytes.fromhex("25ace71c97b33cc4729cf772ae268934f7ab5fa1")),
        value_wei=13 * 10**15,
        gas_limit=287_624,
        data=bytes.fromhex(data),
    )
    expected = "178f1e0216fb50bef160eb8af7d1d98000026a84371cef4a13d8d79996cc8589"
    assert withdrawal_hash(withdrawal).hex() == expected


def test_the_slot_is_the_one_clients_compute() -> None:
    """Vector from viem's `getWithdrawalHashStorageSlot`."""
    hash_ = Hash32(bytes.fromhex("b1c3824def40047847145e069bf467aa67e906611b9f5ef31515338db0aabfa2"))
    expected = "4a932049252365b3eedbc5190e18949f2ec11f39d3bef2d259764799a1b27d99"
    assert message_passer_slot(hash_).hex() == expected


@given(WITHDRAWALS)
def test_a_withdrawal_is_read_from_its_event(withdrawal: Withdrawal) -> None:
    topics, data = event(withdrawal)
    assert read_message_passed(L2_TO_L1_MESSAGE_PASSER, topics, data) == withdrawal


@given(WITHDRAWALS)
def test_other_logs_are_no_withdrawals(withdrawal: Withdrawal) -> None:
    topics, data = event(withdrawal)
    assert read_message_passed(Address(b"\x01" * 20), topics, data) is None
    assert read_message_passed(L2_TO_L1_MESSAGE_PASSER, topics[:3], data) is None
    assert read_message_passed(L2_TO_L1_MESSAGE_PASSER, (b"x" * 32, *topics[1:]), data) is None


@given(WITHDRAWALS, st.integers(0, 95))
def test_an_event_that_does_not_name_its_own_hash_is_refused(withdrawal: Withdrawal, byte: int) -> None:
    topics, data = event(withdrawal)
    altered = bytearray(data)
    altered[-1] ^= 1 if byte % 2 else 0
    altered[byte] ^= 1
    with pytest.raises(MalformedError):
        read_message_passed(L2_TO_L1_MESSAGE_PASSER, topics, bytes(altered))
