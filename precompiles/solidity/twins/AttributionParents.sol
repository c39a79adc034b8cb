// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAttribution} from "../interfaces/IAttribution.sol";
import {IDatanetRegistry} from "../interfaces/IDatanetRegistry.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {AttributionRecords} from "./AttributionRecords.sol";
import {Commitments} from "./Commitments.sol";

/// @title Challenges of whom an index credits with a row, as `precompiles/attribution_parents.py`
abstract contract AttributionParents is AttributionRecords {
    uint256 internal constant MAXIMUM_PARENTS = 64;
    uint256 internal constant ACCEPTED = 3;
    uint256 internal constant NOWHERE = type(uint256).max;

    function challengeOwner(
        uint256 indexId,
        bytes32 salt,
        IAttribution.RecordEvidence calldata record,
        bytes32[] calldata parents,
        IAttribution.RowLeaf calldata parent,
        address credited,
        IAttribution.WideSum calldata sum
    ) external payable {
        _open(record);
        parent.proof.length;
        _open(sum);
        _refuseValue();
        IModelRegistry.FeatureIndex memory index = _challengedIndex(indexId, salt);
        Place memory place = _place(index, record);
        _checkRowLeaf(index, place, record);
        _require(record.contributorIndex < index.contributors, "contributorIndex");
        _checkWideSum(_indexChallenge(index, record.contributorIndex, credited), sum);
        _require(parents.length <= MAXIMUM_PARENTS, "parents");
        if (keccak256(abi.encodePacked(parents)) != record.parentsHash) revert IAttribution.InvalidProof("parents");
        (bool isDrawn, address creditor) = _creditor(index, record, place, parents, parent);
        if (isDrawn && credited == creditor) {
            revert IAttribution.ChallengeFailed(record.contributorIndex, record.contributorIndex);
        }
        _convictIndex(indexId, index);
    }

    /// @return isDrawn whether anybody can know yet whose the row is
    /// @return creditor whose it is
    function _creditor(
        IModelRegistry.FeatureIndex memory index,
        IAttribution.RecordEvidence calldata record,
        Place memory place,
        bytes32[] calldata parents,
        IAttribution.RowLeaf calldata shown
    ) internal view returns (bool isDrawn, address creditor) {
        creditor = place.contributor;
        if (parents.length == 0) return (true, creditor);
        bytes32 randomness = DATANETS.getAcceptance(record.contributionId).randomness;
        if (randomness == 0) return (false, creditor);
        uint256 drawn = uint256(keccak256(abi.encode(randomness, place.leaf))) % (2 * parents.length);
        if (drawn >= parents.length) return (true, creditor);
        uint256 contributionId = uint256(parents[drawn]) >> 128;
        uint256 position = uint128(uint256(parents[drawn]));
        IDatanetRegistry.Contribution memory contribution = _contribution(contributionId);
        uint256 first = _firstRow(index.modelId, contributionId, contribution);
        bool isEarlier = contributionId < record.contributionId;
        if (first == NOWHERE || !isEarlier || position >= contribution.records) return (true, creditor);
        _require(shown.index == first + position, "parent");
        _checkShownRow(index, shown);
        return (true, shown.canonicalIndex == shown.index ? contribution.contributor : creditor);
    }

    /// @dev The index's row of a contribution's first record, if a source of the model holds it.
    function _firstRow(
        uint256 modelId,
        uint256 contributionId,
        IDatanetRegistry.Contribution memory contribution
    ) internal view returns (uint256 before) {
        if (contribution.status != ACCEPTED) return NOWHERE;
        IDatanetRegistry.Acceptance memory accepted = DATANETS.getAcceptance(contributionId);
        uint256 sources = MODELS.getModel(modelId).sources;
        for (uint256 i = 0; i < sources; ++i) {
            (uint256 datanetId, uint256 number) = MODELS.getSource(modelId, i);
            IDatanetRegistry.Version memory version = DATANETS.getVersion(datanetId, number);
            if (datanetId == contribution.datanetId && accepted.position < version.contributions) {
                return before + accepted.firstRecord;
            }
            before += version.records;
        }
        return NOWHERE;
    }

    function _checkShownRow(IModelRegistry.FeatureIndex memory index, IAttribution.RowLeaf calldata row)
        internal
        pure
    {
        _require(row.index < index.rows, "index");
        bytes32 leaf = Commitments.leafHash(
            abi.encode(row.index, row.canonicalIndex, row.contributorIndex, row.exponent, row.rowRoot)
        );
        if (!Commitments.isMember(leaf, row.index, row.proof, index.rows, index.rowsRoot)) {
            revert IAttribution.InvalidProof("row");
        }
    }
}
