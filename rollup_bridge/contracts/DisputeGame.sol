// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";

import {ICases, IStepVerifier, Step, Verdict} from "./IStepVerifier.sol";
import {OutputOracle} from "./OutputOracle.sol";
import {ValidatorStaking} from "./ValidatorStaking.sol";

/// @title How a wrong output root is found out
/// @notice Anyone with the bond challenges a root. Its proposer, and everyone who signed it, may defend it, each in a
///         line of its own: bisection over the blocks since the output before, then over the steps of one block, then
///         a verdict on one step. A challenge succeeds when every line is broken, or none was opened in time; it
///         fails as soon as one line holds.
/// @dev Covered: one honest defender keeps a right root whatever others play on either side, and one honest
///      challenger brings down a wrong one; each side of a line has a chess clock, so that a line ends within twice
///      `clockSeconds` and a verdict; a root that was proposed again is not the root that was challenged; bonds are
///      paid out by withdrawal only; the loser pays the verifier, then the winner, and a part goes to the treasury, so
///      that losing to oneself costs too.
///      Not covered: an output before this one that is wrong and that nobody challenged.
contract DisputeGame is ICases, ReentrancyGuard {
    using SafeERC20 for IERC20;

    enum Status {
        OPEN,
        SUCCEEDED,
        FAILED,
        VOID
    }

    /// @notice Whose move it is, and which. D: the defender's, C: the challenger's.
    enum Phase {
        CLAIM, // D: the claim in the middle
        CHOOSE, // C: which half is wrong
        OPEN_BLOCK, // D: inputs of the one block left, and the claim after them
        JUDGE_INPUTS, // C: whether it disputes those
        WITNESS, // D: what the one step left reads
        VERDICT, // the verifier's
        HELD,
        BROKEN,
        VOID
    }

    struct Challenge {
        uint256 outputIndex;
        bytes32 outputRoot;
        address challenger;
        address proposer;
        uint64 submissionId;
        uint64 createdAt;
        uint64 proposedAtBlock;
        uint64 proposedAtSecond;
        uint64 l2BlockNumber;
        uint32 lines;
        uint32 brokenLines;
        bytes32 l1Head;
        Status status;
        bool provenWrong;
    }

    /// @notice `low` is agreed, `high` is disputed; blocks first, then steps of block `blockNumber`.
    struct Line {
        uint256 challengeId;
        address defender;
        Phase phase;
        bool inputsDisputed;
        uint64 low;
        uint64 high;
        uint64 blockNumber;
        uint64 movedAt;
        uint64 challengerSeconds;
        uint64 defenderSeconds;
        uint64 transactionCount;
        uint64 witnessParts;
        bytes32 lowClaim;
        bytes32 highClaim;
        bytes32 middleClaim;
        bytes32 inputsHash;
        bytes32 witnessHash;
    }

    event Challenged(uint256 indexed challengeId, uint256 indexed outputIndex, address indexed challenger, bytes32 root);
    event LineOpened(uint256 indexed lineId, uint256 indexed challengeId, address indexed defender);
    event Moved(uint256 indexed lineId, Phase next);
    event WitnessPosted(uint256 indexed lineId, uint256 indexed part, bytes data);
    event LineEnded(uint256 indexed lineId, Phase phase);
    event ChallengeEnded(uint256 indexed challengeId, Status status);
    event Credited(address indexed account, uint256 amount);

    error NotYourMove(uint256 lineId);
    error AlreadyChallenged(uint256 outputIndex, address challenger);
    error AlreadyDefended(uint256 challengeId, address defender);
    error MayNotDefend(address account);
    error OutputChanged(uint256 outputIndex);
    error ClockOut(uint256 lineId);
    error ClockRuns(uint256 lineId);
    error NotOver(uint256 challengeId);
    error TooManySteps(uint256 transactionCount);
    error WitnessTooLong(uint256 parts);
    error NotProvenWrong(uint256 challengeId);
    error NotAttester(address account);
    error InvalidParameter(string name);
    error NothingDue();

    uint256 private constant MILLION = 1_000_000;
    /// @notice The winner's part of a lost bond, after the verifier's fee.
    uint256 public constant WINNER_PPM = 700_000;
    uint256 public constant MAX_TRANSACTIONS = type(uint32).max;
    uint256 public constant MAX_WITNESS_PARTS = 256;

    OutputOracle public immutable oracle;
    ValidatorStaking public immutable staking;
    IStepVerifier public immutable verifier;
    IERC20 public immutable token;
    /// @notice What a challenge, and each line of defence, puts up.
    uint256 public immutable bond;
    uint64 public immutable clockSeconds;
    /// @notice Output root at the oracle's starting block.
    bytes32 public immutable startingRoot;

    mapping(address account => uint256) public credits;
    mapping(uint64 submissionId => mapping(address challenger => bool)) public hasChallenged;
    mapping(uint256 challengeId => mapping(address defender => bool)) public hasDefended;
    mapping(uint256 challengeId => mapping(address attester => bool)) public attesterSlashed;
    mapping(uint256 lineId => uint64[]) private _witnessBlocks;
    Challenge[] private _challenges;
    Line[] private _lines;

    constructor(
        OutputOracle oracle_,
        IStepVerifier verifier_,
        IERC20 token_,
        ValidatorStaking staking_,
        uint256 bond_,
        uint64 clockSeconds_,
        bytes32 startingRoot_
    ) {
        require(clockSeconds_ > 0, InvalidParameter("clockSeconds"));
        require(bond_ > 0, InvalidParameter("bond"));
        oracle = oracle_;
        verifier = verifier_;
        token = token_;
        staking = staking_;
        bond = bond_;
        clockSeconds = clockSeconds_;
        startingRoot = startingRoot_;
    }

    // Challenges

    /// @notice Challenges output `outputIndex`, which must still be `root`. Takes the bond. Fixes the L1 head: the
    ///         last block before this one.
    function challenge(uint256 outputIndex, bytes32 root) external nonReentrant returns (uint256 challengeId) {
        OutputOracle.Submission memory submitted = oracle.submission(outputIndex);
        require(oracle.getL2Output(outputIndex).outputRoot == root, OutputChanged(outputIndex));
        require(!hasChallenged[submitted.id][msg.sender], AlreadyChallenged(outputIndex, msg.sender));
        hasChallenged[submitted.id][msg.sender] = true;
        oracle.openDispute(outputIndex);
        challengeId = _challenges.length;
        Challenge storage made = _challenges.push();
        made.outputIndex = outputIndex;
        made.outputRoot = root;
        made.challenger = msg.sender;
        made.proposer = submitted.proposer;
        made.submissionId = submitted.id;
        made.createdAt = uint64(block.timestamp);
        made.proposedAtBlock = submitted.l1BlockNumber;
        made.proposedAtSecond = uint64(oracle.getL2Output(outputIndex).timestamp);
        made.l2BlockNumber = uint64(oracle.getL2Output(outputIndex).l2BlockNumber);
        made.l1Head = blockhash(block.number - 1);
        token.safeTransferFrom(msg.sender, address(this), bond);
        emit Challenged(challengeId, outputIndex, msg.sender, root);
    }

    /// @notice Ends a challenge that nobody answered in time, or all of whose lines are broken and no other can be
    ///         opened; or one whose root was deleted meanwhile.
    function resolve(uint256 challengeId) external nonReentrant {
        Challenge storage it = _challenges[challengeId];
        require(it.status == Status.OPEN, NotOver(challengeId));
        if (!_stands(it)) {
            _end(challengeId, it, Status.VOID);
            _credit(it.challenger, bond);
            return;
        }
        bool late = block.timestamp > it.createdAt + clockSeconds;
        require(late && it.brokenLines == it.lines, NotOver(challengeId));
        _end(challengeId, it, Status.SUCCEEDED);
        _credit(it.challenger, bond);
        oracle.deleteL2Outputs(it.outputIndex);
        staking.slash(it.proposer, it.challenger, it.l2BlockNumber);
    }

    /// @notice Slashes someone who signed a root that lost by a verdict. By anyone, for the reporter's part.
    function slashAttester(uint256 challengeId, address attester) external nonReentrant {
        Challenge storage it = _challenges[challengeId];
        require(it.status == Status.SUCCEEDED && it.provenWrong, NotProvenWrong(challengeId));
        bool signed = staking.attested(it.l2BlockNumber, it.outputRoot, attester) && attester != it.proposer;
        require(signed && !attesterSlashed[it.submissionId][attester], NotAttester(attester));
        attesterSlashed[it.submissionId][attester] = true;
        staking.slash(attester, msg.sender, it.l2BlockNumber);
    }

    // Lines of defence

    /// @notice Defends a challenged root: for its proposer and those whose attestation is on record. Takes the bond.
    function defend(uint256 challengeId) external nonReentrant returns (uint256 lineId) {
        Challenge storage it = _challenges[challengeId];
        _requireOpen(it);
        require(block.timestamp <= it.createdAt + clockSeconds, ClockOut(challengeId));
        require(_mayDefend(it, msg.sender), MayNotDefend(msg.sender));
        require(!hasDefended[challengeId][msg.sender], AlreadyDefended(challengeId, msg.sender));
        hasDefended[challengeId][msg.sender] = true;
        lineId = _lines.length;
        Line storage line = _lines.push();
        line.challengeId = challengeId;
        line.defender = msg.sender;
        line.high = it.l2BlockNumber;
        line.highClaim = it.outputRoot;
        (line.low, line.lowClaim) = _outputBefore(it.outputIndex);
        line.movedAt = uint64(block.timestamp);
        line.challengerSeconds = clockSeconds;
        line.defenderSeconds = it.createdAt + clockSeconds - uint64(block.timestamp);
        line.phase = _afterNarrowing(line);
        ++it.lines;
        token.safeTransferFrom(msg.sender, address(this), bond);
        emit LineOpened(lineId, challengeId, msg.sender);
    }

    /// @notice The defender's claim in the middle: an output root while it is about blocks, then a step's claim.
    function claim(uint256 lineId, bytes32 middleClaim) external {
        Line storage line = _turn(lineId, Phase.CLAIM);
        line.middleClaim = middleClaim;
        _moved(lineId, line, Phase.CHOOSE);
    }

    /// @notice The challenger's answer: whether the claim in the middle is right, so that what is wrong comes after.
    function choose(uint256 lineId, bool middleIsRight) external {
        Line storage line = _turn(lineId, Phase.CHOOSE);
        uint64 middle = middleOf(line.low, line.high);
        if (middleIsRight) (line.low, line.lowClaim) = (middle, line.middleClaim);
        else (line.high, line.highClaim) = (middle, line.middleClaim);
        line.middleClaim = bytes32(0);
        _moved(lineId, line, _afterNarrowing(line));
    }

    /// @notice The defender says what the one block left is made of, and what the claim after its inputs is.
    function openBlock(uint256 lineId, bytes32 inputsHash, uint64 transactionCount, bytes32 claimAfterInputs) external {
        Line storage line = _turn(lineId, Phase.OPEN_BLOCK);
        require(transactionCount <= MAX_TRANSACTIONS, TooManySteps(transactionCount));
        line.blockNumber = line.high;
        line.inputsHash = inputsHash;
        line.transactionCount = transactionCount;
        line.middleClaim = claimAfterInputs;
        _moved(lineId, line, Phase.JUDGE_INPUTS);
    }

    /// @notice The challenger accepts those inputs and the claim after them, or disputes them: then they are the step.
    function judgeInputs(uint256 lineId, bool areRight) external {
        Line storage line = _turn(lineId, Phase.JUDGE_INPUTS);
        if (areRight) {
            (line.low, line.lowClaim) = (0, line.middleClaim);
            line.high = line.transactionCount + 1;
        } else {
            line.inputsDisputed = true;
            line.highClaim = line.middleClaim;
        }
        line.middleClaim = bytes32(0);
        _moved(lineId, line, line.inputsDisputed ? Phase.WITNESS : _afterNarrowing(line));
    }

    /// @notice The defender posts what the step reads, in parts; with the last one the verifier is asked.
    /// @param proof What a verifier needs that computes; empty for a jury.
    function postWitness(uint256 lineId, bytes calldata part, bool isLast, bytes calldata proof) external nonReentrant {
        Line storage line = _turn(lineId, Phase.WITNESS);
        require(line.witnessParts < MAX_WITNESS_PARTS, WitnessTooLong(line.witnessParts));
        line.witnessHash = keccak256(abi.encodePacked(line.witnessHash, part));
        emit WitnessPosted(lineId, line.witnessParts++, part);
        _witnessBlocks[lineId].push(uint64(block.number));
        _moved(lineId, line, isLast ? Phase.VERDICT : Phase.WITNESS);
        if (isLast) _ask(lineId, line, proof);
    }

    /// @notice Ends a line once the verifier has spoken.
    function settle(uint256 lineId) external nonReentrant {
        Line storage line = _lines[lineId];
        Challenge storage it = _challenges[line.challengeId];
        _requireOpen(it);
        require(line.phase == Phase.VERDICT, NotYourMove(lineId));
        Verdict verdict = verifier.verdict(lineId);
        require(verdict != Verdict.PENDING, NotOver(line.challengeId));
        if (verdict == Verdict.WRONG) it.provenWrong = true;
        uint256 fee = verifier.fee(lineId);
        _endLine(lineId, line, verdict == Verdict.RIGHT, fee > bond ? bond : fee);
        if (fee > 0) {
            token.safeTransfer(address(verifier), fee > bond ? bond : fee);
            verifier.collect(lineId);
        }
    }

    /// @notice Ends a line against the side whose clock has run out. By anyone.
    function timeOut(uint256 lineId) external nonReentrant {
        Line storage line = _lines[lineId];
        _requireOpen(_challenges[line.challengeId]);
        require(line.phase < Phase.VERDICT, NotYourMove(lineId));
        bool challengersTurn = _isChallengers(line.phase);
        uint64 left = challengersTurn ? line.challengerSeconds : line.defenderSeconds;
        require(block.timestamp - line.movedAt > left, ClockRuns(lineId));
        _endLine(lineId, line, challengersTurn, 0);
    }

    /// @notice Gives a defender its bond back when the challenge ended without its line.
    function release(uint256 lineId) external {
        Line storage line = _lines[lineId];
        Challenge storage it = _challenges[line.challengeId];
        bool ended = it.status != Status.OPEN || !_stands(it);
        require(ended && line.phase < Phase.HELD, NothingDue());
        line.phase = Phase.VOID;
        emit LineEnded(lineId, Phase.VOID);
        _credit(line.defender, bond);
    }

    /// @notice Pays out what an account has won or got back.
    function withdraw(address account) external nonReentrant returns (uint256 amount) {
        amount = credits[account];
        require(amount > 0, NothingDue());
        credits[account] = 0;
        token.safeTransfer(account, amount);
    }

    // Views

    function challengeCount() external view returns (uint256) {
        return _challenges.length;
    }

    function lineCount() external view returns (uint256) {
        return _lines.length;
    }

    function challengeAt(uint256 challengeId) external view returns (Challenge memory) {
        return _challenges[challengeId];
    }

    function lineAt(uint256 lineId) external view returns (Line memory) {
        return _lines[lineId];
    }

    /// @notice The L1 blocks whose `WitnessPosted` events hold the parts of a line's witness, in order.
    function witnessBlocksOf(uint256 lineId) external view returns (uint64[] memory) {
        return _witnessBlocks[lineId];
    }

    /// @notice Where the next claim lies.
    function middleOf(uint64 low, uint64 high) public pure returns (uint64) {
        return low + (high - low) / 2;
    }

    /// @inheritdoc ICases
    function isParty(uint256 caseId, address account) external view returns (bool) {
        Challenge storage it = _challenges[_lines[caseId].challengeId];
        return account == it.challenger || account == it.proposer || hasDefended[_lines[caseId].challengeId][account]
            || hasChallenged[it.submissionId][account]
            || staking.attested(it.l2BlockNumber, it.outputRoot, account);
    }

    /// @inheritdoc ICases
    function proposedAt(uint256 caseId) external view returns (uint256 blockNumber, uint256 timestamp) {
        Challenge storage it = _challenges[_lines[caseId].challengeId];
        return (it.proposedAtBlock, it.proposedAtSecond);
    }

    // How a line goes on

    /// @dev The line, if it is this move's turn, the caller's, and its clock still runs; takes the time it took.
    function _turn(uint256 lineId, Phase phase) private returns (Line storage line) {
        line = _lines[lineId];
        Challenge storage it = _challenges[line.challengeId];
        _requireOpen(it);
        bool challengers = _isChallengers(phase);
        require(line.phase == phase, NotYourMove(lineId));
        require(msg.sender == (challengers ? it.challenger : line.defender), NotYourMove(lineId));
        uint64 taken = uint64(block.timestamp) - line.movedAt;
        require(taken <= (challengers ? line.challengerSeconds : line.defenderSeconds), ClockOut(lineId));
        if (challengers) line.challengerSeconds -= taken;
        else line.defenderSeconds -= taken;
        line.movedAt = uint64(block.timestamp);
    }

    function _moved(uint256 lineId, Line storage line, Phase next) private {
        line.phase = next;
        emit Moved(lineId, next);
    }

    function _isChallengers(Phase phase) private pure returns (bool) {
        return phase == Phase.CHOOSE || phase == Phase.JUDGE_INPUTS;
    }

    function _afterNarrowing(Line storage line) private view returns (Phase) {
        if (line.high - line.low > 1) return Phase.CLAIM;
        return line.blockNumber == 0 ? Phase.OPEN_BLOCK : Phase.WITNESS;
    }

    function _ask(uint256 lineId, Line storage line, bytes calldata proof) private {
        Step memory step = Step({
            l2BlockNumber: line.blockNumber,
            l1Head: _challenges[line.challengeId].l1Head,
            inputsHash: line.inputsHash,
            transactionCount: line.transactionCount,
            number: line.inputsDisputed ? 0 : line.high,
            claimBefore: line.lowClaim,
            claimAfter: line.highClaim,
            witnessHash: line.witnessHash
        });
        if (step.number == 0) verifier.verifyInputs(lineId, step, proof);
        else if (step.number <= step.transactionCount) verifier.verifyTransaction(lineId, step, proof);
        else verifier.verifySealing(lineId, step, proof);
    }

    /// @dev The loser's bond goes to the verifier's fee, then to the winner and the treasury; a line that holds ends
    ///      the challenge.
    function _endLine(uint256 lineId, Line storage line, bool held, uint256 fee) private {
        Challenge storage it = _challenges[line.challengeId];
        line.phase = held ? Phase.HELD : Phase.BROKEN;
        emit LineEnded(lineId, line.phase);
        uint256 prize = (bond - fee) * WINNER_PPM / MILLION;
        _credit(staking.treasury(), bond - fee - prize);
        if (!held) {
            ++it.brokenLines;
            _credit(it.challenger, prize);
            return;
        }
        _credit(line.defender, bond + prize);
        _end(line.challengeId, it, Status.FAILED);
        oracle.closeDispute(it.outputIndex);
    }

    function _end(uint256 challengeId, Challenge storage it, Status status) private {
        it.status = status;
        emit ChallengeEnded(challengeId, status);
    }

    function _credit(address account, uint256 amount) private {
        credits[account] += amount;
        emit Credited(account, amount);
    }

    function _requireOpen(Challenge storage it) private view {
        require(it.status == Status.OPEN && _stands(it), OutputChanged(it.outputIndex));
    }

    /// @dev Whether the very output that was challenged is still in the oracle.
    function _stands(Challenge storage it) private view returns (bool) {
        if (it.outputIndex >= oracle.nextOutputIndex()) return false;
        return oracle.submission(it.outputIndex).id == it.submissionId;
    }

    function _mayDefend(Challenge storage it, address account) private view returns (bool) {
        if (account == it.challenger) return false;
        return account == it.proposer || staking.attested(it.l2BlockNumber, it.outputRoot, account);
    }

    function _outputBefore(uint256 outputIndex) private view returns (uint64, bytes32) {
        if (outputIndex == 0) return (uint64(oracle.startingBlockNumber()), startingRoot);
        return (
            uint64(oracle.getL2Output(outputIndex - 1).l2BlockNumber), oracle.getL2Output(outputIndex - 1).outputRoot
        );
    }
}
