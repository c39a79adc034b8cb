// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OutputProposal} from "./Types.sol";
import {ValidatorStaking} from "./ValidatorStaking.sol";

/// @title The L2's output roots, proposed in order on L1
/// @notice Function and event names are those of the OP Stack's L2OutputOracle, so its clients can read it.
/// @dev Covered: order, spacing, a real L1 block behind each root, stake behind each proposer; a root is final once
///      its window is over and neither it nor an earlier one is in dispute; only the dispute game deletes, and never
///      a final root. When the proposer is silent for `proposerGraceSeconds`, any staked validator may propose in its
///      place, so that nobody's withdrawal depends on it.
///      Not covered: whether a root is right. The dispute game finds out.
contract OutputOracle {
    event OutputProposed(
        bytes32 indexed outputRoot, uint256 indexed l2OutputIndex, uint256 indexed l2BlockNumber, uint256 l1Timestamp
    );
    /// @notice Who stands behind an output. `id` is never used twice, unlike an output's index.
    struct Submission {
        address proposer;
        uint64 id;
        uint32 l1BlockNumber;
    }

    event OutputsDeleted(uint256 indexed prevNextOutputIndex, uint256 indexed newNextOutputIndex);

    error NotProposer(address caller);
    error NotDisputeGame(address caller);
    error InvalidParameter(string name);
    error UnexpectedBlockNumber(uint256 given, uint256 expected);
    error BlockInTheFuture(uint256 timestamp);
    error EmptyOutputRoot();
    error L1BlockMismatch(uint256 number, bytes32 expected);
    error OutputNotFound(uint256 index);
    error OutputFinal(uint256 index);

    uint256 public immutable submissionInterval;
    uint256 public immutable l2BlockTime;
    uint256 public immutable startingBlockNumber;
    uint256 public immutable startingTimestamp;
    uint256 public immutable finalizationPeriodSeconds;
    uint256 public immutable proposerGraceSeconds;
    address public immutable proposer;
    address public immutable disputeGame;
    ValidatorStaking public immutable staking;

    /// @notice When the proposer last proposed, or when the oracle was made.
    uint256 public proposerSeenAt;
    OutputProposal[] private _outputs;
    Submission[] private _submissions;
    uint64 private _nextSubmissionId = 1;
    /// @notice How many disputes about an output are open, and the outputs for which it is not zero.
    mapping(uint256 l2OutputIndex => uint256) public openDisputes;
    uint256[] private _disputed;

    /// @param submissionInterval_ L2 blocks between two outputs.
    /// @param startingTimestamp_ Second of L2 block `startingBlockNumber_`, normally the L2 genesis.
    constructor(
        uint256 submissionInterval_,
        uint256 l2BlockTime_,
        uint256 startingBlockNumber_,
        uint256 startingTimestamp_,
        uint256 finalizationPeriodSeconds_,
        address proposer_,
        address disputeGame_,
        uint256 proposerGraceSeconds_,
        ValidatorStaking staking_
    ) {
        require(submissionInterval_ > 0, InvalidParameter("submissionInterval"));
        require(l2BlockTime_ > 0, InvalidParameter("l2BlockTime"));
        require(startingTimestamp_ <= block.timestamp, InvalidParameter("startingTimestamp"));
        submissionInterval = submissionInterval_;
        l2BlockTime = l2BlockTime_;
        startingBlockNumber = startingBlockNumber_;
        startingTimestamp = startingTimestamp_;
        finalizationPeriodSeconds = finalizationPeriodSeconds_;
        proposer = proposer_;
        disputeGame = disputeGame_;
        proposerGraceSeconds = proposerGraceSeconds_;
        staking = staking_;
        proposerSeenAt = block.timestamp;
    }

    /// @notice Proposes the output root after L2 block `l2BlockNumber`, which must be `nextBlockNumber()`.
    /// @param l1BlockHash If not zero, the L1 block the proposer derived from; the proposal fails on any other fork.
    function proposeL2Output(bytes32 outputRoot, uint256 l2BlockNumber, bytes32 l1BlockHash, uint256 l1BlockNumber)
        external
    {
        require(mayPropose(msg.sender), NotProposer(msg.sender));
        require(l2BlockNumber == nextBlockNumber(), UnexpectedBlockNumber(l2BlockNumber, nextBlockNumber()));
        uint256 l2Timestamp = computeL2Timestamp(l2BlockNumber);
        require(l2Timestamp < block.timestamp, BlockInTheFuture(l2Timestamp));
        require(outputRoot != bytes32(0), EmptyOutputRoot());
        if (l1BlockHash != bytes32(0)) {
            require(blockhash(l1BlockNumber) == l1BlockHash, L1BlockMismatch(l1BlockNumber, l1BlockHash));
        }
        if (msg.sender == proposer) proposerSeenAt = block.timestamp;
        emit OutputProposed(outputRoot, nextOutputIndex(), l2BlockNumber, block.timestamp);
        _outputs.push(OutputProposal(outputRoot, uint128(block.timestamp), uint128(l2BlockNumber)));
        _submissions.push(Submission(msg.sender, _nextSubmissionId++, uint32(block.number)));
    }

    /// @notice Deletes output `l2OutputIndex` and all later ones. A final output stays for ever.
    function deleteL2Outputs(uint256 l2OutputIndex) external onlyDisputeGame {
        uint256 count = _outputs.length;
        require(l2OutputIndex < count, OutputNotFound(l2OutputIndex));
        require(!isFinal(l2OutputIndex), OutputFinal(l2OutputIndex));
        for (uint256 length = count; length > l2OutputIndex; --length) {
            _outputs.pop();
            _submissions.pop();
        }
        for (uint256 i = _disputed.length; i > 0; --i) {
            if (_disputed[i - 1] >= l2OutputIndex) _forget(i - 1);
        }
        emit OutputsDeleted(count, l2OutputIndex);
    }

    /// @notice Keeps an output and all later ones from becoming final. Only while its window is open.
    function openDispute(uint256 l2OutputIndex) external onlyDisputeGame {
        require(l2OutputIndex < _outputs.length, OutputNotFound(l2OutputIndex));
        require(
            block.timestamp - _outputs[l2OutputIndex].timestamp < finalizationPeriodSeconds, OutputFinal(l2OutputIndex)
        );
        if (openDisputes[l2OutputIndex]++ == 0) _disputed.push(l2OutputIndex);
    }

    /// @notice Takes back one `openDispute`.
    function closeDispute(uint256 l2OutputIndex) external onlyDisputeGame {
        if (--openDisputes[l2OutputIndex] > 0) return;
        uint256 i;
        while (_disputed[i] != l2OutputIndex) ++i;
        _forget(i);
    }

    modifier onlyDisputeGame() {
        require(msg.sender == disputeGame, NotDisputeGame(msg.sender));
        _;
    }

    /// @notice Whether an output can never be deleted: its window is over, and neither it nor an earlier one is in
    ///         dispute.
    function isFinal(uint256 l2OutputIndex) public view returns (bool) {
        require(l2OutputIndex < _outputs.length, OutputNotFound(l2OutputIndex));
        if (block.timestamp <= _outputs[l2OutputIndex].timestamp + finalizationPeriodSeconds) return false;
        for (uint256 i; i < _disputed.length; ++i) {
            if (_disputed[i] <= l2OutputIndex) return false;
        }
        return true;
    }

    /// @notice Who proposed an output, in which L1 block, and the output's identity.
    function submission(uint256 l2OutputIndex) external view returns (Submission memory) {
        require(l2OutputIndex < _submissions.length, OutputNotFound(l2OutputIndex));
        return _submissions[l2OutputIndex];
    }

    function _forget(uint256 place) private {
        openDisputes[_disputed[place]] = 0;
        _disputed[place] = _disputed[_disputed.length - 1];
        _disputed.pop();
    }

    /// @notice Whether `account` may propose now: the proposer, or any validator once the proposer is silent; both
    ///         only with stake to lose.
    function mayPropose(address account) public view returns (bool) {
        if (!staking.isValidator(account)) return false;
        return account == proposer || block.timestamp > proposerSeenAt + proposerGraceSeconds;
    }

    /// @notice The output at `l2OutputIndex`.
    function getL2Output(uint256 l2OutputIndex) external view returns (OutputProposal memory) {
        require(l2OutputIndex < _outputs.length, OutputNotFound(l2OutputIndex));
        return _outputs[l2OutputIndex];
    }

    /// @notice The first output that covers L2 block `l2BlockNumber`.
    function getL2OutputAfter(uint256 l2BlockNumber) external view returns (OutputProposal memory) {
        return _outputs[getL2OutputIndexAfter(l2BlockNumber)];
    }

    /// @notice The index of the first output that covers L2 block `l2BlockNumber`.
    /// @dev Reverts with OP's text, not with an error of our own: viem's `getWithdrawalStatus` looks for it.
    function getL2OutputIndexAfter(uint256 l2BlockNumber) public view returns (uint256) {
        require(
            l2BlockNumber <= latestBlockNumber() && _outputs.length > 0,
            "L2OutputOracle: cannot get output for a block that has not been proposed"
        );
        if (l2BlockNumber <= startingBlockNumber) return 0;
        return (l2BlockNumber - startingBlockNumber - 1) / submissionInterval;
    }

    /// @notice The index of the newest output. Reverts while there is none.
    function latestOutputIndex() external view returns (uint256) {
        require(_outputs.length > 0, OutputNotFound(0));
        return _outputs.length - 1;
    }

    /// @notice The index the next output gets.
    function nextOutputIndex() public view returns (uint256) {
        return _outputs.length;
    }

    /// @notice The L2 block of the newest output, or the starting block while there is none.
    function latestBlockNumber() public view returns (uint256) {
        return startingBlockNumber + _outputs.length * submissionInterval;
    }

    /// @notice The L2 block the next output has to be of.
    function nextBlockNumber() public view returns (uint256) {
        return latestBlockNumber() + submissionInterval;
    }

    /// @notice The second in which L2 block `l2BlockNumber` is made.
    function computeL2Timestamp(uint256 l2BlockNumber) public view returns (uint256) {
        return startingTimestamp + (l2BlockNumber - startingBlockNumber) * l2BlockTime;
    }

    // Names of earlier OP Stack versions, which clients still read.

    function SUBMISSION_INTERVAL() external view returns (uint256) {
        return submissionInterval;
    }

    function L2_BLOCK_TIME() external view returns (uint256) {
        return l2BlockTime;
    }

    function FINALIZATION_PERIOD_SECONDS() external view returns (uint256) {
        return finalizationPeriodSeconds;
    }

    function PROPOSER() external view returns (address) {
        return proposer;
    }

    function CHALLENGER() external view returns (address) {
        return disputeGame;
    }

    function version() external pure returns (string memory) {
        return "1.8.0";
    }
}
