// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {BlockHeader} from "@openzeppelin/contracts/utils/BlockHeader.sol";
import {Blockhash} from "@openzeppelin/contracts/utils/Blockhash.sol";

import {ICases, IStepVerifier, Step, Verdict} from "./IStepVerifier.sol";
import {ValidatorStaking} from "./ValidatorStaking.sol";

/// @title A jury of validators that runs one step again and says what comes out
/// @notice Seats are drawn by stake, with L1 randomness of a block after the case began. Each juror commits to the
///         claim it computed, then reveals it: a bit could be guessed, the claim of a wrong step cannot be copied.
/// @dev Covered: stake counts as it was when the root was proposed; signers and parties are never drawn; more than
///      half of the seats decide, or twice as many are drawn, at most `MAX_ROUNDS` times, then the larger half of those
///      who spoke; absent jurors are fined; the loser pays those who agreed with the verdict.
///      Not covered: more than half of a jury that lies. What it can take is in docs/rollup.md.
contract JuryVerifier is IStepVerifier {
    using SafeERC20 for IERC20;

    struct Case {
        uint64 drawBlock;
        uint64 commitUntil;
        uint64 revealUntil;
        uint32 round;
        uint32 seats;
        uint32 committedSeats;
        uint32 revealedSeats;
        uint32 rightSeats;
        uint32 rightOfAllRounds;
        uint32 wrongOfAllRounds;
        Verdict verdict;
        bool paid;
        bytes32 claim;
    }

    struct Vote {
        bytes32 commitment;
        bytes32 value;
        uint32 seats;
        bool revealed;
        bool settled;
    }

    event CaseOpened(uint256 indexed caseId, Step step);
    event DrawRequested(uint256 indexed caseId, uint256 indexed round, uint256 drawBlock);
    event JurorDrawn(uint256 indexed caseId, uint256 indexed round, address indexed juror, uint256 seats);
    event Committed(uint256 indexed caseId, uint256 indexed round, address indexed juror);
    event Revealed(uint256 indexed caseId, uint256 indexed round, address indexed juror, bytes32 value);
    event Concluded(uint256 indexed caseId, Verdict verdict);
    event JurorPaid(uint256 indexed caseId, uint256 indexed round, address indexed juror, uint256 amount);
    event JurorFined(uint256 indexed caseId, uint256 indexed round, address indexed juror, uint256 amount);

    error OnlyGame(address caller);
    error CaseExists(uint256 caseId);
    error NotNow(uint256 caseId);
    error WrongHeader(uint256 expected);
    error NotDrawn(address account);
    error AlreadyCommitted(address juror);
    error CommitmentMismatch();
    error NothingDue();

    uint256 public constant FIRST_SEATS = 7;
    uint256 public constant MAX_ROUNDS = 3;
    /// @notice Blocks between the request of a draw and the block whose randomness it takes.
    uint256 public constant DRAW_MARGIN = 2;

    ValidatorStaking public immutable staking;
    IERC20 public immutable token;
    ICases public immutable game;
    uint64 public immutable commitSeconds;
    uint64 public immutable revealSeconds;
    uint256 public immutable seatFee;

    mapping(uint256 caseId => Case) private _cases;
    mapping(uint256 caseId => Step) private _steps;
    mapping(uint256 caseId => mapping(uint256 round => mapping(address juror => Vote))) private _votes;
    mapping(uint256 caseId => mapping(uint256 round => address[])) private _jurors;

    constructor(
        ValidatorStaking staking_,
        ICases game_,
        uint64 commitSeconds_,
        uint64 revealSeconds_,
        uint256 seatFee_
    ) {
        staking = staking_;
        token = staking_.token();
        game = game_;
        commitSeconds = commitSeconds_;
        revealSeconds = revealSeconds_;
        seatFee = seatFee_;
    }

    /// @inheritdoc IStepVerifier
    function verifyInputs(uint256 caseId, Step calldata step, bytes calldata) external {
        _open(caseId, step);
    }

    /// @inheritdoc IStepVerifier
    function verifyTransaction(uint256 caseId, Step calldata step, bytes calldata) external {
        _open(caseId, step);
    }

    /// @inheritdoc IStepVerifier
    function verifySealing(uint256 caseId, Step calldata step, bytes calldata) external {
        _open(caseId, step);
    }

    /// @notice Draws the jury with the randomness of block `drawBlock`, shown by its header. By anyone.
    function draw(uint256 caseId, bytes calldata headerRLP) external {
        Case storage it = _cases[caseId];
        require(it.drawBlock != 0 && it.commitUntil == 0, NotNow(caseId));
        bytes32 expected = Blockhash.blockHash(it.drawBlock);
        require(expected != bytes32(0) && keccak256(headerRLP) == expected, WrongHeader(it.drawBlock));
        it.commitUntil = uint64(block.timestamp) + commitSeconds;
        it.revealUntil = it.commitUntil + revealSeconds;
        if (!_seat(caseId, it, BlockHeader.getPrevRandao(headerRLP))) _conclude(caseId, it, Verdict.DEFAULTED);
    }

    /// @notice Names another block when the hash of the first is out of reach.
    function drawAgain(uint256 caseId) external {
        Case storage it = _cases[caseId];
        bool lost = block.number > it.drawBlock && Blockhash.blockHash(it.drawBlock) == bytes32(0);
        require(it.drawBlock != 0 && it.commitUntil == 0 && lost, NotNow(caseId));
        _request(caseId, it);
    }

    /// @notice A juror's promise: keccak256(case, round, juror, value, salt).
    function commit(uint256 caseId, bytes32 commitment) external {
        Case storage it = _cases[caseId];
        require(it.verdict == Verdict.PENDING && block.timestamp < it.commitUntil, NotNow(caseId));
        Vote storage vote = _votes[caseId][it.round][msg.sender];
        require(vote.seats > 0, NotDrawn(msg.sender));
        require(vote.commitment == bytes32(0), AlreadyCommitted(msg.sender));
        vote.commitment = commitment;
        it.committedSeats += vote.seats;
        emit Committed(caseId, it.round, msg.sender);
    }

    /// @notice What the juror computed: the claim after the step, or zero if the witness does not lead to one.
    function reveal(uint256 caseId, bytes32 value, bytes32 salt) external {
        Case storage it = _cases[caseId];
        require(it.verdict == Verdict.PENDING && mayReveal(caseId), NotNow(caseId));
        Vote storage vote = _votes[caseId][it.round][msg.sender];
        bytes32 promised = keccak256(abi.encode(caseId, it.round, msg.sender, value, salt));
        require(vote.commitment == promised && !vote.revealed, CommitmentMismatch());
        vote.value = value;
        vote.revealed = true;
        it.revealedSeats += vote.seats;
        if (value == it.claim) it.rightSeats += vote.seats;
        emit Revealed(caseId, it.round, msg.sender, value);
    }

    /// @notice Ends a round: with a verdict, or with a draw of twice the size.
    function conclude(uint256 caseId) external {
        Case storage it = _cases[caseId];
        bool over = it.commitUntil != 0 && (block.timestamp >= it.revealUntil || it.revealedSeats == it.seats);
        require(it.verdict == Verdict.PENDING && over, NotNow(caseId));
        uint256 wrongSeats = it.revealedSeats - it.rightSeats;
        it.rightOfAllRounds += it.rightSeats;
        it.wrongOfAllRounds += uint32(wrongSeats);
        if (2 * uint256(it.rightSeats) > it.seats) return _conclude(caseId, it, Verdict.RIGHT);
        if (2 * wrongSeats > it.seats) return _conclude(caseId, it, Verdict.WRONG);
        if (it.round + 1 < MAX_ROUNDS) {
            ++it.round;
            return _request(caseId, it);
        }
        if (it.revealedSeats == 0) return _conclude(caseId, it, Verdict.DEFAULTED);
        _conclude(caseId, it, it.rightSeats > wrongSeats ? Verdict.RIGHT : Verdict.WRONG);
    }

    /// @notice Settles with one juror of one round of a decided case: pay, or a fine to the treasury for silence.
    function settle(uint256 caseId, uint256 round, address juror) external {
        Case storage it = _cases[caseId];
        Vote storage vote = _votes[caseId][round][juror];
        require(it.verdict != Verdict.PENDING && vote.seats > 0 && !vote.settled, NothingDue());
        uint256 amount = seatFee * vote.seats;
        if (!vote.revealed) {
            vote.settled = true;
            uint256 taken = staking.fine(juror, amount);
            emit JurorFined(caseId, round, juror, taken);
            return;
        }
        require(it.paid && (vote.value == it.claim) == (it.verdict == Verdict.RIGHT), NothingDue());
        vote.settled = true;
        emit JurorPaid(caseId, round, juror, amount);
        token.safeTransfer(juror, amount);
    }

    /// @inheritdoc IStepVerifier
    function collect(uint256 caseId) external {
        require(msg.sender == address(game), OnlyGame(msg.sender));
        _cases[caseId].paid = true;
    }

    /// @inheritdoc IStepVerifier
    function verdict(uint256 caseId) external view returns (Verdict) {
        return _cases[caseId].verdict;
    }

    /// @inheritdoc IStepVerifier
    function fee(uint256 caseId) external view returns (uint256) {
        Case storage it = _cases[caseId];
        if (it.verdict == Verdict.RIGHT) return seatFee * it.rightOfAllRounds;
        return it.verdict == Verdict.WRONG ? seatFee * it.wrongOfAllRounds : 0;
    }

    /// @inheritdoc IStepVerifier
    function highestFee() external view returns (uint256) {
        return seatFee * FIRST_SEATS * ((1 << MAX_ROUNDS) - 1);
    }

    /// @notice The most seconds a case takes, but for the blocks that its draws wait for.
    function longestSeconds() external view returns (uint256) {
        return MAX_ROUNDS * (uint256(commitSeconds) + revealSeconds);
    }

    /// @notice Whether this round's values may be shown: everybody has committed, or the time to commit is over.
    function mayReveal(uint256 caseId) public view returns (bool) {
        Case storage it = _cases[caseId];
        if (it.commitUntil == 0 || block.timestamp >= it.revealUntil) return false;
        return block.timestamp >= it.commitUntil || it.committedSeats == it.seats;
    }

    /// @notice State of a case.
    function caseOf(uint256 caseId) external view returns (Case memory) {
        return _cases[caseId];
    }

    /// @notice What the case is about.
    function stepOf(uint256 caseId) external view returns (Step memory) {
        return _steps[caseId];
    }

    /// @notice A juror's vote in a round; no seats if it was not drawn.
    function voteOf(uint256 caseId, uint256 round, address juror) external view returns (Vote memory) {
        return _votes[caseId][round][juror];
    }

    /// @notice Everybody drawn in a round.
    function jurorsOf(uint256 caseId, uint256 round) external view returns (address[] memory) {
        return _jurors[caseId][round];
    }

    function _open(uint256 caseId, Step calldata step) private {
        require(msg.sender == address(game), OnlyGame(msg.sender));
        Case storage it = _cases[caseId];
        require(it.drawBlock == 0, CaseExists(caseId));
        it.claim = step.claimAfter;
        _steps[caseId] = step;
        emit CaseOpened(caseId, step);
        _request(caseId, it);
    }

    function _request(uint256 caseId, Case storage it) private {
        it.drawBlock = uint64(block.number + DRAW_MARGIN);
        (it.commitUntil, it.revealUntil, it.seats) = (0, 0, 0);
        (it.committedSeats, it.revealedSeats, it.rightSeats) = (0, 0, 0);
        emit DrawRequested(caseId, it.round, it.drawBlock);
    }

    function _conclude(uint256 caseId, Case storage it, Verdict found) private {
        it.verdict = found;
        emit Concluded(caseId, found);
    }

    /// @dev Fills this round's seats. False if nobody can be drawn.
    function _seat(uint256 caseId, Case storage it, bytes32 randomness) private returns (bool) {
        address[] memory candidates = staking.candidates();
        (uint256[] memory stakeUpTo, uint256 total) = _weigh(caseId, candidates, true);
        if (total == 0) (stakeUpTo, total) = _weigh(caseId, candidates, false);
        if (total == 0) return false;
        uint256 seats = FIRST_SEATS << it.round;
        for (uint256 seat; seat < seats; ++seat) {
            uint256 point = uint256(keccak256(abi.encode(randomness, caseId, it.round, seat))) % total;
            uint256 found;
            while (stakeUpTo[found] <= point) ++found;
            Vote storage vote = _votes[caseId][it.round][candidates[found]];
            if (vote.seats == 0) _jurors[caseId][it.round].push(candidates[found]);
            ++vote.seats;
        }
        it.seats = uint32(seats);
        _announce(caseId, it.round);
        return true;
    }

    function _announce(uint256 caseId, uint256 round) private {
        address[] storage drawn = _jurors[caseId][round];
        for (uint256 i; i < drawn.length; ++i) {
            emit JurorDrawn(caseId, round, drawn[i], _votes[caseId][round][drawn[i]].seats);
        }
    }

    /// @dev Running sums of the candidates' stake when the root was proposed. Without an epoch's seed, or where its
    ///      jurors are all parties, everybody who is no party may be drawn.
    function _weigh(uint256 caseId, address[] memory candidates, bool onlyJurors)
        private
        view
        returns (uint256[] memory stakeUpTo, uint256 total)
    {
        (uint256 blockNumber, uint256 timestamp) = game.proposedAt(caseId);
        uint256 epoch = staking.epochOf(blockNumber);
        stakeUpTo = new uint256[](candidates.length);
        if (onlyJurors && staking.seedOf(epoch) == bytes32(0)) return (stakeUpTo, 0);
        for (uint256 i; i < candidates.length; ++i) {
            address candidate = candidates[i];
            bool sits = !(onlyJurors && !staking.isJuror(candidate, epoch)) && !game.isParty(caseId, candidate);
            if (sits) total += staking.activeStakeAt(candidate, timestamp);
            stakeUpTo[i] = total;
        }
    }
}
