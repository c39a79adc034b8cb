// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAttribution} from "../interfaces/IAttribution.sol";
import {IPolicy} from "../interfaces/IPolicy.sol";
import {IStaking} from "../interfaces/IStaking.sol";
import {AttributionBase} from "./AttributionBase.sol";

/// @title The verdict on a post, as `precompiles/attribution_verdict.py`
abstract contract AttributionVerdict is AttributionBase {
    /// @dev What a challenger that won gets of the slash: what it paid for a jury, and its share of the rest.
    struct Award {
        uint256 sharePpm;
        uint256 cost;
    }

    uint256 internal constant EARLY_PARTS = 4;

    uint256 internal constant NUMBER_OF_GAMES = 2 ** 200;

    /// @dev With a `settlementId` it is that settlement's receipts or queries that were proved wrong.
    function _convict(uint256 postId, uint256 settlementId) internal {
        IAttribution.Post storage posted = posts[postId];
        Case storage file = cases[postId];
        Commitment storage own = commitments[postId][msg.sender];
        own.used = 1;
        bool isFirst = posted.status == PENDING;
        bool leads = isFirst || own.number < file.challengerNumber;
        uint256 share = _challengerPpm(posted, file, own);
        if (isFirst) {
            address guilty = _guiltyOf(posted, settlementId);
            file.slashed = _take(guilty, file.policyVersion);
            file.reward = file.slashed * share / PPM;
            rewards[TREASURY] += file.slashed - file.reward;
            _void(posted, settlementId);
            emit IAttribution.PostVoided(postId, msg.sender, guilty, file.slashed, file.reward);
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

    /// @dev Voids a post that stands because a game was lost or a demand not answered.
    function _voidByDefault(uint256 postId, address challenger, uint256 settlementId) internal {
        _voidByDefault(postId, challenger, settlementId, _plainAward(cases[postId].policyVersion));
    }

    function _voidByDefault(uint256 postId, address challenger, uint256 settlementId, Award memory award) internal {
        IAttribution.Post storage posted = posts[postId];
        if (posted.status != PENDING) return;
        Case storage file = cases[postId];
        address guilty = _guiltyOf(posted, settlementId);
        uint256 amount = _take(guilty, file.policyVersion);
        uint256 reward = _creditDefault(challenger, amount, award);
        _void(posted, settlementId);
        posted.challenger = challenger;
        file.challengerNumber = NUMBER_OF_GAMES;
        emit IAttribution.PostVoided(postId, challenger, guilty, amount, reward);
    }

    /// @dev Voids a post that stands on an index that an audit found wrong.
    function _voidWithoutBlame(uint256 postId, address challenger) internal {
        IAttribution.Post storage posted = posts[postId];
        if (posted.status != PENDING) return;
        _void(posted, 0);
        posted.challenger = challenger;
        cases[postId].challengerNumber = NUMBER_OF_GAMES;
        emit IAttribution.PostVoided(postId, challenger, posted.signer, 0, 0);
    }

    function _guiltyOf(IAttribution.Post storage posted, uint256 settlementId) internal view returns (address) {
        if (settlementId == 0) return posted.signer;
        return METERING.getChannel(_settlement(settlementId).channelId).provider;
    }

    function _plainAward(uint256 version) internal view returns (Award memory) {
        return Award(POLICY.getParameters(version).challengerPpm, 0);
    }

    function _creditDefault(address challenger, uint256 amount, Award memory award)
        internal
        returns (uint256 reward)
    {
        uint256 cost = award.cost < amount ? award.cost : amount;
        reward = cost + (amount - cost) * award.sharePpm / PPM;
        rewards[TREASURY] += amount - reward;
        rewards[challenger] += reward;
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
        if (elapsed > window) elapsed = window;
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

    function _void(IAttribution.Post storage posted, uint256 settlementId) internal {
        liabilities[posted.signer] -= posted.pool;
        carry[posted.modelId] += posted.carryIn;
        posted.status = VOID;
        if (settlementId == 0) return;
        carry[posted.modelId] += _settlement(settlementId).pool;
        postOf[settlementId] = VOID_SETTLEMENT;
    }
}
