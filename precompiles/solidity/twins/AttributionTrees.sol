// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAttribution} from "../interfaces/IAttribution.sol";
import {IInferenceMetering} from "../interfaces/IInferenceMetering.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {AttributionReceipts} from "./AttributionReceipts.sol";
import {Commitments, SumTree} from "./Commitments.sol";

/// @title What committed trees look like from the root down, as `precompiles/attribution_trees.py`
abstract contract AttributionTrees is AttributionReceipts {
    /// @dev A content on the way down: its length, how it begins, and where in it the next hash is.
    struct Step {
        uint256 size;
        bytes head;
        uint256 below;
    }

    struct Tree {
        bytes32 root;
        uint256 leaves;
        uint256 position;
        uint256 nodeWords;
        bytes leafHead;
        uint256 leafWords;
        uint256 below;
        uint256 coordinateBytes;
        uint256 dimensions;
        uint256 settlementId;
    }

    uint256 internal constant TREES_PER_BATCH = 5;
    uint256 internal constant DEBTS = 1;
    uint256 internal constant BATCH_QUERY = 2;
    uint256 internal constant QUERIES = 3;
    uint256 internal constant RECEIPTS = 4;

    /// @dev All contents from the root down to the leaf, and to `chunk` of the vector under it.
    function _steps(Tree memory tree, uint256 chunk) internal pure returns (Step[] memory way) {
        uint256 depth = tree.leaves == 0 ? 0 : Commitments.treeDepth(tree.leaves);
        uint256 chunks = (tree.dimensions + Commitments.CHUNK_COORDINATES - 1) / Commitments.CHUNK_COORDINATES;
        uint256 below = chunks > 1 ? Commitments.treeDepth(chunks) : 0;
        uint256 count = depth + (tree.leaves == 0 ? 0 : 1);
        way = new Step[](count + (tree.coordinateBytes == 0 ? 0 : below + 1));
        _nodes(way, 0, depth, tree.position, tree.nodeWords);
        if (tree.leaves != 0) way[depth] = Step(1 + 32 * tree.leafWords, tree.leafHead, tree.below);
        if (tree.coordinateBytes == 0) return way;
        _require(chunk < chunks, "chunk");
        _nodes(way, count, below, chunk, 2);
        uint256 width = tree.dimensions - chunk * Commitments.CHUNK_COORDINATES;
        if (width > Commitments.CHUNK_COORDINATES) width = Commitments.CHUNK_COORDINATES;
        way[count + below] = Step(1 + width * tree.coordinateBytes, hex"00", 0);
    }

    function _nodes(Step[] memory way, uint256 first, uint256 depth, uint256 position, uint256 words)
        internal
        pure
    {
        for (uint256 i = 0; i < depth; ++i) {
            uint256 isRight = (position >> (depth - 1 - i)) & 1;
            way[first + i] = Step(1 + 32 * words, hex"01", 1 + isRight * 16 * words);
        }
    }

    function _indexTree(IModelRegistry.FeatureIndex memory index, uint256 number, uint256 position)
        internal
        pure
        returns (Tree memory tree)
    {
        _require(number <= 1, "tree");
        tree.root = number == 0 ? index.rowsRoot : index.sumsRoot;
        tree.leaves = number == 0 ? index.rows : index.contributors;
        _require(position < tree.leaves, "position");
        tree.position = position;
        tree.nodeWords = 2;
        tree.leafHead = abi.encodePacked(uint8(0), position);
        tree.leafWords = 5;
        tree.below = 1 + 4 * 32;
        tree.coordinateBytes = number == 0 ? ROW_BYTES : SUM_BYTES;
        tree.dimensions = index.dimensions;
    }

    function _postTree(
        uint256 postId,
        IAttribution.BatchClaim[] calldata batches,
        uint256 number,
        uint256 position
    ) internal view returns (Tree memory) {
        Challenge memory c = _challenge(postId, position, address(0));
        if (number == 0) return _sums(_amountsTree(postId, c.contributors), position);
        uint256 batch = (number - 1) / TREES_PER_BATCH;
        uint256 kind = (number - 1) % TREES_PER_BATCH;
        _require(batch < batches.length, "tree");
        if (kind == BATCH_QUERY) return _batchQuery(batches[batch].queryRoot, c.dimensions);
        if (kind == QUERIES) return _queries(batches[batch].settlementId, c.dimensions, position);
        if (kind == RECEIPTS) return _receipts(batches[batch].settlementId, position);
        return _sums(_batchTree(c, batches[batch], kind == DEBTS ? KIND_DEBTS : KIND_SCORES), position);
    }

    function _batchQuery(bytes32 root, uint256 dimensions) internal pure returns (Tree memory tree) {
        tree.root = root;
        tree.coordinateBytes = BATCH_QUERY_BYTES;
        tree.dimensions = dimensions;
    }

    function _sums(SumTree memory sums, uint256 position) internal pure returns (Tree memory tree) {
        _require(position < sums.leaves, "position");
        tree.root = sums.root;
        tree.leaves = sums.leaves;
        tree.position = position;
        tree.nodeWords = 4;
        tree.leafHead = abi.encodePacked(uint8(0), sums.id, position);
        tree.leafWords = 4;
    }

    function _queries(uint256 settlementId, uint256 dimensions, uint256 position)
        internal
        view
        returns (Tree memory tree)
    {
        IInferenceMetering.Settlement memory settlement = _settlement(settlementId);
        _require(position < settlement.receipts, "position");
        tree.root = settlement.queriesRoot;
        tree.leaves = settlement.receipts;
        tree.position = position;
        tree.nodeWords = 2;
        tree.leafHead = abi.encodePacked(uint8(0), settlement.firstReceipt + position);
        tree.leafWords = 3;
        tree.below = 1 + 2 * 32;
        tree.coordinateBytes = QUERY_BYTES;
        tree.dimensions = dimensions;
        tree.settlementId = settlementId;
    }

    function _receipts(uint256 settlementId, uint256 position) internal view returns (Tree memory tree) {
        IInferenceMetering.Settlement memory settlement = _settlement(settlementId);
        _require(position < settlement.receipts, "position");
        tree.root = settlement.receiptsRoot;
        tree.leaves = settlement.firstReceipt + settlement.receipts;
        tree.position = settlement.firstReceipt + position;
        tree.nodeWords = 4;
        tree.leafHead = abi.encodePacked(uint8(0), _receiptsTreeId(settlement.channelId), tree.position);
        tree.leafWords = 4;
        tree.settlementId = settlementId;
    }
}
