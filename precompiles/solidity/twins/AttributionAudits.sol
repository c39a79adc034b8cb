// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAttribution} from "../interfaces/IAttribution.sol";
import {IInferenceMetering} from "../interfaces/IInferenceMetering.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {IPolicy} from "../interfaces/IPolicy.sol";
import {AttributionJurors} from "./AttributionJurors.sol";
import {AttributionRecords} from "./AttributionRecords.sol";
import {Commitments, SumNode, SumTree} from "./Commitments.sol";

/// @title Audits of posts by lot, as `precompiles/attribution_audits.py`
abstract contract AttributionAudits is AttributionRecords, AttributionJurors {
    uint256 internal constant JURY_SEATS_PER_CASE = 3;

    function auditOf(uint256 postId) external payable nonPayable returns (bool isDrawn, uint256 place) {
        _existing(postId);
        return _lot(postId, _auditSeed(postId));
    }

    function openAudit(
        uint256 postId,
        uint256 contributorIndex,
        address contributor,
        IAttribution.SumLeaf calldata amount,
        IAttribution.WideSum calldata sum
    ) external payable returns (uint256 caseId) {
        _open(amount);
        _open(sum);
        _checkAudit(postId);
        bytes32 seed = _auditSeed(postId);
        (bool isDrawn, uint256 place) = _lot(postId, seed);
        if (!isDrawn) revert IAttribution.NotAudited(postId);
        IModelRegistry.FeatureIndex memory index = MODELS.getFeatureIndex(posts[postId].featureIndex);
        _require(contributorIndex < index.contributors, "contributorIndex");
        _checkPlace(_challenge(postId, contributorIndex, contributor), amount, place);
        _checkWideSum(_indexChallenge(index, contributorIndex, contributor), sum);
        _require(sum.records > 0, "records");
        IAttribution.JuryCase memory found = _auditCase(postId, index.signer);
        found.position = contributorIndex;
        found.content = bytes32(uint256(keccak256(abi.encode(seed, 1))) % sum.records);
        caseId = _beginCase(found);
        audits[postId] = caseId;
    }

    function fundAudits() external payable {
        auditsFund += msg.value;
    }

    function auditFund() external payable nonPayable returns (uint256) {
        return _auditFund();
    }

    function releaseSettlement(uint256 settlementId) external payable nonPayable {
        IInferenceMetering.Settlement memory settlement = _settled(settlementId);
        if (_postOfSettlement(settlementId) != 0) revert IAttribution.AlreadyAttributed(settlementId);
        uint256 status = _indexStatus(settlement.featureIndex);
        if (status != INDEX_VOID) revert IAttribution.WrongStatus(status);
        postOf[settlementId] = VOID_SETTLEMENT;
        uint256 modelId = MODELS.getFeatureIndex(settlement.featureIndex).modelId;
        carry[modelId] += settlement.pool;
        emit IAttribution.SettlementReleased(settlementId, modelId, settlement.pool);
    }

    function _auditFund() internal view returns (uint256) {
        return auditsFund + METERING.auditsTotal() - auditsTaken;
    }

    function _checkAudit(uint256 postId) internal view {
        IAttribution.Post storage posted = _existing(postId);
        if (posted.status != PENDING) revert IAttribution.WrongStatus(posted.status);
        uint256 until = _contestableUntil(postId);
        if (block.timestamp > until) revert IAttribution.WindowClosed(until);
        _require(audits[postId] == 0, "postId");
    }

    function _auditSeed(uint256 postId) internal view returns (bytes32) {
        uint256 delay = POLICY.getParameters(cases[postId].policyVersion).juryDelayBlocks;
        uint256 origin = postOrigins[postId] + delay;
        uint256 number = _l1Origin();
        if (number < origin) revert IAttribution.NotDueYet(origin);
        if (number - origin >= RING_LENGTH) revert IAttribution.WindowClosed(posts[postId].contestableUntil);
        return keccak256(abi.encode(L1_BLOCK.prevRandaoOf(uint64(origin)), block.chainid, postId));
    }

    function _lot(uint256 postId, bytes32 seed) internal view returns (bool, uint256) {
        uint256 amountSum = posts[postId].amountSum;
        IPolicy.Parameters memory policy = POLICY.getParameters(cases[postId].policyVersion);
        uint256 pay = policy.jurySeats * policy.jurorFee;
        uint256 weighed = amountSum < pay ? amountSum : pay;
        if (weighed == 0 || uint256(seed) % (PPM * pay) >= policy.auditPpm * weighed) return (false, 0);
        return (true, uint256(keccak256(abi.encode(seed))) % amountSum);
    }

    /// @dev The contributor's posted amount covers this wei of the sum.
    function _checkPlace(Challenge memory c, IAttribution.SumLeaf calldata amount, uint256 place) internal view {
        SumTree memory tree = _amountsTree(c.postId, c.contributors);
        SumNode memory opened = Commitments.sumLeaf(tree.id, c.position, c.key, amount.amount);
        bool isPosted = Commitments.contains(tree, opened, c.position, amount.siblings, amount.siblingSums);
        if (amount.key != c.key || !isPosted) revert IAttribution.InvalidProof("amount");
        uint256 before;
        for (uint256 level = 0; level < amount.siblingSums.length; ++level) {
            if ((c.position >> level) & 1 != 0) before += amount.siblingSums[level];
        }
        if (place < before || place - before >= amount.amount) revert IAttribution.InvalidProof("place");
    }

    function _auditCase(uint256 postId, address accused) internal returns (IAttribution.JuryCase memory found) {
        found.policyVersion = cases[postId].policyVersion;
        IPolicy.Parameters memory policy = POLICY.getParameters(found.policyVersion);
        uint256 pay = JURY_SEATS_PER_CASE * policy.jurySeats * policy.jurorFee;
        uint256 fund = _auditFund() + msg.value;
        if (fund < pay) revert IAttribution.WrongBond(pay, fund);
        auditsFund = fund - pay;
        auditsTaken = METERING.auditsTotal();
        found.key = postId;
        found.subject = SUBJECT_AUDIT;
        found.accused = accused;
        found.keeper = accused;
        found.bond = pay;
        found.sharePpm = policy.challengerPpm;
    }
}
