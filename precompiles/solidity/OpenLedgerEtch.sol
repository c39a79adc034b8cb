// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ATTRIBUTION_ADDRESS} from "./interfaces/IAttribution.sol";
import {DATANET_REGISTRY_ADDRESS} from "./interfaces/IDatanetRegistry.sol";
import {INFERENCE_METERING_ADDRESS} from "./interfaces/IInferenceMetering.sol";
import {MODEL_REGISTRY_ADDRESS} from "./interfaces/IModelRegistry.sol";
import {IPolicy, POLICY_ADDRESS} from "./interfaces/IPolicy.sol";
import {PRECOMPILE_REGISTRY_ADDRESS} from "./interfaces/IPrecompileRegistry.sol";
import {STAKING_ADDRESS} from "./interfaces/IStaking.sol";
import {AttributionTwin} from "./twins/AttributionTwin.sol";
import {DatanetRegistryTwin} from "./twins/DatanetRegistryTwin.sol";
import {InferenceMeteringTwin} from "./twins/InferenceMeteringTwin.sol";
import {ModelRegistryTwin} from "./twins/ModelRegistryTwin.sol";
import {PolicyTwin} from "./twins/PolicyTwin.sol";
import {PrecompileRegistryTwin} from "./twins/PrecompileRegistryTwin.sol";
import {StakingTwin} from "./twins/StakingTwin.sol";

/// @dev The two cheat codes needed here, so that this file depends on nothing but the twins.
interface EtchVm {
    function etch(address target, bytes calldata runtimeCode) external;
    function store(address target, bytes32 slot, bytes32 value) external;
}

/// @title OpenLedger's precompiles in a Foundry test
/// @notice Call `OpenLedgerEtch.etch(OpenLedgerEtch.devParameters(), address(this))` in `setUp`: the twins then
/// answer at the precompiles' addresses, with genesis storage, and the second argument is the policy's timelock.
library OpenLedgerEtch {
    EtchVm private constant VM = EtchVm(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint256 private constant PARAMETERS = 36;

    function etch(IPolicy.Parameters memory parameters, address timelock) internal {
        VM.etch(ATTRIBUTION_ADDRESS, type(AttributionTwin).runtimeCode);
        VM.etch(DATANET_REGISTRY_ADDRESS, type(DatanetRegistryTwin).runtimeCode);
        VM.etch(MODEL_REGISTRY_ADDRESS, type(ModelRegistryTwin).runtimeCode);
        VM.etch(INFERENCE_METERING_ADDRESS, type(InferenceMeteringTwin).runtimeCode);
        VM.etch(STAKING_ADDRESS, type(StakingTwin).runtimeCode);
        VM.etch(POLICY_ADDRESS, type(PolicyTwin).runtimeCode);
        VM.etch(PRECOMPILE_REGISTRY_ADDRESS, type(PrecompileRegistryTwin).runtimeCode);
        _storePolicy(parameters, timelock);
        _storeRegistry();
    }

    /// @notice The parameters of a dev network: `DEV_POLICY` in `genesis/policy.py`.
    function devParameters() internal pure returns (IPolicy.Parameters memory parameters) {
        parameters.platformPpm = 20_000;
        parameters.providerPpm = 200_000;
        parameters.ownerPpm = 250_000;
        parameters.stakersPpm = 100_000;
        parameters.contributionBond = 1 ether;
        parameters.revealDelayBlocks = 1;
        parameters.indexWindowSeconds = 8;
        parameters.postWindowSeconds = 8;
        parameters.postDelaySeconds = 5;
        parameters.challengeRevealSeconds = 5;
        parameters.challengeBond = 10 ether;
        parameters.slashAmount = 100 ether;
        parameters.challengerPpm = 300_000;
        parameters.closeDelaySeconds = 10;
        parameters.unbondingSeconds = 60;
        parameters.minimumValidatorStake = 100 ether;
        parameters.minimumProviderStake = 100 ether;
        parameters.similarityPpm = 990_000;
        parameters.significancePpm = 4_000_000;
        parameters.maximumSharePpm = 1_000_000;
        parameters.minimumClaim = 0.0001 ether;
        parameters.rolloverLimit = 4;
        parameters.demandWindowSeconds = 6;
        parameters.demandFee = 0.1 ether;
        parameters.requestWindowSeconds = 3;
        parameters.parentSharePpm = 100_000;
        parameters.retrievalPpm = 100_000;
        parameters.auditPpm = 50_000;
        parameters.jurySeats = 3;
        parameters.juryDelayBlocks = 2;
        parameters.juryCommitSeconds = 6;
        parameters.juryRevealSeconds = 4;
        parameters.jurorFee = 1 ether;
        parameters.absenceSlash = 1 ether;
        parameters.auditFundPpm = 250_000;
        parameters.selfStakePpm = 50_000;
    }

    function _storePolicy(IPolicy.Parameters memory parameters, address timelock) private {
        VM.store(POLICY_ADDRESS, bytes32(uint256(0)), bytes32(uint256(1)));
        VM.store(POLICY_ADDRESS, bytes32(uint256(1)), bytes32(uint256(uint160(timelock))));
        uint256 base = uint256(keccak256(abi.encode(uint256(1), uint256(2))));
        for (uint256 i = 0; i < PARAMETERS; ++i) {
            bytes32 value;
            assembly ("memory-safe") {
                value := mload(add(parameters, mul(i, 32)))
            }
            VM.store(POLICY_ADDRESS, bytes32(base + i), value);
        }
    }

    function _storeRegistry() private {
        address[7] memory precompiles = [
            ATTRIBUTION_ADDRESS,
            DATANET_REGISTRY_ADDRESS,
            MODEL_REGISTRY_ADDRESS,
            INFERENCE_METERING_ADDRESS,
            STAKING_ADDRESS,
            POLICY_ADDRESS,
            PRECOMPILE_REGISTRY_ADDRESS
        ];
        for (uint256 i = 0; i < precompiles.length; ++i) {
            bytes32 slot = keccak256(abi.encode(precompiles[i], uint256(0)));
            VM.store(PRECOMPILE_REGISTRY_ADDRESS, slot, bytes32(uint256(1)));
        }
    }
}
