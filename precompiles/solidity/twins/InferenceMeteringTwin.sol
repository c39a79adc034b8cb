// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IInferenceMetering} from "../interfaces/IInferenceMetering.sol";
import {GasTables} from "./GasTables.sol";
import {MeteringChannels} from "./MeteringChannels.sol";
import {MeteringEarnings} from "./MeteringEarnings.sol";
import {MeteringProviders} from "./MeteringProviders.sol";
import {MeteringRequests} from "./MeteringRequests.sol";
import {MeteringRetrieval} from "./MeteringRetrieval.sol";

/// @title Twin of the InferenceMetering precompile
contract InferenceMeteringTwin is
    MeteringChannels,
    MeteringRetrieval,
    MeteringRequests,
    MeteringProviders,
    MeteringEarnings
{
    function getChannel(bytes32 channelId)
        external
        payable
        nonPayable
        returns (IInferenceMetering.Channel memory)
    {
        return _channel(channelId);
    }

    function getSettlement(uint256 settlementId)
        external
        payable
        nonPayable
        returns (IInferenceMetering.Settlement memory)
    {
        if (settlementId == 0 || settlementId > settlementCount) {
            revert IInferenceMetering.SettlementNotFound(settlementId);
        }
        return settlements[settlementId];
    }

    function auditsTotal() external payable nonPayable returns (uint256) {
        return auditsSum;
    }

    function stakersTotal() external payable nonPayable returns (uint256) {
        return stakersSum;
    }

    function stakersTotalIn(uint256 epoch) external payable nonPayable returns (uint256) {
        return stakersSumIn[epoch];
    }

    function channelNonce(address payer) external payable nonPayable returns (uint256) {
        return nonces[payer];
    }

    function gasOf(bytes4 selector, uint256[] calldata elementCounts) external payable nonPayable returns (uint256) {
        return GasTables.inferenceMetering(selector, elementCounts);
    }

    function _fallback() internal override returns (bytes memory) {
        return _settleOrFallback();
    }

    function passedTo(uint256 modelId) external payable nonPayable returns (uint256) {
        return passed[modelId];
    }
}
