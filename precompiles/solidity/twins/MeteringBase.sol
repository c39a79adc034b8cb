// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ATTRIBUTION_ADDRESS, IAttribution} from "../interfaces/IAttribution.sol";
import {IInferenceMetering} from "../interfaces/IInferenceMetering.sol";
import {IModelRegistry, MODEL_REGISTRY_ADDRESS} from "../interfaces/IModelRegistry.sol";
import {IPolicy, POLICY_ADDRESS} from "../interfaces/IPolicy.sol";
import {IStaking, STAKING_ADDRESS} from "../interfaces/IStaking.sol";
import {Twin} from "./Twin.sol";

/// @title Storage, constants and readings of the InferenceMetering twin
abstract contract MeteringBase is Twin {
    /*//////////////////////////////////////////////////////////////
                                 STORAGE
    //////////////////////////////////////////////////////////////*/

    uint256 internal settlementCount;
    uint256 internal stakersSum;
    mapping(bytes32 channelId => IInferenceMetering.Channel) internal channels;
    mapping(uint256 settlementId => IInferenceMetering.Settlement) internal settlements;
    mapping(address account => uint256) internal earnings;
    mapping(address payer => uint256) internal nonces;
    mapping(uint256 modelId => uint256) internal passed;
    mapping(address account => IInferenceMetering.Statistics) internal statistics;
    uint256 internal providersAnnounced;
    mapping(uint256 position => address) internal providerList;
    mapping(address account => IInferenceMetering.Provider) internal providers;
    mapping(address provider => mapping(uint256 modelId => uint256)) internal offers;
    mapping(uint256 modelId => uint256) internal modelProviderCounts;
    mapping(uint256 modelId => mapping(uint256 position => address)) internal modelProviders;
    uint256 internal requestCount;
    mapping(uint256 requestId => IInferenceMetering.Request) internal requests;
    mapping(uint256 epoch => uint256) internal stakersSumIn;
    mapping(uint256 settlementId => uint256) internal heldOfSettlement;
    mapping(address provider => uint256) internal heldOfProvider;
    uint256 internal retrievalCount;
    mapping(uint256 retrievalId => IInferenceMetering.Retrieval) internal retrievals;
    mapping(uint256 retrievalId => mapping(uint256 contributorIndex => uint256)) internal retrievalClaimed;
    uint256 internal auditsSum;

    /*//////////////////////////////////////////////////////////////
                                INTERNALS
    //////////////////////////////////////////////////////////////*/

    uint256 internal constant PROVIDER_ROLE = 2;
    uint256 internal constant CLOSED = type(uint256).max;

    function _requireStaked(address provider, uint256 version) internal view {
        if (
            IStaking(STAKING_ADDRESS).stakeOf(provider, PROVIDER_ROLE)
                < IPolicy(POLICY_ADDRESS).getParameters(version).minimumProviderStake
        ) revert IInferenceMetering.ProviderNotStaked(provider);
    }

    function _policy(uint256 version) internal view returns (IPolicy.Parameters memory) {
        return IPolicy(POLICY_ADDRESS).getParameters(version);
    }

    function _servableModel(uint256 modelId) internal view returns (IModelRegistry.Model memory) {
        try IModelRegistry(MODEL_REGISTRY_ADDRESS).getModel(modelId) returns (IModelRegistry.Model memory model) {
            bool hasPrice = model.inputPrice > 0 || model.outputPrice > 0;
            bool isGone = IModelRegistry(MODEL_REGISTRY_ADDRESS).isDeprecated(modelId);
            if (!hasPrice || isGone || !_isUsable(model.featureIndex)) revert IInferenceMetering.ModelNotServable(modelId);
            return model;
        } catch {
            revert IInferenceMetering.ModelNotServable(modelId);
        }
    }

    function _isUsable(uint256 indexId) internal view returns (bool) {
        if (indexId == 0) return false;
        if (IModelRegistry(MODEL_REGISTRY_ADDRESS).getFeatureIndex(indexId).usableAt > block.timestamp) return false;
        if (IModelRegistry(MODEL_REGISTRY_ADDRESS).isRetired(indexId)) return false;
        return IAttribution(ATTRIBUTION_ADDRESS).indexStatus(indexId) == 0;
    }

    function _channel(bytes32 channelId) internal view returns (IInferenceMetering.Channel storage channel) {
        channel = channels[channelId];
        if (channel.payer == address(0)) revert IInferenceMetering.ChannelNotFound(channelId);
    }

    function _ownChannel(bytes32 channelId) internal view returns (IInferenceMetering.Channel storage channel) {
        channel = _channel(channelId);
        if (channel.payer != msg.sender) revert IInferenceMetering.NotPayer(msg.sender);
    }
}
