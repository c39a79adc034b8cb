// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAttribution} from "../interfaces/IAttribution.sol";
import {IPolicy} from "../interfaces/IPolicy.sol";
import {AttributionVerdict} from "./AttributionVerdict.sol";
import {Commitments, SumNode, SumTree} from "./Commitments.sol";
import {Scores} from "./Scores.sol";

/// @title Challenges of posts, as `precompiles/attribution_challenges.py` and `attribution_evidence.py`
abstract contract AttributionChallenges is AttributionVerdict {
    function commitChallenge(uint256 postId, bytes32 commitment) external payable {
        IAttribution.Post storage posted = _existing(postId);
        if (posted.status != PENDING) revert IAttribution.WrongStatus(posted.status);
        uint256 until = _contestableUntil(postId);
        if (block.timestamp > until) revert IAttribution.WindowClosed(until);
        _require(commitment != 0, "commitment");
        _require(commitments[postId][msg.sender].hash == 0, "challenger");
        Case storage file = cases[postId];
        IPolicy.Parameters memory policy = POLICY.getParameters(file.policyVersion);
        if (msg.value != policy.challengeBond) revert IAttribution.WrongBond(policy.challengeBond, msg.value);
        file.commitments++;
        file.revealsUntil = block.timestamp + policy.challengeRevealSeconds;
        file.bonds += msg.value;
        commitments[postId][msg.sender] =
            Commitment(commitment, msg.value, file.revealsUntil, file.commitments, 0);
        emit IAttribution.ChallengeCommitted(postId, msg.sender, commitment);
    }

    function challengeScore(
        uint256 postId,
        bytes32 salt,
        IAttribution.BatchClaim[] calldata batches,
        uint256 batch,
        uint256 contributorIndex,
        address contributor,
        IAttribution.SumEvidence calldata sum,
        bytes calldata query,
        IAttribution.SumLeaf calldata score
    ) external payable {
        _open(sum);
        _open(score);
        _refuseValue();
        _checkCommitment(postId, salt, batches);
        _require(batch < batches.length, "batch");
        Challenge memory c = _challenge(postId, contributorIndex, contributor);
        _proveScore(c, batches[batch], sum, query, score, KIND_SCORES);
        _convict(postId, 0);
    }

    function challengeDebt(
        uint256 postId,
        bytes32 salt,
        IAttribution.BatchClaim[] calldata batches,
        uint256 batch,
        uint256 contributorIndex,
        address contributor,
        IAttribution.SumEvidence calldata sum,
        bytes calldata query,
        IAttribution.SumLeaf calldata debt
    ) external payable {
        _open(sum);
        _open(debt);
        _refuseValue();
        _checkCommitment(postId, salt, batches);
        _require(batch < batches.length, "batch");
        Challenge memory c = _challenge(postId, contributorIndex, contributor);
        _proveScore(c, batches[batch], sum, query, debt, KIND_DEBTS);
        _convict(postId, 0);
    }

    function challengeNode(
        uint256 postId,
        bytes32 salt,
        IAttribution.BatchClaim[] calldata batches,
        IAttribution.NodeEvidence calldata node
    ) external payable {
        _open(node);
        _refuseValue();
        _checkCommitment(postId, salt, batches);
        SumTree memory tree = _treeOf(postId, batches, node.tree);
        uint256 depth = Commitments.treeDepth(tree.leaves);
        _require(node.level > 0 && node.level <= depth, "level");
        _require(node.position < 1 << (depth - node.level), "position");
        SumNode memory named =
            SumNode(Commitments.sumNodeHash(node.left, node.leftSum, node.right, node.rightSum), node.sum);
        if (!Commitments.isPosted(tree, named, depth - node.level, node.position, node.siblings, node.siblingSums)) {
            revert IAttribution.InvalidProof("node");
        }
        uint256 under;
        unchecked {
            under = node.leftSum + node.rightSum;
        }
        if (under >= node.leftSum && under == node.sum) revert IAttribution.ChallengeFailed(node.sum, under);
        _convict(postId, 0);
    }

    function _treeOf(uint256 postId, IAttribution.BatchClaim[] calldata batches, uint256 number)
        internal
        view
        returns (SumTree memory)
    {
        Challenge memory c = _challenge(postId, 0, address(0));
        if (number == 0) return _amountsTree(postId, c.contributors);
        uint256 batch = (number - 1) / 2;
        _require(batch < batches.length, "tree");
        return _batchTree(c, batches[batch], number % 2 == 1 ? KIND_SCORES : KIND_DEBTS);
    }

    function _open(IAttribution.NodeEvidence calldata evidence) internal pure returns (uint256) {
        return evidence.siblings.length + evidence.siblingSums.length;
    }

    function challengeAmount(
        uint256 postId,
        bytes32 salt,
        IAttribution.BatchClaim[] calldata batches,
        uint256 contributorIndex,
        address contributor,
        IAttribution.SumLeaf[] calldata scores,
        IAttribution.SumLeaf calldata amount
    ) external payable {
        _open(amount);
        _refuseValue();
        _require(scores.length <= MAXIMUM_BATCHES, "scores");
        for (uint256 i = 0; i < scores.length; ++i) _open(scores[i]);
        _checkCommitment(postId, salt, batches);
        Challenge memory c = _challenge(postId, contributorIndex, contributor);
        SumTree memory tree = _amountsTree(postId, c.contributors);
        SumNode memory node = _postedNode(tree, c.position, amount, "amount");
        SumNode memory expected;
        uint256 computed = 0;
        if (c.position < c.contributors) {
            _require(scores.length == batches.length, "scores");
            computed = _amount(c, batches, scores);
            expected = Commitments.sumLeaf(tree.id, c.position, c.key, computed);
        }
        if (_isSame(node, expected)) revert IAttribution.ChallengeFailed(node.sum, computed);
        _convict(postId, 0);
    }

    function withdrawBond(uint256 postId) external payable nonPayable {
        IAttribution.Post storage posted = _existing(postId);
        if (posted.status == PENDING) revert IAttribution.WrongStatus(posted.status);
        Commitment storage own = commitments[postId][msg.sender];
        if (own.used == 0 || own.bond == 0) revert IAttribution.CommitmentNotFound();
        Case storage file = cases[postId];
        if (block.timestamp <= file.revealsUntil) revert IAttribution.WindowOpen(file.revealsUntil);
        uint256 bond = own.bond;
        own.bond = 0;
        if (msg.sender == posted.challenger) {
            rewards[msg.sender] += file.reward;
            file.reward = 0;
        }
        carry[posted.modelId] += file.bonds;
        file.bonds = 0;
        _pay(msg.sender, bond);
        emit IAttribution.BondReturned(postId, msg.sender, bond);
    }

    /// @dev Reads every offset inside a leaf, so that a malformed one is refused before anything else.
    function _open(IAttribution.SumLeaf calldata leaf) internal pure returns (uint256) {
        return leaf.siblings.length + leaf.siblingSums.length;
    }

    function _open(IAttribution.SumEvidence calldata evidence) internal pure returns (uint256) {
        return evidence.vector.length + evidence.proof.length;
    }

    function _checkCommitment(uint256 postId, bytes32 salt, IAttribution.BatchClaim[] calldata batches)
        internal
        view
    {
        IAttribution.Post storage posted = _existing(postId);
        if (posted.status == FINAL) revert IAttribution.WrongStatus(posted.status);
        Commitment storage own = commitments[postId][msg.sender];
        if (own.hash != keccak256(abi.encode(postId, msg.sender, salt)) || own.used != 0) {
            revert IAttribution.CommitmentNotFound();
        }
        if (block.timestamp > own.revealUntil) revert IAttribution.WindowClosed(own.revealUntil);
        if (keccak256(abi.encode(batches)) != posted.batchesHash) revert IAttribution.InvalidProof("batches");
    }

    function _proveScore(
        Challenge memory c,
        IAttribution.BatchClaim calldata claim_,
        IAttribution.SumEvidence calldata sum,
        bytes calldata query,
        IAttribution.SumLeaf calldata score,
        uint256 kind
    ) internal view {
        SumTree memory tree = _batchTree(c, claim_, kind);
        SumNode memory node = _postedNode(tree, c.position, score, "score");
        SumNode memory expected;
        bool inWidth = true;
        if (c.position < c.contributors) {
            uint256 computed;
            (inWidth, computed) = _score(c, claim_, sum, query, kind == KIND_SCORES);
            expected = Commitments.sumLeaf(tree.id, c.position, c.key, computed);
        }
        if (inWidth && _isSame(node, expected)) revert IAttribution.ChallengeFailed(node.sum, expected.sum);
    }

    function _score(
        Challenge memory c,
        IAttribution.BatchClaim calldata claim_,
        IAttribution.SumEvidence calldata sum,
        bytes calldata query,
        bool isPositive
    ) internal view returns (bool inWidth, uint256 score) {
        _checkSum(c, sum);
        _require(query.length == c.dimensions * BATCH_QUERY_BYTES, "query");
        if (Commitments.vectorRoot(query, BATCH_QUERY_BYTES) != claim_.queryRoot) {
            revert IAttribution.InvalidProof("query");
        }
        uint256 significance = _batchPolicy(claim_).significancePpm;
        return Scores.part(sum.vector, query, sum.normSquared, c.dimensions, significance, isPositive);
    }

    function _checkSum(Challenge memory c, IAttribution.SumEvidence calldata sum) internal pure {
        _require(c.dimensions <= MAXIMUM_DIMENSIONS, "dimensions");
        _require(sum.vector.length == c.dimensions * SUM_BYTES, "vector");
        bytes32 root = Commitments.vectorRoot(sum.vector, SUM_BYTES);
        _checkSumRoot(c, sum.records, sum.normSquared, root, sum.proof);
    }

    function _checkSumRoot(
        Challenge memory c,
        uint256 records,
        uint256 normSquared,
        bytes32 vectorRoot,
        bytes32[] calldata proof
    ) internal pure {
        bytes32 leaf = Commitments.leafHash(abi.encode(c.position, c.key, records, normSquared, vectorRoot));
        if (!Commitments.isMember(leaf, c.position, proof, c.contributors, c.sumsRoot)) {
            revert IAttribution.InvalidProof("sum");
        }
    }

    function _postedNode(
        SumTree memory tree,
        uint256 position,
        IAttribution.SumLeaf calldata leaf,
        string memory what
    ) internal pure returns (SumNode memory node) {
        _require(position < 1 << Commitments.treeDepth(tree.leaves), "contributorIndex");
        node = Commitments.sumLeaf(tree.id, position, leaf.key, leaf.amount);
        if (Commitments.contains(tree, node, position, leaf.siblings, leaf.siblingSums)) return node;
        node = SumNode(leaf.key, leaf.amount);
        if (!Commitments.contains(tree, node, position, leaf.siblings, leaf.siblingSums)) {
            revert IAttribution.InvalidProof(what);
        }
    }

    function _isSame(SumNode memory a, SumNode memory b) internal pure returns (bool) {
        return a.hash == b.hash && a.sum == b.sum;
    }

    function _amount(
        Challenge memory c,
        IAttribution.BatchClaim[] calldata batches,
        IAttribution.SumLeaf[] calldata scores
    ) internal view returns (uint256 total) {
        for (uint256 i = 0; i < batches.length; ++i) _checkOpenedScore(c, batches[i], scores[i]);
        uint256 extra = posts[c.postId].carryIn;
        for (uint256 i = 0; i < batches.length; ++i) {
            uint256 pool = METERING.getSettlement(batches[i].settlementId).pool + extra;
            total += _poolAmount(
                pool, scores[i].amount, batches[i].scoreSum, _batchPolicy(batches[i]).maximumSharePpm
            );
            extra = 0;
        }
    }

    function _checkOpenedScore(
        Challenge memory c,
        IAttribution.BatchClaim calldata claim_,
        IAttribution.SumLeaf calldata leaf
    ) internal view {
        SumTree memory tree = _batchTree(c, claim_, KIND_SCORES);
        SumNode memory opened = Commitments.sumLeaf(tree.id, c.position, c.key, leaf.amount);
        bool isPosted = Commitments.contains(tree, opened, c.position, leaf.siblings, leaf.siblingSums);
        if (leaf.key != c.key || !isPosted) revert IAttribution.InvalidProof("score");
    }

    function _batchPolicy(IAttribution.BatchClaim calldata claim_) internal view returns (IPolicy.Parameters memory) {
        return POLICY.getParameters(METERING.getSettlement(claim_.settlementId).policyVersion);
    }

    function _batchTree(Challenge memory c, IAttribution.BatchClaim calldata claim_, uint256 kind)
        internal
        view
        returns (SumTree memory)
    {
        bytes32 id = _treeId(kind, posts[c.postId], claim_.settlementId);
        if (kind == KIND_DEBTS) return SumTree(id, c.contributors, claim_.debtsRoot, claim_.debtSum);
        return SumTree(id, c.contributors, claim_.scoresRoot, claim_.scoreSum);
    }
}
