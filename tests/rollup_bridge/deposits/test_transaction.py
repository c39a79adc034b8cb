import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis.types import Address, Hash32
from rollup_bridge.deposits.source_hash import user_deposit_source
from rollup_bridge.deposits.transaction import Deposit, decode_deposit, deposit_hash, encode_deposit
from rollup_bridge.errors import MalformedError

DEPOSITS = st.builds(
    Deposit,
    source_hash=st.binary(min_size=32, max_size=32).map(Hash32),
    sender=st.binary(min_size=20, max_size=20).map(Address),
    to=st.one_of(st.none(), st.binary(min_size=20, max_size=20).map(Address)),
    mint_wei=st.integers(0, 2**256 - 1),
    value_wei=st.integers(0, 2**256 - 1),
    gas=st.integers(0, 2**64 - 1),
    is_system=st.booleans(),
    data=st.binary(max_size=80),
)


@given(DEPOSITS)
def test_deposits_survive_the_round_trip(deposit: Deposit) -> None:
    assert decode_deposit(encode_deposit(deposit)) == deposit


def test_the_hash_is_the_one_clients_compute() -> None:
    """A deposit of OP Mainnet; vector from viem's `getL2TransactionHash`."""
    block = Hash32(bytes.fromhex("634c52556471c589f42db9131467e0c9484f5c73049e32d1a74e2a4ce0f91d57"))
    account = Address(bytes.fromhex("1a1e021a302c237453d3d45c7b82b19ceeb7e2e6"))
    deposit = Deposit(user_deposit_source(block, 109), account, account, 0, 0x45, 21_000, False, b"")
    expected = "0a60b983815ed475c5919609025204a479654d93afc610feca7d99ae0befc329"
    assert deposit_hash(encode_deposit(deposit)).hex() == expected


@given(DEPOSITS, st.data())
def test_mutations_are_refused_or_canonical(deposit: Deposit, data: st.DataObject) -> None:
    raw = bytearray(encode_deposit(deposit))
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        read = decode_deposit(bytes(raw))
    except MalformedError:
        return
    assert encode_deposit(read) == bytes(raw)


@pytest.mark.parametrize("raw", [b"", b"\x7e", b"\x02\xc0", b"\x7e\xc0"])
def test_other_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        decode_deposit(raw)


def test_bytes_behind_a_deposit_are_refused() -> None:
    deposit = Deposit(Hash32(bytes(32)), Address(bytes(20)), None, 0, 0, 0, False, b"")
    with pytest.raises(MalformedError):
        decode_deposit(encode_deposit(deposit) + b"\x00")
