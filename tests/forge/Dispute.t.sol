// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DisputeGame} from "../../rollup_bridge/contracts/DisputeGame.sol";
import {IStepVerifier, Step, Verdict} from "../../rollup_bridge/contracts/IStepVerifier.sol";
import {OpenToken} from "../../rollup_bridge/contracts/OpenToken.sol";
import {OutputOracle} from "../../rollup_bridge/contracts/OutputOracle.sol";
import {ValidatorStaking} from "../../rollup_bridge/contracts/ValidatorStaking.sol";
import {Vm} from "./Money.t.sol";

/// @notice A verifier that computes its answer when it is asked, as one without a jury would: a step holds if its
///         proof is the hash of what it leads to. Free of charge.
contract ComputingVerifier is IStepVerifier {
    mapping(uint256 caseId => Verdict) public verdict;

    function verifyInputs(uint256 caseId, Step calldata step, bytes calldata proof) external {
        _verify(caseId, step, proof);
    }

    function verifyTransaction(uint256 caseId, Step calldata step, bytes calldata proof) external {
        _verify(caseId, step, proof);
    }

    function verifySealing(uint256 caseId, Step calldata step, bytes calldata proof) external {
        _verify(caseId, step, proof);
    }

    function fee(uint256) external pure returns (uint256) {
        return 0;
    }

    function highestFee() external pure returns (uint256) {
        return 0;
    }

    function collect(uint256) external {}

    function _verify(uint256 caseId, Step calldata step, bytes calldata proof) private {
        bool holds = keccak256(proof) == keccak256(abi.encode(step.claimAfter));
        verdict[caseId] = holds ? Verdict.RIGHT : Verdict.WRONG;
    }
}

/// @notice Proposes, challenges, defends, moves and lets clocks run out, in any order that the fuzzer likes.
contract Players {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint256 private constant WINDOW = 1_000;
    uint64 private constant CLOCK = 300;
    uint256 public constant BOND = 10 ether;
    uint256 private constant LEAST_STAKE = 1 ether;
    address private constant TREASURY = address(0xFEE);

    OpenToken public token;
    OutputOracle public oracle;
    ValidatorStaking public staking;
    DisputeGame public game;
    address[3] public challengers = [address(0xC0001), address(0xC0002), address(0xC0003)];
    uint256 private _clock = 1_000_000;
    mapping(uint256 index => uint256 id) public finalSubmission;
    uint256 public finalCount;

    constructor() {
        VM.warp(_clock);
        VM.roll(1_000);
        token = new OpenToken(address(this));
        uint64 nonce = VM.getNonce(address(this));
        address gameAt = VM.computeCreateAddress(address(this), nonce + 3);
        IStepVerifier verifier = new ComputingVerifier();
        staking = new ValidatorStaking(token, TREASURY, LEAST_STAKE, 10_000, 2_000, 100, gameAt, address(verifier));
        oracle = new OutputOracle(8, 1, 0, _clock - 1_000_000, WINDOW, address(this), gameAt, 1 days, staking);
        game = new DisputeGame(oracle, verifier, token, staking, BOND, CLOCK, bytes32(uint256(1)));
        require(address(game) == gameAt, "address");
        token.approve(address(staking), type(uint256).max);
        token.approve(address(game), type(uint256).max);
        staking.stake(1_000_000 ether);
        for (uint256 i; i < challengers.length; ++i) {
            token.transfer(challengers[i], 1_000_000 ether);
            VM.prank(challengers[i]);
            token.approve(address(game), type(uint256).max);
        }
    }

    function propose(bytes32 root) external {
        if (root == bytes32(0) || !oracle.mayPropose(address(this))) return;
        oracle.proposeL2Output(root, oracle.nextBlockNumber(), bytes32(0), 0);
        _tick(1);
    }

    function challenge(uint256 who, uint256 which) external {
        uint256 count = oracle.nextOutputIndex();
        if (count == 0) return;
        uint256 index = count - 1 - which % (count < 4 ? count : 4);
        bytes32 root = oracle.getL2Output(index).outputRoot;
        VM.prank(challengers[who % 3]);
        try game.challenge(index, root) {} catch {}
    }

    function defend(uint256 which) external {
        if (game.challengeCount() == 0) return;
        try game.defend(which % game.challengeCount()) {} catch {}
    }

    /// @notice Whoever's turn it is makes a move, right or wrong.
    function move(uint256 which, bytes32 word, bool yes) external {
        uint256 count = game.lineCount();
        if (count == 0) return;
        uint256 lineId = count - 1 - which % (count < 5 ? count : 5);
        DisputeGame.Line memory line = game.lineAt(lineId);
        if (line.phase == DisputeGame.Phase.CLAIM) {
            try game.claim(lineId, word) {} catch {}
        } else if (line.phase == DisputeGame.Phase.OPEN_BLOCK) {
            try game.openBlock(lineId, word, uint64(uint256(word) % 9), word) {} catch {}
        } else if (line.phase == DisputeGame.Phase.WITNESS) {
            bytes memory proof = yes ? abi.encode(line.highClaim) : bytes("");
            try game.postWitness(lineId, "witness", true, proof) {} catch {}
        } else {
            VM.prank(game.challengeAt(line.challengeId).challenger);
            if (line.phase == DisputeGame.Phase.CHOOSE) {
                try game.choose(lineId, yes) {} catch {}
            } else if (line.phase == DisputeGame.Phase.JUDGE_INPUTS) {
                try game.judgeInputs(lineId, yes) {} catch {}
            } else {
                try game.settle(lineId) {} catch {}
            }
        }
        _tick(1);
    }

    function end(uint256 which, uint256 passed) external {
        _tick(passed % (CLOCK + 50));
        uint256 lines = game.lineCount();
        if (lines > 0) try game.timeOut(which % lines) {} catch {}
        if (lines > 0) try game.release(which % lines) {} catch {}
        uint256 count = game.challengeCount();
        if (count > 0) try game.resolve(which % count) {} catch {}
    }

    function withdraw(uint256 who) external {
        address account = who % 4 == 3 ? address(this) : challengers[who % 4];
        try game.withdraw(account) {} catch {}
    }

    /// @notice Remembers what is final now, to see that it stays.
    function remember() external {
        while (finalCount < oracle.nextOutputIndex() && oracle.isFinal(finalCount)) {
            finalSubmission[finalCount] = oracle.submission(finalCount).id;
            ++finalCount;
        }
    }

    /// @notice Bonds that are in play: of open challenges, and of lines that are not over.
    function bondsInPlay() external view returns (uint256 held) {
        for (uint256 i; i < game.challengeCount(); ++i) {
            if (game.challengeAt(i).status == DisputeGame.Status.OPEN) held += BOND;
        }
        for (uint256 i; i < game.lineCount(); ++i) {
            if (game.lineAt(i).phase < DisputeGame.Phase.HELD) held += BOND;
        }
    }

    function owed() external view returns (uint256 sum) {
        sum = game.credits(TREASURY) + game.credits(address(this));
        for (uint256 i; i < challengers.length; ++i) {
            sum += game.credits(challengers[i]);
        }
    }

    function tick(uint256 seconds_) external {
        _tick(seconds_ % 3_000);
    }

    function _tick(uint256 passed) private {
        _clock += passed;
        VM.warp(_clock);
        VM.roll(block.number + 1);
    }
}

