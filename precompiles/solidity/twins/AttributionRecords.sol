// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAttribution} from "../interfaces/IAttribution.sol";
import {DATANET_REGISTRY_ADDRESS, IDatanetRegistry} from "../interfaces/IDatanetRegistry.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {AttributionTallies} from "./AttributionTallies.sol";
import {Commitments} from "./Commitments.sol";
import {MinHash} from "./MinHash.sol";
import {RecordTexts} from "./RecordTexts.sol";

/// @title Challenges of the records behind an index, as `precompiles/attribution_records.py`
abstract contract AttributionRecords is AttributionTallies {
    /// @dev Where a record stands: its number in the index, whose it is, its leaf, and the block of its commit.
    struct Place {
        uint256 index;
        address contributor;
        bytes32 leaf;
        uint256 commitBlock;
    }

    bytes5 internal constant VECTOR_MAGIC = "OLVC\x01";
    uint256 internal constant VECTOR_HEAD_BYTES = 9;
    uint256 internal constant VECTOR_LABEL_BYTES = 4;
    uint256 internal constant MAXIMUM_FEATURES = 49_152;
    IDatanetRegistry internal constant DATANETS = IDatanetRegistry(DATANET_REGISTRY_ADDRESS);

    function challengeCount(uint256 indexId, bytes32 salt) external payable nonPayable {
        IModelRegistry.FeatureIndex memory index = _challengedIndex(indexId, salt);
        uint256 records = _recordsBefore(index.modelId, MODELS.getModel(index.modelId).sources);
        if (records == index.rows) revert IAttribution.ChallengeFailed(index.rows, records);
        _convictIndex(indexId, index);
    }

    function challengeDuplicate(
        uint256 indexId,
        bytes32 salt,
        IAttribution.RecordEvidence calldata record,
        IAttribution.RecordEvidence calldata other
    ) external payable {
        _open(record);
        _open(other);
        _refuseValue();
        IModelRegistry.FeatureIndex memory index = _challengedIndex(indexId, salt);
        Place memory place = _place(index, record);
        Place memory earlier = _place(index, other);
        _checkRowLeaf(index, place, record);
        _checkRowLeaf(index, earlier, other);
        bool isDuplicate = other.canonicalIndex == earlier.index && _precedes(earlier, other, place, record)
            && _similar(record.sketch, other.sketch, POLICY.getParameters(index.policyVersion).similarityPpm);
        bool isKept = record.canonicalIndex == place.index;
        _require(isKept || record.canonicalIndex == earlier.index, "other");
        if (isKept != isDuplicate) {
            revert IAttribution.ChallengeFailed(record.canonicalIndex, record.canonicalIndex);
        }
        _convictIndex(indexId, index);
    }

    function challengeSketch(
        uint256 indexId,
        bytes32 salt,
        IAttribution.RecordEvidence calldata record,
        bytes calldata content
    ) external payable {
        _open(record);
        _refuseValue();
        IModelRegistry.FeatureIndex memory index = _challengedIndex(indexId, salt);
        Place memory place = _place(index, record);
        _checkRowLeaf(index, place, record);
        _require(record.canonicalIndex == place.index, "canonicalIndex");
        if (keccak256(content) != record.contentHash) revert IAttribution.InvalidProof("content");
        if (_isSketchOf(record.sketch, content)) revert IAttribution.ChallengeFailed(place.index, place.index);
        _convictIndex(indexId, index);
    }

    function _isSketchOf(bytes calldata sketch, bytes calldata content) internal pure returns (bool) {
        if (!RecordTexts.isText(content)) return _isVectorSketchOf(sketch, content);
        return keccak256(MinHash.sketch(RecordTexts.plainText(content))) == keccak256(sketch);
    }

    /// @dev True iff every byte is `floor((n * x - sum + n) / 2n)` of the content's feature at its place.
    function _isVectorSketchOf(bytes calldata sketch, bytes calldata content) internal pure returns (bool) {
        uint256 least = VECTOR_HEAD_BYTES + VECTOR_LABEL_BYTES;
        _require(content.length > least && content.length <= least + MAXIMUM_FEATURES, "content");
        uint256 count = content.length - least;
        _require(bytes9(content[:VECTOR_HEAD_BYTES]) == bytes9(bytes.concat(VECTOR_MAGIC, bytes4(uint32(count)))), "content");
        if (sketch.length != count) return false;
        bytes calldata features = content[VECTOR_HEAD_BYTES:VECTOR_HEAD_BYTES + count];
        int256 total;
        for (uint256 i = 0; i < count; ++i) total += int256(uint256(uint8(features[i])));
        int256 n = int256(count);
        for (uint256 i = 0; i < count; ++i) {
            int256 centred = n * int256(uint256(uint8(features[i]))) - total + n;
            int256 value = centred / (2 * n);
            if (centred < 0 && centred % (2 * n) != 0) --value;
            if (value != int8(uint8(sketch[i]))) return false;
        }
        return true;
    }

    function _open(IAttribution.RecordEvidence calldata evidence) internal pure returns (uint256) {
        return evidence.contributionProof.length + evidence.sketch.length + evidence.recordProof.length
            + evidence.rowProof.length;
    }

    function _precedes(
        Place memory a,
        IAttribution.RecordEvidence calldata first,
        Place memory b,
        IAttribution.RecordEvidence calldata second
    ) internal pure returns (bool) {
        if (a.commitBlock != b.commitBlock) return a.commitBlock < b.commitBlock;
        if (first.contributionId != second.contributionId) return first.contributionId < second.contributionId;
        return first.recordIndex < second.recordIndex;
    }

    function _similar(bytes calldata a, bytes calldata b, uint256 similarityPpm) internal pure returns (bool) {
        if (a.length != b.length) return false;
        int256 product;
        uint256 aNorm;
        uint256 bNorm;
        for (uint256 i = 0; i < a.length; ++i) {
            int256 x = int8(uint8(a[i]));
            int256 y = int8(uint8(b[i]));
            product += x * y;
            aNorm += uint256(x * x);
            bNorm += uint256(y * y);
        }
        if (aNorm == 0 || bNorm == 0) return aNorm == bNorm;
        if (product < 0) return false;
        return (uint256(product) * PPM) ** 2 >= similarityPpm * similarityPpm * aNorm * bNorm;
    }

    function _place(IModelRegistry.FeatureIndex memory index, IAttribution.RecordEvidence calldata record)
        internal
        view
        returns (Place memory place)
    {
        _require(record.source < MODELS.getModel(index.modelId).sources, "source");
        IDatanetRegistry.Contribution memory contribution = _contribution(record.contributionId);
        place.leaf = _checkRecord(index.modelId, record, contribution);
        uint256 before = _recordsBefore(index.modelId, record.source);
        place.index = before + record.firstRecord + record.recordIndex;
        place.contributor = contribution.contributor;
        place.commitBlock = contribution.commitBlock;
    }

    /// @dev One that does not exist is nothing, under whose root no record is.
    function _contribution(uint256 id) internal view returns (IDatanetRegistry.Contribution memory contribution) {
        try DATANETS.getContribution(id) returns (IDatanetRegistry.Contribution memory found) {
            return found;
        } catch {}
    }

    function _checkRecord(
        uint256 modelId,
        IAttribution.RecordEvidence calldata record,
        IDatanetRegistry.Contribution memory contribution
    ) internal view returns (bytes32 leaf) {
        (uint256 datanetId, uint256 number) = MODELS.getSource(modelId, record.source);
        IDatanetRegistry.Version memory version = DATANETS.getVersion(datanetId, number);
        leaf = Commitments.leafHash(
            abi.encode(
                record.contributionId,
                contribution.contributor,
                contribution.root,
                contribution.records,
                record.firstRecord,
                contribution.commitBlock
            )
        );
        bool isPublished = Commitments.isMember(
            leaf, record.position, record.contributionProof, version.contributions, version.root
        );
        leaf = _recordLeaf(datanetId, record, contribution.contributor);
        bool isContributed = Commitments.isMember(
            leaf, record.recordIndex, record.recordProof, contribution.records, contribution.root
        );
        if (!isPublished || !isContributed) revert IAttribution.InvalidProof("record");
    }

    function _recordLeaf(uint256 datanetId, IAttribution.RecordEvidence calldata record, address contributor)
        internal
        view
        returns (bytes32)
    {
        return Commitments.leafHash(
            abi.encode(
                block.chainid,
                datanetId,
                record.recordIndex,
                record.contentHash,
                keccak256(record.sketch),
                contributor,
                record.parentsHash
            )
        );
    }

    function _checkRowLeaf(
        IModelRegistry.FeatureIndex memory index,
        Place memory place,
        IAttribution.RecordEvidence calldata record
    ) internal pure {
        _require(place.index < index.rows, "index");
        bytes32 leaf = Commitments.leafHash(
            abi.encode(
                place.index, record.canonicalIndex, record.contributorIndex, record.exponent, record.rowRoot
            )
        );
        if (!Commitments.isMember(leaf, place.index, record.rowProof, index.rows, index.rowsRoot)) {
            revert IAttribution.InvalidProof("row");
        }
    }

    function _recordsBefore(uint256 modelId, uint256 source) internal view returns (uint256 records) {
        for (uint256 i = 0; i < source; ++i) {
            (uint256 datanetId, uint256 version) = MODELS.getSource(modelId, i);
            records += DATANETS.getVersion(datanetId, version).records;
        }
    }
}
