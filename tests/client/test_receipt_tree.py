"""The incremental receipts root equals the tree's definition at every count."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis.addresses import INFERENCE_METERING
from genesis.commitments import KIND_RECEIPTS, sum_leaf, sum_tree_id, sum_tree_root
from genesis.keccak import keccak256
from genesis.types import Hash32
from openledger_node.client.receipt_tree import ReceiptTree

CHANNEL = Hash32(b"\x11" * 32)


def test_every_count_up_to_seventy() -> None:
    tree = ReceiptTree(31338, CHANNEL)
    tree_id = sum_tree_id(KIND_RECEIPTS, 31338, INFERENCE_METERING, int.from_bytes(CHANNEL, "big"))
    leaves = []
    assert tree.root() == sum_tree_root([])
    for number in range(70):
        receipt = keccak256(bytes([number]))
        tree.append(receipt, number * 7)
        leaves.append(sum_leaf(tree_id, number, receipt, number * 7))
        assert tree.root() == sum_tree_root(leaves)
    assert tree.total_fee_wei == tree.root().sum


@given(st.lists(st.integers(min_value=0, max_value=2**200), max_size=40))
def test_the_total_is_the_sum_of_fees(fees: list[int]) -> None:
    tree = ReceiptTree(1, CHANNEL)
    for fee in fees:
        tree.append(Hash32(bytes(32)), fee)
    assert (tree.root().sum, tree.total_fee_wei, tree.count) == (sum(fees), sum(fees), len(fees))


@pytest.mark.parametrize("other", [ReceiptTree(2, CHANNEL), ReceiptTree(1, Hash32(b"\x12" * 32))])
def test_roots_bind_chain_and_channel(other: ReceiptTree) -> None:
    tree = ReceiptTree(1, CHANNEL)
    for each in (tree, other):
        each.append(Hash32(bytes(32)), 5)
    assert tree.root() != other.root()
