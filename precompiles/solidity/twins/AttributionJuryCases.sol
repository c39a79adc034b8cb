// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAttribution} from "../interfaces/IAttribution.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {IPolicy} from "../interfaces/IPolicy.sol";
import {AttributionDemands} from "./AttributionDemands.sol";
import {Commitments} from "./Commitments.sol";

/// @title Opening a case before a drawn jury, as `precompiles/attribution_jury_cases.py`
abstract contract AttributionJuryCases is AttributionDemands {
    uint256 internal constant SUBJECT_ROW = 1;
    uint256 internal constant SUBJECT_PRECONDITIONER = 2;
    uint256 internal constant SUBJECT_QUERY = 3;
    uint256 internal constant SUBJECT_AUDIT = 4;

    function openRowCase(uint256 indexId, bytes32 salt, IAttribution.RowLeaf calldata row)
        external
        payable
        returns (uint256 caseId)
    {
        row.proof.length;
        _refuseValue();
        IModelRegistry.FeatureIndex memory index = _accusedIndex(indexId, salt);
        _require(row.index < index.rows, "index");
        bytes32 leaf = Commitments.leafHash(
            abi.encode(row.index, row.canonicalIndex, row.contributorIndex, row.exponent, row.rowRoot)
        );
        if (!Commitments.isMember(leaf, row.index, row.proof, index.rows, index.rowsRoot)) {
            revert IAttribution.InvalidProof("row");
        }
        IAttribution.JuryCase memory found = _caseOfIndex(indexId, index, SUBJECT_ROW);
        found.position = row.index;
        found.content = row.rowRoot;
        found.exponent = row.exponent;
        return _openCase(found);
    }

    function openPreconditionerCase(uint256 indexId, bytes32 salt)
        external
        payable
        nonPayable
        returns (uint256 caseId)
    {
        IModelRegistry.FeatureIndex memory index = _accusedIndex(indexId, salt);
        IAttribution.JuryCase memory found = _caseOfIndex(indexId, index, SUBJECT_PRECONDITIONER);
        found.content = index.preconditionerHash;
        return _openCase(found);
    }

    function _accusedIndex(uint256 indexId, bytes32 salt)
        internal
        view
        returns (IModelRegistry.FeatureIndex memory index)
    {
        index = _challengedIndex(indexId, salt);
        if (_indexStatus(indexId) == INDEX_VOID) revert IAttribution.WrongStatus(INDEX_VOID);
    }

    function _caseOfIndex(uint256 indexId, IModelRegistry.FeatureIndex memory index, uint256 subject)
        internal
        view
        returns (IAttribution.JuryCase memory found)
    {
        found.key = INDEX_KEY + indexId;
        found.subject = subject;
        found.accused = index.signer;
        found.keeper = index.signer;
        found.policyVersion = index.policyVersion;
        IPolicy.Parameters memory policy = POLICY.getParameters(index.policyVersion);
        Commitment storage own = commitments[found.key][msg.sender];
        found.bond = own.bond;
        found.sharePpm = _sharePpm(policy, own, index.usableAt, policy.indexWindowSeconds);
    }

    /// @dev Moves the commitment's bond into a new case.
    function _openCase(IAttribution.JuryCase memory found) internal returns (uint256) {
        Commitment storage own = commitments[found.key][msg.sender];
        cases[found.key].bonds -= own.bond;
        own.bond = 0;
        own.used = 1;
        return _beginCase(found);
    }

    /// @dev Writes a new case down, whose bond is held, and asks for its first jury.
    function _beginCase(IAttribution.JuryCase memory found) internal returns (uint256 caseId) {
        found.challenger = msg.sender;
        found.stakedAt = block.timestamp - 1;
        found.rounds = 1;
        found.stake = _stakeOfOthers(found);
        if (found.stake == 0) revert IAttribution.NoJurors();
        caseId = ++juryCases;
        juryCase[caseId] = found;
        uint256 origin = _askForDraw(caseId, POLICY.getParameters(found.policyVersion).jurySeats);
        openDisputes[found.key]++;
        emit IAttribution.JuryCaseOpened(
            caseId, found.key, msg.sender, found.subject, found.position, found.content, origin
        );
    }

    function _askForDraw(uint256 caseId, uint256 size) internal returns (uint256 origin) {
        IAttribution.JuryCase storage found = juryCase[caseId];
        origin = _l1Origin() + POLICY.getParameters(found.policyVersion).juryDelayBlocks;
        juryDraws[caseId][found.rounds] = IAttribution.JuryDraw(origin, 0, size, 0, 0);
    }

    /// @dev All validators' stake but the parties': their own pools, and what they delegated to others'.
    function _stakeOfOthers(IAttribution.JuryCase memory found) internal view returns (uint256) {
        address[3] memory parties = _parties(found);
        uint256 own;
        uint256 all = STAKING.totalStakeAt(found.stakedAt);
        for (uint256 i = 0; i < 3; ++i) {
            if (i > 0 && parties[i] == address(0)) continue;
            own += STAKING.stakeAt(parties[i], found.stakedAt);
            own += _delegatedAt(address(0), parties[i], found.stakedAt);
            for (uint256 j = 0; j < 3; ++j) {
                if (i == j || (j > 0 && parties[j] == address(0))) continue;
                all += _delegatedAt(parties[j], parties[i], found.stakedAt);
            }
        }
        return all > own ? all - own : 0;
    }

    /// @dev The accused first; nobody stands where one would be named again.
    function _parties(IAttribution.JuryCase memory found) internal pure returns (address[3] memory parties) {
        parties[0] = found.accused;
        if (found.challenger != found.accused) parties[1] = found.challenger;
        if (found.keeper != found.accused && found.keeper != found.challenger) parties[2] = found.keeper;
    }

    /// @dev What an account delegated to a validator, or to all of them for address 0, as Staking keeps it.
    function _delegatedAt(address operator, address delegator, uint256 time) internal view returns (uint256) {
        return STAKING.stakeAt(address(uint160(uint256(keccak256(abi.encode(operator, delegator))))), time);
    }
}
