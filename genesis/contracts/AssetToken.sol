// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {
    IInferenceMetering, INFERENCE_METERING_ADDRESS
} from "../../precompiles/solidity/interfaces/IInferenceMetering.sol";

/// @title Shares in the revenue of one model, Datanet or agent
/// @notice OPEN that reaches this contract in any way, as the asset's revenue recipient or owner, belongs to those who
/// hold the token at that moment, by balance. The supply is fixed. Payments are pulled; a transfer of shares carries
/// nothing that was earned before it.
contract AssetToken is ERC20, ERC20Permit {
    event RevenueShared(uint256 amount, uint256 accumulated);
    event RevenueClaimed(address indexed account, address indexed recipient, uint256 amount);

    uint256 private constant SCALE = 2 ** 128;

    /// @notice 1 model, 2 Datanet, 3 agent; and its id.
    uint256 public immutable ASSET_KIND;
    uint256 public immutable ASSET_ID;

    uint256 public accumulated;
    /// @notice OPEN here that is shared out and not claimed yet.
    uint256 public owed;
    mapping(address account => uint256) private _accumulatedAt;
    mapping(address account => uint256) private _earned;

    constructor(
        uint256 assetKind,
        uint256 assetId,
        string memory name,
        string memory symbol,
        uint256 supply,
        address holder
    ) ERC20(name, symbol) ERC20Permit(name) {
        ASSET_KIND = assetKind;
        ASSET_ID = assetId;
        _mint(holder, supply);
    }

    receive() external payable {}

    /// @notice Draws what InferenceMetering holds for this contract, and shares out all that is new here.
    function share() public {
        IInferenceMetering metering = IInferenceMetering(INFERENCE_METERING_ADDRESS);
        if (metering.earningsOf(address(this)) > 0) metering.withdrawEarnings(address(this));
        _share();
    }

    /// @notice Pays what the caller's shares earned.
    function claim(address payable recipient) external returns (uint256 amount) {
        share();
        _settle(msg.sender);
        amount = _earned[msg.sender];
        _earned[msg.sender] = 0;
        owed -= amount;
        emit RevenueClaimed(msg.sender, recipient, amount);
        Address.sendValue(recipient, amount);
    }

    /// @notice What `claim` would pay of what is shared out already.
    function claimable(address account) external view returns (uint256) {
        return _earned[account] + _growth(account);
    }

    function _share() private {
        uint256 fresh = address(this).balance - owed;
        uint256 growth = fresh * SCALE / totalSupply();
        if (growth == 0) return;
        accumulated += growth;
        // Rounded up, so that what holders add up to is never more; it is at most what is new.
        uint256 shared = (growth * totalSupply() + SCALE - 1) / SCALE;
        owed += shared;
        emit RevenueShared(shared, accumulated);
    }

    /// @dev What waits in InferenceMetering is drawn too: it belongs to those who held the shares until now.
    function _update(address from, address to, uint256 value) internal override {
        if (totalSupply() > 0) share();
        _settle(from);
        _settle(to);
        super._update(from, to, value);
    }

    function _settle(address account) private {
        _earned[account] += _growth(account);
        _accumulatedAt[account] = accumulated;
    }

    function _growth(address account) private view returns (uint256) {
        return balanceOf(account) * (accumulated - _accumulatedAt[account]) / SCALE;
    }
}
