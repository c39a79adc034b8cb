// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAttribution} from "../interfaces/IAttribution.sol";
import {IPolicy} from "../interfaces/IPolicy.sol";
import {AttributionQueryCases} from "./AttributionQueryCases.sol";

/// @title Draw, votes and decision of a jury, as `precompiles/attribution_juries.py`
abstract contract AttributionJuries is AttributionQueryCases {
    uint256 internal constant OUTCOME_OPEN = 0;
    uint256 internal constant RIGHT = 1;
    uint256 internal constant WRONG = 2;
    uint256 internal constant NOT_AVAILABLE = 3;
    uint256 internal constant NOT_PROVEN = 4;
    uint256 internal constant COORDINATES = 16;
    uint256 internal constant ROUNDS = 2;
    uint256 internal constant RING_LENGTH = 8_192;

    function drawJury(uint256 caseId) external payable nonPayable {
        IAttribution.JuryCase storage found = _openJuryCase(caseId);
        uint256 round = found.rounds;
        IAttribution.JuryDraw storage drawn = juryDraws[caseId][round];
        if (drawn.seed != 0) revert IAttribution.WrongStatus(round);
        uint256 number = _l1Origin();
        if (number < drawn.origin) revert IAttribution.NotDueYet(drawn.origin);
        if (number - drawn.origin >= RING_LENGTH) {
            emit IAttribution.JuryRedrawn(caseId, round, _askForDraw(caseId, drawn.size));
            return;
        }
        bytes32 randomness = L1_BLOCK.prevRandaoOf(uint64(drawn.origin));
        drawn.seed = keccak256(abi.encode(randomness, block.chainid, caseId, round));
        IPolicy.Parameters memory policy = POLICY.getParameters(found.policyVersion);
        drawn.commitUntil = block.timestamp + policy.juryCommitSeconds;
        drawn.revealUntil = drawn.commitUntil + policy.juryRevealSeconds;
        emit IAttribution.JuryDrawn(
            caseId, round, drawn.seed, drawn.size, drawn.commitUntil, drawn.revealUntil
        );
    }

    function commitVerdict(uint256 caseId, bytes32 commitment) external payable nonPayable {
        (IAttribution.JuryCase storage found, IAttribution.JuryDraw storage drawn) = _drawnCase(caseId);
        if (block.timestamp > drawn.commitUntil) revert IAttribution.WindowClosed(drawn.commitUntil);
        _require(commitment != 0, "commitment");
        uint256 seats = _seats(found, drawn, msg.sender);
        if (seats == 0) revert IAttribution.NotParty(msg.sender);
        uint256 round = found.rounds;
        _require(jurors[caseId][round][msg.sender].commitment == 0, "juror");
        jurors[caseId][round][msg.sender] = IAttribution.Juror(commitment, seats, 0, 0);
        emit IAttribution.VerdictCommitted(caseId, msg.sender, round, seats);
    }

    function revealVerdict(uint256 caseId, uint256 verdict, bytes calldata values, bytes32 salt)
        external
        payable
        nonPayable
    {
        (IAttribution.JuryCase storage found, IAttribution.JuryDraw storage drawn) = _drawnCase(caseId);
        if (block.timestamp <= drawn.commitUntil) revert IAttribution.WindowOpen(drawn.commitUntil);
        if (block.timestamp > drawn.revealUntil) revert IAttribution.WindowClosed(drawn.revealUntil);
        _require(verdict >= RIGHT && verdict <= NOT_AVAILABLE, "verdict");
        _require(values.length == (verdict == NOT_AVAILABLE ? 0 : _valuesBytes(found.subject)), "values");
        IAttribution.Juror storage own = jurors[caseId][found.rounds][msg.sender];
        bytes32 work = keccak256(values);
        bytes32 opened = keccak256(abi.encode(caseId, found.rounds, msg.sender, verdict, work, salt));
        if (own.commitment != opened || own.opinion != 0) revert IAttribution.CommitmentNotFound();
        own.opinion = keccak256(abi.encode(verdict, work));
        _count(caseId, own.seats, own.opinion, verdict);
        emit IAttribution.VerdictRevealed(caseId, msg.sender, verdict, values);
    }

    function closeJuryCase(uint256 caseId) external payable nonPayable {
        (IAttribution.JuryCase storage found, IAttribution.JuryDraw storage drawn) = _drawnCase(caseId);
        if (block.timestamp <= drawn.revealUntil) revert IAttribution.WindowOpen(drawn.revealUntil);
        bool isDecided = _isDecided(caseId, found);
        if (!isDecided && found.rounds < ROUNDS) {
            found.rounds++;
            emit IAttribution.JuryRedrawn(caseId, found.rounds, _askForDraw(caseId, 2 * drawn.size));
            return;
        }
        _closeCase(caseId, isDecided ? found.leaderVerdict : NOT_PROVEN);
    }

    function _existingCase(uint256 caseId) internal view returns (IAttribution.JuryCase storage) {
        if (caseId == 0 || caseId > juryCases) revert IAttribution.JuryCaseNotFound(caseId);
        return juryCase[caseId];
    }

    function _openJuryCase(uint256 caseId) internal view returns (IAttribution.JuryCase storage found) {
        found = _existingCase(caseId);
        if (found.outcome != OUTCOME_OPEN) revert IAttribution.WrongStatus(found.outcome);
    }

    function _drawnCase(uint256 caseId)
        internal
        view
        returns (IAttribution.JuryCase storage found, IAttribution.JuryDraw storage drawn)
    {
        found = _openJuryCase(caseId);
        drawn = juryDraws[caseId][found.rounds];
        if (drawn.seed == 0) revert IAttribution.JuryNotDrawn(caseId, found.rounds);
    }

    function _valuesBytes(uint256 subject) internal pure returns (uint256) {
        if (subject == SUBJECT_PRECONDITIONER) return 0;
        return subject == SUBJECT_QUERY ? COORDINATES * QUERY_BYTES : COORDINATES;
    }

    function _seats(
        IAttribution.JuryCase storage found,
        IAttribution.JuryDraw storage drawn,
        address account
    ) internal view returns (uint256) {
        if (drawn.seed == 0 || _isParty(found, account)) return 0;
        uint256 weight = STAKING.stakeAt(account, found.stakedAt);
        if (weight < POLICY.getParameters(found.policyVersion).minimumValidatorStake) return 0;
        uint256 theirs = _delegatedByParties(found, account);
        weight = weight > theirs ? weight - theirs : 0;
        uint256 total = found.stake;
        uint256 lot = uint256(keccak256(abi.encode(drawn.seed, account))) % total;
        uint256 parts = drawn.size * weight;
        return parts / total + (lot < parts % total ? 1 : 0);
    }

    function _delegatedByParties(IAttribution.JuryCase storage found, address account)
        internal
        view
        returns (uint256 theirs)
    {
        address[3] memory parties = _parties(found);
        for (uint256 i = 0; i < 3; ++i) {
            if (i == 0 || parties[i] != address(0)) theirs += _delegatedAt(account, parties[i], found.stakedAt);
        }
    }

    function _isParty(IAttribution.JuryCase storage found, address account) internal view returns (bool) {
        return account == found.accused || account == found.challenger || account == found.keeper;
    }

    function _count(uint256 caseId, uint256 seats, bytes32 opinion, uint256 verdict) internal {
        IAttribution.JuryCase storage found = juryCase[caseId];
        uint256 held = opinions[caseId][opinion] += seats;
        found.revealed += seats;
        if (held <= found.leaderSeats) return;
        found.leader = opinion;
        found.leaderSeats = held;
        found.leaderVerdict = verdict;
    }

    function _isDecided(uint256 caseId, IAttribution.JuryCase storage found) internal view returns (bool) {
        uint256 drawn;
        for (uint256 round = 1; round <= found.rounds; ++round) drawn += juryDraws[caseId][round].size;
        bool hasQuorum = found.revealed > 0 && 2 * found.revealed >= drawn;
        return hasQuorum && 3 * found.leaderSeats >= 2 * found.revealed;
    }

    function _closeCase(uint256 caseId, uint256 outcome) internal {
        IAttribution.JuryCase storage found = juryCase[caseId];
        uint256 seats = outcome == NOT_PROVEN ? found.revealed : found.leaderSeats;
        uint256 pay = seats == 0 ? 0 : found.bond / seats;
        uint256 fee = POLICY.getParameters(found.policyVersion).jurorFee;
        if (pay > fee) pay = fee;
        uint256 rest = found.bond - pay * seats;
        found.outcome = outcome;
        found.payPerSeat = pay;
        found.bond = pay * seats;
        openDisputes[found.key]--;
        if (outcome == WRONG || outcome == NOT_AVAILABLE) {
            _convictInCase(found, outcome, Award(found.sharePpm, pay * seats));
        }
        if (found.subject == SUBJECT_AUDIT) auditsFund += rest;
        else _pay(outcome == RIGHT ? found.accused : found.challenger, rest);
        emit IAttribution.JuryCaseClosed(caseId, outcome, pay);
    }

    /// @dev A query that is wrong is its provider's; everything else is the index's, and costs a post on it.
    function _convictInCase(IAttribution.JuryCase storage found, uint256 outcome, Award memory award) internal {
        if (found.subject == SUBJECT_QUERY && outcome == WRONG) {
            _voidByDefault(found.key, found.challenger, found.settlementId, award);
            return;
        }
        bool isOfPost = found.key < INDEX_KEY;
        uint256 indexId = isOfPost ? posts[found.key].featureIndex : found.key - INDEX_KEY;
        if (found.subject == SUBJECT_AUDIT) award.cost = 0;
        _voidIndexByDefault(indexId, found.challenger, award);
        if (isOfPost) _voidWithoutBlame(found.key, found.challenger);
    }
}
