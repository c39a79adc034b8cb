// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAttribution} from "../interfaces/IAttribution.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {AttributionGames} from "./AttributionGames.sol";
import {Commitments} from "./Commitments.sol";

/// @title Disputes over sums, as `precompiles/attribution_sum_games.py`
abstract contract AttributionSumGames is AttributionGames {
    function openSumGame(
        uint256 indexId,
        uint256 contributorIndex,
        address contributor,
        uint256 coordinate,
        IAttribution.SumEvidence calldata sum
    ) external payable returns (uint256 gameId) {
        _open(sum);
        IModelRegistry.FeatureIndex memory index = _disputedIndex(indexId);
        _require(contributorIndex < index.contributors, "contributorIndex");
        _checkSum(_indexChallenge(index, contributorIndex, contributor), sum);
        _require(coordinate < index.dimensions, "coordinate");
        int256 value = _number(sum.vector, coordinate, SUM_BYTES);
        return _begin(indexId, index.rows, contributorIndex, coordinate, value);
    }

    function openWideSumGame(
        uint256 indexId,
        uint256 contributorIndex,
        address contributor,
        uint256 coordinate,
        IAttribution.WideSum calldata sum,
        IAttribution.VectorChunk calldata chunk
    ) external payable returns (uint256 gameId) {
        _open(sum);
        _open(chunk);
        IModelRegistry.FeatureIndex memory index = _disputedIndex(indexId);
        _require(contributorIndex < index.contributors, "contributorIndex");
        _checkWideSum(_indexChallenge(index, contributorIndex, contributor), sum);
        _require(coordinate < index.dimensions, "coordinate");
        _checkChunk(index.dimensions, sum.vectorRoot, coordinate, chunk, SUM_BYTES);
        int256 value = _number(chunk.chunk, coordinate % Commitments.CHUNK_COORDINATES, SUM_BYTES);
        return _begin(indexId, index.rows, contributorIndex, coordinate, value);
    }

    function proveSumGame(uint256 gameId, IAttribution.RowEvidence calldata row) external payable {
        _open(row);
        _refuseValue();
        IAttribution.SumGame storage game = _game(gameId, PROOF);
        _require(row.index == game.first && game.postId == 0, "index");
        _checkRow(MODELS.getFeatureIndex(game.indexId), row);
        _endGame(gameId, _value(game, row) == game.claimed);
    }

    function _open(IAttribution.WideSum calldata evidence) internal pure returns (uint256) {
        return evidence.proof.length;
    }

    function _checkWideSum(Challenge memory c, IAttribution.WideSum calldata sum) internal pure {
        _checkSumRoot(c, sum.records, sum.normSquared, sum.vectorRoot, sum.proof);
    }

    function _disputedIndex(uint256 indexId) internal view returns (IModelRegistry.FeatureIndex memory index) {
        index = _existingIndex(indexId);
        if (_indexStatus(indexId) == INDEX_VOID || !_isContestable(indexId, index)) {
            revert IAttribution.WindowClosed(index.usableAt);
        }
        _checkBond(index.policyVersion);
    }

    function _begin(uint256 indexId, uint256 rows, uint256 contributorIndex, uint256 coordinate, int256 value)
        internal
        returns (uint256 gameId)
    {
        IAttribution.SumGame memory game;
        game.indexId = indexId;
        game.contributorIndex = contributorIndex;
        game.coordinate = coordinate;
        game.count = rows;
        game.claimed = uint256(value);
        uint256 until;
        (gameId, until) = _beginGame(game);
        emit IAttribution.SumGameOpened(gameId, indexId, msg.sender, contributorIndex, coordinate, until);
    }

    function _value(IAttribution.SumGame storage game, IAttribution.RowEvidence calldata row)
        internal
        view
        returns (uint256)
    {
        if (row.canonicalIndex != row.index || row.contributorIndex != game.contributorIndex) return 0;
        int256 mantissa = int8(uint8(row.row[game.coordinate]));
        return uint256(mantissa) << (row.exponent < 255 ? row.exponent : 255);
    }
}
