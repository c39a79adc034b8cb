// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAttribution} from "../interfaces/IAttribution.sol";
import {IInferenceMetering} from "../interfaces/IInferenceMetering.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {IPolicy} from "../interfaces/IPolicy.sol";
import {AttributionBase} from "./AttributionBase.sol";

/// @title Posting and finalizing, as `precompiles/attribution_posts.py`
abstract contract AttributionPosting is AttributionBase {
    uint256 internal constant RECENT_POSTS = 4;
    uint256 internal constant CARRY_PARTS = 4;

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
        _emitPosted(postId, posted, batches, uri);
    }

    function _post(IAttribution.Post memory posted, IAttribution.BatchClaim[] calldata batches)
        internal
        returns (uint256 postId)
    {
        Case memory file;
        file.policyVersion = POLICY.currentVersion();
        IPolicy.Parameters memory policy = POLICY.getParameters(file.policyVersion);
        uint256 stake = _answeringStake(policy);
        if (stake < policy.minimumProviderStake) revert IAttribution.SignerNotStaked(msg.sender);
        posted.pool = posted.carryIn + _settledPool(posted.featureIndex, batches);
        _takeCarry(posted.modelId, posted.carryIn, METERING.getSettlement(batches[0].settlementId).pool);
        if (posted.amountSum > posted.pool) revert IAttribution.AmountAbovePool(posted.amountSum, posted.pool);
        uint256 exposure = liabilities[msg.sender] + recentPools[msg.sender] + posted.pool;
        if (exposure > stake / 2) revert IAttribution.LiabilityAboveStake(exposure, stake / 2);
        posted.contestableUntil = block.timestamp + policy.postWindowSeconds;
        postId = ++postCount;
        postOrigins[postId] = _l1Origin();
        file.amountsTree = _treeId(KIND_AMOUNTS, posted, batches[0].settlementId);
        posts[postId] = posted;
        cases[postId] = file;
        for (uint256 i = 0; i < batches.length; ++i) postOf[batches[i].settlementId] = postId;
        liabilities[msg.sender] += posted.pool;
    }

    /// @dev Takes a post's carry, what is left over first, up to a part of its first batch's pool.
    function _takeCarry(uint256 modelId, uint256 carryIn, uint256 firstPool) internal {
        uint256 kept = carry[modelId];
        uint256 most = _lesser(kept + _passed(modelId), firstPool / CARRY_PARTS);
        if (carryIn > most) revert IAttribution.CarryChanged(carryIn, most);
        uint256 ofKept = _lesser(carryIn, kept);
        carry[modelId] = kept - ofKept;
        taken[modelId] += carryIn - ofKept;
    }

    function _lesser(uint256 a, uint256 b) internal pure returns (uint256) {
        return a < b ? a : b;
    }

    /// @dev Provider stake as far as it counts: so much of it has to be the signer's own.
    function _answeringStake(IPolicy.Parameters memory policy) internal view returns (uint256) {
        uint256 counted = STAKING.delegation(msg.sender, PROVIDER, msg.sender).active * PPM / policy.selfStakePpm;
        uint256 active = STAKING.stakeOf(msg.sender, PROVIDER);
        return _lesser(active, counted);
    }

    function _emitPosted(
        uint256 postId,
        IAttribution.Post memory posted,
        IAttribution.BatchClaim[] calldata batches,
        string calldata uri
    ) internal {
        emit IAttribution.AttributionPosted(
            postId,
            posted.modelId,
            msg.sender,
            posted.featureIndex,
            posted.amountsRoot,
            posted.amountSum,
            posted.pool,
            posted.contestableUntil,
            batches,
            uri
        );
    }

    function _usableIndexModel(uint256 indexId) internal view returns (uint256) {
        try MODELS.getFeatureIndex(indexId) returns (IModelRegistry.FeatureIndex memory index) {
            bool isEarly = index.usableAt > block.timestamp;
            if (isEarly || _indexStatus(indexId) != 0) revert IAttribution.FeatureIndexNotUsable(indexId);
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
            IInferenceMetering.Settlement memory settlement = _settled(id);
            _require(id > previous, "order");
            _require(batches[i].scoreSum <= MAXIMUM_SCORE_SUM, "scoreSum");
            _require(batches[i].debtSum <= MAXIMUM_SCORE_SUM, "debtSum");
            if (_postOfSettlement(id) != 0) revert IAttribution.AlreadyAttributed(id);
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

    function finalize(uint256 postId) external payable nonPayable {
        IAttribution.Post storage posted = _existing(postId);
        if (posted.status != PENDING) revert IAttribution.WrongStatus(posted.status);
        uint256 until = _contestableUntil(postId);
        if (block.timestamp <= until) revert IAttribution.WindowOpen(until);
        Case storage file = cases[postId];
        if (block.timestamp <= file.revealsUntil || openDisputes[postId] != 0) {
            revert IAttribution.PendingChallenge(postId);
        }
        posted.status = FINAL;
        uint256 carryOut = posted.pool - posted.amountSum + file.bonds;
        file.bonds = 0;
        liabilities[posted.signer] -= posted.pool;
        _noteFinal(posted.signer, posted.pool);
        emit IAttribution.PostFinalized(postId, posted.modelId, posted.amountSum, carryOut);
        _rollOver(posted, carryOut, POLICY.getParameters(file.policyVersion).rolloverLimit);
    }

    function _rollOver(IAttribution.Post storage posted, uint256 carryOut, uint256 limit) internal {
        uint256 modelId = posted.modelId;
        uint256 count = posted.amountSum == 0 ? rollovers[modelId] + 1 : 0;
        rollovers[modelId] = count;
        if (count < limit || carry[modelId] < limit * carryOut) {
            carry[modelId] += carryOut;
            return;
        }
        _pay(TREASURY, carryOut);
        emit IAttribution.PoolReleased(modelId, carryOut);
    }

    /// @dev Counts a final post among the signer's recent ones, in the place of the oldest of them.
    function _noteFinal(address signer, uint256 pool) internal {
        uint256 place = finalPosts[signer]++ % RECENT_POSTS;
        recentPools[signer] = recentPools[signer] + pool - finalPools[signer][place];
        finalPools[signer][place] = pool;
    }
}
