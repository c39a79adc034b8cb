// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAttribution} from "../interfaces/IAttribution.sol";
import {IInferenceMetering} from "../interfaces/IInferenceMetering.sol";
import {AttributionGames} from "./AttributionGames.sol";
import {Commitments} from "./Commitments.sol";

/// @title Disputes over batch queries, as `precompiles/attribution_query_games.py`
abstract contract AttributionQueryGames is AttributionGames {
    function openQueryGame(
        uint256 postId,
        IAttribution.BatchClaim[] calldata batches,
        uint256 batch,
        uint256 coordinate,
        IAttribution.VectorChunk calldata chunk
    ) external payable returns (uint256 gameId) {
        _open(chunk);
        _checkContestable(postId, batches);
        _checkBond(cases[postId].policyVersion);
        _require(batch < batches.length, "batch");
        uint256 dimensions = MODELS.getFeatureIndex(posts[postId].featureIndex).dimensions;
        _require(coordinate < dimensions, "coordinate");
        _checkChunk(dimensions, batches[batch].queryRoot, coordinate, chunk, BATCH_QUERY_BYTES);
        return _beginQueryGame(postId, batches[batch].settlementId, coordinate, chunk.chunk);
    }

    function _beginQueryGame(uint256 postId, uint256 settlementId, uint256 coordinate, bytes calldata chunk)
        internal
        returns (uint256 gameId)
    {
        IAttribution.SumGame memory game;
        game.postId = postId;
        game.settlementId = settlementId;
        game.coordinate = coordinate;
        game.count = _settlement(settlementId).receipts;
        uint256 place = coordinate % Commitments.CHUNK_COORDINATES;
        game.claimed = uint256(_number(chunk, place, BATCH_QUERY_BYTES));
        uint256 until;
        (gameId, until) = _beginGame(game);
        emit IAttribution.QueryGameOpened(gameId, postId, msg.sender, settlementId, coordinate, until);
    }

    function proveQueryGame(
        uint256 gameId,
        IAttribution.QueryLeaf calldata leaf,
        IAttribution.VectorChunk calldata chunk
    ) external payable {
        _open(leaf);
        _open(chunk);
        _refuseValue();
        IAttribution.SumGame storage game = _game(gameId, PROOF);
        _require(game.postId != 0, "gameId");
        IInferenceMetering.Settlement memory settlement = _settlement(game.settlementId);
        _require(leaf.number == settlement.firstReceipt + game.first, "number");
        _checkQueryLeaf(settlement, leaf);
        uint256 dimensions = MODELS.getFeatureIndex(settlement.featureIndex).dimensions;
        _checkChunk(dimensions, leaf.queryRoot, game.coordinate, chunk, QUERY_BYTES);
        int256 value = _number(chunk.chunk, game.coordinate % Commitments.CHUNK_COORDINATES, QUERY_BYTES);
        uint256 weighted;
        unchecked {
            weighted = leaf.weight * uint256(value);
        }
        _endGame(gameId, weighted == game.claimed);
    }

    function _open(IAttribution.QueryLeaf calldata evidence) internal pure returns (uint256) {
        return evidence.proof.length;
    }

    function _checkContestable(uint256 postId, IAttribution.BatchClaim[] calldata batches) internal view {
        IAttribution.Post storage posted = _existing(postId);
        if (posted.status != PENDING) revert IAttribution.WrongStatus(posted.status);
        uint256 until = _contestableUntil(postId);
        if (block.timestamp > until) revert IAttribution.WindowClosed(until);
        if (keccak256(abi.encode(batches)) != posted.batchesHash) revert IAttribution.InvalidProof("batches");
    }

    function _checkQueryLeaf(IInferenceMetering.Settlement memory settlement, IAttribution.QueryLeaf calldata leaf)
        internal
        pure
    {
        uint256 position = _receiptPlace(settlement, leaf.number);
        bytes32 node = Commitments.leafHash(abi.encode(leaf.number, leaf.weight, leaf.queryRoot));
        if (!Commitments.isMember(node, position, leaf.proof, settlement.receipts, settlement.queriesRoot)) {
            revert IAttribution.InvalidProof("query");
        }
    }

    /// @dev A receipt's place within its settlement.
    function _receiptPlace(IInferenceMetering.Settlement memory settlement, uint256 number)
        internal
        pure
        returns (uint256)
    {
        uint256 first = settlement.firstReceipt;
        _require(number >= first && number - first < settlement.receipts, "number");
        return number - first;
    }
}
