// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAttribution} from "../interfaces/IAttribution.sol";
import {AttributionClaims} from "./AttributionClaims.sol";
import {AttributionAudits} from "./AttributionAudits.sol";
import {AttributionPosting} from "./AttributionPosting.sol";
import {AttributionSpans} from "./AttributionSpans.sol";
import {GasTables} from "./GasTables.sol";

/// @title Twin of the Attribution precompile
contract AttributionTwin is AttributionPosting, AttributionClaims, AttributionSpans, AttributionAudits {
    function getPost(uint256 postId) external payable nonPayable returns (IAttribution.Post memory) {
        return _existing(postId);
    }

    function postOfSettlement(uint256 settlementId) external payable nonPayable returns (uint256 postId) {
        return _postOfSettlement(settlementId);
    }

    function carryOf(uint256 modelId) external payable nonPayable returns (uint256) {
        return carry[modelId] + _passed(modelId);
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

    function exposureOf(address account) external payable nonPayable returns (uint256) {
        return liabilities[account] + recentPools[account];
    }

    function gasOf(bytes4 selector, uint256[] calldata elementCounts) external payable nonPayable returns (uint256) {
        return GasTables.attribution(selector, elementCounts);
    }
}
