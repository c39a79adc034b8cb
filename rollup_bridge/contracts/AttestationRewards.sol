// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {OutputOracle} from "./OutputOracle.sol";
import {OutputProposal} from "./Types.sol";
import {ValidatorStaking} from "./ValidatorStaking.sol";

/// @title What validators earn by attesting: a fixed amount for each final output, by their part of all stake
/// @notice Whoever attested to an output's root in time gets its part, into its pool, so delegators share it. The part
///         of those who did not stays here for later outputs. Whatever OPEN lies here is the fund; anybody may add.
/// @dev Covered: only roots that became final are paid, each validator once for each; stake counts as it stood before
///      the proposal; who attests after the window is over, when nothing is risked any more, gets nothing; an empty
///      fund loses nobody's claim.
///      Not covered: jurors of the epoch, who must not attest (their pay is the jury's).
contract AttestationRewards {
    using SafeERC20 for IERC20;

    event Paid(address indexed validator, uint256 amount, uint256 outputs);

    error InvalidParameter(string name);
    error NothingOwed(address validator);
    error FundTooSmall(uint256 owed, uint256 fund);

    IERC20 public immutable token;
    ValidatorStaking public immutable staking;
    OutputOracle public immutable oracle;
    /// @notice What all validators together get for an output, if all of them attest.
    uint256 public immutable rewardPerOutput;
    /// @notice How long after its proposal an output can be attested for a reward.
    uint64 public immutable windowSeconds;

    mapping(uint256 l2OutputIndex => mapping(address validator => bool)) public paid;

    constructor(IERC20 token_, ValidatorStaking staking_, OutputOracle oracle_, uint256 reward, uint64 windowSeconds_) {
        require(windowSeconds_ > 0, InvalidParameter("windowSeconds"));
        token = token_;
        staking = staking_;
        oracle = oracle_;
        rewardPerOutput = reward;
        windowSeconds = windowSeconds_;
    }

    /// @notice Pays a validator's pool for the outputs named; those that owe nothing (now) are passed over. Anyone may
    ///         ask for anyone.
    function claim(address validator, uint256[] calldata l2OutputIndices) external returns (uint256 amount) {
        uint256 outputs;
        for (uint256 i; i < l2OutputIndices.length; ++i) {
            uint256 share = owedFor(validator, l2OutputIndices[i]);
            if (share == 0) continue;
            paid[l2OutputIndices[i]][validator] = true;
            amount += share;
            ++outputs;
        }
        require(amount > 0, NothingOwed(validator));
        uint256 fund = token.balanceOf(address(this));
        require(amount <= fund, FundTooSmall(amount, fund));
        emit Paid(validator, amount, outputs);
        token.forceApprove(address(staking), amount);
        staking.reward(validator, amount);
    }

    /// @notice What each of the outputs from `first` on, at most `count` of them, owes a validator now.
    function owed(address validator, uint256 first, uint256 count) external view returns (uint256[] memory amounts) {
        uint256 outputs = oracle.nextOutputIndex();
        if (first >= outputs) return new uint256[](0);
        if (count > outputs - first) count = outputs - first;
        amounts = new uint256[](count);
        for (uint256 i; i < count; ++i) {
            amounts[i] = owedFor(validator, first + i);
        }
    }

    /// @notice What one output owes a validator; zero while it is not final, and for who did not attest in time.
    function owedFor(address validator, uint256 l2OutputIndex) public view returns (uint256) {
        if (paid[l2OutputIndex][validator] || !oracle.isFinal(l2OutputIndex)) return 0;
        OutputProposal memory output = oracle.getL2Output(l2OutputIndex);
        uint256 attestedAt = staking.attestedAt(output.l2BlockNumber, output.outputRoot, validator);
        if (attestedAt == 0 || attestedAt > uint256(output.timestamp) + windowSeconds) return 0;
        uint256 before = uint256(output.timestamp) - 1;
        uint256 total = staking.totalActiveStakeAt(before);
        return total == 0 ? 0 : rewardPerOutput * staking.activeStakeAt(validator, before) / total;
    }
}
