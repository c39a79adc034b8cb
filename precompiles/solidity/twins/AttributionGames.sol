// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAttribution} from "../interfaces/IAttribution.sol";
import {AttributionIndexes} from "./AttributionIndexes.sol";
import {Commitments} from "./Commitments.sol";

/// @title The moves of a game over a sum, as `precompiles/attribution_games.py`
abstract contract AttributionGames is AttributionIndexes {
    uint256 internal constant WAYS = 16;
    uint256 internal constant ANSWER = 1;
    uint256 internal constant CHOICE = 2;
    uint256 internal constant PROOF = 3;

    function answerSumGame(uint256 gameId, uint256[] calldata partials) external payable nonPayable {
        IAttribution.SumGame storage game = _game(gameId, ANSWER);
        if (msg.sender != _accusedOf(game)) revert IAttribution.NotParty(msg.sender);
        _require(partials.length == (game.count < WAYS ? game.count : WAYS), "partials");
        uint256 total;
        unchecked {
            for (uint256 i = 0; i < partials.length; ++i) total += partials[i];
        }
        if (total != game.claimed) revert IAttribution.ChallengeFailed(game.claimed, total);
        game.partials = keccak256(abi.encodePacked(partials));
        game.turn = CHOICE;
        game.until = _moveUntil(game);
        emit IAttribution.SumGameAnswered(gameId, partials, game.until);
    }

    function chooseSumGame(uint256 gameId, uint256[] calldata partials, uint256 choice)
        external
        payable
        nonPayable
    {
        IAttribution.SumGame storage game = _game(gameId, CHOICE);
        if (msg.sender != game.challenger) revert IAttribution.NotParty(msg.sender);
        if (keccak256(abi.encodePacked(partials)) != game.partials) revert IAttribution.InvalidProof("partials");
        _require(choice < partials.length, "choice");
        uint256 start = game.count * choice / partials.length;
        uint256 end = game.count * (choice + 1) / partials.length;
        game.first += start;
        game.count = end - start;
        game.claimed = partials[choice];
        game.turn = end - start > 1 ? ANSWER : PROOF;
        game.until = _moveUntil(game);
        emit IAttribution.SumGameChosen(gameId, game.first, game.count, game.claimed, game.until);
    }

    function endSumGame(uint256 gameId) external payable nonPayable {
        IAttribution.SumGame storage game = _existingGame(gameId);
        if (game.turn == 0) revert IAttribution.WrongStatus(game.turn);
        if (block.timestamp <= game.until) revert IAttribution.WindowOpen(game.until);
        _endGame(gameId, game.turn == CHOICE);
    }

    function getSumGame(uint256 gameId) external payable nonPayable returns (IAttribution.SumGame memory) {
        return _existingGame(gameId);
    }

    function _checkBond(uint256 version) internal view {
        uint256 bond = POLICY.getParameters(version).challengeBond;
        if (msg.value != bond) revert IAttribution.WrongBond(bond, msg.value);
    }

    /// @dev Writes down what both kinds of new game have in common.
    function _beginGame(IAttribution.SumGame memory game) internal returns (uint256 gameId, uint256 until) {
        gameId = ++gameCount;
        game.challenger = msg.sender;
        game.turn = game.count > 1 ? ANSWER : PROOF;
        game.bond = msg.value;
        games[gameId] = game;
        openDisputes[_key(games[gameId])]++;
        until = games[gameId].until = _moveUntil(games[gameId]);
    }

    function _existingGame(uint256 gameId) internal view returns (IAttribution.SumGame storage) {
        if (gameId == 0 || gameId > gameCount) revert IAttribution.GameNotFound(gameId);
        return games[gameId];
    }

    function _game(uint256 gameId, uint256 turn) internal view returns (IAttribution.SumGame storage game) {
        game = _existingGame(gameId);
        if (game.turn != turn) revert IAttribution.WrongStatus(game.turn);
        if (block.timestamp > game.until) revert IAttribution.WindowClosed(game.until);
    }

    function _accusedOf(IAttribution.SumGame storage game) internal view returns (address) {
        if (game.postId != 0) return posts[game.postId].signer;
        return MODELS.getFeatureIndex(game.indexId).signer;
    }

    function _moveUntil(IAttribution.SumGame storage game) internal view returns (uint256) {
        uint256 version = game.postId != 0
            ? cases[game.postId].policyVersion
            : MODELS.getFeatureIndex(game.indexId).policyVersion;
        return block.timestamp + POLICY.getParameters(version).demandWindowSeconds;
    }

    function _endGame(uint256 gameId, bool accusedWins) internal {
        IAttribution.SumGame storage game = games[gameId];
        uint256 bond = game.bond;
        game.turn = 0;
        game.bond = 0;
        openDisputes[_key(game)]--;
        address winner = accusedWins ? _accusedOf(game) : game.challenger;
        if (!accusedWins && game.postId != 0) _voidByDefault(game.postId, winner, 0);
        else if (!accusedWins) _voidIndexByDefault(game.indexId, winner);
        _pay(winner, bond);
        emit IAttribution.SumGameEnded(gameId, winner);
    }

    function _key(IAttribution.SumGame storage game) internal view returns (uint256) {
        return game.postId != 0 ? game.postId : INDEX_KEY + game.indexId;
    }

    function _open(IAttribution.VectorChunk calldata evidence) internal pure returns (uint256) {
        return evidence.chunks.length + evidence.chunk.length;
    }

    /// @dev The chunk holds `coordinate` of the vector of so many dimensions under `root`.
    function _checkChunk(
        uint256 dimensions,
        bytes32 root,
        uint256 coordinate,
        IAttribution.VectorChunk calldata evidence,
        uint256 coordinateBytes
    ) internal pure {
        uint256 size = Commitments.CHUNK_COORDINATES;
        _require(evidence.chunks.length == (dimensions + size - 1) / size, "chunks");
        uint256 place = coordinate / size;
        uint256 width = dimensions - place * size;
        _require(evidence.chunk.length == (width < size ? width : size) * coordinateBytes, "chunk");
        bool isThere = evidence.chunks[place] == Commitments.leafHash(evidence.chunk);
        if (!isThere || Commitments.chunksRoot(evidence.chunks) != root) revert IAttribution.InvalidProof("chunk");
    }

    /// @dev Coordinate `i` of packed two's-complement numbers of `coordinateBytes` each.
    function _number(bytes calldata vector, uint256 i, uint256 coordinateBytes) internal pure returns (int256) {
        uint256 bits = 256 - 8 * coordinateBytes;
        int256 shifted = int256(uint256(bytes32(vector[i * coordinateBytes:(i + 1) * coordinateBytes])));
        return shifted >> bits;
    }
}
