"""The wallet's estimate of the L1 data fee equals what the node charges."""

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genesis.addresses import GAS_PRICE_ORACLE, L1_ATTRIBUTES_DEPOSITOR, L1_BLOCK
from genesis.fees.l1_cost import L1FeeInputs, fast_lz_size, l1_data_fee, l1_gas_used
from genesis.predeploys import ARTIFACTS
from tests.contracts.machine import Contract, Machine
from tests.contracts.test_l2_predeploys import Attributes

SIGNATURE_SIZE = 68
PRICES = L1FeeInputs(
    base_fee_wei=13 * 10**9,
    blob_base_fee_wei=7 * 10**6,
    base_fee_scalar=5_227,
    blob_base_fee_scalar=1_014_213,
)

words = st.sampled_from([b"", b"\0" * 40, b"transfer", b"\xa9\x05\x9c\xbb", bytes(range(64)), b"ab" * 150])
texts = st.lists(words | st.binary(max_size=60), max_size=30).map(b"".join)


def oracle(l2: Machine) -> Contract:
    values = Attributes(
        base_scalar=PRICES.base_fee_scalar,
        blob_scalar=PRICES.blob_base_fee_scalar,
        base_fee=PRICES.base_fee_wei,
        blob_fee=PRICES.blob_base_fee_wei,
    )
    assert l2.transact(L1_ATTRIBUTES_DEPOSITOR, L1_BLOCK, values.encode()).ok
    return Contract.at(l2, GAS_PRICE_ORACLE, ARTIFACTS, "GasPriceOracle")


def without_repetition(length: int) -> bytes:
    """The worst to compress."""
    return random.Random(length).randbytes(length)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts)
def test_compressed_length_equals_the_nodes(l2: Machine, data: bytes) -> None:
    """The oracle adds a signature after compressing, the node compresses what is signed: so compare
    compressed lengths, through the fee of the same number of bytes."""
    with l2.rolled_back():
        used = oracle(l2).read("getL1GasUsed", data)
    scaled = max(100_000_000, -42_585_600 + 836_500 * (fast_lz_size(data) + SIGNATURE_SIZE))
    assert used == scaled * 16 // 10**6


def test_fee_of_a_small_transaction_is_the_minimum(l2: Machine) -> None:
    assert oracle(l2).read("getL1Fee", b"\x02" * 100) == l1_data_fee(b"\x02" * 100, PRICES)
    assert oracle(l2).read("getL1GasUsed", b"") == l1_gas_used(b"")


def test_the_oracle_reads_what_l1_block_holds(l2: Machine) -> None:
    contract = oracle(l2)
    expected = {
        "l1BaseFee": PRICES.base_fee_wei,
        "blobBaseFee": PRICES.blob_base_fee_wei,
        "baseFeeScalar": PRICES.base_fee_scalar,
        "blobBaseFeeScalar": PRICES.blob_base_fee_scalar,
        "decimals": 6,
        "isEcotone": True,
        "isFjord": True,
        "isIsthmus": False,
        "isJovian": False,
        "gasPrice": 10**9,
        "baseFee": 10**9,
    }
    assert {name: contract.read(name) for name in expected} == expected
    assert contract.read("getOperatorFee", 1_000_000) == 0


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts | st.integers(0, 3_000).map(without_repetition))
def test_upper_bound_is_one(l2: Machine, data: bytes) -> None:
    with l2.rolled_back():
        contract = oracle(l2)
        assert contract.read("getL1Fee", data) <= contract.read("getL1FeeUpperBound", len(data))
