// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAttribution} from "../interfaces/IAttribution.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {IPolicy} from "../interfaces/IPolicy.sol";
import {AttributionIndexes} from "./AttributionIndexes.sol";

/// @title Disputes over sums, as `precompiles/attribution_sum_games.py`
abstract contract AttributionSumGames is AttributionIndexes {
    uint256 internal constant WAYS = 16;
    uint256 internal constant NUMBER_OF_GAMES = 2 ** 200;
    uint256 internal constant ANSWER = 1;
    uint256 internal constant CHOICE = 2;
    uint256 internal constant PROOF = 3;

    function openSumGame(
        uint256 indexId,
        uint256 contributorIndex,
        address contributor,
        uint256 coordinate,
        IAttribution.SumEvidence calldata sum
    ) external payable returns (uint256 gameId) {
        _open(sum);
        IModelRegistry.FeatureIndex memory index = _existingIndex(indexId);
        if (block.timestamp >= index.usableAt || _indexStatus(indexId) == INDEX_VOID) {
            revert IAttribution.WindowClosed(index.usableAt);
        }
        IPolicy.Parameters memory policy = POLICY.getParameters(index.policyVersion);
        if (msg.value != policy.challengeBond) revert IAttribution.WrongBond(policy.challengeBond, msg.value);
        _require(contributorIndex < index.contributors, "contributorIndex");
        _checkSum(_indexChallenge(index, contributorIndex, contributor), sum);
        _require(coordinate < index.dimensions, "coordinate");
        gameId = ++gameCount;
        IAttribution.SumGame storage game = games[gameId];
        game.indexId = indexId;
        game.contributorIndex = contributorIndex;
        game.coordinate = coordinate;
        game.challenger = msg.sender;
        game.count = index.rows;
        game.claimed = uint256(_coordinate(sum.vector, coordinate));
        game.turn = index.rows > 1 ? ANSWER : PROOF;
        game.until = block.timestamp + policy.demandWindowSeconds;
        game.bond = msg.value;
        openGames[indexId]++;
        emit IAttribution.SumGameOpened(gameId, indexId, msg.sender, contributorIndex, coordinate, game.until);
    }

    function answerSumGame(uint256 gameId, uint256[] calldata partials) external payable nonPayable {
        (IAttribution.SumGame storage game, IModelRegistry.FeatureIndex memory index) = _game(gameId, ANSWER);
        if (msg.sender != index.signer) revert IAttribution.NotParty(msg.sender);
        _require(partials.length == (game.count < WAYS ? game.count : WAYS), "partials");
        uint256 total;
        unchecked {
            for (uint256 i = 0; i < partials.length; ++i) total += partials[i];
        }
        if (total != game.claimed) revert IAttribution.ChallengeFailed(game.claimed, total);
        game.partials = keccak256(abi.encodePacked(partials));
        game.turn = CHOICE;
        game.until = _moveUntil(index);
        emit IAttribution.SumGameAnswered(gameId, partials, game.until);
    }

    function chooseSumGame(uint256 gameId, uint256[] calldata partials, uint256 choice)
        external
        payable
        nonPayable
    {
        (IAttribution.SumGame storage game, IModelRegistry.FeatureIndex memory index) = _game(gameId, CHOICE);
        if (msg.sender != game.challenger) revert IAttribution.NotParty(msg.sender);
        if (keccak256(abi.encodePacked(partials)) != game.partials) revert IAttribution.InvalidProof("partials");
        _require(choice < partials.length, "choice");
        uint256 start = game.count * choice / partials.length;
        uint256 end = game.count * (choice + 1) / partials.length;
        game.first += start;
        game.count = end - start;
        game.claimed = partials[choice];
        game.turn = end - start > 1 ? ANSWER : PROOF;
        game.until = _moveUntil(index);
        emit IAttribution.SumGameChosen(gameId, game.first, game.count, game.claimed, game.until);
    }

    function proveSumGame(uint256 gameId, IAttribution.RowEvidence calldata row) external payable {
        _open(row);
        _refuseValue();
        (IAttribution.SumGame storage game, IModelRegistry.FeatureIndex memory index) = _game(gameId, PROOF);
        _require(row.index == game.first, "index");
        _checkRow(index, row);
        _end(gameId, index, _value(game, row) == game.claimed);
    }

    function endSumGame(uint256 gameId) external payable nonPayable {
        IAttribution.SumGame storage game = _existingGame(gameId);
        if (game.turn == 0) revert IAttribution.WrongStatus(game.turn);
        if (block.timestamp <= game.until) revert IAttribution.WindowOpen(game.until);
        _end(gameId, MODELS.getFeatureIndex(game.indexId), game.turn == CHOICE);
    }

    function getSumGame(uint256 gameId) external payable nonPayable returns (IAttribution.SumGame memory) {
        return _existingGame(gameId);
    }

    function _existingGame(uint256 gameId) internal view returns (IAttribution.SumGame storage) {
        if (gameId == 0 || gameId > gameCount) revert IAttribution.GameNotFound(gameId);
        return games[gameId];
    }

    function _game(uint256 gameId, uint256 turn)
        internal
        view
        returns (IAttribution.SumGame storage game, IModelRegistry.FeatureIndex memory index)
    {
        game = _existingGame(gameId);
        if (game.turn != turn) revert IAttribution.WrongStatus(game.turn);
        if (block.timestamp > game.until) revert IAttribution.WindowClosed(game.until);
        index = MODELS.getFeatureIndex(game.indexId);
    }

    function _moveUntil(IModelRegistry.FeatureIndex memory index) internal view returns (uint256) {
        return block.timestamp + POLICY.getParameters(index.policyVersion).demandWindowSeconds;
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

    function _end(uint256 gameId, IModelRegistry.FeatureIndex memory index, bool signerWins) internal {
        IAttribution.SumGame storage game = games[gameId];
        uint256 indexId = game.indexId;
        uint256 bond = game.bond;
        game.turn = 0;
        game.bond = 0;
        openGames[indexId]--;
        address winner = signerWins ? index.signer : game.challenger;
        if (!signerWins && cases[INDEX_KEY + indexId].challengerNumber == 0) {
            uint256 taken = _voidIndex(indexId, index, NUMBER_OF_GAMES);
            uint256 reward = taken * POLICY.getParameters(index.policyVersion).challengerPpm / PPM;
            rewards[TREASURY] += taken - reward;
            rewards[winner] += reward;
            emit IAttribution.IndexVoided(indexId, winner, index.signer, taken, reward);
        }
        _pay(winner, bond);
        emit IAttribution.SumGameEnded(gameId, winner);
    }
}
