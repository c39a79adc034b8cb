from dataclasses import replace

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from genesis.types import Address, Hash32
from rollup_bridge.deposits.system_config import (
    CONFIG_UPDATE_TOPIC,
    UPDATE_BATCHER,
    UPDATE_FEE_SCALARS,
    UPDATE_GAS_LIMIT,
    UPDATE_UNSAFE_SIGNER,
    encode_scalars,
    updated_config,
)
from rollup_bridge.errors import CriticalError
from rollup_bridge.ports import L1Log, L1Receipt
from tests.rollup_bridge.fakes import SYSTEM, SYSTEM_CONFIG_CONTRACT


def word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def update(kind: int, body: bytes, address: Address = SYSTEM_CONFIG_CONTRACT, version: int = 0) -> L1Log:
    topics = (CONFIG_UPDATE_TOPIC, Hash32(word(version)), Hash32(word(kind)))
    return L1Log(address, topics, encode(["bytes"], [body]))


def apply(*logs: L1Log, succeeded: bool = True) -> object:
    receipt = L1Receipt(Hash32(bytes(32)), succeeded, logs)
    return updated_config(SYSTEM, [receipt], SYSTEM_CONFIG_CONTRACT)


def test_the_batcher_changes() -> None:
    assert apply(update(UPDATE_BATCHER, bytes(12) + b"\x77" * 20)) == replace(
        SYSTEM, batcher=Address(b"\x77" * 20)
    )


def test_the_fee_scalars_change_in_ecotone_encoding() -> None:
    body = word(0) + word(encode_scalars(11, 22))
    expected = replace(SYSTEM, base_fee_scalar=11, blob_base_fee_scalar=22)
    assert apply(update(UPDATE_FEE_SCALARS, body)) == expected


def test_the_gas_limit_changes() -> None:
    assert apply(update(UPDATE_GAS_LIMIT, word(60_000_000))) == replace(SYSTEM, gas_limit=60_000_000)


def test_the_last_of_several_updates_holds() -> None:
    logs = [update(UPDATE_GAS_LIMIT, word(limit)) for limit in (40_000_000, 50_000_000)]
    assert apply(*logs) == replace(SYSTEM, gas_limit=50_000_000)


def test_what_does_not_concern_derivation_changes_nothing() -> None:
    assert apply(update(UPDATE_UNSAFE_SIGNER, word(1))) == SYSTEM
    assert apply(update(UPDATE_GAS_LIMIT, word(1), Address(b"\x01" * 20))) == SYSTEM
    assert apply(update(UPDATE_GAS_LIMIT, word(1)), succeeded=False) == SYSTEM


@pytest.mark.parametrize(
    "log",
    [
        update(9, word(1)),
        update(UPDATE_GAS_LIMIT, word(1), version=1),
        update(UPDATE_GAS_LIMIT, word(2**64)),
        update(UPDATE_GAS_LIMIT, b""),
        update(UPDATE_BATCHER, word(2**160)),
        update(UPDATE_FEE_SCALARS, word(0)),
        update(UPDATE_FEE_SCALARS, word(0) + word(2 << 248)),
        update(UPDATE_FEE_SCALARS, word(0) + word(encode_scalars(1, 2) | 1 << 64)),
    ],
)
def test_an_update_this_node_does_not_know_stops_it(log: L1Log) -> None:
    with pytest.raises(CriticalError):
        apply(log)


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_all_scalars_survive_the_round_trip(base: int, blob: int) -> None:
    body = word(0) + word(encode_scalars(base, blob))
    expected = replace(SYSTEM, base_fee_scalar=base, blob_base_fee_scalar=blob)
    assert apply(update(UPDATE_FEE_SCALARS, body)) == expected
