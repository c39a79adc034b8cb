// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAttribution} from "../interfaces/IAttribution.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {IPolicy} from "../interfaces/IPolicy.sol";
import {AttributionChallenges} from "./AttributionChallenges.sol";
import {Commitments} from "./Commitments.sol";

/// @title Challenges of feature indexes, as `precompiles/attribution_indexes.py`
abstract contract AttributionIndexes is AttributionChallenges {
    uint256 internal constant MAXIMUM_EXPONENT = 7;
    uint256 internal constant MAXIMUM_MANTISSA = 127;
    uint256 internal constant LEAST_TOP_MANTISSA = 64;
    uint256 internal constant MAXIMUM_NORM_SQUARED = 2 ** 29;

    function commitIndexChallenge(uint256 indexId, bytes32 commitment) external payable {
        IModelRegistry.FeatureIndex memory index = _existingIndex(indexId);
        uint256 key = INDEX_KEY + indexId;
        Case storage file = cases[key];
        if (!_isContestable(indexId, index) || file.challengerNumber != 0) {
            revert IAttribution.WindowClosed(index.usableAt);
        }
        _require(commitment != 0, "commitment");
        _require(commitments[key][msg.sender].hash == 0, "challenger");
        IPolicy.Parameters memory policy = POLICY.getParameters(index.policyVersion);
        if (msg.value != policy.challengeBond) revert IAttribution.WrongBond(policy.challengeBond, msg.value);
        file.policyVersion = index.policyVersion;
        file.commitments++;
        file.revealsUntil = block.timestamp + policy.challengeRevealSeconds;
        file.bonds += msg.value;
        commitments[key][msg.sender] = Commitment(commitment, msg.value, file.revealsUntil, file.commitments, 0);
        emit IAttribution.IndexChallengeCommitted(indexId, msg.sender, commitment);
    }

    function challengeRow(uint256 indexId, bytes32 salt, IAttribution.RowEvidence calldata row) external payable {
        _open(row);
        _refuseValue();
        IModelRegistry.FeatureIndex memory index = _challengedIndex(indexId, salt);
        _checkRow(index, row);
        if (!_breaksARule(index, row)) revert IAttribution.ChallengeFailed(row.index, row.index);
        _convictIndex(indexId, index);
    }

    function challengeNorm(
        uint256 indexId,
        bytes32 salt,
        uint256 contributorIndex,
        address contributor,
        IAttribution.SumEvidence calldata sum
    ) external payable {
        _open(sum);
        _refuseValue();
        IModelRegistry.FeatureIndex memory index = _challengedIndex(indexId, salt);
        _require(contributorIndex < index.contributors, "contributorIndex");
        _checkSum(_indexChallenge(index, contributorIndex, contributor), sum);
        uint256 computed;
        for (uint256 i = 0; i < index.dimensions; ++i) {
            int256 value = _coordinate(sum.vector, i);
            computed += uint256(value * value);
        }
        if (computed == sum.normSquared) revert IAttribution.ChallengeFailed(sum.normSquared, computed);
        _convictIndex(indexId, index);
    }

    function settleIndexCase(uint256 indexId) external payable nonPayable {
        IModelRegistry.FeatureIndex memory index = _existingIndex(indexId);
        Case storage file = cases[INDEX_KEY + indexId];
        if (block.timestamp <= file.revealsUntil) revert IAttribution.WindowOpen(file.revealsUntil);
        Commitment storage own = commitments[INDEX_KEY + indexId][msg.sender];
        uint256 returned = own.used != 0 ? own.bond : 0;
        uint256 lost = file.bonds;
        if (returned + lost == 0) revert IAttribution.NothingToClaim();
        bool isRecord = own.used != 0 && indexChallengers[indexId] == msg.sender;
        uint256 reward = isRecord ? file.reward : 0;
        file.bonds = 0;
        file.reward -= reward;
        carry[index.modelId] += lost;
        if (returned != 0) {
            rewards[msg.sender] += reward;
            own.bond = 0;
            _pay(msg.sender, returned);
        }
        emit IAttribution.IndexCaseSettled(indexId, msg.sender, returned, lost);
    }

    function indexStatus(uint256 indexId) external payable nonPayable returns (uint256) {
        return _indexStatus(indexId);
    }

    function _open(IAttribution.RowEvidence calldata evidence) internal pure returns (uint256) {
        return evidence.row.length + evidence.proof.length;
    }

    function _existingIndex(uint256 indexId) internal view returns (IModelRegistry.FeatureIndex memory) {
        try MODELS.getFeatureIndex(indexId) returns (IModelRegistry.FeatureIndex memory index) {
            return index;
        } catch {
            revert IAttribution.FeatureIndexNotUsable(indexId);
        }
    }

    function _checkRow(IModelRegistry.FeatureIndex memory index, IAttribution.RowEvidence calldata row)
        internal
        pure
    {
        _require(row.row.length == index.dimensions * ROW_BYTES, "row");
        _require(row.index < index.rows, "index");
        bytes32 leaf = Commitments.leafHash(
            abi.encode(
                row.index,
                row.canonicalIndex,
                row.contributorIndex,
                row.exponent,
                Commitments.vectorRoot(row.row, ROW_BYTES)
            )
        );
        if (!Commitments.isMember(leaf, row.index, row.proof, index.rows, index.rowsRoot)) {
            revert IAttribution.InvalidProof("row");
        }
    }

    function _indexChallenge(
        IModelRegistry.FeatureIndex memory index,
        uint256 contributorIndex,
        address contributor
    ) internal pure returns (Challenge memory) {
        bytes32 key = bytes32(uint256(uint160(contributor)));
        return Challenge(0, contributorIndex, key, index.contributors, index.dimensions, index.sumsRoot);
    }

    function _coordinate(bytes calldata vector, uint256 i) internal pure returns (int256 value) {
        assembly {
            value := signextend(7, shr(192, calldataload(add(vector.offset, mul(i, 8)))))
        }
    }

    /// @dev Refuses the index for good and slashes its signer.
    function _voidIndex(uint256 indexId, IModelRegistry.FeatureIndex memory index, uint256 number)
        internal
        returns (uint256 taken)
    {
        taken = _take(index.signer, index.policyVersion);
        indexChallengers[indexId] = msg.sender;
        Case storage file = cases[INDEX_KEY + indexId];
        file.policyVersion = index.policyVersion;
        file.challengerNumber = number;
    }

    function _voidIndexByDefault(uint256 indexId, address challenger) internal {
        _voidIndexByDefault(indexId, challenger, _plainAward(MODELS.getFeatureIndex(indexId).policyVersion));
    }

    function _voidIndexByDefault(uint256 indexId, address challenger, Award memory award) internal {
        if (cases[INDEX_KEY + indexId].challengerNumber != 0) return;
        IModelRegistry.FeatureIndex memory index = MODELS.getFeatureIndex(indexId);
        uint256 amount = _voidIndex(indexId, index, NUMBER_OF_GAMES);
        uint256 reward = _creditDefault(challenger, amount, award);
        emit IAttribution.IndexVoided(indexId, challenger, index.signer, amount, reward);
    }

    function _isContestable(uint256 indexId, IModelRegistry.FeatureIndex memory index)
        internal
        view
        returns (bool)
    {
        return block.timestamp < index.usableAt || block.timestamp <= extensions[INDEX_KEY + indexId];
    }

    function _challengedIndex(uint256 indexId, bytes32 salt)
        internal
        view
        returns (IModelRegistry.FeatureIndex memory index)
    {
        index = _existingIndex(indexId);
        uint256 key = INDEX_KEY + indexId;
        Commitment storage own = commitments[key][msg.sender];
        if (own.hash != keccak256(abi.encode(key, msg.sender, salt)) || own.used != 0) {
            revert IAttribution.CommitmentNotFound();
        }
        if (block.timestamp > own.revealUntil) revert IAttribution.WindowClosed(own.revealUntil);
    }

    function _breaksARule(IModelRegistry.FeatureIndex memory index, IAttribution.RowEvidence calldata row)
        internal
        pure
        returns (bool)
    {
        if (row.exponent > MAXIMUM_EXPONENT || row.canonicalIndex >= index.rows) return true;
        if (row.contributorIndex >= index.contributors) return true;
        uint256 top;
        uint256 norm;
        for (uint256 i = 0; i < row.row.length; ++i) {
            int256 mantissa = int8(uint8(row.row[i]));
            uint256 size = uint256(mantissa < 0 ? -mantissa : mantissa);
            if (size > top) top = size;
            norm += size * size;
        }
        if (top > MAXIMUM_MANTISSA || (row.exponent > 0 && top < LEAST_TOP_MANTISSA)) return true;
        return norm << 2 * row.exponent > MAXIMUM_NORM_SQUARED;
    }

    function _convictIndex(uint256 indexId, IModelRegistry.FeatureIndex memory index) internal {
        Case storage file = cases[INDEX_KEY + indexId];
        Commitment storage own = commitments[INDEX_KEY + indexId][msg.sender];
        own.used = 1;
        bool isFirst = file.challengerNumber == 0;
        bool leads = isFirst || own.number < file.challengerNumber;
        IPolicy.Parameters memory policy = POLICY.getParameters(index.policyVersion);
        uint256 share = _sharePpm(policy, own, index.usableAt, policy.indexWindowSeconds);
        if (isFirst) {
            file.slashed = _voidIndex(indexId, index, own.number);
            file.reward = file.slashed * share / PPM;
            rewards[TREASURY] += file.slashed - file.reward;
            emit IAttribution.IndexVoided(indexId, msg.sender, index.signer, file.slashed, file.reward);
        } else if (leads) {
            uint256 earlier = file.slashed * share / PPM;
            rewards[TREASURY] += file.reward - earlier;
            file.reward = earlier;
            indexChallengers[indexId] = msg.sender;
        }
        if (leads) file.challengerNumber = own.number;
        if (own.number == 1) {
            rewards[msg.sender] += file.reward;
            file.reward = 0;
        }
        file.bonds -= own.bond;
        emit IAttribution.IndexChallengeProved(indexId, msg.sender, indexChallengers[indexId]);
    }
}
