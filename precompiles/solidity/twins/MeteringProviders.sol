// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IInferenceMetering} from "../interfaces/IInferenceMetering.sol";
import {IModelRegistry, MODEL_REGISTRY_ADDRESS} from "../interfaces/IModelRegistry.sol";
import {IPolicy, POLICY_ADDRESS} from "../interfaces/IPolicy.sol";
import {MeteringBase} from "./MeteringBase.sol";

/// @title The directory of providers, as `precompiles/metering_providers.py`
abstract contract MeteringProviders is MeteringBase {
    uint256 internal constant OFFERED = 1;
    uint256 internal constant WITHDRAWN = 2;

    function announceProvider(string calldata endpoint, bytes32 documentHash) external payable nonPayable {
        _requireStaked(msg.sender, IPolicy(POLICY_ADDRESS).currentVersion());
        _require(bytes(endpoint).length > 0, "endpoint");
        _requireText(endpoint, "endpoint");
        IInferenceMetering.Provider storage entry = providers[msg.sender];
        if (entry.number == 0) {
            providerList[providersAnnounced] = msg.sender;
            entry.number = ++providersAnnounced;
        }
        entry.documentHash = documentHash;
        entry.announcedAt = block.timestamp;
        emit IInferenceMetering.ProviderAnnounced(msg.sender, endpoint, documentHash);
    }

    function setOffer(uint256 modelId, bool offered) external payable nonPayable {
        if (providers[msg.sender].number == 0) revert IInferenceMetering.NotProvider(msg.sender);
        try IModelRegistry(MODEL_REGISTRY_ADDRESS).getModel(modelId) {}
        catch {
            revert IInferenceMetering.ModelNotServable(modelId);
        }
        if (offers[msg.sender][modelId] == 0) {
            modelProviders[modelId][modelProviderCounts[modelId]++] = msg.sender;
        }
        offers[msg.sender][modelId] = offered ? OFFERED : WITHDRAWN;
        emit IInferenceMetering.OfferSet(msg.sender, modelId, offered);
    }

    function getProvider(address provider)
        external
        payable
        nonPayable
        returns (IInferenceMetering.Provider memory)
    {
        return providers[provider];
    }

    function providerCount() external payable nonPayable returns (uint256) {
        return providersAnnounced;
    }

    function providerAt(uint256 position) external payable nonPayable returns (address) {
        _require(position < providersAnnounced, "position");
        return providerList[position];
    }

    function isOffered(address provider, uint256 modelId) external payable nonPayable returns (bool) {
        return offers[provider][modelId] == OFFERED;
    }

    function modelProviderCount(uint256 modelId) external payable nonPayable returns (uint256) {
        return modelProviderCounts[modelId];
    }

    function modelProviderAt(uint256 modelId, uint256 position) external payable nonPayable returns (address) {
        _require(position < modelProviderCounts[modelId], "position");
        return modelProviders[modelId][position];
    }

    function statisticsOf(address account)
        external
        payable
        nonPayable
        returns (IInferenceMetering.Statistics memory)
    {
        return statistics[account];
    }
}
