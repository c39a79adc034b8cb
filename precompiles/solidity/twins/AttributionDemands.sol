// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAttribution} from "../interfaces/IAttribution.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";
import {IPolicy} from "../interfaces/IPolicy.sol";
import {AttributionTrees} from "./AttributionTrees.sol";

/// @title Demands for what is hidden, as `precompiles/attribution_demands.py`
abstract contract AttributionDemands is AttributionTrees {
    uint256 internal constant MAXIMUM_OPENED = 64;
    uint256 internal constant MAXIMUM_STEP_BYTES = 161;

    function demandOfIndex(uint256 indexId, IAttribution.DemandPath calldata path)
        external
        payable
        returns (uint256 demandId)
    {
        path.opened.length;
        IModelRegistry.FeatureIndex memory index = _existingIndex(indexId);
        if (_indexStatus(indexId) == INDEX_VOID || block.timestamp >= index.usableAt) {
            revert IAttribution.WindowClosed(index.usableAt);
        }
        IAttribution.Demand memory found = _wanted(_indexTree(index, path.tree, path.position), path);
        found.key = INDEX_KEY + indexId;
        found.respondent = index.signer;
        return _begin(found, index.policyVersion);
    }

    function demandOfPost(
        uint256 postId,
        IAttribution.BatchClaim[] calldata batches,
        IAttribution.DemandPath calldata path
    ) external payable returns (uint256 demandId) {
        path.opened.length;
        _checkContestable(postId, batches);
        IAttribution.Post storage posted = posts[postId];
        if (block.timestamp > posted.contestableUntil) revert IAttribution.WindowClosed(posted.contestableUntil);
        Tree memory tree = _postTree(postId, batches, path.tree, path.position);
        IAttribution.Demand memory found = _wanted(tree, path);
        found.key = postId;
        found.settlementId = tree.settlementId;
        found.respondent = _guiltyOf(posted, tree.settlementId);
        return _begin(found, cases[postId].policyVersion);
    }

    function answerDemand(uint256 demandId, bytes calldata content) external payable nonPayable {
        IAttribution.Demand storage found = _openDemand(demandId);
        if (block.timestamp > found.until) revert IAttribution.WindowClosed(found.until);
        bool isWhole = content.length == found.size && keccak256(content) == found.contentHash;
        if (!isWhole || keccak256(content[:found.headSize]) != found.headHash) {
            revert IAttribution.InvalidProof("content");
        }
        uint256 fee = _close(found);
        uint256 until = block.timestamp + POLICY.getParameters(_versionOf(found.key)).challengeRevealSeconds;
        extensions[found.key] = _later(extensions[found.key], until);
        _pay(msg.sender, fee);
        emit IAttribution.DemandAnswered(demandId, msg.sender, content);
    }

    function expireDemand(uint256 demandId) external payable nonPayable {
        IAttribution.Demand storage found = _openDemand(demandId);
        if (block.timestamp <= found.until) revert IAttribution.WindowOpen(found.until);
        uint256 fee = _close(found);
        address demander = found.demander;
        if (found.key < INDEX_KEY) _voidByDefault(found.key, demander, found.settlementId);
        else _voidIndexByDefault(found.key - INDEX_KEY, demander);
        _pay(demander, fee);
        emit IAttribution.DemandExpired(demandId, found.respondent);
    }

    function getDemand(uint256 demandId) external payable nonPayable returns (IAttribution.Demand memory) {
        return _existingDemand(demandId);
    }

    function _wanted(Tree memory tree, IAttribution.DemandPath calldata path)
        internal
        pure
        returns (IAttribution.Demand memory found)
    {
        _require(path.opened.length <= MAXIMUM_OPENED, "opened");
        for (uint256 i = 0; i < path.opened.length; ++i) path.opened[i].length;
        Step[] memory way = _steps(tree, path.chunk);
        _require(path.opened.length < way.length, "opened");
        bytes32 node = tree.root;
        for (uint256 i = 0; i < path.opened.length; ++i) {
            bytes calldata content = path.opened[i];
            if (content.length > MAXIMUM_STEP_BYTES || !_is(way[i], content) || keccak256(content) != node) {
                revert IAttribution.InvalidProof("opened");
            }
            node = bytes32(content[way[i].below:way[i].below + 32]);
        }
        Step memory last = way[path.opened.length];
        found.contentHash = node;
        found.size = last.size;
        found.headSize = last.head.length;
        found.headHash = keccak256(last.head);
    }

    function _is(Step memory step, bytes calldata content) internal pure returns (bool) {
        return content.length == step.size && keccak256(content[:step.head.length]) == keccak256(step.head);
    }

    function _begin(IAttribution.Demand memory found, uint256 version) internal returns (uint256 demandId) {
        IPolicy.Parameters memory policy = POLICY.getParameters(version);
        if (msg.value != policy.demandFee) revert IAttribution.WrongBond(policy.demandFee, msg.value);
        demandId = ++demandCount;
        found.demander = msg.sender;
        found.until = block.timestamp + policy.demandWindowSeconds;
        found.fee = msg.value;
        demands[demandId] = found;
        openDisputes[found.key]++;
        emit IAttribution.Demanded(
            demandId, found.key, found.respondent, found.contentHash, found.size, found.until
        );
    }

    function _existingDemand(uint256 demandId) internal view returns (IAttribution.Demand storage) {
        if (demandId == 0 || demandId > demandCount) revert IAttribution.DemandNotFound(demandId);
        return demands[demandId];
    }

    function _openDemand(uint256 demandId) internal view returns (IAttribution.Demand storage found) {
        found = _existingDemand(demandId);
        if (found.until == 0) revert IAttribution.WrongStatus(0);
    }

    function _close(IAttribution.Demand storage found) internal returns (uint256 fee) {
        fee = found.fee;
        found.until = 0;
        found.fee = 0;
        openDisputes[found.key]--;
    }

    function _versionOf(uint256 key) internal view returns (uint256) {
        return key < INDEX_KEY ? cases[key].policyVersion : MODELS.getFeatureIndex(key - INDEX_KEY).policyVersion;
    }
}
