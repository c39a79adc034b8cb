// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAttribution} from "../interfaces/IAttribution.sol";
import {IInferenceMetering} from "../interfaces/IInferenceMetering.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {AttributionJuryCases} from "./AttributionJuryCases.sol";
import {AttributionTallies} from "./AttributionTallies.sol";
import {Commitments} from "./Commitments.sol";

/// @title Bringing a receipt's query before a drawn jury, as `precompiles/attribution_query_cases.py`
abstract contract AttributionQueryCases is AttributionTallies, AttributionJuryCases {
    function showQuery(bytes32[] calldata chunks, bytes calldata part) external payable nonPayable {
        _require(chunks.length > 0 && chunks.length <= MAXIMUM_CHUNKS, "chunks");
        _require(part.length > 0 && part.length % QUERY_BYTES == 0, "part");
        bytes32 root = Commitments.chunksRoot(chunks);
        uint256 first = shownCoordinates[root];
        uint256 place = first / Commitments.CHUNK_COORDINATES;
        uint256 size = Commitments.CHUNK_COORDINATES * QUERY_BYTES;
        uint256 end = place + (part.length + size - 1) / size;
        bool isWhole = part.length % size == 0;
        bool isNext = first % Commitments.CHUNK_COORDINATES == 0 && end <= chunks.length;
        _require(isNext && (isWhole || end == chunks.length), "part");
        _checkPieces(chunks, place, part, QUERY_BYTES, "part");
        shownCoordinates[root] = first + part.length / QUERY_BYTES;
        emit IAttribution.QueryShown(root, first, part);
    }

    function shownOf(bytes32 queryRoot) external payable nonPayable returns (uint256) {
        return shownCoordinates[queryRoot];
    }

    function openQueryCase(
        uint256 postId,
        bytes32 salt,
        IAttribution.BatchClaim[] calldata batches,
        uint256 batch,
        IAttribution.QueryLeaf calldata leaf,
        IAttribution.ReceiptEvidence calldata receipt,
        IAttribution.ShownAnswer calldata shown
    ) external payable returns (uint256 caseId) {
        _open(leaf);
        _open(receipt);
        _open(shown);
        _refuseValue();
        _checkCommitment(postId, salt, batches);
        if (posts[postId].status != PENDING) revert IAttribution.WrongStatus(posts[postId].status);
        _require(batch < batches.length, "batch");
        caseId = _openQueryCase(postId, batches[batch].settlementId, leaf, receipt, shown);
        emit IAttribution.AnswerShown(caseId, shown.prompt, shown.output);
    }

    function _openQueryCase(
        uint256 postId,
        uint256 settlementId,
        IAttribution.QueryLeaf calldata leaf,
        IAttribution.ReceiptEvidence calldata receipt,
        IAttribution.ShownAnswer calldata shown
    ) internal returns (uint256) {
        IInferenceMetering.Settlement memory settlement = _settlement(settlementId);
        _checkQueryLeaf(settlement, leaf);
        _require(receipt.number == leaf.number, "number");
        _checkReceipt(settlement, receipt);
        if (keccak256(shown.prompt) != receipt.promptHash) revert IAttribution.InvalidProof("prompt");
        if (keccak256(shown.output) != receipt.outputHash) revert IAttribution.InvalidProof("output");
        IModelRegistry.FeatureIndex memory index = MODELS.getFeatureIndex(settlement.featureIndex);
        if (shownCoordinates[leaf.queryRoot] != index.dimensions) revert IAttribution.InvalidProof("query");
        IAttribution.JuryCase memory found = _caseOfPost(postId);
        found.position = leaf.number;
        found.content = leaf.queryRoot;
        found.settlementId = settlementId;
        found.accused = _guiltyOf(posts[postId], settlementId);
        found.keeper = index.signer;
        return _openCase(found);
    }

    function _open(IAttribution.ShownAnswer calldata shown) internal pure returns (uint256) {
        return shown.prompt.length + shown.output.length;
    }

    function _caseOfPost(uint256 postId) internal view returns (IAttribution.JuryCase memory found) {
        Case storage file = cases[postId];
        Commitment storage own = commitments[postId][msg.sender];
        found.key = postId;
        found.subject = SUBJECT_QUERY;
        found.policyVersion = file.policyVersion;
        found.bond = own.bond;
        found.sharePpm = _challengerPpm(posts[postId], file, own);
    }
}
