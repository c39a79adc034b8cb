// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title The OPEN behind every OPEN on L2; it only ever pays what the portal orders
/// @notice Two counters are the truth, never `balanceOf`: OPEN sent here by mistake is nobody's deposit.
///         `accountedDeposits - payments` is what the L2 may hold, and the balance is never below it.
/// @dev Covered: payments never exceed deposits; only the portal moves either counter.
///      Not covered: whether a payment is owed. That is the portal's business alone.
contract OpenVault {
    using SafeERC20 for IERC20;

    event DepositRecorded(uint256 amount, uint256 accountedDeposits);
    event Paid(address indexed recipient, uint256 amount, uint256 payments);

    error NotPortal(address caller);
    error GenesisAllocationNotLocked(uint256 expected, uint256 balance);
    error PaymentExceedsDeposits(uint256 amount, uint256 available);

    IERC20 public immutable token;
    address public immutable portal;

    /// @notice Everything that ever entered, the L2 genesis allocation first.
    uint256 public accountedDeposits;
    /// @notice Everything that ever left.
    uint256 public payments;

    modifier onlyPortal() {
        require(msg.sender == portal, NotPortal(msg.sender));
        _;
    }

    /// @param genesisAllocation The sum of all balances in the L2 genesis. The deployer has already sent it to this
    ///        address, which is known before it has code; more than that may lie here, less may not.
    constructor(IERC20 token_, address portal_, uint256 genesisAllocation) {
        uint256 balance = token_.balanceOf(address(this));
        require(balance >= genesisAllocation, GenesisAllocationNotLocked(genesisAllocation, balance));
        token = token_;
        portal = portal_;
        accountedDeposits = genesisAllocation;
        emit DepositRecorded(genesisAllocation, genesisAllocation);
    }

    /// @notice Counts OPEN that the portal has just seen arrive.
    function recordDeposit(uint256 amount) external onlyPortal {
        accountedDeposits += amount;
        emit DepositRecorded(amount, accountedDeposits);
    }

    /// @notice Pays `recipient`. Reverts if the token does.
    function pay(address recipient, uint256 amount) external onlyPortal {
        uint256 available = accountedDeposits - payments;
        require(amount <= available, PaymentExceedsDeposits(amount, available));
        payments += amount;
        emit Paid(recipient, amount, payments);
        token.safeTransfer(recipient, amount);
    }
}
