// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAttribution} from "../interfaces/IAttribution.sol";
import {IInferenceMetering, INFERENCE_METERING_ADDRESS} from "../interfaces/IInferenceMetering.sol";
import {AttributionQueryGames} from "./AttributionQueryGames.sol";
import {Commitments, SumNode} from "./Commitments.sol";

/// @title Challenges of receipts, weights and queries, as `precompiles/attribution_receipts.py`
abstract contract AttributionReceipts is AttributionQueryGames {
    uint256 internal constant MAXIMUM_QUERY_COORDINATES = 32_768;
    uint256 internal constant TOKENS_PER_PRICE = 1_000;
    uint256 internal constant WEI_PER_WEIGHT = 10 ** 9;

    function challengeReceipt(
        uint256 postId,
        bytes32 salt,
        IAttribution.BatchClaim[] calldata batches,
        uint256 batch,
        IAttribution.ReceiptEvidence calldata receipt
    ) external payable {
        _open(receipt);
        _refuseValue();
        _checkCommitment(postId, salt, batches);
        _require(batch < batches.length, "batch");
        uint256 settlementId = batches[batch].settlementId;
        IInferenceMetering.Settlement memory settlement = _settlement(settlementId);
        _checkReceipt(settlement, receipt);
        if (receipt.tokensIn <= MAXIMUM_COUNT && receipt.tokensOut <= MAXIMUM_COUNT) {
            uint256 fee = _fee(settlement.channelId, receipt);
            if (receipt.fee == fee && receipt.amount == fee) revert IAttribution.ChallengeFailed(receipt.amount, fee);
        }
        _convict(postId, settlementId);
    }

    function challengeWeight(
        uint256 postId,
        bytes32 salt,
        IAttribution.BatchClaim[] calldata batches,
        uint256 batch,
        IAttribution.QueryLeaf calldata leaf,
        IAttribution.ReceiptEvidence calldata receipt
    ) external payable {
        _open(leaf);
        _open(receipt);
        _refuseValue();
        _checkCommitment(postId, salt, batches);
        _require(batch < batches.length, "batch");
        uint256 settlementId = batches[batch].settlementId;
        IInferenceMetering.Settlement memory settlement = _settlement(settlementId);
        _checkQueryLeaf(settlement, leaf);
        _require(receipt.number == leaf.number, "number");
        _checkReceipt(settlement, receipt);
        uint256 platform = POLICY.getParameters(settlement.policyVersion).platformPpm;
        uint256 weight = _weight(receipt.amount, platform);
        if (weight == leaf.weight) revert IAttribution.ChallengeFailed(leaf.weight, weight);
        _convict(postId, settlementId);
    }

    function challengeQuery(
        uint256 postId,
        bytes32 salt,
        IAttribution.BatchClaim[] calldata batches,
        uint256 batch,
        IAttribution.QueryLeaf calldata leaf,
        bytes calldata query
    ) external payable {
        _open(leaf);
        _refuseValue();
        _checkCommitment(postId, salt, batches);
        _require(batch < batches.length, "batch");
        uint256 settlementId = batches[batch].settlementId;
        IInferenceMetering.Settlement memory settlement = _settlement(settlementId);
        _checkQueryLeaf(settlement, leaf);
        uint256 dimensions = MODELS.getFeatureIndex(settlement.featureIndex).dimensions;
        _require(dimensions <= MAXIMUM_QUERY_COORDINATES, "dimensions");
        _require(query.length == dimensions * QUERY_BYTES, "query");
        if (Commitments.vectorRoot(query, QUERY_BYTES) != leaf.queryRoot) revert IAttribution.InvalidProof("query");
        uint256 norm = _queryNorm(query, dimensions);
        if (norm <= MAXIMUM_NORM_SQUARED) revert IAttribution.ChallengeFailed(MAXIMUM_NORM_SQUARED, norm);
        _convict(postId, settlementId);
    }

    function _open(IAttribution.ReceiptEvidence calldata evidence) internal pure returns (uint256) {
        return evidence.siblings.length + evidence.siblingSums.length;
    }

    function _checkReceipt(
        IInferenceMetering.Settlement memory settlement,
        IAttribution.ReceiptEvidence calldata receipt
    ) internal view {
        _receiptPlace(settlement, receipt.number);
        bytes32 key = keccak256(
            abi.encode(
                settlement.channelId,
                receipt.number,
                receipt.promptHash,
                receipt.outputHash,
                receipt.tokensIn,
                receipt.tokensOut,
                receipt.fee
            )
        );
        bytes32 treeId = _receiptsTreeId(settlement.channelId);
        SumNode memory leaf = Commitments.sumLeaf(treeId, receipt.number, key, receipt.amount);
        uint256 depth = Commitments.treeDepth(settlement.firstReceipt + settlement.receipts);
        (bool isWhole, bytes32 root,) =
            Commitments.sumRoot(leaf, depth, receipt.number, receipt.siblings, receipt.siblingSums);
        if (!isWhole || root != settlement.receiptsRoot) revert IAttribution.InvalidProof("receipt");
    }

    function _receiptsTreeId(bytes32 channelId) internal view returns (bytes32) {
        return keccak256(abi.encode(KIND_RECEIPTS, block.chainid, INFERENCE_METERING_ADDRESS, channelId));
    }

    function _fee(bytes32 channelId, IAttribution.ReceiptEvidence calldata receipt) internal view returns (uint256) {
        IInferenceMetering.Channel memory channel = METERING.getChannel(channelId);
        return (receipt.tokensIn * channel.inputPrice + receipt.tokensOut * channel.outputPrice) / TOKENS_PER_PRICE;
    }

    /// @dev The amount is below a root's sum, but need not be a sum of money.
    function _weight(uint256 amount, uint256 platformPpm) internal pure returns (uint256) {
        uint256 platform = amount / PPM * platformPpm + amount % PPM * platformPpm / PPM;
        return (amount - platform) / WEI_PER_WEIGHT;
    }

    function _queryNorm(bytes calldata query, uint256 dimensions) internal pure returns (uint256 norm) {
        for (uint256 i = 0; i < dimensions; ++i) {
            int256 value = _number(query, i, QUERY_BYTES);
            norm += uint256(value * value);
        }
    }
}
