// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAttribution} from "../interfaces/IAttribution.sol";
import {IInferenceMetering} from "../interfaces/IInferenceMetering.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {AttributionParents} from "./AttributionParents.sol";
import {RecordTexts} from "./RecordTexts.sol";
import {Signatures} from "./Signatures.sol";

/// @title Challenges of signed explanations, as `precompiles/attribution_spans.py`
abstract contract AttributionSpans is AttributionParents {
    uint256 internal constant MAXIMUM_SPANS = 64;
    bytes32 internal constant SPAN_TYPE =
        keccak256("Span(uint256 start,uint256 end,uint256 record,uint256 offset,bytes32 textHash)");
    bytes32 internal constant EXPLANATION_TYPE = keccak256(
        "Explanation(bytes32 channelId,uint256 number,uint256 featureIndex,bytes32 outputHash,Span[] spans)Span(uint256 start,uint256 end,uint256 record,uint256 offset,bytes32 textHash)"
    );

    /// @dev Who signed, and the policy version of the channel.
    struct Accused {
        address provider;
        uint256 policyVersion;
    }

    function commitSpanChallenge(bytes32 commitment) external payable nonPayable {
        _require(commitment != 0 && spanCommitments[commitment] == 0, "commitment");
        spanCommitments[commitment] = block.timestamp;
        emit IAttribution.SpanChallengeCommitted(msg.sender, commitment);
    }

    function challengeSpan(
        bytes32 salt,
        IAttribution.Explanation calldata explanation,
        IAttribution.Span[] calldata spans,
        bytes calldata signature,
        uint256 span,
        IAttribution.RecordEvidence calldata record,
        bytes calldata content
    ) external payable {
        _open(record);
        _refuseValue();
        Accused memory accused = _accused(salt, explanation, spans, signature);
        _require(span < spans.length, "span");
        if (_isInRecord(explanation.featureIndex, spans[span], record, content)) {
            revert IAttribution.ChallengeFailed(span, span);
        }
        _convictProvider(explanation, accused);
    }

    function challengeAnswerSpan(
        bytes32 salt,
        IAttribution.Explanation calldata explanation,
        IAttribution.Span[] calldata spans,
        bytes calldata signature,
        uint256 span,
        bytes calldata output
    ) external payable nonPayable {
        Accused memory accused = _accused(salt, explanation, spans, signature);
        _require(span < spans.length, "span");
        if (keccak256(output) != explanation.outputHash) revert IAttribution.InvalidProof("output");
        if (_stands(spans[span], RecordTexts.answerText(output), spans[span].start)) {
            revert IAttribution.ChallengeFailed(span, span);
        }
        _convictProvider(explanation, accused);
    }

    function challengeExplanations(
        bytes32 salt,
        IAttribution.Explanation calldata explanation,
        IAttribution.Span[] calldata spans,
        bytes calldata signature,
        IAttribution.Explanation calldata other,
        IAttribution.Span[] calldata otherSpans,
        bytes calldata otherSignature
    ) external payable nonPayable {
        Accused memory accused = _accused(salt, explanation, spans, signature);
        _require(otherSpans.length <= MAXIMUM_SPANS, "spans");
        _checkSigned(accused.provider, other, otherSpans, otherSignature);
        _require(explanation.channelId == other.channelId && explanation.number == other.number, "other");
        if (explanation.outputHash == other.outputHash) {
            revert IAttribution.ChallengeFailed(explanation.number, other.number);
        }
        _convictProvider(explanation, accused);
    }

    /// @dev A span of no length, or of a record that is no row, stands nowhere.
    function _isInRecord(
        uint256 indexId,
        IAttribution.Span calldata span,
        IAttribution.RecordEvidence calldata record,
        bytes calldata content
    ) internal view returns (bool) {
        IModelRegistry.FeatureIndex memory index;
        try MODELS.getFeatureIndex(indexId) returns (IModelRegistry.FeatureIndex memory found) {
            index = found;
        } catch {}
        if (span.start >= span.end || span.record >= index.rows) return false;
        _require(_place(index, record).index == span.record, "record");
        if (keccak256(content) != record.contentHash) revert IAttribution.InvalidProof("content");
        if (!RecordTexts.isText(content)) return false;
        return _stands(span, RecordTexts.plainText(content), span.offset);
    }

    function _stands(IAttribution.Span calldata span, bytes memory text, uint256 at) internal pure returns (bool) {
        if (span.start >= span.end) return false;
        uint256 size = span.end - span.start;
        if (size > text.length || at > text.length - size) return false;
        bytes32 hash;
        assembly ("memory-safe") {
            hash := keccak256(add(add(text, 32), at), size)
        }
        return hash == span.textHash;
    }

    function _accused(
        bytes32 salt,
        IAttribution.Explanation calldata explanation,
        IAttribution.Span[] calldata spans,
        bytes calldata signature
    ) internal view returns (Accused memory accused) {
        _require(spans.length <= MAXIMUM_SPANS, "spans");
        try METERING.getChannel(explanation.channelId) returns (IInferenceMetering.Channel memory channel) {
            accused = Accused(channel.provider, channel.policyVersion);
        } catch {}
        bytes32 digest = _checkSigned(accused.provider, explanation, spans, signature);
        uint256 committed = spanCommitments[keccak256(abi.encode(digest, msg.sender, salt))];
        if (committed == 0) revert IAttribution.CommitmentNotFound();
        if (block.timestamp <= committed) revert IAttribution.NotDueYet(committed + 1);
        uint256 until = committed + POLICY.getParameters(accused.policyVersion).challengeRevealSeconds;
        if (block.timestamp > until) revert IAttribution.WindowClosed(until);
        if (spansProved[explanation.channelId][explanation.number] != 0) {
            revert IAttribution.AlreadyProved(explanation.channelId, explanation.number);
        }
    }

    function _checkSigned(
        address provider,
        IAttribution.Explanation calldata explanation,
        IAttribution.Span[] calldata spans,
        bytes calldata signature
    ) internal view returns (bytes32 digest) {
        bytes32[] memory hashes = new bytes32[](spans.length);
        for (uint256 i = 0; i < spans.length; ++i) hashes[i] = keccak256(abi.encode(SPAN_TYPE, spans[i]));
        bytes32 list = keccak256(abi.encodePacked(hashes));
        digest = Signatures.digest(
            "OpenLedger Attribution", keccak256(abi.encode(EXPLANATION_TYPE, explanation, list))
        );
        address signer = Signatures.recover(digest, signature);
        if (signer == address(0) || signer != provider) revert IAttribution.InvalidSignature();
    }

    function _convictProvider(IAttribution.Explanation calldata explanation, Accused memory accused) internal {
        spansProved[explanation.channelId][explanation.number] = 1;
        uint256 amount = _take(accused.provider, accused.policyVersion);
        uint256 reward = _creditDefault(msg.sender, amount, _plainAward(accused.policyVersion));
        emit IAttribution.ExplanationProvedFalse(
            explanation.channelId, explanation.number, accused.provider, msg.sender, amount, reward
        );
    }
}
