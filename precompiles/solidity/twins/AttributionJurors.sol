// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAttribution} from "../interfaces/IAttribution.sol";
import {IPolicy} from "../interfaces/IPolicy.sol";
import {IStaking} from "../interfaces/IStaking.sol";
import {AttributionJuries} from "./AttributionJuries.sol";

/// @title Jurors' pay and absence, and the readings of juries, as `precompiles/attribution_jurors.py`
abstract contract AttributionJurors is AttributionJuries {
    uint256 internal constant VALIDATOR = 1;

    function claimJurorPay(uint256 caseId) external payable nonPayable returns (uint256 amount) {
        IAttribution.JuryCase storage found = _existingCase(caseId);
        if (found.outcome == OUTCOME_OPEN) revert IAttribution.WrongStatus(found.outcome);
        for (uint256 round = 1; round <= found.rounds; ++round) amount += _settleJuror(caseId, found, round);
        if (amount == 0) revert IAttribution.NothingToClaim();
        found.bond -= amount;
        _pay(msg.sender, amount);
        emit IAttribution.JurorPaid(caseId, msg.sender, amount);
    }

    function punishAbsence(uint256 caseId, uint256 round, address account) external payable nonPayable {
        IAttribution.JuryCase storage found = _existingCase(caseId);
        _require(round > 0 && round <= found.rounds, "round");
        IAttribution.JuryDraw storage drawn = juryDraws[caseId][round];
        if (drawn.seed == 0) revert IAttribution.JuryNotDrawn(caseId, round);
        if (block.timestamp <= drawn.revealUntil) revert IAttribution.WindowOpen(drawn.revealUntil);
        IAttribution.Juror storage own = jurors[caseId][round][account];
        bool isAbsent = own.opinion == 0 && own.settled == 0;
        if (!isAbsent || _seats(found, drawn, account) == 0) revert IAttribution.NotParty(account);
        IPolicy.Parameters memory policy = POLICY.getParameters(found.policyVersion);
        IStaking.Position memory position = STAKING.position(account, VALIDATOR);
        uint256 taken_ = position.active + position.unbonding;
        if (taken_ > policy.absenceSlash) taken_ = policy.absenceSlash;
        if (taken_ == 0) revert IAttribution.NothingToClaim();
        own.settled = 1;
        validatorsSlashed[account] += taken_;
        uint256 reward = taken_ * policy.challengerPpm / PPM;
        rewards[msg.sender] += reward;
        rewards[TREASURY] += taken_ - reward;
        emit IAttribution.AbsencePunished(caseId, account, round, taken_, reward);
    }

    function seatsOf(uint256 caseId, uint256 round, address account) external payable nonPayable returns (uint256) {
        IAttribution.JuryCase storage found = _existingCase(caseId);
        return _seats(found, juryDraws[caseId][round], account);
    }

    function coordinatesOf(uint256 caseId) external payable nonPayable returns (uint256[] memory places) {
        IAttribution.JuryCase storage found = _existingCase(caseId);
        bytes32 seed = juryDraws[caseId][1].seed;
        if (seed == 0) revert IAttribution.JuryNotDrawn(caseId, 1);
        uint256 indexId = found.key < INDEX_KEY ? posts[found.key].featureIndex : found.key - INDEX_KEY;
        uint256 dimensions = MODELS.getFeatureIndex(indexId).dimensions;
        places = new uint256[](COORDINATES);
        for (uint256 i = 0; i < COORDINATES; ++i) places[i] = uint256(keccak256(abi.encode(seed, i))) % dimensions;
    }

    function getJuryCase(uint256 caseId) external payable nonPayable returns (IAttribution.JuryCase memory) {
        return _existingCase(caseId);
    }

    function getJuryDraw(uint256 caseId, uint256 round)
        external
        payable
        nonPayable
        returns (IAttribution.JuryDraw memory)
    {
        uint256 rounds = _existingCase(caseId).rounds;
        _require(round > 0 && round <= rounds, "round");
        return juryDraws[caseId][round];
    }

    function getJuror(uint256 caseId, uint256 round, address account)
        external
        payable
        nonPayable
        returns (IAttribution.Juror memory)
    {
        uint256 rounds = _existingCase(caseId).rounds;
        _require(round > 0 && round <= rounds, "round");
        return jurors[caseId][round][account];
    }

    function juryCaseCount() external payable nonPayable returns (uint256) {
        return juryCases;
    }

    function validatorSlashedOf(address account) external payable nonPayable returns (uint256) {
        return validatorsSlashed[account];
    }

    function _settleJuror(uint256 caseId, IAttribution.JuryCase storage found, uint256 round)
        internal
        returns (uint256)
    {
        IAttribution.Juror storage own = jurors[caseId][round][msg.sender];
        if (own.opinion == 0 || own.settled != 0) return 0;
        if (found.outcome != NOT_PROVEN && own.opinion != found.leader) return 0;
        own.settled = 1;
        return own.seats * found.payPerSeat;
    }
}
