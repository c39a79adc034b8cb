// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ATTRIBUTION_ADDRESS, IAttribution} from "../interfaces/IAttribution.sol";
import {IInferenceMetering, INFERENCE_METERING_ADDRESS} from "../interfaces/IInferenceMetering.sol";
import {IModelRegistry, MODEL_REGISTRY_ADDRESS} from "../interfaces/IModelRegistry.sol";
import {IPolicy, POLICY_ADDRESS} from "../interfaces/IPolicy.sol";
import {IStaking, STAKING_ADDRESS} from "../interfaces/IStaking.sol";
import {Commitments, SumNode, SumTree} from "./Commitments.sol";
import {GasTables} from "./GasTables.sol";
import {Scores} from "./Scores.sol";
import {Twin} from "./Twin.sol";

/// @title Twin of the Attribution precompile
contract AttributionTwin is Twin {
    /// @dev `reward` waits for its challenger until no earlier commitment can be revealed.
    struct Case {
        uint256 policyVersion;
        bytes32 amountsTree;
        uint256 commitments;
        uint256 revealsUntil;
        uint256 bonds;
        uint256 challengerNumber;
        uint256 reward;
    }

    struct Commitment {
        bytes32 hash;
        uint256 bond;
        uint256 revealUntil;
        uint256 number;
        uint256 used;
    }

    /// @dev What a challenge is about, out of the stack's way.
    struct Challenge {
        uint256 postId;
        uint256 position;
        bytes32 key;
        uint256 contributors;
        uint256 dimensions;
        bytes32 sumsRoot;
    }

    /*//////////////////////////////////////////////////////////////
                                 STORAGE
    //////////////////////////////////////////////////////////////*/

    uint256 internal postCount;
    mapping(uint256 postId => IAttribution.Post) internal posts;
    mapping(uint256 settlementId => uint256) internal postOf;
    mapping(uint256 modelId => uint256) internal carry;
    mapping(uint256 postId => mapping(uint256 position => uint256)) internal claimed;
    mapping(address account => uint256) internal earnings;
    mapping(address account => uint256) internal slashed;
    mapping(address account => uint256) internal rewards;
    mapping(address account => uint256) internal liabilities;
    mapping(uint256 postId => Case) internal cases;
    mapping(uint256 postId => mapping(address challenger => Commitment)) internal commitments;

    /*//////////////////////////////////////////////////////////////
                                CONSTANTS
    //////////////////////////////////////////////////////////////*/

    IInferenceMetering internal constant METERING = IInferenceMetering(INFERENCE_METERING_ADDRESS);
    IModelRegistry internal constant MODELS = IModelRegistry(MODEL_REGISTRY_ADDRESS);
    IPolicy internal constant POLICY = IPolicy(POLICY_ADDRESS);
    IStaking internal constant STAKING = IStaking(STAKING_ADDRESS);

    uint256 internal constant KIND_SCORES = 2;
    uint256 internal constant KIND_AMOUNTS = 4;
    uint256 internal constant PENDING = 1;
    uint256 internal constant FINAL = 2;
    uint256 internal constant VOID = 3;
    uint256 internal constant PROVIDER = 2;
    uint256 internal constant MAXIMUM_BATCHES = 64;
    uint256 internal constant MAXIMUM_SCORE_SUM = 2 ** 153;
    uint256 internal constant MAXIMUM_DIMENSIONS = 4_096;
    uint256 internal constant SUM_BYTES = 8;
    uint256 internal constant BATCH_QUERY_BYTES = 16;

    /*//////////////////////////////////////////////////////////////
                                 POSTING
    //////////////////////////////////////////////////////////////*/

    function post(
        uint256 featureIndex,
        IAttribution.BatchClaim[] calldata batches,
        uint256 carryIn,
        bytes32 amountsRoot,
        uint256 amountSum,
        string calldata uri
    ) external payable nonPayable returns (uint256 postId) {
        IAttribution.Post memory posted;
        posted.modelId = _usableIndexModel(featureIndex);
        posted.featureIndex = featureIndex;
        posted.signer = msg.sender;
        posted.amountsRoot = amountsRoot;
        posted.amountSum = amountSum;
        posted.carryIn = carryIn;
        posted.status = PENDING;
        _require(batches.length > 0 && batches.length <= MAXIMUM_BATCHES, "batches");
        _requireText(uri, "uri");
        posted.batchesHash = keccak256(abi.encode(batches));
        postId = _post(posted, batches);
        _emitPosted(postId, posted, uri);
    }

    function _post(IAttribution.Post memory posted, IAttribution.BatchClaim[] calldata batches)
        internal
        returns (uint256 postId)
    {
        Case memory file;
        file.policyVersion = POLICY.currentVersion();
        IPolicy.Parameters memory policy = POLICY.getParameters(file.policyVersion);
        uint256 stake = STAKING.stakeOf(msg.sender, PROVIDER);
        if (stake < policy.minimumProviderStake) revert IAttribution.SignerNotStaked(msg.sender);
        if (posted.carryIn != carry[posted.modelId]) {
            revert IAttribution.CarryChanged(posted.carryIn, carry[posted.modelId]);
        }
        posted.pool = posted.carryIn + _settledPool(posted.featureIndex, batches);
        if (posted.amountSum > posted.pool) revert IAttribution.AmountAbovePool(posted.amountSum, posted.pool);
        uint256 liability = liabilities[msg.sender] + posted.pool;
        if (liability > stake / 2) revert IAttribution.LiabilityAboveStake(liability, stake / 2);
        posted.contestableUntil = block.timestamp + policy.postWindowSeconds;
        postId = ++postCount;
        file.amountsTree = _treeId(KIND_AMOUNTS, posted, batches[0].settlementId);
        posts[postId] = posted;
        cases[postId] = file;
        _markSettlements(batches, postId);
        carry[posted.modelId] = 0;
        liabilities[msg.sender] = liability;
    }

    function _emitPosted(uint256 postId, IAttribution.Post memory posted, string calldata uri) internal {
        emit IAttribution.AttributionPosted(
            postId,
            posted.modelId,
            msg.sender,
            posted.featureIndex,
            posted.amountsRoot,
            posted.amountSum,
            posted.pool,
            posted.contestableUntil,
            uri
        );
    }

    function _usableIndexModel(uint256 indexId) internal view returns (uint256) {
        try MODELS.getFeatureIndex(indexId) returns (IModelRegistry.FeatureIndex memory index) {
            if (index.usableAt > block.timestamp) revert IAttribution.FeatureIndexNotUsable(indexId);
            return index.modelId;
        } catch {
            revert IAttribution.FeatureIndexNotUsable(indexId);
        }
    }

    function _settledPool(uint256 featureIndex, IAttribution.BatchClaim[] calldata batches)
        internal
        view
        returns (uint256 pool)
    {
        uint256 previous = 0;
        for (uint256 i = 0; i < batches.length; ++i) {
            uint256 id = batches[i].settlementId;
            IInferenceMetering.Settlement memory settlement = _settlement(id);
            _require(id > previous, "order");
            _require(batches[i].scoreSum <= MAXIMUM_SCORE_SUM, "scoreSum");
            _require(batches[i].debtSum <= MAXIMUM_SCORE_SUM, "debtSum");
            if (postOf[id] != 0) revert IAttribution.AlreadyAttributed(id);
            _require(settlement.featureIndex == featureIndex, "featureIndex");
            uint256 earliest =
                settlement.settledAt + POLICY.getParameters(settlement.policyVersion).postDelaySeconds;
            if (block.timestamp < earliest && METERING.getChannel(settlement.channelId).provider != msg.sender) {
                revert IAttribution.NotDueYet(earliest);
            }
            pool += settlement.pool;
            previous = id;
        }
    }

    function _settlement(uint256 id) internal view returns (IInferenceMetering.Settlement memory) {
        try METERING.getSettlement(id) returns (IInferenceMetering.Settlement memory settlement) {
            return settlement;
        } catch {
            revert InvalidArgument("settlementId");
        }
    }

    function _markSettlements(IAttribution.BatchClaim[] calldata batches, uint256 postId) internal {
        for (uint256 i = 0; i < batches.length; ++i) postOf[batches[i].settlementId] = postId;
    }

    /*//////////////////////////////////////////////////////////////
                               CHALLENGES
    //////////////////////////////////////////////////////////////*/

    function commitChallenge(uint256 postId, bytes32 commitment) external payable {
        IAttribution.Post storage posted = _existing(postId);
        if (posted.status != PENDING) revert IAttribution.WrongStatus(posted.status);
        if (block.timestamp > posted.contestableUntil) revert IAttribution.WindowClosed(posted.contestableUntil);
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
        _proveScore(c, batches[batch], sum, query, score);
        _convict(postId, batches);
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
        _convict(postId, batches);
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

    function _challenge(uint256 postId, uint256 position, address contributor)
        internal
        view
        returns (Challenge memory)
    {
        IModelRegistry.FeatureIndex memory index = MODELS.getFeatureIndex(posts[postId].featureIndex);
        bytes32 key = bytes32(uint256(uint160(contributor)));
        return Challenge(postId, position, key, index.contributors, index.dimensions, index.sumsRoot);
    }

    function _proveScore(
        Challenge memory c,
        IAttribution.BatchClaim calldata claim_,
        IAttribution.SumEvidence calldata sum,
        bytes calldata query,
        IAttribution.SumLeaf calldata score
    ) internal view {
        SumTree memory tree = _scoresTree(c, claim_);
        SumNode memory node = _postedNode(tree, c.position, score, "score");
        SumNode memory expected;
        bool inWidth = true;
        if (c.position < c.contributors) {
            uint256 computed;
            (inWidth, computed) = _score(c, claim_, sum, query);
            expected = Commitments.sumLeaf(tree.id, c.position, c.key, computed);
        }
        if (inWidth && _isSame(node, expected)) revert IAttribution.ChallengeFailed(node.sum, expected.sum);
    }

    function _score(
        Challenge memory c,
        IAttribution.BatchClaim calldata claim_,
        IAttribution.SumEvidence calldata sum,
        bytes calldata query
    ) internal view returns (bool inWidth, uint256 score) {
        _checkSum(c, sum);
        _require(query.length == c.dimensions * BATCH_QUERY_BYTES, "query");
        if (Commitments.vectorRoot(query, BATCH_QUERY_BYTES) != claim_.queryRoot) {
            revert IAttribution.InvalidProof("query");
        }
        uint256 significance = _batchPolicy(claim_).significancePpm;
        return Scores.positiveScore(sum.vector, query, sum.normSquared, c.dimensions, significance);
    }

    function _checkSum(Challenge memory c, IAttribution.SumEvidence calldata sum) internal pure {
        _require(c.dimensions <= MAXIMUM_DIMENSIONS, "dimensions");
        _require(sum.vector.length == c.dimensions * SUM_BYTES, "vector");
        bytes32 leaf = Commitments.leafHash(
            abi.encode(
                c.position, c.key, sum.records, sum.normSquared, Commitments.vectorRoot(sum.vector, SUM_BYTES)
            )
        );
        if (!Commitments.isMember(leaf, c.position, sum.proof, c.contributors, c.sumsRoot)) {
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
            total += _poolAmount(pool, scores[i].amount, batches[i]);
            extra = 0;
        }
    }

    function _checkOpenedScore(
        Challenge memory c,
        IAttribution.BatchClaim calldata claim_,
        IAttribution.SumLeaf calldata leaf
    ) internal view {
        SumTree memory tree = _scoresTree(c, claim_);
        SumNode memory opened = Commitments.sumLeaf(tree.id, c.position, c.key, leaf.amount);
        bool isPosted = Commitments.contains(tree, opened, c.position, leaf.siblings, leaf.siblingSums);
        if (leaf.key != c.key || !isPosted) revert IAttribution.InvalidProof("score");
    }

    function _poolAmount(uint256 pool, uint256 score, IAttribution.BatchClaim calldata claim_)
        internal
        view
        returns (uint256)
    {
        if (claim_.scoreSum == 0) return 0;
        uint256 share = pool * score / claim_.scoreSum;
        uint256 cap = pool * _batchPolicy(claim_).maximumSharePpm / PPM;
        return share < cap ? share : cap;
    }

    function _batchPolicy(IAttribution.BatchClaim calldata claim_) internal view returns (IPolicy.Parameters memory) {
        return POLICY.getParameters(METERING.getSettlement(claim_.settlementId).policyVersion);
    }

    function _treeId(uint256 kind, IAttribution.Post memory posted, uint256 settlementId)
        internal
        view
        returns (bytes32)
    {
        return keccak256(
            abi.encode(kind, block.chainid, ATTRIBUTION_ADDRESS, posted.featureIndex, settlementId, posted.signer)
        );
    }

    function _scoresTree(Challenge memory c, IAttribution.BatchClaim calldata claim_)
        internal
        view
        returns (SumTree memory)
    {
        bytes32 id = _treeId(KIND_SCORES, posts[c.postId], claim_.settlementId);
        return SumTree(id, c.contributors, claim_.scoresRoot, claim_.scoreSum);
    }

    function _amountsTree(uint256 postId, uint256 contributors) internal view returns (SumTree memory) {
        IAttribution.Post storage posted = posts[postId];
        return SumTree(cases[postId].amountsTree, contributors, posted.amountsRoot, posted.amountSum);
    }

    /*//////////////////////////////////////////////////////////////
                                 VERDICT
    //////////////////////////////////////////////////////////////*/

    function _convict(uint256 postId, IAttribution.BatchClaim[] calldata batches) internal {
        IAttribution.Post storage posted = posts[postId];
        Case storage file = cases[postId];
        Commitment storage own = commitments[postId][msg.sender];
        own.used = 1;
        bool isFirst = posted.status == PENDING;
        if (isFirst) file.reward = _void(postId, batches);
        if (isFirst || own.number < file.challengerNumber) {
            posted.challenger = msg.sender;
            file.challengerNumber = own.number;
        }
        if (own.number == 1) {
            rewards[msg.sender] += file.reward;
            file.reward = 0;
        }
        file.bonds -= own.bond;
        emit IAttribution.ChallengeProved(postId, msg.sender, posted.challenger);
    }

    function _void(uint256 postId, IAttribution.BatchClaim[] calldata batches) internal returns (uint256 reward) {
        IAttribution.Post storage posted = posts[postId];
        IPolicy.Parameters memory policy = POLICY.getParameters(cases[postId].policyVersion);
        IStaking.Position memory position = STAKING.position(posted.signer, PROVIDER);
        uint256 taken = position.active + position.unbonding;
        if (taken > policy.slashAmount) taken = policy.slashAmount;
        reward = taken * policy.challengerPpm / PPM;
        slashed[posted.signer] += taken;
        rewards[TREASURY] += taken - reward;
        liabilities[posted.signer] -= posted.pool;
        carry[posted.modelId] += posted.carryIn;
        posted.status = VOID;
        _markSettlements(batches, 0);
        emit IAttribution.PostVoided(postId, msg.sender, posted.signer, taken, reward);
    }

    /*//////////////////////////////////////////////////////////////
                                 PAYMENT
    //////////////////////////////////////////////////////////////*/

    function finalize(uint256 postId) external payable nonPayable {
        IAttribution.Post storage posted = _existing(postId);
        if (posted.status != PENDING) revert IAttribution.WrongStatus(posted.status);
        if (block.timestamp <= posted.contestableUntil) revert IAttribution.WindowOpen(posted.contestableUntil);
        Case storage file = cases[postId];
        if (block.timestamp <= file.revealsUntil) revert IAttribution.PendingChallenge(postId);
        posted.status = FINAL;
        uint256 carryOut = posted.pool - posted.amountSum + file.bonds;
        file.bonds = 0;
        carry[posted.modelId] += carryOut;
        liabilities[posted.signer] -= posted.pool;
        emit IAttribution.PostFinalized(postId, posted.modelId, posted.amountSum, carryOut);
    }

    function claim(
        uint256 postId,
        uint256 contributorIndex,
        address contributor,
        uint256 amount,
        bytes32[] calldata siblings,
        uint256[] calldata siblingSums,
        address recipient
    ) external payable nonPayable {
        if (_existing(postId).status != FINAL) revert IAttribution.WrongStatus(posts[postId].status);
        _require(recipient != address(0), "recipient");
        _require(contributor == msg.sender || contributor == recipient, "recipient");
        Challenge memory c = _challenge(postId, contributorIndex, contributor);
        _require(contributorIndex < c.contributors, "contributorIndex");
        if (claimed[postId][contributorIndex] != 0) {
            revert IAttribution.AlreadyClaimed(postId, contributorIndex);
        }
        SumTree memory tree = _amountsTree(postId, c.contributors);
        SumNode memory leaf = Commitments.sumLeaf(tree.id, c.position, c.key, amount);
        if (!Commitments.contains(tree, leaf, c.position, siblings, siblingSums)) {
            revert IAttribution.InvalidProof("amount");
        }
        claimed[postId][contributorIndex] = 1;
        earnings[contributor] += amount;
        _pay(recipient, amount);
        emit IAttribution.Claimed(postId, contributorIndex, contributor, recipient, amount);
    }

    /*//////////////////////////////////////////////////////////////
                                  VIEWS
    //////////////////////////////////////////////////////////////*/

    function getPost(uint256 postId) external payable nonPayable returns (IAttribution.Post memory) {
        return _existing(postId);
    }

    function postOfSettlement(uint256 settlementId) external payable nonPayable returns (uint256 postId) {
        return postOf[settlementId];
    }

    function carryOf(uint256 modelId) external payable nonPayable returns (uint256) {
        return carry[modelId];
    }

    function isClaimed(uint256 postId, uint256 contributorIndex) external payable nonPayable returns (bool) {
        return claimed[postId][contributorIndex] != 0;
    }

    function earningsOf(address contributor) external payable nonPayable returns (uint256) {
        return earnings[contributor];
    }

    function slashedOf(address account) external payable nonPayable returns (uint256) {
        return slashed[account];
    }

    function rewardOf(address account) external payable nonPayable returns (uint256) {
        return rewards[account];
    }

    function openLiabilityOf(address account) external payable nonPayable returns (uint256) {
        return liabilities[account];
    }

    function gasOf(bytes4 selector, uint256[] calldata elementCounts) external payable nonPayable returns (uint256) {
        return GasTables.attribution(selector, elementCounts);
    }

    function _existing(uint256 postId) internal view returns (IAttribution.Post storage) {
        if (postId == 0 || postId > postCount) revert IAttribution.PostNotFound(postId);
        return posts[postId];
    }
}
