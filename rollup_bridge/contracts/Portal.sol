// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {TrieProof} from "@openzeppelin/contracts/utils/cryptography/TrieProof.sol";

import {DepositSender} from "./DepositSender.sol";
import {Hashing} from "./Hashing.sol";
import {OpenVault} from "./OpenVault.sol";
import {OutputOracle} from "./OutputOracle.sol";
import {ResourceMetering} from "./ResourceMetering.sol";
import {SystemConfig} from "./SystemConfig.sol";
import {OutputProposal, OutputRootProof, WithdrawalTransaction} from "./Types.sol";

/// @title The door between L1 and L2: deposits in, proven withdrawals out
/// @notice Function and event names are those of the OP Stack's OptimismPortal with an output oracle (major
///         version 2). OPEN, not ether, is the L2's native token: it enters by `depositERC20Transaction`, is kept by
///         the vault, and a withdrawal's `value` is paid in OPEN. Ether is refused everywhere.
/// @dev Covered: each withdrawal is paid at most once, known by the hash of its fields; only under an output root
///      that still stands and is old enough; the portal holds nothing, approves nothing, and never calls the
///      contracts that trust it or that users have approved it at.
///      Not covered: whether the output root is right. The oracle decides that.
contract Portal is ReentrancyGuard, ResourceMetering {
    using SafeERC20 for IERC20;

    /// @notice `timestamp` is the L1 second of the proof.
    struct ProvenWithdrawal {
        bytes32 outputRoot;
        uint128 timestamp;
        uint128 l2OutputIndex;
    }

    event TransactionDeposited(address indexed from, address indexed to, uint256 indexed version, bytes opaqueData);
    event WithdrawalProven(bytes32 indexed withdrawalHash, address indexed from, address indexed to);
    event WithdrawalFinalized(bytes32 indexed withdrawalHash, bool success);

    error CreationWithTarget(address to);
    error GasLimitTooLow(uint64 gasLimit, uint64 minimum);
    error DataTooLong(uint256 length);
    error UnexpectedAmountReceived(uint256 expected, uint256 received);
    error ForbiddenTarget(address target);
    error OutputRootMismatch(bytes32 proposed, bytes32 given);
    error WithdrawalNotInState(bytes32 withdrawalHash);
    error AlreadyProven(bytes32 withdrawalHash);
    error NotProven(bytes32 withdrawalHash);
    error AlreadyFinalized(bytes32 withdrawalHash);
    error OutputReplaced(uint256 l2OutputIndex);
    error OutputInDispute(uint256 l2OutputIndex);
    error TooEarly(uint256 earliest);
    error NotEnoughGas(uint256 gasLimit);

    uint256 public constant MAX_DEPOSIT_DATA = 120_000;
    uint256 internal constant DEPOSIT_VERSION = 0;
    /// @dev What `l2Sender` says outside of a withdrawal's call; no one has this address.
    address internal constant NO_SENDER = 0x000000000000000000000000000000000000dEaD;
    /// @dev Gas kept for what follows a target's call.
    uint256 internal constant RESERVED_GAS = 40_000;

    IERC20 public immutable token;
    OpenVault public immutable vault;
    OutputOracle public immutable l2Oracle;
    SystemConfig public immutable systemConfig;

    /// @notice The L2 sender of the withdrawal whose call is running.
    address public l2Sender = NO_SENDER;
    mapping(bytes32 withdrawalHash => bool) public finalizedWithdrawals;
    mapping(bytes32 withdrawalHash => ProvenWithdrawal) public provenWithdrawals;

    constructor(IERC20 token_, OpenVault vault_, OutputOracle l2Oracle_, SystemConfig systemConfig_) {
        token = token_;
        vault = vault_;
        l2Oracle = l2Oracle_;
        systemConfig = systemConfig_;
    }

    /// @notice Deposits `mint` OPEN, approved for this contract, and sends a transaction on L2.
    /// @param to Recipient on L2; zero if `isCreation`.
    /// @param mint OPEN taken here and credited to the sender on L2, whether or not the L2 transaction succeeds.
    /// @param value OPEN the L2 transaction carries, from the sender's L2 balance.
    /// @param gasLimit L2 gas, bought here by burning L1 gas.
    function depositERC20Transaction(
        address to,
        uint256 mint,
        uint256 value,
        uint64 gasLimit,
        bool isCreation,
        bytes calldata data
    ) external nonReentrant metered(gasLimit) {
        if (mint > 0) _lock(mint);
        _deposit(to, mint, value, gasLimit, isCreation, data);
    }

    /// @notice Sends a transaction on L2 that no sequencer can refuse. Brings no OPEN with it.
    function depositTransaction(address to, uint256 value, uint64 gasLimit, bool isCreation, bytes calldata data)
        external
        nonReentrant
        metered(gasLimit)
    {
        _deposit(to, 0, value, gasLimit, isCreation, data);
    }

    /// @notice Shows that a withdrawal was initiated on L2; starts its waiting time.
    /// @dev Can be repeated only if the output root it was proven under has been deleted or replaced.
    /// @param l2OutputIndex Index in the oracle of an output at or after the withdrawal's L2 block.
    /// @param withdrawalProof Trie nodes from the message passer's storage root down to `sentMessages[hash]`.
    function proveWithdrawalTransaction(
        WithdrawalTransaction memory withdrawal,
        uint256 l2OutputIndex,
        OutputRootProof calldata outputRootProof,
        bytes[] calldata withdrawalProof
    ) external nonReentrant {
        _requireAllowed(withdrawal.target);
        bytes32 outputRoot = l2Oracle.getL2Output(l2OutputIndex).outputRoot;
        bytes32 given = Hashing.hashOutputRootProof(outputRootProof);
        require(outputRoot == given, OutputRootMismatch(outputRoot, given));

        bytes32 withdrawalHash = Hashing.hashWithdrawal(withdrawal);
        require(!finalizedWithdrawals[withdrawalHash], AlreadyFinalized(withdrawalHash));
        ProvenWithdrawal memory earlier = provenWithdrawals[withdrawalHash];
        require(earlier.timestamp == 0 || !_stands(earlier), AlreadyProven(withdrawalHash));

        // `sentMessages` is slot 0 of the message passer; its trie is keyed by the hash of the slot.
        bytes32 slot = keccak256(abi.encode(withdrawalHash, uint256(0)));
        require(
            TrieProof.verify(
                hex"01",
                outputRootProof.messagePasserStorageRoot,
                abi.encodePacked(keccak256(abi.encode(slot))),
                withdrawalProof
            ),
            WithdrawalNotInState(withdrawalHash)
        );
        provenWithdrawals[withdrawalHash] =
            ProvenWithdrawal(outputRoot, uint128(block.timestamp), uint128(l2OutputIndex));
        emit WithdrawalProven(withdrawalHash, withdrawal.sender, withdrawal.target);
    }

    /// @notice Pays a proven withdrawal and makes its call, once both the proof and the output are old enough.
    /// @dev Payment and call are two things: the payment must succeed or nothing happens; then, if there is data, the
    ///      target is called with it and with no ether, and that call's failure undoes neither the payment nor the
    ///      finalization. The caller must bring enough gas for the withdrawal's own limit.
    function finalizeWithdrawalTransaction(WithdrawalTransaction memory withdrawal) external nonReentrant {
        _requireAllowed(withdrawal.target);
        bytes32 withdrawalHash = Hashing.hashWithdrawal(withdrawal);
        require(!finalizedWithdrawals[withdrawalHash], AlreadyFinalized(withdrawalHash));
        _requireMature(withdrawalHash);

        finalizedWithdrawals[withdrawalHash] = true;
        if (withdrawal.value > 0) vault.pay(withdrawal.target, withdrawal.value);
        bool success = withdrawal.data.length == 0 || _call(withdrawal);
        emit WithdrawalFinalized(withdrawalHash, success);
    }

    /// @notice Whether withdrawals proven under this output can be finalized as far as the output goes.
    function isOutputFinalized(uint256 l2OutputIndex) external view returns (bool) {
        return l2Oracle.isFinal(l2OutputIndex);
    }

    /// @notice The least gas a deposit with that many bytes must buy on L2: its intrinsic gas at the floor price.
    function minimumGasLimit(uint64 byteCount) public pure returns (uint64) {
        return byteCount * 40 + 21_000;
    }

    /// @notice Major version 2: withdrawals are proven against an output oracle, not against dispute games.
    function version() external pure returns (string memory) {
        return "2.8.0";
    }

    function _deposit(
        address to,
        uint256 mint,
        uint256 value,
        uint64 gasLimit,
        bool isCreation,
        bytes calldata data
    ) private {
        require(!isCreation || to == address(0), CreationWithTarget(to));
        require(data.length <= MAX_DEPOSIT_DATA, DataTooLong(data.length));
        uint64 minimum = minimumGasLimit(uint64(data.length));
        require(gasLimit >= minimum, GasLimitTooLow(gasLimit, minimum));
        bytes memory opaqueData = abi.encodePacked(mint, value, gasLimit, isCreation, data);
        emit TransactionDeposited(DepositSender.onL2(msg.sender), to, DEPOSIT_VERSION, opaqueData);
    }

    /// @dev Counts what arrived, not what was asked for.
    function _lock(uint256 amount) private {
        uint256 before = token.balanceOf(address(vault));
        token.safeTransferFrom(msg.sender, address(vault), amount);
        uint256 received = token.balanceOf(address(vault)) - before;
        require(received == amount, UnexpectedAmountReceived(amount, received));
        vault.recordDeposit(amount);
    }

    /// @dev Reverts unless the proof and its output are old enough and the output is the one proven under.
    function _requireMature(bytes32 withdrawalHash) private view {
        ProvenWithdrawal memory proven = provenWithdrawals[withdrawalHash];
        require(proven.timestamp != 0, NotProven(withdrawalHash));
        require(_stands(proven), OutputReplaced(proven.l2OutputIndex));
        uint256 proposedAt = l2Oracle.getL2Output(proven.l2OutputIndex).timestamp;
        uint256 maturity = _maturity(proposedAt > proven.timestamp ? proposedAt : proven.timestamp);
        require(block.timestamp > maturity, TooEarly(maturity + 1));
        require(l2Oracle.isFinal(proven.l2OutputIndex), OutputInDispute(proven.l2OutputIndex));
    }

    /// @dev Whether the output a withdrawal was proven under is still in the oracle.
    function _stands(ProvenWithdrawal memory proven) private view returns (bool) {
        if (proven.l2OutputIndex >= l2Oracle.nextOutputIndex()) return false;
        OutputProposal memory proposal = l2Oracle.getL2Output(proven.l2OutputIndex);
        return proposal.outputRoot == proven.outputRoot;
    }

    function _maturity(uint256 timestamp) private view returns (uint256) {
        return timestamp + l2Oracle.finalizationPeriodSeconds();
    }

    /// @dev The target gets at least its `gasLimit`, never the reserve. Its return data is not copied: it could be
    ///      long enough to make finalization too dear.
    function _call(WithdrawalTransaction memory withdrawal) private returns (bool success) {
        l2Sender = withdrawal.sender;
        uint256 available = gasleft();
        require(
            available > 2 * RESERVED_GAS && withdrawal.gasLimit <= (available - 2 * RESERVED_GAS) / 64 * 63,
            NotEnoughGas(withdrawal.gasLimit)
        );
        (address target, bytes memory data, uint256 passed) =
            (withdrawal.target, withdrawal.data, available - RESERVED_GAS);
        assembly ("memory-safe") {
            success := call(passed, target, 0, add(data, 0x20), mload(data), 0, 0)
        }
        l2Sender = NO_SENDER;
    }

    function _requireAllowed(address target) private view {
        bool forbidden = target == address(token) || target == address(vault) || target == address(this)
            || target == address(l2Oracle) || target == address(l2Oracle.staking());
        require(!forbidden, ForbiddenTarget(target));
    }
}
