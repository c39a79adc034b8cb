// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IDatanetRegistry} from "../interfaces/IDatanetRegistry.sol";
import {DatanetBase} from "./DatanetBase.sol";
import {l1Origin, l1Randomness} from "./L1Origins.sol";

/// @title The draw for records that name parents, as `precompiles/datanet_parents.py`
abstract contract DatanetParents is DatanetBase {
    function drawParents(uint256 contributionId) external payable nonPayable returns (bytes32 randomness) {
        _requireStatus(_contribution(contributionId), ACCEPTED);
        IDatanetRegistry.Acceptance storage noted = acceptances[contributionId];
        if (noted.randomness != 0) {
            _refuseStaticCall();
            return noted.randomness;
        }
        uint256 origin = noted.origin;
        if (l1Origin() < origin) revert IDatanetRegistry.NotDueYet(origin);
        randomness = l1Randomness(origin);
        if (randomness == 0) {
            noted.origin = _comingOrigin();
            emit IDatanetRegistry.ParentsRedrawn(contributionId, noted.origin);
        } else {
            noted.randomness = randomness;
            emit IDatanetRegistry.ParentsDrawn(contributionId, origin, randomness);
        }
    }

    function getAcceptance(uint256 contributionId)
        external
        payable
        nonPayable
        returns (IDatanetRegistry.Acceptance memory)
    {
        _requireStatus(_contribution(contributionId), ACCEPTED);
        return acceptances[contributionId];
    }

    function _noteAcceptance(uint256 contributionId, uint256 position, uint256 firstRecord) internal {
        acceptances[contributionId] = IDatanetRegistry.Acceptance(position, firstRecord, _comingOrigin(), 0);
    }

    /// @dev The L1 block whose randomness nobody knows yet.
    function _comingOrigin() private view returns (uint256) {
        return l1Origin() + _policy().juryDelayBlocks;
    }
}
