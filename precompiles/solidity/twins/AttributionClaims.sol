// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAttribution} from "../interfaces/IAttribution.sol";
import {AttributionBase} from "./AttributionBase.sol";
import {Commitments, SumNode, SumTree} from "./Commitments.sol";
import {Signatures} from "./Signatures.sol";

/// @title Claims, held dust and previews, as `precompiles/attribution_claims.py`
abstract contract AttributionClaims is AttributionBase {
    bytes32 internal constant CLAIM_TYPE = keccak256(
        "Claim(uint256 postId,uint256 contributorIndex,address contributor,address recipient,uint256 deadline)"
    );

    function claim(
        uint256 postId,
        uint256 contributorIndex,
        address contributor,
        uint256 amount,
        bytes32[] calldata siblings,
        uint256[] calldata siblingSums,
        address recipient
    ) external payable nonPayable {
        _require(recipient != address(0), "recipient");
        _require(contributor == msg.sender || contributor == recipient, "recipient");
        _claim(
            IAttribution.ClaimOrder(postId, contributorIndex, contributor, recipient, 0),
            amount,
            siblings,
            siblingSums
        );
    }

    function claimFor(
        IAttribution.ClaimOrder memory order,
        uint256 amount,
        bytes32[] calldata siblings,
        uint256[] calldata siblingSums,
        bytes calldata signature
    ) external payable nonPayable {
        _require(order.recipient != address(0), "recipient");
        if (block.timestamp > order.deadline) revert IAttribution.OrderExpired(order.deadline);
        address signer = Signatures.recover(_orderDigest(order), signature);
        if (signer == address(0) || signer != order.contributor) revert IAttribution.InvalidSignature();
        _claim(order, amount, siblings, siblingSums);
    }

    function withdrawDust(address recipient) external payable nonPayable returns (uint256 amount) {
        _require(recipient != address(0), "recipient");
        amount = dust[msg.sender];
        if (amount == 0) revert IAttribution.NothingToClaim();
        _payDust(msg.sender, recipient, amount);
    }

    function dustOf(address contributor) external payable nonPayable returns (uint256) {
        return dust[contributor];
    }

    function claimable(
        uint256 postId,
        uint256 contributorIndex,
        address contributor,
        uint256 amount,
        bytes32[] calldata siblings,
        uint256[] calldata siblingSums
    ) external payable nonPayable returns (uint256) {
        bool isOpen = _existing(postId).status == FINAL && claimed[postId][contributorIndex] == 0;
        if (!isOpen) return 0;
        Challenge memory c = _challenge(postId, contributorIndex, contributor);
        return _isProved(c, amount, siblings, siblingSums) ? amount : 0;
    }

    function preview(uint256 pool, uint256 score, uint256 scoreSum, uint256 policyVersion)
        external
        payable
        nonPayable
        returns (uint256)
    {
        _require(pool <= MAXIMUM_WEI, "pool");
        _require(score <= scoreSum && scoreSum <= MAXIMUM_SCORE_SUM, "score");
        _require(policyVersion > 0 && policyVersion <= POLICY.currentVersion(), "policyVersion");
        return _poolAmount(pool, score, scoreSum, POLICY.getParameters(policyVersion).maximumSharePpm);
    }

    function _claim(
        IAttribution.ClaimOrder memory order,
        uint256 amount,
        bytes32[] calldata siblings,
        uint256[] calldata siblingSums
    ) internal {
        IAttribution.Post storage posted = _existing(order.postId);
        if (posted.status != FINAL) revert IAttribution.WrongStatus(posted.status);
        Challenge memory c = _challenge(order.postId, order.contributorIndex, order.contributor);
        _require(c.position < c.contributors, "contributorIndex");
        if (claimed[order.postId][c.position] != 0) revert IAttribution.AlreadyClaimed(order.postId, c.position);
        if (!_isProved(c, amount, siblings, siblingSums)) revert IAttribution.InvalidProof("amount");
        claimed[order.postId][c.position] = 1;
        earnings[order.contributor] += amount;
        uint256 minimum = POLICY.getParameters(cases[order.postId].policyVersion).minimumClaim;
        if (amount >= minimum) _pay(order.recipient, amount);
        emit IAttribution.Claimed(order.postId, c.position, order.contributor, order.recipient, amount);
        if (amount > 0 && amount < minimum) _hold(order.contributor, amount, minimum);
    }

    function _isProved(
        Challenge memory c,
        uint256 amount,
        bytes32[] calldata siblings,
        uint256[] calldata siblingSums
    ) internal view returns (bool) {
        if (c.position >= c.contributors) return false;
        SumTree memory tree = _amountsTree(c.postId, c.contributors);
        SumNode memory leaf = Commitments.sumLeaf(tree.id, c.position, c.key, amount);
        return Commitments.contains(tree, leaf, c.position, siblings, siblingSums);
    }

    function _hold(address contributor, uint256 amount, uint256 minimum) internal {
        uint256 held = dust[contributor] += amount;
        emit IAttribution.DustHeld(contributor, amount, held);
        if (held >= minimum && contributor != address(0)) _payDust(contributor, contributor, held);
    }

    function _payDust(address contributor, address recipient, uint256 amount) internal {
        dust[contributor] = 0;
        _pay(recipient, amount);
        emit IAttribution.DustPaid(contributor, recipient, amount);
    }

    function _orderDigest(IAttribution.ClaimOrder memory order) internal view returns (bytes32) {
        return Signatures.digest(
            "OpenLedger Attribution",
            keccak256(
                abi.encode(
                    CLAIM_TYPE,
                    order.postId,
                    order.contributorIndex,
                    order.contributor,
                    order.recipient,
                    order.deadline
                )
            )
        );
    }
}
