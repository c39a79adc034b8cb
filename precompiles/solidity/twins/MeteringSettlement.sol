// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ATTRIBUTION_ADDRESS} from "../interfaces/IAttribution.sol";
import {IInferenceMetering} from "../interfaces/IInferenceMetering.sol";
import {IModelRegistry, MODEL_REGISTRY_ADDRESS} from "../interfaces/IModelRegistry.sol";
import {IPolicy} from "../interfaces/IPolicy.sol";
import {STAKING_ADDRESS} from "../interfaces/IStaking.sol";
import {Epochs} from "./Epochs.sol";
import {MeteringBase} from "./MeteringBase.sol";

/// @title Splitting a batch's fees, as `precompiles/metering_settlement.py`
abstract contract MeteringSettlement is MeteringBase {
    /// @dev Receipts that are settled together.
    struct Batch {
        bytes32 receiptsRoot;
        bytes32 queriesRoot;
        uint256 firstReceipt;
        uint256 receipts;
        uint256 gross;
    }

    struct Split {
        uint256 platform;
        uint256 provider;
        uint256 owner;
        uint256 stakers;
        uint256 pool;
    }

    uint256 internal constant GENERATIONS = 4;

    function _record(
        bytes32 channelId,
        Batch memory batch,
        string memory uri,
        IInferenceMetering.RetrievalShare[] memory shares
    ) internal returns (uint256 settlementId) {
        IInferenceMetering.Channel storage channel = channels[channelId];
        Split memory split = _split(_policy(channel.policyVersion), batch.gross);
        uint256 whole = split.pool;
        split.pool = whole - _passToParents(channelId, channel.modelId, whole, channel.policyVersion);
        uint256 retrieved = _shared(channel.policyVersion, split.pool, shares);
        split.pool -= retrieved;
        settlementId = ++settlementCount;
        IInferenceMetering.Settlement storage settlement = settlements[settlementId];
        settlement.channelId = channelId;
        settlement.modelId = channel.modelId;
        settlement.featureIndex = channel.featureIndex;
        settlement.policyVersion = channel.policyVersion;
        settlement.queriesRoot = batch.queriesRoot;
        settlement.receiptsRoot = batch.receiptsRoot;
        settlement.firstReceipt = batch.firstReceipt;
        settlement.receipts = batch.receipts;
        settlement.gross = batch.gross;
        settlement.pool = split.pool;
        settlement.settledAt = block.timestamp;
        statistics[channel.payer].receiptsBought += batch.receipts;
        statistics[channel.payer].spent += batch.gross;
        statistics[channel.provider].receiptsServed += batch.receipts;
        statistics[channel.provider].served += batch.gross;
        heldOfSettlement[settlementId] = split.provider;
        heldOfProvider[channel.provider] += split.provider;
        _distribute(channel, split, whole - retrieved);
        _emitSettled(settlementId, channelId, batch, split, uri);
        _recordRetrievals(settlementId, shares);
    }

    function _noShares() internal pure returns (IInferenceMetering.RetrievalShare[] memory) {
        return new IInferenceMetering.RetrievalShare[](0);
    }

    /// @dev What the shares take of the model's own pool, at most the policy's part of it.
    function _shared(uint256 version, uint256 pool, IInferenceMetering.RetrievalShare[] memory shares)
        internal
        view
        returns (uint256 amount)
    {
        if (shares.length == 0) return 0;
        for (uint256 i = 0; i < shares.length; ++i) amount += shares[i].amount;
        uint256 limit = pool * _policy(version).retrievalPpm / PPM;
        if (amount > limit) revert IInferenceMetering.RetrievalAboveLimit(amount, limit);
    }

    function _recordRetrievals(uint256 settlementId, IInferenceMetering.RetrievalShare[] memory shares) internal {
        for (uint256 i = 0; i < shares.length; ++i) {
            IInferenceMetering.RetrievalShare memory share = shares[i];
            uint256 retrievalId = ++retrievalCount;
            retrievals[retrievalId] = IInferenceMetering.Retrieval(
                settlementId, share.datanetId, share.version, share.contributors, share.root, share.amount, 0
            );
            emit IInferenceMetering.RetrievalSettled(
                retrievalId,
                settlementId,
                share.datanetId,
                share.version,
                share.contributors,
                share.root,
                share.amount
            );
        }
    }

    function _emitSettled(
        uint256 settlementId,
        bytes32 channelId,
        Batch memory batch,
        Split memory split,
        string memory uri
    ) internal {
        emit IInferenceMetering.Settled(
            channelId,
            settlementId,
            channels[channelId].modelId,
            batch.receipts,
            batch.gross,
            split.platform,
            split.provider,
            split.owner,
            split.stakers,
            split.pool,
            batch.receiptsRoot,
            batch.queriesRoot,
            uri
        );
    }

    function _split(IPolicy.Parameters memory policy, uint256 gross) internal pure returns (Split memory split) {
        split.platform = gross * policy.platformPpm / PPM;
        uint256 rest = gross - split.platform;
        split.provider = rest * policy.providerPpm / PPM;
        split.owner = rest * policy.ownerPpm / PPM;
        split.stakers = rest * policy.stakersPpm / PPM;
        split.pool = rest - split.provider - split.owner - split.stakers;
    }

    function _distribute(IInferenceMetering.Channel storage channel, Split memory split, uint256 pools) internal {
        uint256 audits = split.platform * _policy(channel.policyVersion).auditFundPpm / PPM;
        earnings[TREASURY] += split.platform - audits;
        auditsSum += audits;
        earnings[_model(channel.modelId).revenueRecipient] += split.owner;
        stakersSum += split.stakers;
        stakersSumIn[Epochs.current()] = stakersSum;
        _pay(STAKING_ADDRESS, split.stakers);
        _pay(ATTRIBUTION_ADDRESS, pools + audits);
    }

    function _passToParents(bytes32 channelId, uint256 modelId, uint256 pool, uint256 version)
        internal
        returns (uint256 taken)
    {
        uint256 share = _policy(version).parentSharePpm;
        uint256 ancestor = _model(modelId).parent;
        taken = ancestor == 0 ? 0 : pool * share / PPM;
        uint256 part = taken;
        for (uint256 generation = 1; generation <= GENERATIONS && ancestor != 0; ++generation) {
            uint256 parent = generation < GENERATIONS ? _model(ancestor).parent : 0;
            uint256 onward = parent == 0 ? 0 : part * share / PPM;
            passed[ancestor] += part - onward;
            emit IInferenceMetering.PoolPassed(channelId, ancestor, part - onward);
            (ancestor, part) = (parent, onward);
        }
    }

    function _model(uint256 modelId) internal view returns (IModelRegistry.Model memory) {
        return IModelRegistry(MODEL_REGISTRY_ADDRESS).getModel(modelId);
    }
}
