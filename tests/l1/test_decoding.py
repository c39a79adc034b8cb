import pytest
from hypothesis import given
from hypothesis import strategies as st

from openledger_node.l1 import decoding
from openledger_node.l1.errors import L1UnavailableError

HASH = "0x" + "ab" * 32
BLOCK = {
    "hash": HASH,
    "number": "0x10",
    "parentHash": "0x" + "cd" * 32,
    "timestamp": "0x64",
    "baseFeePerGas": "0x7",
    "excessBlobGas": "0x0",
    "mixHash": "0x" + "01" * 32,
    "parentBeaconBlockRoot": "0x" + "02" * 32,
}


def test_a_block() -> None:
    block = decoding.block(BLOCK)
    assert (block.number, block.timestamp_s, block.base_fee_wei, block.blob_base_fee_wei) == (16, 100, 7, 1)
    assert (block.prev_randao, block.parent_beacon_block_root) == (b"\x01" * 32, b"\x02" * 32)


def test_an_older_l1_leaves_fields_out() -> None:
    required = ("hash", "number", "parentHash", "timestamp")
    block = decoding.block({name: BLOCK[name] for name in required})
    assert (block.base_fee_wei, block.blob_base_fee_wei) == (0, 1)
    assert block.prev_randao == block.parent_beacon_block_root == bytes(32)


@pytest.mark.parametrize("name", ["hash", "number", "parentHash", "timestamp"])
@pytest.mark.parametrize("value", [None, 7, "0xzz", "", []])
def test_a_block_of_another_shape_is_refused(name: str, value: object) -> None:
    with pytest.raises(L1UnavailableError):
        decoding.block({**BLOCK, name: value})


def test_a_transaction() -> None:
    record = {"hash": HASH, "from": "0x" + "11" * 20, "to": None, "input": "0x0102", "type": "0x3"}
    record["blobVersionedHashes"] = [HASH]  # type: ignore[assignment]  # JSON is of mixed types
    transaction = decoding.transaction(record)
    assert (transaction.type, transaction.to, transaction.data) == (3, None, b"\x01\x02")
    assert transaction.blob_hashes == (bytes.fromhex("ab" * 32),)


def test_a_transaction_of_a_later_fork_is_nobodys_batch() -> None:
    transaction = decoding.transaction({"hash": HASH, "type": "0x6a", "calls": []})
    assert (transaction.type, transaction.sender, transaction.to) == (0x6A, bytes(20), None)
    with pytest.raises(L1UnavailableError):
        decoding.transaction({"hash": HASH, "type": "0x2"})


def test_an_inclusion_says_what_it_cost() -> None:
    record = {
        "transactionHash": HASH,
        "blockHash": HASH,
        "blockNumber": "0x5",
        "status": "0x0",
        "gasUsed": "0x5208",
        "effectiveGasPrice": "0x2",
        "logs": [{"address": "0x" + "11" * 20, "topics": [HASH], "data": "0x"}],
    }
    inclusion = decoding.inclusion(record)
    assert (inclusion.block.number, inclusion.succeeded, inclusion.fee_wei) == (5, False, 42_000)
    assert len(inclusion.logs) == 1


@pytest.mark.parametrize(
    ("excess", "fee"), [(0, 1), (2_314_057, 1), (3_471_086, 1), (3_471_087, 2), (10 * 5_007_716, 22_026)]
)
def test_the_blob_base_fee_is_a_function_of_the_header(excess: int, fee: int) -> None:
    assert decoding.blob_base_fee_wei(excess) == fee


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_the_blob_base_fee_rises_with_the_excess(low: int, high: int) -> None:
    low, high = sorted((low, high))
    assert 1 <= decoding.blob_base_fee_wei(low) <= decoding.blob_base_fee_wei(high)
