"""What both sides of a channel compute: salted hashes, and the root over all receipts in O(log n) each.

The tree is `genesis.commitments`' padded Merkle-sum tree; the frontier keeps one perfect subtree per bit of
the count. Invariant: `root()` equals `sum_tree_root(leaves)` after every append (tested).
"""

import copy
from typing import Any

from genesis.addresses import INFERENCE_METERING
from genesis.commitments import (
    EMPTY_SUM_NODE,
    KIND_RECEIPTS,
    SumNode,
    sum_leaf,
    sum_node,
    sum_tree_id,
    tree_depth,
)
from genesis.keccak import keccak256
from genesis.types import Hash32
from workers.artifacts import canonical_json


def salted(salt: bytes, content: Any) -> bytes:
    """salt ‖ canonical JSON of the content: what opens a receipt's hash of a prompt or an output."""
    return salt + canonical_json.encode(content)


def salted_hash(salt: bytes, content: Any) -> Hash32:
    """keccak256(salt ‖ canonical JSON of the content): what a receipt says of a prompt or an output."""
    return keccak256(salted(salt, content))


class ReceiptTree:
    """Append-only. Numbers count from 0 in the order of appending."""

    def __init__(self, chain_id: int, channel_id: Hash32) -> None:
        self._tree_id = sum_tree_id(
            KIND_RECEIPTS, chain_id, INFERENCE_METERING, int.from_bytes(channel_id, "big")
        )
        self._frontier: list[SumNode | None] = []
        self.count = 0
        self.total_fee_wei = 0

    def leaf(self, number: int, receipt: Hash32, fee_wei: int) -> SumNode:
        """Receipt `number`'s leaf; nothing is appended."""
        return sum_leaf(self._tree_id, number, receipt, fee_wei)

    def append(self, receipt: Hash32, fee_wei: int) -> None:
        """Add the next receipt by its hash and fee."""
        node = self.leaf(self.count, receipt, fee_wei)
        for level in range(len(self._frontier) + 1):
            if level == len(self._frontier):
                self._frontier.append(None)
            left = self._frontier[level]
            if left is None:
                self._frontier[level] = node
                break
            self._frontier[level] = None
            node = sum_node(left, node)
        self.count += 1
        self.total_fee_wei += fee_wei

    def grown(self, receipt: Hash32, fee_wei: int) -> "ReceiptTree":
        """A tree with one more receipt; this one stays as it is."""
        tree = copy.copy(self)
        tree._frontier = list(self._frontier)
        tree.append(receipt, fee_wei)
        return tree

    def root(self) -> SumNode:
        """Root and total of the padded tree."""
        depth = tree_depth(self.count)
        if self.count == 1 << depth:
            whole = self._frontier[depth]
            assert whole is not None, "a full tree is one subtree"
            return whole
        node = empty = EMPTY_SUM_NODE
        for level in range(depth):
            left = self._frontier[level] if level < len(self._frontier) else None
            node = sum_node(node, empty) if left is None else sum_node(left, node)
            empty = sum_node(empty, empty)
        return node
