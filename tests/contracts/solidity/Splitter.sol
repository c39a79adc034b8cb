// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title What pays contributors without attribution: everybody on a list, one after the other
/// @dev For `benchmarks/precompiles`: what the precompiles are compared with.
contract Splitter {
    error PaymentFailed(address recipient);

    /// @notice Sends each recipient its amount; reverts if one of them refuses.
    function pay(address[] calldata recipients, uint256[] calldata amounts) external payable {
        for (uint256 i = 0; i < recipients.length; ++i) {
            (bool paid,) = recipients[i].call{value: amounts[i]}("");
            require(paid, PaymentFailed(recipients[i]));
        }
    }
}

/// @title The same pulled: shares are written down, and everybody takes what is due
contract PullSplitter {
    error NothingDue(address account);
    error PaymentFailed(address recipient);

    uint256 public totalShares;
    uint256 public totalReleased;
    mapping(address account => uint256) public shares;
    mapping(address account => uint256) public released;

    receive() external payable {}

    /// @notice Adds shares to accounts, before or between payments.
    function setShares(address[] calldata accounts, uint256[] calldata amounts) external {
        for (uint256 i = 0; i < accounts.length; ++i) {
            totalShares = totalShares - shares[accounts[i]] + amounts[i];
            shares[accounts[i]] = amounts[i];
        }
    }

    /// @notice Sends an account what its shares have earned and it has not taken.
    function release(address payable account) external {
        uint256 due =
            (address(this).balance + totalReleased) * shares[account] / totalShares - released[account];
        require(due != 0, NothingDue(account));
        released[account] += due;
        totalReleased += due;
        (bool paid,) = account.call{value: due}("");
        require(paid, PaymentFailed(account));
    }
}
