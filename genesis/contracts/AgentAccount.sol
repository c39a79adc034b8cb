// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";

/// @title An agent's wallet: its owner may do anything, its key only what the limits allow
/// @notice The owner is whoever owns the agent in the registry. The key spends OPEN up to so much a day in all and up to
/// so much a day at each target, and calls only functions that were allowed there. A key counts only while the
/// owner who named it owns the agent.
contract AgentAccount {
    event KeySet(address indexed key);
    event DailyLimitSet(uint256 limit);
    event TargetLimitSet(address indexed target, uint256 limit);
    event SelectorAllowed(address indexed target, bytes4 indexed selector, bool allowed);
    event Executed(address indexed by, address indexed target, uint256 value, bytes4 selector);

    error NotOwner(address caller);
    error NotAllowed(address caller);
    error SelectorNotAllowed(address target, bytes4 selector);
    error DailyLimitReached(uint256 spent, uint256 limit);
    error TargetLimitReached(address target, uint256 spent, uint256 limit);

    /// @dev Stands for a call without calldata: a payment. A key never calls a function of that selector.
    bytes4 public constant PAYMENT = 0x00000000;
    address public immutable REGISTRY;

    address public key;
    address public keyOwner;
    uint256 public dailyLimit;
    mapping(address target => uint256) public targetLimit;
    mapping(address target => mapping(bytes4 selector => bool)) public isAllowed;
    mapping(uint256 day => uint256) public spentOn;
    mapping(uint256 day => mapping(address target => uint256)) public spentAt;

    constructor(address registry) {
        REGISTRY = registry;
    }

    receive() external payable {}

    modifier onlyOwner() {
        require(msg.sender == owner(), NotOwner(msg.sender));
        _;
    }

    function setKey(address newKey) external onlyOwner {
        key = newKey;
        keyOwner = msg.sender;
        emit KeySet(newKey);
    }

    function setDailyLimit(uint256 limit) external onlyOwner {
        dailyLimit = limit;
        emit DailyLimitSet(limit);
    }

    function setTargetLimit(address target, uint256 limit) external onlyOwner {
        targetLimit[target] = limit;
        emit TargetLimitSet(target, limit);
    }

    function setAllowed(address target, bytes4 selector, bool allowed) external onlyOwner {
        isAllowed[target][selector] = allowed;
        emit SelectorAllowed(target, selector, allowed);
    }

    /// @notice The owner without limits, the key within them.
    function execute(address target, uint256 value, bytes calldata data) external returns (bytes memory result) {
        bytes4 selector = data.length >= 4 ? bytes4(data[:4]) : PAYMENT;
        if (msg.sender != owner()) _checkKey(target, value, data.length, selector);
        emit Executed(msg.sender, target, value, selector);
        if (data.length == 0) {
            Address.sendValue(payable(target), value);
            return "";
        }
        return Address.functionCallWithValue(target, data, value);
    }

    function agentId() public view returns (uint256) {
        return abi.decode(Clones.fetchCloneArgs(address(this)), (uint256));
    }

    function owner() public view returns (address) {
        return IERC721(REGISTRY).ownerOf(agentId());
    }

    function _checkKey(address target, uint256 value, uint256 size, bytes4 selector) private {
        require(msg.sender == key && keyOwner == owner() && target != address(this), NotAllowed(msg.sender));
        require(size == 0 || (size >= 4 && selector != PAYMENT), SelectorNotAllowed(target, selector));
        require(isAllowed[target][selector], SelectorNotAllowed(target, selector));
        uint256 day = block.timestamp / 1 days;
        uint256 spent = spentOn[day] += value;
        require(spent <= dailyLimit, DailyLimitReached(spent, dailyLimit));
        uint256 there = spentAt[day][target] += value;
        require(there <= targetLimit[target], TargetLimitReached(target, there, targetLimit[target]));
    }
}
