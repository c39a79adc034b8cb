// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ATTRIBUTION_ADDRESS, IAttribution} from "../interfaces/IAttribution.sol";
import {IInferenceMetering} from "../interfaces/IInferenceMetering.sol";
import {IPolicy, POLICY_ADDRESS} from "../interfaces/IPolicy.sol";
import {MeteringBase} from "./MeteringBase.sol";

/// @title What providers and model owners have earned, as `precompiles/metering_earnings.py`
abstract contract MeteringEarnings is MeteringBase {
    uint256 internal constant FINAL = 2;
    uint256 internal constant INDEX_VOID = 2;
    uint256 internal constant VOID_SETTLEMENT = type(uint256).max;
    uint256 internal constant LATE_POST_PPM = 100_000;

    function releaseEarnings(uint256[] calldata settlementIds)
        external
        payable
        nonPayable
        returns (uint256 amount)
    {
        for (uint256 i = 0; i < settlementIds.length; ++i) {
            amount += _release(settlementIds[i]);
        }
        if (amount == 0) revert IInferenceMetering.NothingToWithdraw();
    }

    function withdrawEarnings(address recipient) external payable nonPayable returns (uint256 amount) {
        _require(recipient != address(0), "recipient");
        address account = recipient == TREASURY ? TREASURY : msg.sender;
        amount = earnings[account];
        if (amount == 0) revert IInferenceMetering.NothingToWithdraw();
        earnings[account] = 0;
        _pay(recipient, amount);
        emit IInferenceMetering.EarningsWithdrawn(account, recipient, amount);
    }

    function earningsOf(address account) external payable nonPayable returns (uint256) {
        return earnings[account];
    }

    function heldOf(address provider) external payable nonPayable returns (uint256) {
        return heldOfProvider[provider];
    }

    function heldIn(uint256 settlementId) external payable nonPayable returns (uint256) {
        return heldOfSettlement[settlementId];
    }

    function _release(uint256 settlementId) private returns (uint256 held) {
        if (settlementId == 0 || settlementId > settlementCount) {
            revert IInferenceMetering.SettlementNotFound(settlementId);
        }
        held = heldOfSettlement[settlementId];
        if (held == 0) return 0;
        address provider = channels[settlements[settlementId].channelId].provider;
        address recipient = _due(settlementId, provider);
        if (recipient == address(0)) revert IInferenceMetering.SettlementNotFinal(settlementId);
        heldOfSettlement[settlementId] = 0;
        heldOfProvider[provider] -= held;
        address poster = _poster(settlementId, provider);
        uint256 late = poster == provider ? 0 : held * LATE_POST_PPM / PPM;
        if (late > 0) _credit(settlementId, poster, late);
        _credit(settlementId, recipient, held - late);
    }

    function _credit(uint256 settlementId, address recipient, uint256 amount) private {
        earnings[recipient] += amount;
        emit IInferenceMetering.EarningsReleased(settlementId, recipient, amount);
    }

    function _poster(uint256 settlementId, address provider) private view returns (address) {
        IAttribution attribution = IAttribution(ATTRIBUTION_ADDRESS);
        uint256 postId = attribution.postOfSettlement(settlementId);
        return postId == 0 || postId == VOID_SETTLEMENT ? provider : attribution.getPost(postId).signer;
    }

    /// @dev Address zero while it is open who is due.
    function _due(uint256 settlementId, address provider) private view returns (address) {
        IAttribution attribution = IAttribution(ATTRIBUTION_ADDRESS);
        IInferenceMetering.Settlement storage settlement = settlements[settlementId];
        uint256 postId = attribution.postOfSettlement(settlementId);
        if (postId == VOID_SETTLEMENT) {
            return attribution.indexStatus(settlement.featureIndex) == INDEX_VOID ? provider : TREASURY;
        }
        if (postId != 0) return attribution.getPost(postId).status == FINAL ? provider : address(0);
        uint256 unbonding =
            IPolicy(POLICY_ADDRESS).getParameters(settlement.policyVersion).unbondingSeconds;
        return block.timestamp >= settlement.settledAt + unbonding ? provider : address(0);
    }
}