contract DisputeTest {
    Players private _players;

    function setUp() public {
        _players = new Players();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_players);
    }

    /// @notice A verifier that computes fits the seam: a wrong last step brings the root down in the same block.
    function test_aVerifierWithoutAJuryEndsAGame() public {
        _toTheLastStep();
        _players.move(0, bytes32(0), false);
        _players.move(0, bytes32(0), false);
        require(_players.game().lineAt(0).phase == DisputeGame.Phase.BROKEN, "the line holds");
        _players.end(0, 340);
        require(_players.oracle().nextOutputIndex() == 0, "the root stands");
        (uint256 stake,,) = _players.staking().pools(address(_players));
        require(stake == 500_000 ether, "no slash");
    }

    function test_aRightStepKeepsTheRoot() public {
        _toTheLastStep();
        _players.move(0, bytes32(0), true);
        _players.move(0, bytes32(0), true);
        require(_players.game().lineAt(0).phase == DisputeGame.Phase.HELD, "the line is broken");
        require(_players.oracle().openDisputes(0) == 0, "in dispute");
        _players.tick(2_000);
        require(_players.oracle().isFinal(0), "not final");
    }

    /// @notice What the game holds is bonds in play and what it owes; nothing is created or lost.
    function invariant_bondsAreAllThere() public view {
        uint256 balance = _players.token().balanceOf(address(_players.game()));
        require(balance == _players.bondsInPlay() + _players.owed(), "the game holds another sum");
    }

    function invariant_whatIsFinalStays() public view {
        for (uint256 i; i < _players.finalCount(); ++i) {
            require(_players.oracle().submission(i).id == _players.finalSubmission(i), "a final output is gone");
            require(_players.oracle().isFinal(i), "not final any more");
        }
    }

    /// @notice An output in dispute is not final, and disputes are counted once for each open challenge.
    function invariant_disputesAreCounted() public view {
        OutputOracle oracle = _players.oracle();
        DisputeGame game = _players.game();
        uint256 open;
        for (uint256 i; i < game.challengeCount(); ++i) {
            DisputeGame.Challenge memory it = game.challengeAt(i);
            bool gone = it.outputIndex >= oracle.nextOutputIndex()
                || oracle.submission(it.outputIndex).id != it.submissionId;
            if (it.status == DisputeGame.Status.OPEN && !gone) {
                ++open;
                require(!oracle.isFinal(it.outputIndex), "final in dispute");
            }
        }
        uint256 counted;
        for (uint256 i; i < oracle.nextOutputIndex(); ++i) {
            counted += oracle.openDisputes(i);
        }
        require(counted == open, "another count");
    }

    function _toTheLastStep() private {
        _players.propose(bytes32(uint256(7)));
        _players.challenge(0, 0);
        _players.defend(0);
        while (_players.game().lineAt(0).phase != DisputeGame.Phase.WITNESS) {
            _players.move(0, bytes32(uint256(3)), true);
        }
    }
}
