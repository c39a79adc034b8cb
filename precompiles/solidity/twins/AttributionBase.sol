// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ATTRIBUTION_ADDRESS, IAttribution} from "../interfaces/IAttribution.sol";
import {IInferenceMetering, INFERENCE_METERING_ADDRESS} from "../interfaces/IInferenceMetering.sol";
import {IModelRegistry, MODEL_REGISTRY_ADDRESS} from "../interfaces/IModelRegistry.sol";
import {IPolicy, POLICY_ADDRESS} from "../interfaces/IPolicy.sol";
import {IStaking, STAKING_ADDRESS} from "../interfaces/IStaking.sol";
import {SumTree} from "./Commitments.sol";
import {IL1Origins, L1_BLOCK as L1, l1Origin} from "./L1Origins.sol";
import {Twin} from "./Twin.sol";

/// @title Storage, constants and readings of the Attribution twin
abstract contract AttributionBase is Twin {
    /// @dev `reward` waits for its challenger until no earlier commitment can be revealed.
    struct Case {
        uint256 policyVersion;
        bytes32 amountsTree;
        uint256 commitments;
        uint256 revealsUntil;
        uint256 bonds;
        uint256 challengerNumber;
        uint256 reward;
        uint256 slashed;
    }

    struct Commitment {
        bytes32 hash;
        uint256 bond;
        uint256 revealUntil;
        uint256 number;
        uint256 used;
    }

    /// @dev What a challenge is about, out of the stack's way.
    struct Challenge {
        uint256 postId;
        uint256 position;
        bytes32 key;
        uint256 contributors;
        uint256 dimensions;
        bytes32 sumsRoot;
    }

    /*//////////////////////////////////////////////////////////////
                                 STORAGE
    //////////////////////////////////////////////////////////////*/

    uint256 internal postCount;
    mapping(uint256 postId => IAttribution.Post) internal posts;
    mapping(uint256 settlementId => uint256) internal postOf;
    mapping(uint256 modelId => uint256) internal carry;
    mapping(uint256 postId => mapping(uint256 position => uint256)) internal claimed;
    mapping(address account => uint256) internal earnings;
    mapping(address account => uint256) internal slashed;
    mapping(address account => uint256) internal rewards;
    mapping(address account => uint256) internal liabilities;
    mapping(uint256 postId => Case) internal cases;
    mapping(uint256 postId => mapping(address challenger => Commitment)) internal commitments;
    mapping(address contributor => uint256) internal dust;
    mapping(uint256 modelId => uint256) internal rollovers;
    mapping(uint256 modelId => uint256) internal taken;
    mapping(uint256 indexId => address) internal indexChallengers;
    mapping(uint256 key => uint256) internal openDisputes;
    uint256 internal gameCount;
    mapping(uint256 gameId => IAttribution.SumGame) internal games;
    mapping(uint256 key => uint256) internal extensions;
    uint256 internal demandCount;
    mapping(uint256 demandId => IAttribution.Demand) internal demands;
    mapping(bytes32 vectorRoot => mapping(bytes32 queryRoot => IAttribution.Tally)) internal tallies;
    uint256 internal juryCases;
    mapping(uint256 caseId => IAttribution.JuryCase) internal juryCase;
    mapping(uint256 caseId => mapping(uint256 round => IAttribution.JuryDraw)) internal juryDraws;
    mapping(uint256 caseId => mapping(uint256 round => mapping(address juror => IAttribution.Juror))) internal jurors;
    mapping(uint256 caseId => mapping(bytes32 opinion => uint256)) internal opinions;
    mapping(address account => uint256) internal validatorsSlashed;
    mapping(uint256 postId => uint256) internal postOrigins;
    mapping(uint256 postId => uint256) internal audits;
    uint256 internal auditsFund;
    mapping(address signer => uint256) internal recentPools;
    mapping(address signer => uint256) internal finalPosts;
    mapping(address signer => mapping(uint256 place => uint256)) internal finalPools;
    mapping(bytes32 queryRoot => uint256) internal shownCoordinates;
    uint256 internal auditsTaken;
    mapping(bytes32 commitment => uint256) internal spanCommitments;
    mapping(bytes32 channelId => mapping(uint256 number => uint256)) internal spansProved;

    /*//////////////////////////////////////////////////////////////
                                CONSTANTS
    //////////////////////////////////////////////////////////////*/

    IL1Origins internal constant L1_BLOCK = L1;
    IInferenceMetering internal constant METERING = IInferenceMetering(INFERENCE_METERING_ADDRESS);
    IModelRegistry internal constant MODELS = IModelRegistry(MODEL_REGISTRY_ADDRESS);
    IPolicy internal constant POLICY = IPolicy(POLICY_ADDRESS);
    IStaking internal constant STAKING = IStaking(STAKING_ADDRESS);

    /// @dev Added to a feature index's id where posts and indexes share a mapping.
    uint256 internal constant INDEX_KEY = 2 ** 255;
    uint256 internal constant VOID_SETTLEMENT = type(uint256).max;
    uint256 internal constant INDEX_CONTESTED = 1;
    uint256 internal constant INDEX_VOID = 2;
    uint256 internal constant KIND_RECEIPTS = 1;
    uint256 internal constant KIND_SCORES = 2;
    uint256 internal constant KIND_DEBTS = 3;
    uint256 internal constant KIND_AMOUNTS = 4;
    uint256 internal constant PENDING = 1;
    uint256 internal constant FINAL = 2;
    uint256 internal constant VOID = 3;
    uint256 internal constant PROVIDER = 2;
    uint256 internal constant MAXIMUM_BATCHES = 64;
    uint256 internal constant MAXIMUM_SCORE_SUM = 2 ** 153;
    uint256 internal constant MAXIMUM_DIMENSIONS = 4_096;
    uint256 internal constant ROW_BYTES = 1;
    uint256 internal constant QUERY_BYTES = 2;
    uint256 internal constant SUM_BYTES = 8;
    uint256 internal constant BATCH_QUERY_BYTES = 16;

    /*//////////////////////////////////////////////////////////////
                                INTERNALS
    //////////////////////////////////////////////////////////////*/

    function _existing(uint256 postId) internal view returns (IAttribution.Post storage) {
        if (postId == 0 || postId > postCount) revert IAttribution.PostNotFound(postId);
        return posts[postId];
    }

    function _postOfSettlement(uint256 settlementId) internal view returns (uint256 newest) {
        newest = postOf[settlementId];
        if (newest != VOID_SETTLEMENT && posts[newest].status == VOID) return 0;
    }

    /// @dev Until when a post takes challenges.
    function _contestableUntil(uint256 postId) internal view returns (uint256) {
        return _later(posts[postId].contestableUntil, extensions[postId]);
    }

    function _later(uint256 a, uint256 b) internal pure returns (uint256) {
        return a > b ? a : b;
    }

    function _settlement(uint256 id) internal view returns (IInferenceMetering.Settlement memory) {
        return METERING.getSettlement(id);
    }

    /// @dev 0 where no L1Block is, as its storage reads natively: nothing is drawn there.
    function _l1Origin() internal view returns (uint256) {
        return l1Origin();
    }

    function _settled(uint256 id) internal view returns (IInferenceMetering.Settlement memory) {
        try METERING.getSettlement(id) returns (IInferenceMetering.Settlement memory settlement) {
            return settlement;
        } catch {
            revert InvalidArgument("settlementId");
        }
    }

    function _challenge(uint256 postId, uint256 position, address contributor)
        internal
        view
        returns (Challenge memory)
    {
        IModelRegistry.FeatureIndex memory index = MODELS.getFeatureIndex(posts[postId].featureIndex);
        bytes32 key = bytes32(uint256(uint160(contributor)));
        return Challenge(postId, position, key, index.contributors, index.dimensions, index.sumsRoot);
    }

    function _treeId(uint256 kind, IAttribution.Post memory posted, uint256 settlementId)
        internal
        view
        returns (bytes32)
    {
        return keccak256(
            abi.encode(kind, block.chainid, ATTRIBUTION_ADDRESS, posted.featureIndex, settlementId, posted.signer)
        );
    }

    function _amountsTree(uint256 postId, uint256 contributors) internal view returns (SumTree memory) {
        IAttribution.Post storage posted = posts[postId];
        return SumTree(cases[postId].amountsTree, contributors, posted.amountsRoot, posted.amountSum);
    }

    function _poolAmount(uint256 pool, uint256 score, uint256 scoreSum, uint256 maximumSharePpm)
        internal
        pure
        returns (uint256)
    {
        if (scoreSum == 0) return 0;
        uint256 share = pool * score / scoreSum;
        uint256 cap = pool * maximumSharePpm / PPM;
        return share < cap ? share : cap;
    }

    /// @dev What adapters passed to a model's pool and no post has taken yet.
    function _passed(uint256 modelId) internal view returns (uint256) {
        return METERING.passedTo(modelId) - taken[modelId];
    }

    function _indexStatus(uint256 indexId) internal view returns (uint256) {
        if (indexId >= INDEX_KEY) return 0;
        Case storage file = cases[INDEX_KEY + indexId];
        if (file.challengerNumber != 0) return INDEX_VOID;
        uint256 key = INDEX_KEY + indexId;
        bool isOpen = openDisputes[key] != 0 || block.timestamp <= _later(file.revealsUntil, extensions[key]);
        return isOpen ? INDEX_CONTESTED : 0;
    }
}
