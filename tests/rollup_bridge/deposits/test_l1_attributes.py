import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis.addresses import L1_ATTRIBUTES_DEPOSITOR, L1_BLOCK
from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from rollup_bridge.deposits.l1_attributes import (
    CALLDATA_BYTES,
    L1Attributes,
    attributes_of,
    decode_calldata,
    encode_calldata,
    l1_attributes_transaction,
    read_l1_attributes,
)
from rollup_bridge.deposits.source_hash import l1_attributes_source
from rollup_bridge.deposits.transaction import Deposit, decode_deposit, encode_deposit
from rollup_bridge.errors import MalformedError
from tests.rollup_bridge.fakes import SYSTEM, FakeL1

HASHES = st.binary(min_size=32, max_size=32).map(Hash32)
ATTRIBUTES = st.builds(
    L1Attributes,
    base_fee_scalar=st.integers(0, 2**32 - 1),
    blob_base_fee_scalar=st.integers(0, 2**32 - 1),
    sequence_number=st.integers(0, 2**64 - 1),
    timestamp_s=st.integers(0, 2**64 - 1),
    number=st.integers(0, 2**64 - 1),
    base_fee_wei=st.integers(0, 2**256 - 1),
    blob_base_fee_wei=st.integers(0, 2**256 - 1),
    hash=HASHES,
    batcher=st.binary(min_size=20, max_size=20).map(Address),
    prev_randao=HASHES,
)


@given(ATTRIBUTES)
def test_attributes_survive_the_round_trip(attributes: L1Attributes) -> None:
    assert decode_calldata(encode_calldata(attributes)) == attributes
    assert read_l1_attributes(l1_attributes_transaction(attributes)) == attributes


def test_the_layout_is_ecotones_with_prev_randao_behind() -> None:
    attributes = L1Attributes(1, 2, 3, 4, 5, 6, 7, Hash32(b"h" * 32), Address(b"b" * 20), Hash32(b"r" * 32))
    expected = (
        keccak256(b"setL1BlockValuesOpenLedger()")[:4].hex()
        + "00000001"
        + "00000002"
        + "0000000000000003"
        + "0000000000000004"
        + "0000000000000005"
        + f"{6:064x}"
        + f"{7:064x}"
        + b"h".hex() * 32
        + "00" * 12
        + b"b".hex() * 20
        + b"r".hex() * 32
    )
    assert encode_calldata(attributes).hex() == expected
    assert CALLDATA_BYTES == 164 + 32  # Ecotone's, and prevRandao


def test_the_transaction_is_forged_by_nobody_else() -> None:
    attributes = attributes_of(FakeL1().head, SYSTEM, 2)
    deposit = decode_deposit(l1_attributes_transaction(attributes))
    assert (deposit.sender, deposit.to) == (L1_ATTRIBUTES_DEPOSITOR, L1_BLOCK)
    assert (deposit.gas, deposit.is_system, deposit.mint_wei, deposit.value_wei) == (1_000_000, False, 0, 0)
    assert deposit.source_hash == l1_attributes_source(attributes.hash, 2)


def test_other_first_transactions_are_refused() -> None:
    attributes = attributes_of(FakeL1().head, SYSTEM, 0)
    data = encode_calldata(attributes)
    user = Deposit(attributes.hash, Address(b"\x01" * 20), L1_BLOCK, 0, 0, 1_000_000, False, data)
    for raw in (encode_deposit(user), b"\x02abc", b""):
        with pytest.raises(MalformedError):
            read_l1_attributes(raw)


@pytest.mark.parametrize(
    "change", [lambda d: d[:-1], lambda d: b"\x00" + d[1:], lambda d: d[:132] + b"\x01" + d[133:]]
)
def test_other_calldata_is_refused(change) -> None:  # type: ignore[no-untyped-def]  # a lambda per case
    data = encode_calldata(attributes_of(FakeL1().head, SYSTEM, 0))
    with pytest.raises(MalformedError):
        decode_calldata(change(data))
