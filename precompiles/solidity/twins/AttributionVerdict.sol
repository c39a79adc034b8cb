// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAttribution} from "../interfaces/IAttribution.sol";
import {IPolicy} from "../interfaces/IPolicy.sol";
import {IStaking} from "../interfaces/IStaking.sol";
import {AttributionBase} from "./AttributionBase.sol";

/// @title The verdict on a post, as `precompiles/attribution_verdict.py`
abstract contract AttributionVerdict is AttributionBase {
    uint256 internal constant EARLY_PARTS = 4;

    function _convict(uint256 postId, IAttribution.BatchClaim[] calldata batches) internal {
        IAttribution.Post storage posted = posts[postId];
        Case storage file = cases[postId];
        Commitment storage own = commitments[postId][msg.sender];
        own.used = 1;
        bool isFirst = posted.status == PENDING;
        bool leads = isFirst || own.number < file.challengerNumber;
        uint256 share = _challengerPpm(posted, file, own);
        if (isFirst) {
            _slash(posted, file, share);
            _void(posted, batches);
            emit IAttribution.PostVoided(postId, msg.sender, posted.signer, file.slashed, file.reward);
        } else if (leads) {
            uint256 earlier = file.slashed * share / PPM;
            rewards[TREASURY] += file.reward - earlier;
            file.reward = earlier;
        }
        if (leads) {
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

    function _challengerPpm(IAttribution.Post storage posted, Case storage file, Commitment storage own)
        internal
        view
        returns (uint256)
    {
        IPolicy.Parameters memory policy = POLICY.getParameters(file.policyVersion);
        return _sharePpm(policy, own, posted.contestableUntil, policy.postWindowSeconds);
    }

    /// @dev The share of the slash for a commitment made within the `window` seconds before `windowEnd`.
    function _sharePpm(
        IPolicy.Parameters memory policy,
        Commitment storage own,
        uint256 windowEnd,
        uint256 window
    ) internal view returns (uint256) {
        uint256 elapsed = own.revealUntil - policy.challengeRevealSeconds - (windowEnd - window);
        return (policy.challengerPpm * window + policy.challengerPpm * (EARLY_PARTS - 1) * elapsed)
            / (EARLY_PARTS * window);
    }

    /// @dev Takes the policy's amount from a signer's stake, or what there is.
    function _take(address signer, uint256 version) internal returns (uint256 taken) {
        IStaking.Position memory position = STAKING.position(signer, PROVIDER);
        taken = position.active + position.unbonding;
        uint256 most = POLICY.getParameters(version).slashAmount;
        if (taken > most) taken = most;
        slashed[signer] += taken;
    }

    function _slash(IAttribution.Post storage posted, Case storage file, uint256 share) internal {
        uint256 taken = _take(posted.signer, file.policyVersion);
        file.slashed = taken;
        file.reward = taken * share / PPM;
        rewards[TREASURY] += taken - file.reward;
    }

    function _void(IAttribution.Post storage posted, IAttribution.BatchClaim[] calldata batches) internal {
        liabilities[posted.signer] -= posted.pool;
        carry[posted.modelId] += posted.carryIn;
        posted.status = VOID;
        _markSettlements(batches, 0);
    }
}
