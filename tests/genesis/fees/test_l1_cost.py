"""The Fjord formula against published vectors, and properties of the size estimate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis.fees import l1_cost
from genesis.fees.l1_cost import (
    L1FeeInputs,
    estimated_size_scaled,
    fast_lz_size,
    l1_data_fee,
    l1_gas_used,
)

# The two transactions that op-geth, Besu and others test their FastLZ with (data, MIT / LGPL test vectors).
EMPTY_TRANSACTION = bytes.fromhex("dd80808094095e7baea6a6c7c4c2dfeb977efac326af552d878080808080")
CONTRACT_CALL = bytes.fromhex(
    "02f901550a758302df1483be21b88304743f94f80e51afb613d764fa61751affd3313c190a86bb870151bd62fd12adb8"
    "e41ef24f3f000000000000000000000000000000000000000000000000000000000000006e000000000000000000000000"
    "af88d065e77c8cc2239327c5edb3a432268e5831000000000000000000000000000000000000000000000000000000000003c1e5"
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "000000000000000000000000a000000000000000000000000000000000000000000000000000000000000000148c89ed219d02f1a5"
    "be012c689b4f5b731827bebe000000000000000000000000c001a033fd89cb37c31b2cba46b6466e040c61fc9b2a3675a7f5f493"
    "ebd5ad77c497f8a07cdf65680e238392693019b4092f610222e71b7cec06449cb922b93b6a12744e"
)
PRICES = L1FeeInputs(base_fee_wei=10**9, blob_base_fee_wei=10**7, base_fee_scalar=2, blob_base_fee_scalar=3)


@pytest.mark.parametrize(
    ("data", "size"),
    [(b"", 0), (b"\1" * 1000, 21), (bytes(1000), 21), (EMPTY_TRANSACTION, 31), (CONTRACT_CALL, 202)],
)
def test_fast_lz_size(data: bytes, size: int) -> None:
    assert fast_lz_size(data) == size


def test_fee_of_a_small_transaction() -> None:
    # 100 bytes at least, times 16 · 2 · 10^9 + 3 · 10^7 millionths.
    assert l1_data_fee(EMPTY_TRANSACTION, PRICES) == 3_203_000
    assert l1_gas_used(EMPTY_TRANSACTION) == 1_600


def test_size_is_linear_above_the_minimum() -> None:
    assert estimated_size_scaled(CONTRACT_CALL) == 202 * 836_500 - 42_585_600


@pytest.mark.parametrize("size", [200, 100_000])
def test_a_transaction_is_compressed_once_however_large(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    compressed: list[bytes] = []

    def noted(data: bytes) -> int:
        compressed.append(data)
        return fast_lz_size(data)

    monkeypatch.setattr(l1_cost, "fast_lz_size", noted)
    raw = size.to_bytes(4, "big") + bytes(size)
    assert l1_data_fee(raw, PRICES) > 0
    assert l1_gas_used(bytes(bytearray(raw))) > 0
    assert compressed == [raw]


@given(st.binary(max_size=3000))
def test_incompressible_bytes_cost_a_thirty_second_more_at_most(data: bytes) -> None:
    assert 0 <= fast_lz_size(data) <= len(data) + -(-len(data) // 32)


def _by_the_book(data: bytes) -> int:
    """The same estimate, written as the loop over a hash table that the specification's reference is."""
    table, size = [0] * 8192, 0
    anchor, at, limit = 0, 2, max(len(data) - 13, 0)

    def three(i: int) -> int:
        return int.from_bytes(data[i : i + 3], "little")

    def slot(i: int) -> int:
        return three(i) * 2654435769 % 2**32 >> 19

    while at < limit:
        earlier = table[slot(at)]
        table[slot(at)] = at
        if at - earlier > 8191 or three(at) != three(earlier):
            at += 1
            continue
        run = at - anchor
        size += run // 32 * 33 + (run % 32 + 1 if run % 32 else 0)
        end = limit + 9
        same = 0
        while at + 3 + same < end and data[earlier + 3 + same] == data[at + 3 + same]:
            same += 1
        matched = same + 1 if at + 3 + same < end else same
        size += 3 * ((matched - 1) // 262) + (3 if (matched - 1) % 262 >= 6 else 2)
        at += matched
        for _ in range(2):
            table[slot(at)] = at
            at += 1
        anchor = at
    run = len(data) - anchor
    return size + run // 32 * 33 + (run % 32 + 1 if run % 32 else 0)


@given(
    st.lists(st.sampled_from([b"abcabc", b"\0" * 40, b"xyz", b"q", b"abcd" * 90, b"\1\2"]), max_size=60).map(
        b"".join
    )
)
def test_size_of_repetitive_bytes_matches_a_second_reading_of_the_rule(data: bytes) -> None:
    assert fast_lz_size(data) == _by_the_book(data)


@given(st.binary(max_size=164))
def test_what_is_short_costs_the_minimum_whatever_it_says(data: bytes) -> None:
    linear = 836_500 * fast_lz_size(data) - 42_585_600
    assert estimated_size_scaled(data) == max(100_000_000, linear) == 100_000_000
