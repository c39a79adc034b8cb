// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DATANET_REGISTRY_ADDRESS, IDatanetRegistry} from "../interfaces/IDatanetRegistry.sol";
import {IInferenceMetering} from "../interfaces/IInferenceMetering.sol";
import {IModelRegistry, MODEL_REGISTRY_ADDRESS} from "../interfaces/IModelRegistry.sol";
import {Commitments, SumNode, SumTree} from "./Commitments.sol";
import {MeteringSettle} from "./MeteringSettle.sol";
import {Signatures} from "./Signatures.sol";

/// @title What retrieved records get of a settlement, as `precompiles/metering_retrieval.py`
abstract contract MeteringRetrieval is MeteringSettle {
    uint256 internal constant KIND_RETRIEVAL = 5;
    uint256 internal constant MAXIMUM_SHARES = 16;
    IDatanetRegistry internal constant DATANETS = IDatanetRegistry(DATANET_REGISTRY_ADDRESS);
    bytes32 internal constant SHARE_TYPE = keccak256(
        "RetrievalShare(uint256 datanetId,uint256 version,uint256 contributors,bytes32 root,uint256 amount)"
    );
    bytes32 internal constant RETRIEVAL_VOUCHER_TYPE = keccak256(
        "RetrievalVoucher(bytes32 channelId,uint256 firstReceipt,uint256 receiptCount,bytes32 receiptsRoot,RetrievalShare[] shares)"
        "RetrievalShare(uint256 datanetId,uint256 version,uint256 contributors,bytes32 root,uint256 amount)"
    );

    function settleWithRetrieval(
        IInferenceMetering.SettleOrder calldata order,
        IInferenceMetering.RetrievalShare[] calldata shares,
        bytes calldata signature
    ) external payable returns (uint256 settlementId) {
        _open(order);
        _refuseValue();
        return _settleWithRetrieval(_read(order), shares, signature);
    }

    function claimRetrieval(
        uint256 retrievalId,
        uint256 contributorIndex,
        address contributor,
        uint256 amount,
        bytes32[] calldata siblings,
        uint256[] calldata siblingSums,
        IInferenceMetering.Membership calldata membership
    ) external payable {
        _open(membership);
        _refuseValue();
        IInferenceMetering.Retrieval storage found = _retrieval(retrievalId);
        _require(contributorIndex < found.contributors, "contributorIndex");
        if (retrievalClaimed[retrievalId][contributorIndex] != 0) {
            revert IInferenceMetering.AlreadyClaimed(retrievalId, contributorIndex);
        }
        SumNode memory leaf = Commitments.sumLeaf(
            _treeId(found), contributorIndex, bytes32(uint256(uint160(contributor))), amount
        );
        SumTree memory tree = SumTree(0, found.contributors, found.root, found.amount);
        if (!Commitments.contains(tree, leaf, contributorIndex, siblings, siblingSums)) {
            revert IInferenceMetering.InvalidProof("amount");
        }
        if (!_isContributor(found, contributor, membership)) revert IInferenceMetering.InvalidProof("contributor");
        retrievalClaimed[retrievalId][contributorIndex] = 1;
        _payRetrieval(retrievalId, contributorIndex, contributor, amount);
    }

    function getRetrieval(uint256 retrievalId)
        external
        payable
        nonPayable
        returns (IInferenceMetering.Retrieval memory)
    {
        return _retrieval(retrievalId);
    }

    function isRetrievalClaimed(uint256 retrievalId, uint256 contributorIndex)
        external
        payable
        nonPayable
        returns (bool)
    {
        return retrievalClaimed[retrievalId][contributorIndex] != 0;
    }

    /// @dev Member by member: a copy of the whole would refuse offsets that reading a member takes.
    function _read(IInferenceMetering.SettleOrder calldata order)
        private
        pure
        returns (IInferenceMetering.SettleOrder memory read)
    {
        read.channelId = order.channelId;
        read.receiptCount = order.receiptCount;
        read.cumulativeFee = order.cumulativeFee;
        read.receiptsRoot = order.receiptsRoot;
        read.signature = order.signature;
        read.left = order.left;
        read.leftSum = order.leftSum;
        read.right = order.right;
        read.rightSum = order.rightSum;
        read.queriesRoot = order.queriesRoot;
        read.uri = order.uri;
    }

    function _settleWithRetrieval(
        IInferenceMetering.SettleOrder memory order,
        IInferenceMetering.RetrievalShare[] memory shares,
        bytes memory signature
    ) private returns (uint256) {
        Batch memory batch = _take(order);
        _checkShares(order.channelId, batch, shares, signature);
        return _record(order.channelId, batch, order.uri, shares);
    }

    function _checkShares(
        bytes32 channelId,
        Batch memory batch,
        IInferenceMetering.RetrievalShare[] memory shares,
        bytes memory signature
    ) private view {
        _require(shares.length > 0 && shares.length <= MAXIMUM_SHARES, "shares");
        IInferenceMetering.Channel storage channel = channels[channelId];
        _require(channel.voucherKey != channel.provider, "voucherKey");
        if (Signatures.recover(_retrievalDigest(channelId, batch, shares), signature) != channel.voucherKey) {
            revert IInferenceMetering.InvalidSignature();
        }
        uint256 datanetId = 0;
        uint256 version = 0;
        for (uint256 i = 0; i < shares.length; ++i) {
            bool isLater = shares[i].datanetId > datanetId
                || (shares[i].datanetId == datanetId && shares[i].version > version);
            _require(isLater, "shares");
            _checkShare(channel.modelId, shares[i]);
            (datanetId, version) = (shares[i].datanetId, shares[i].version);
        }
    }

    function _checkShare(uint256 modelId, IInferenceMetering.RetrievalShare memory share) private view {
        _require(share.contributors > 0 && share.contributors <= MAXIMUM_COUNT, "contributors");
        _require(share.amount > 0 && share.amount <= MAXIMUM_WEI, "amount");
        if (!IModelRegistry(MODEL_REGISTRY_ADDRESS).mayRetrieve(modelId, share.datanetId)) {
            revert IInferenceMetering.RetrievalNotAllowed(modelId, share.datanetId);
        }
        uint256 versions = DATANETS.getDatanet(share.datanetId).versions;
        _require(share.version > 0 && share.version <= versions, "version");
    }

    function _retrievalDigest(
        bytes32 channelId,
        Batch memory batch,
        IInferenceMetering.RetrievalShare[] memory shares
    ) private view returns (bytes32) {
        bytes memory hashes = "";
        for (uint256 i = 0; i < shares.length; ++i) {
            hashes = bytes.concat(hashes, keccak256(abi.encode(SHARE_TYPE, shares[i])));
        }
        uint256 receiptCount = batch.firstReceipt + batch.receipts;
        return Signatures.digest(
            "OpenLedger Inference Metering",
            keccak256(
                abi.encode(
                    RETRIEVAL_VOUCHER_TYPE,
                    channelId,
                    batch.firstReceipt,
                    receiptCount,
                    batch.receiptsRoot,
                    keccak256(hashes)
                )
            )
        );
    }

    function _payRetrieval(uint256 retrievalId, uint256 contributorIndex, address contributor, uint256 amount)
        private
    {
        IInferenceMetering.Retrieval storage found = retrievals[retrievalId];
        found.claimed += amount;
        bool isHeld = amount < _policy(settlements[found.settlementId].policyVersion).minimumClaim;
        if (isHeld) earnings[contributor] += amount;
        else _pay(contributor, amount);
        emit IInferenceMetering.RetrievalClaimed(retrievalId, contributor, contributorIndex, amount, isHeld);
    }

    function _retrieval(uint256 retrievalId) private view returns (IInferenceMetering.Retrieval storage) {
        if (retrievalId == 0 || retrievalId > retrievalCount) {
            revert IInferenceMetering.RetrievalNotFound(retrievalId);
        }
        return retrievals[retrievalId];
    }

    function _treeId(IInferenceMetering.Retrieval storage found) private view returns (bytes32) {
        IInferenceMetering.Settlement storage settlement = settlements[found.settlementId];
        return keccak256(
            abi.encode(
                KIND_RETRIEVAL,
                block.chainid,
                address(this),
                settlement.channelId,
                settlement.firstReceipt,
                settlement.firstReceipt + settlement.receipts,
                found.datanetId,
                found.version
            )
        );
    }

    /// @dev True iff the contribution is the contributor's and stands in the version at its place.
    function _isContributor(
        IInferenceMetering.Retrieval storage found,
        address contributor,
        IInferenceMetering.Membership calldata membership
    ) private view returns (bool) {
        IDatanetRegistry.Version memory version = DATANETS.getVersion(found.datanetId, found.version);
        IDatanetRegistry.Contribution memory contribution = _contribution(membership.contributionId);
        bytes32 leaf = Commitments.leafHash(
            abi.encode(
                membership.contributionId,
                contributor,
                contribution.root,
                contribution.records,
                membership.firstRecord,
                contribution.commitBlock
            )
        );
        return Commitments.isMember(leaf, membership.position, membership.proof, version.contributions, version.root);
    }

    /// @dev One that does not exist is nothing, which stands in no version.
    function _contribution(uint256 id) private view returns (IDatanetRegistry.Contribution memory contribution) {
        try DATANETS.getContribution(id) returns (IDatanetRegistry.Contribution memory found) {
            return found;
        } catch {}
    }

    /// @dev Reads every length, so that malformed arguments are refused before anything else is.
    function _open(IInferenceMetering.SettleOrder calldata order) private pure returns (uint256) {
        return order.signature.length + bytes(order.uri).length;
    }

    function _open(IInferenceMetering.Membership calldata membership) private pure returns (uint256) {
        return membership.proof.length;
    }
}
