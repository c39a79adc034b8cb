// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAttribution} from "../interfaces/IAttribution.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {AttributionSumGames} from "./AttributionSumGames.sol";
import {Commitments, SumNode, SumTree} from "./Commitments.sol";
import {Scores} from "./Scores.sol";

/// @title Challenges of wide vectors by tallies, as `precompiles/attribution_tallies.py`
abstract contract AttributionTallies is AttributionSumGames {
    uint256 internal constant MAXIMUM_CHUNKS = 64;

    function tallyProducts(
        bytes32[] calldata vectorChunks,
        bytes32[] calldata queryChunks,
        bytes calldata vector,
        bytes calldata query
    ) external payable nonPayable {
        bool hasQuery = queryChunks.length > 0;
        _require(vectorChunks.length > 0 && vectorChunks.length <= MAXIMUM_CHUNKS, "vectorChunks");
        _require(!hasQuery || queryChunks.length == vectorChunks.length, "queryChunks");
        _require(vector.length > 0 && vector.length % SUM_BYTES == 0, "vector");
        _require(query.length == (hasQuery ? vector.length / SUM_BYTES * BATCH_QUERY_BYTES : 0), "query");
        bytes32 vectorRoot = Commitments.chunksRoot(vectorChunks);
        bytes32 queryRoot = hasQuery ? Commitments.chunksRoot(queryChunks) : bytes32(0);
        IAttribution.Tally storage tally = tallies[vectorRoot][queryRoot];
        _checkChunks(vectorChunks, tally.chunks, vector);
        _checkPieces(vectorChunks, tally.chunks, vector, SUM_BYTES, "vector");
        if (hasQuery) _checkPieces(queryChunks, tally.chunks, query, BATCH_QUERY_BYTES, "query");
        _add(tally, vector, query);
        emit IAttribution.Tallied(vectorRoot, queryRoot, tally.chunks, tally.coordinates);
    }

    function challengeWideScore(
        uint256 postId,
        bytes32 salt,
        IAttribution.BatchClaim[] calldata batches,
        uint256 batch,
        uint256 contributorIndex,
        address contributor,
        IAttribution.WideSum calldata sum,
        IAttribution.SumLeaf calldata score,
        bool isDebt
    ) external payable {
        _open(sum);
        _open(score);
        _refuseValue();
        _checkCommitment(postId, salt, batches);
        _require(batch < batches.length, "batch");
        Challenge memory c = _challenge(postId, contributorIndex, contributor);
        _require(c.position < c.contributors, "contributorIndex");
        _proveWideScore(c, batches[batch], sum, score, isDebt);
        _convict(postId, 0);
    }

    function challengeWideNorm(
        uint256 indexId,
        bytes32 salt,
        uint256 contributorIndex,
        address contributor,
        IAttribution.WideSum calldata sum
    ) external payable {
        _open(sum);
        _refuseValue();
        IModelRegistry.FeatureIndex memory index = _challengedIndex(indexId, salt);
        _require(contributorIndex < index.contributors, "contributorIndex");
        _checkWideSum(_indexChallenge(index, contributorIndex, contributor), sum);
        uint256 computed = _wholeTally(sum.vectorRoot, 0, index.dimensions).vectorNormSquared;
        if (computed == sum.normSquared) revert IAttribution.ChallengeFailed(sum.normSquared, computed);
        _convictIndex(indexId, index);
    }

    function getTally(bytes32 vectorRoot, bytes32 queryRoot)
        external
        payable
        nonPayable
        returns (IAttribution.Tally memory)
    {
        return tallies[vectorRoot][queryRoot];
    }

    function _proveWideScore(
        Challenge memory c,
        IAttribution.BatchClaim calldata claim_,
        IAttribution.WideSum calldata sum,
        IAttribution.SumLeaf calldata score,
        bool isDebt
    ) internal view {
        SumTree memory tree = _batchTree(c, claim_, isDebt ? KIND_DEBTS : KIND_SCORES);
        SumNode memory node = _postedNode(tree, c.position, score, "score");
        _checkWideSum(c, sum);
        IAttribution.Tally memory tally = _wholeTally(sum.vectorRoot, claim_.queryRoot, c.dimensions);
        (bool inWidth, uint256 computed) = Scores.significant(
            tally.queryNormSquared,
            int256(tally.product),
            sum.normSquared,
            c.dimensions,
            _batchPolicy(claim_).significancePpm,
            !isDebt
        );
        SumNode memory expected = Commitments.sumLeaf(tree.id, c.position, c.key, computed);
        if (inWidth && _isSame(node, expected)) revert IAttribution.ChallengeFailed(node.sum, computed);
    }

    function _wholeTally(bytes32 vectorRoot, bytes32 queryRoot, uint256 dimensions)
        internal
        view
        returns (IAttribution.Tally memory tally)
    {
        tally = tallies[vectorRoot][queryRoot];
        if (tally.coordinates != dimensions) revert IAttribution.InvalidProof("tally");
    }

    /// @dev Whole chunks, or all that are left.
    function _checkChunks(bytes32[] calldata chunks, uint256 first, bytes calldata vector) internal pure {
        uint256 size = Commitments.CHUNK_COORDINATES * SUM_BYTES;
        uint256 end = first + (vector.length + size - 1) / size;
        _require(end <= chunks.length && (vector.length % size == 0 || end == chunks.length), "chunks");
    }

    function _checkPieces(
        bytes32[] calldata chunks,
        uint256 place,
        bytes calldata data,
        uint256 coordinateBytes,
        string memory what
    ) internal pure {
        uint256 size = Commitments.CHUNK_COORDINATES * coordinateBytes;
        for (uint256 start = 0; start < data.length; start += size) {
            uint256 end = start + size < data.length ? start + size : data.length;
            if (Commitments.leafHash(data[start:end]) != chunks[place++]) revert IAttribution.InvalidProof(what);
        }
    }

    function _add(IAttribution.Tally storage tally, bytes calldata vector, bytes calldata query) internal {
        uint256 count = vector.length / SUM_BYTES;
        tally.chunks += (count + Commitments.CHUNK_COORDINATES - 1) / Commitments.CHUNK_COORDINATES;
        tally.coordinates += count;
        uint256 vectorNorm;
        for (uint256 i = 0; i < count; ++i) {
            int256 value = _number(vector, i, SUM_BYTES);
            vectorNorm += uint256(value * value);
        }
        tally.vectorNormSquared += vectorNorm;
        if (query.length == 0) return;
        (uint256 norm, int256 product) = Scores.products(vector, query, count, tally.queryNormSquared);
        tally.queryNormSquared = norm;
        unchecked {
            tally.product = norm > Scores.MAXIMUM_QUERY_NORM_SQUARED ? 0 : tally.product + uint256(product);
        }
    }
}
