// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Blockhash} from "@openzeppelin/contracts/utils/Blockhash.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";

import {EpochDraw} from "./EpochDraw.sol";

/// @title The OPEN that stands behind what validators sign about the L2's output roots
/// @notice Each validator has a pool. Whoever delegates to it, itself included, holds shares of it; a reward raises
///         what a share is worth, a slash lowers it, for shares that are leaving too.
/// @dev Covered: leaving takes longer than an output can be disputed, and what is leaving can be slashed until it is
///      withdrawn; slashing by two signatures of one validator that contradict each other, proven by anyone, once for
///      each L2 block; slashing for a root that lost a dispute, ordered by the dispute game alone; shares cannot be
///      inflated by sending OPEN here, because pools count what they were given; what a pool staked at any earlier
///      second can be asked, so that nobody stakes itself into a jury.
///      Not covered: whether a root is right. The dispute game finds out (docs/rollup.md).
contract ValidatorStaking is EIP712, ReentrancyGuard, EpochDraw {
    using SafeERC20 for IERC20;
    using Checkpoints for Checkpoints.Trace208;

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
    event Fined(address indexed validator, uint256 amount);
    event Attested(
        address indexed validator, uint256 indexed l2BlockNumber, bytes32 indexed outputRoot, bytes signature
    );
    event CandidateAdded(address indexed validator);
    event CandidateRemoved(address indexed validator);

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
    error NotAllowed(address caller);
    error NotValidator(address account);
    error JurorsDoNotAttest(address validator, uint256 epoch);
    error OtherL1Fork(uint256 l1BlockNumber, bytes32 l1BlockHash);
    error StillValidator(address validator);
    error NotCandidate(address account);

    uint256 private constant MILLION = 1_000_000;
    /// @notice Part of a pool that a contradiction costs, and the reporter's part of that.
    uint256 public constant CONTRADICTION_SLASH_PPM = 500_000;
    uint256 public constant REPORTER_REWARD_PPM = 300_000;
    /// @notice Part of a pool that a lost root costs its proposer, and each who attested to it after a verdict.
    uint256 public constant DISPUTE_SLASH_PPM = 500_000;
    /// @notice A draw walks over all candidates, so there can only be so many.
    uint256 public constant MAX_CANDIDATES = 256;
    /// @notice Shares per unit of OPEN in a new pool.
    uint256 private constant FIRST_SHARES_PER_UNIT = 1_000_000;
    bytes32 private constant ATTESTATION_TYPEHASH = keccak256(
        "Attestation(uint256 l2BlockNumber,bytes32 outputRoot,uint256 l1BlockNumber,bytes32 l1BlockHash)"
    );

    IERC20 public immutable token;
    address public immutable treasury;
    uint256 public immutable minimumStake;
    uint64 public immutable unbondingSeconds;
    address public immutable disputeGame;
    address public immutable jury;

    mapping(address validator => Pool) public pools;
    mapping(address validator => mapping(address delegator => uint256)) public sharesOf;
    mapping(address delegator => Leaving[]) private _leaving;
    mapping(address validator => mapping(uint256 l2BlockNumber => bool)) public slashedAt;
    /// @notice When a validator's word on a root was first put on record by `attest`; zero if it never was.
    mapping(uint256 l2BlockNumber => mapping(bytes32 outputRoot => mapping(address validator => uint256))) public
        attestedAt;
    mapping(address validator => Checkpoints.Trace208) private _stakeHistory;
    Checkpoints.Trace208 private _totalHistory;
    mapping(address validator => uint256) private _candidatePlace;
    address[] private _candidates;

    /// @param treasury_ Gets what a slash takes, less the reporter's reward.
    /// @param disputeSeconds How long an output can be disputed and a game about it lasts; leaving takes longer.
    constructor(
        IERC20 token_,
        address treasury_,
        uint256 minimumStake_,
        uint64 unbondingSeconds_,
        uint256 disputeSeconds,
        uint256 epochBlocks_,
        address disputeGame_,
        address jury_
    ) EIP712("OpenLedger ValidatorStaking", "1") EpochDraw(epochBlocks_) {
        require(treasury_ != address(0), InvalidParameter("treasury"));
        require(unbondingSeconds_ > disputeSeconds, InvalidParameter("unbondingSeconds"));
        token = token_;
        treasury = treasury_;
        minimumStake = minimumStake_;
        unbondingSeconds = unbondingSeconds_;
        disputeGame = disputeGame_;
        jury = jury_;
    }

    /// @notice Stakes for the caller's own validator.
    function stake(uint256 amount) external returns (uint256 shares) {
        return delegate(msg.sender, amount);
    }

    /// @notice Adds `amount` OPEN to a validator's pool, for shares at today's worth.
    function delegate(address validator, uint256 amount) public returns (uint256 shares) {
        return _delegate(validator, msg.sender, amount);
    }

    /// @notice Stakes the caller's OPEN as the validator's own.
    function stakeFor(address validator, uint256 amount) external returns (uint256 shares) {
        return _delegate(validator, validator, amount);
    }

    function _delegate(address validator, address owner, uint256 amount) private nonReentrant returns (uint256 shares) {
        require(amount > 0, NothingGiven());
        Pool storage pool = pools[validator];
        require(pool.shares == 0 || pool.stake > 0, PoolIsEmpty(validator));
        shares = pool.shares == 0 ? amount * FIRST_SHARES_PER_UNIT : amount * pool.shares / pool.stake;
        require(shares > 0, NothingGiven());
        _take(amount);
        pool.stake += amount;
        pool.shares += shares;
        sharesOf[validator][owner] += shares;
        emit Delegated(validator, owner, amount, shares);
        _recordStake(validator);
    }

    /// @notice Pays `amount` OPEN into a validator's pool: everybody's shares of it are worth more.
    function reward(address validator, uint256 amount) external nonReentrant {
        Pool storage pool = pools[validator];
        require(pool.shares > 0 && amount > 0, NothingGiven());
        _take(amount);
        pool.stake += amount;
        emit Rewarded(validator, msg.sender, amount);
        _recordStake(validator);
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
        _recordStake(validator);
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

        _slash(validator, CONTRADICTION_SLASH_PPM, msg.sender, first.l2BlockNumber);
    }

    /// @notice Puts a signed attestation on record: from now on its signer may defend the root, and answers for it.
    /// @dev The L1 block it was derived from must be one of this L1, at most 8,191 blocks back.
    function attest(Attestation calldata attestation, bytes calldata signature) external {
        address validator = ECDSA.recover(attestationDigest(attestation), signature);
        require(isValidator(validator), NotValidator(validator));
        uint256 epoch = epochOf(block.number);
        require(!isJuror(validator, epoch), JurorsDoNotAttest(validator, epoch));
        bytes32 known = Blockhash.blockHash(attestation.l1BlockNumber);
        require(
            known != bytes32(0) && known == attestation.l1BlockHash,
            OtherL1Fork(attestation.l1BlockNumber, attestation.l1BlockHash)
        );
        if (!attested(attestation.l2BlockNumber, attestation.outputRoot, validator)) {
            attestedAt[attestation.l2BlockNumber][attestation.outputRoot][validator] = block.timestamp;
        }
        emit Attested(validator, attestation.l2BlockNumber, attestation.outputRoot, signature);
    }

    /// @notice Slashes for a root that lost a dispute. Only the dispute game decides that.
    function slash(address validator, address reporter, uint256 l2BlockNumber) external nonReentrant {
        require(msg.sender == disputeGame, NotAllowed(msg.sender));
        if (pools[validator].stake > 0) _slash(validator, DISPUTE_SLASH_PPM, reporter, l2BlockNumber);
    }

    /// @notice Takes at most `amount` from a juror's pool for the treasury; returns what was taken.
    function fine(address validator, uint256 amount) external nonReentrant returns (uint256 taken) {
        require(msg.sender == jury, NotAllowed(msg.sender));
        Pool storage pool = pools[validator];
        taken = Math.min(amount, pool.stake);
        pool.stake -= taken;
        emit Fined(validator, taken);
        _recordStake(validator);
        token.safeTransfer(treasury, taken);
    }

    /// @notice Strikes an account that is no validator any more from the list that juries are drawn from.
    function removeCandidate(address account) external {
        require(!isValidator(account), StillValidator(account));
        uint256 place = _candidatePlace[account];
        require(place != 0, NotCandidate(account));
        address last = _candidates[_candidates.length - 1];
        (_candidates[place - 1], _candidatePlace[last]) = (last, place);
        _candidates.pop();
        delete _candidatePlace[account];
        emit CandidateRemoved(account);
    }

    /// @notice Whom juries are drawn from: validators, in the order they became one, at most `MAX_CANDIDATES`.
    function candidates() external view returns (address[] memory) {
        return _candidates;
    }

    /// @notice Who signed which root on this L1, by `attest`.
    function attested(uint256 l2BlockNumber, bytes32 outputRoot, address validator) public view returns (bool) {
        return attestedAt[l2BlockNumber][outputRoot][validator] != 0;
    }

    /// @notice What a pool staked at a second of the past.
    function activeStakeAt(address validator, uint256 timestamp) external view returns (uint256) {
        return _stakeHistory[validator].upperLookup(uint48(timestamp));
    }

    /// @notice What all pools together staked at a second of the past.
    function totalActiveStakeAt(uint256 timestamp) external view returns (uint256) {
        return _totalHistory.upperLookup(uint48(timestamp));
    }

    /// @notice What a pool stakes, without what is leaving.
    function activeStake(address validator) public view returns (uint256) {
        Pool storage pool = pools[validator];
        return pool.shares == 0 ? 0 : pool.stake * (pool.shares - pool.leavingShares) / pool.shares;
    }

    /// @notice Whether an account may speak as a validator: its own shares, not its delegators', reach the minimum.
    function isValidator(address account) public view returns (bool) {
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

    function _slash(address validator, uint256 ppm, address reporter, uint256 l2BlockNumber) private {
        Pool storage pool = pools[validator];
        uint256 amount = pool.stake * ppm / MILLION;
        uint256 reporterReward = amount * REPORTER_REWARD_PPM / MILLION;
        pool.stake -= amount;
        emit Slashed(validator, reporter, amount, reporterReward, l2BlockNumber);
        _recordStake(validator);
        token.safeTransfer(reporter, reporterReward);
        token.safeTransfer(treasury, amount - reporterReward);
    }

    /// @dev After every change of a pool: its history, and its place among the candidates.
    function _recordStake(address validator) private {
        (uint208 before, uint208 staked) =
            _stakeHistory[validator].push(uint48(block.timestamp), uint208(activeStake(validator)));
        _totalHistory.push(uint48(block.timestamp), _totalHistory.latest() - before + staked);
        bool isNew = _candidatePlace[validator] == 0 && _candidates.length < MAX_CANDIDATES;
        if (!isNew || !isValidator(validator)) return;
        _candidates.push(validator);
        _candidatePlace[validator] = _candidates.length;
        emit CandidateAdded(validator);
    }

    function _take(uint256 amount) private {
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = token.balanceOf(address(this)) - before;
        require(received == amount, UnexpectedAmountReceived(amount, received));
    }
}
