// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";

/// @title The OPEN that stands behind what validators sign about the L2's output roots
/// @notice Each validator has a pool. Whoever delegates to it, itself included, holds shares of it; a reward raises
///         what a share is worth, a slash lowers it, for shares that are leaving too.
/// @dev Covered: leaving takes longer than an output can be disputed, and what is leaving can be slashed until it is
///      withdrawn; slashing by two signatures of one validator that contradict each other, proven by anyone, once for
///      each L2 block; shares cannot be inflated by sending OPEN here, because pools count what they were given.
///      Not covered: slashing for a root that is wrong. That takes a verdict on the root (docs/rollup.md).
contract ValidatorStaking is EIP712, ReentrancyGuard {
    using SafeERC20 for IERC20;

    struct Pool {
        uint256 stake;
        uint256 shares;
        uint256 leavingShares;
    }

    struct Leaving {
        address validator;
        uint64 availableAt;
        uint256 shares;
    }

    /// @notice What a validator signs: after L2 block `l2BlockNumber`, derived from the L1 up to the given block, the
    ///         output root is this.
    struct Attestation {
        uint256 l2BlockNumber;
        bytes32 outputRoot;
        uint256 l1BlockNumber;
        bytes32 l1BlockHash;
    }

    event Delegated(address indexed validator, address indexed delegator, uint256 amount, uint256 shares);
    event UnstakeRequested(
        address indexed validator, address indexed delegator, uint256 shares, uint256 index, uint64 availableAt
    );
    event Withdrawn(address indexed validator, address indexed delegator, uint256 amount);
    event Rewarded(address indexed validator, address indexed payer, uint256 amount);
    event Slashed(
        address indexed validator, address indexed reporter, uint256 amount, uint256 reward, uint256 l2BlockNumber
    );

    error InvalidParameter(string name);
    error NothingGiven();
    error UnexpectedAmountReceived(uint256 expected, uint256 received);
    error PoolIsEmpty(address validator);
    error NotEnoughShares(uint256 asked, uint256 held);
    error StillUnbonding(uint64 availableAt);
    error AlreadyWithdrawn(uint256 index);
    error NoContradiction();
    error NotSignedByValidator();
    error AlreadySlashed(address validator, uint256 l2BlockNumber);

    uint256 private constant MILLION = 1_000_000;
    /// @notice Part of a pool that a contradiction costs, and the reporter's part of that.
    uint256 public constant CONTRADICTION_SLASH_PPM = 500_000;
    uint256 public constant REPORTER_REWARD_PPM = 300_000;
    /// @notice Shares per unit of OPEN in a new pool.
    uint256 private constant FIRST_SHARES_PER_UNIT = 1_000_000;
    bytes32 private constant ATTESTATION_TYPEHASH = keccak256(
        "Attestation(uint256 l2BlockNumber,bytes32 outputRoot,uint256 l1BlockNumber,bytes32 l1BlockHash)"
    );

    IERC20 public immutable token;
    address public immutable treasury;
    uint256 public immutable minimumStake;
    uint64 public immutable unbondingSeconds;

    mapping(address validator => Pool) public pools;
    mapping(address validator => mapping(address delegator => uint256)) public sharesOf;
    mapping(address delegator => Leaving[]) private _leaving;
    mapping(address validator => mapping(uint256 l2BlockNumber => bool)) public slashedAt;

    /// @param treasury_ Gets what a slash takes, less the reporter's reward.
    /// @param disputeSeconds How long an output can be disputed; leaving has to take longer.
    constructor(
        IERC20 token_,
        address treasury_,
        uint256 minimumStake_,
        uint64 unbondingSeconds_,
        uint256 disputeSeconds
    ) EIP712("OpenLedger ValidatorStaking", "1") {
        require(treasury_ != address(0), InvalidParameter("treasury"));
        require(unbondingSeconds_ > disputeSeconds, InvalidParameter("unbondingSeconds"));
        token = token_;
        treasury = treasury_;
        minimumStake = minimumStake_;
        unbondingSeconds = unbondingSeconds_;
    }

    /// @notice Stakes for the caller's own validator.
    function stake(uint256 amount) external returns (uint256 shares) {
        return delegate(msg.sender, amount);
    }

    /// @notice Adds `amount` OPEN to a validator's pool, for shares at today's worth.
    function delegate(address validator, uint256 amount) public nonReentrant returns (uint256 shares) {
        require(amount > 0, NothingGiven());
        Pool storage pool = pools[validator];
        require(pool.shares == 0 || pool.stake > 0, PoolIsEmpty(validator));
        shares = pool.shares == 0 ? amount * FIRST_SHARES_PER_UNIT : amount * pool.shares / pool.stake;
        require(shares > 0, NothingGiven());
        _take(amount);
        pool.stake += amount;
        pool.shares += shares;
        sharesOf[validator][msg.sender] += shares;
        emit Delegated(validator, msg.sender, amount, shares);
    }

    /// @notice Pays `amount` OPEN into a validator's pool: everybody's shares of it are worth more.
    function reward(address validator, uint256 amount) external nonReentrant {
        Pool storage pool = pools[validator];
        require(pool.shares > 0 && amount > 0, NothingGiven());
        _take(amount);
        pool.stake += amount;
        emit Rewarded(validator, msg.sender, amount);
    }

    /// @notice Begins to leave with `shares` of a pool. They no longer count as stake, and can still be slashed.
    function requestUnstake(address validator, uint256 shares) external returns (uint256 index) {
        uint256 held = sharesOf[validator][msg.sender];
        require(shares > 0 && shares <= held, NotEnoughShares(shares, held));
        sharesOf[validator][msg.sender] = held - shares;
        pools[validator].leavingShares += shares;
        index = _leaving[msg.sender].length;
        uint64 availableAt = uint64(block.timestamp) + unbondingSeconds;
        _leaving[msg.sender].push(Leaving(validator, availableAt, shares));
        emit UnstakeRequested(validator, msg.sender, shares, index, availableAt);
    }

    /// @notice Takes out what was requested, at what it is worth now.
    function withdraw(uint256 index) external nonReentrant returns (uint256 amount) {
        Leaving storage leaving = _leaving[msg.sender][index];
        uint256 shares = leaving.shares;
        require(shares > 0, AlreadyWithdrawn(index));
        require(block.timestamp >= leaving.availableAt, StillUnbonding(leaving.availableAt));
        Pool storage pool = pools[leaving.validator];
        amount = shares * pool.stake / pool.shares;
        leaving.shares = 0;
        pool.leavingShares -= shares;
        pool.shares -= shares;
        pool.stake -= amount;
        emit Withdrawn(leaving.validator, msg.sender, amount);
        if (amount > 0) token.safeTransfer(msg.sender, amount);
    }

    /// @notice Slashes a validator for two different roots of one L2 block, derived from one L1 block.
    function proveContradiction(
        Attestation calldata first,
        bytes calldata firstSignature,
        Attestation calldata second,
        bytes calldata secondSignature
    ) external nonReentrant {
        bool contradict = first.l2BlockNumber == second.l2BlockNumber && first.l1BlockHash == second.l1BlockHash
            && first.outputRoot != second.outputRoot;
        require(contradict, NoContradiction());
        address validator = ECDSA.recover(attestationDigest(first), firstSignature);
        require(validator == ECDSA.recover(attestationDigest(second), secondSignature), NotSignedByValidator());
        require(!slashedAt[validator][first.l2BlockNumber], AlreadySlashed(validator, first.l2BlockNumber));
        slashedAt[validator][first.l2BlockNumber] = true;

        Pool storage pool = pools[validator];
        uint256 amount = pool.stake * CONTRADICTION_SLASH_PPM / MILLION;
        uint256 reporterReward = amount * REPORTER_REWARD_PPM / MILLION;
        pool.stake -= amount;
        emit Slashed(validator, msg.sender, amount, reporterReward, first.l2BlockNumber);
        token.safeTransfer(msg.sender, reporterReward);
        token.safeTransfer(treasury, amount - reporterReward);
    }

    /// @notice What a pool stakes, without what is leaving.
    function activeStake(address validator) public view returns (uint256) {
        Pool storage pool = pools[validator];
        return pool.shares == 0 ? 0 : pool.stake * (pool.shares - pool.leavingShares) / pool.shares;
    }

    /// @notice Whether an account may speak as a validator: its own shares, not its delegators', reach the minimum.
    function isValidator(address account) external view returns (bool) {
        Pool storage pool = pools[account];
        return pool.shares > 0 && sharesOf[account][account] * pool.stake / pool.shares >= minimumStake;
    }

    /// @notice A request to leave; `shares` is zero once it was withdrawn.
    function leavingOf(address delegator, uint256 index) external view returns (Leaving memory) {
        return _leaving[delegator][index];
    }

    /// @notice What a validator signs for an attestation (EIP-712).
    function attestationDigest(Attestation calldata attestation) public view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    ATTESTATION_TYPEHASH,
                    attestation.l2BlockNumber,
                    attestation.outputRoot,
                    attestation.l1BlockNumber,
                    attestation.l1BlockHash
                )
            )
        );
    }

    function _take(uint256 amount) private {
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = token.balanceOf(address(this)) - before;
        require(received == amount, UnexpectedAmountReceived(amount, received));
    }
}
