// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @dev A posted Merkle-sum tree: the id its leaves carry, how many leaves it has, its root and total.
struct SumTree {
    bytes32 id;
    uint256 leaves;
    bytes32 root;
    uint256 total;
}

/// @dev A subtree's hash and the sum of its leaves' amounts.
struct SumNode {
    bytes32 hash;
    uint256 sum;
}

/// @title Trees and leaves, as `genesis/commitments.py` defines them
library Commitments {
    bytes1 internal constant LEAF = 0x00;
    bytes1 internal constant NODE = 0x01;
    uint256 internal constant CHUNK_COORDINATES = 1024;

    /// @return depth of a tree of `count` leaves padded to a power of two; a tree has at least two leaves.
    function treeDepth(uint256 count) internal pure returns (uint256 depth) {
        depth = 1;
        while (count > (1 << depth)) ++depth;
    }

    function leafHash(bytes memory content) internal pure returns (bytes32) {
        return keccak256(bytes.concat(LEAF, content));
    }

    function nodeHash(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return keccak256(bytes.concat(NODE, left, right));
    }

    function isMember(bytes32 leaf, uint256 index, bytes32[] calldata proof, uint256 count, bytes32 root)
        internal
        pure
        returns (bool)
    {
        if (index >= count || proof.length != treeDepth(count)) return false;
        for (uint256 level = 0; level < proof.length; ++level) {
            leaf = (index >> level) & 1 == 1 ? nodeHash(proof[level], leaf) : nodeHash(leaf, proof[level]);
        }
        return leaf == root;
    }

    /// @dev Root of a packed vector: a tree over its 1,024-coordinate chunks; one chunk is its own root.
    function vectorRoot(bytes calldata data, uint256 coordinateBytes) internal pure returns (bytes32) {
        uint256 size = CHUNK_COORDINATES * coordinateBytes;
        uint256 chunks = data.length <= size ? 1 : (data.length + size - 1) / size;
        if (chunks == 1) return leafHash(data);
        bytes32[] memory layer = new bytes32[](1 << treeDepth(chunks));
        for (uint256 i = 0; i < chunks; ++i) {
            uint256 end = (i + 1) * size < data.length ? (i + 1) * size : data.length;
            layer[i] = leafHash(data[i * size:end]);
        }
        return _rootOf(layer);
    }

    /// @dev A vector's root by the hashes of its chunks; one chunk is its own root.
    function chunksRoot(bytes32[] calldata chunks) internal pure returns (bytes32) {
        if (chunks.length == 1) return chunks[0];
        bytes32[] memory layer = new bytes32[](1 << treeDepth(chunks.length));
        for (uint256 i = 0; i < chunks.length; ++i) layer[i] = chunks[i];
        return _rootOf(layer);
    }

    function _rootOf(bytes32[] memory layer) private pure returns (bytes32) {
        for (uint256 width = layer.length / 2; width > 0; width /= 2) {
            for (uint256 i = 0; i < width; ++i) layer[i] = nodeHash(layer[2 * i], layer[2 * i + 1]);
        }
        return layer[0];
    }

    function sumLeaf(bytes32 treeId, uint256 index, bytes32 key, uint256 amount)
        internal
        pure
        returns (SumNode memory)
    {
        return SumNode(keccak256(bytes.concat(LEAF, abi.encode(treeId, index, key, amount))), amount);
    }

    /// @dev True iff `node` is the leaf that `tree` has at `position`; a sum beyond 256 bits never is.
    function contains(
        SumTree memory tree,
        SumNode memory node,
        uint256 position,
        bytes32[] calldata siblings,
        uint256[] calldata sums
    ) internal pure returns (bool) {
        return isPosted(tree, node, treeDepth(tree.leaves), position, siblings, sums);
    }

    /// @dev True iff `node` is what `tree` has at `position`, `depth` below the root.
    function isPosted(
        SumTree memory tree,
        SumNode memory node,
        uint256 depth,
        uint256 position,
        bytes32[] calldata siblings,
        uint256[] calldata sums
    ) internal pure returns (bool) {
        (bool isWhole, bytes32 hash, uint256 sum) = sumRoot(node, depth, position, siblings, sums);
        return isWhole && hash == tree.root && sum == tree.total;
    }

    /// @dev The root that a whole path gives from `depth` below it; false if it is none or its sum passes 2^256.
    function sumRoot(
        SumNode memory node,
        uint256 depth,
        uint256 position,
        bytes32[] calldata siblings,
        uint256[] calldata sums
    ) internal pure returns (bool, bytes32 hash, uint256 sum) {
        if (siblings.length != depth || sums.length != depth) return (false, 0, 0);
        hash = node.hash;
        sum = node.sum;
        for (uint256 level = 0; level < depth; ++level) {
            hash = (position >> level) & 1 == 1
                ? sumNodeHash(siblings[level], sums[level], hash, sum)
                : sumNodeHash(hash, sum, siblings[level], sums[level]);
            unchecked {
                sum += sums[level];
            }
            if (sum < sums[level]) return (false, 0, 0);
        }
        return (true, hash, sum);
    }

    function sumNodeHash(bytes32 left, uint256 leftSum, bytes32 right, uint256 rightSum)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(bytes.concat(NODE, abi.encode(left, leftSum, right, rightSum)));
    }
}
