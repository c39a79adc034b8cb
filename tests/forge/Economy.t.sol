// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AgentAccount} from "../../genesis/contracts/AgentAccount.sol";
import {AgentRegistry} from "../../genesis/contracts/AgentRegistry.sol";
import {AssetToken} from "../../genesis/contracts/AssetToken.sol";
import {Grants} from "../../genesis/contracts/Grants.sol";
import {OpenVotes} from "../../genesis/contracts/OpenVotes.sol";
import {Treasury} from "../../genesis/contracts/Treasury.sol";
import {WOPEN} from "../../genesis/contracts/WOPEN.sol";

interface EconomyVm {
    function deal(address account, uint256 balance) external;
    function etch(address target, bytes calldata code) external;
    function prank(address sender) external;
    function warp(uint256 timestamp) external;
    function roll(uint256 number) external;
}

EconomyVm constant VM = EconomyVm(address(uint160(uint256(keccak256("hevm cheat code")))));
address constant METERING = 0x1612000000000000000000000000000000000004;
address constant TREASURY = 0x1612000000000000000000000000000000000100;
address constant TIMELOCK = 0x1612000000000000000000000000000000000101;
address constant VOTES = 0x1612000000000000000000000000000000000102;

/// @notice InferenceMetering of a token that earns by plain payments only: it holds nothing for anybody.
contract NothingEarned {
    function earningsOf(address) external pure returns (uint256) {
        return 0;
    }
}

/// @notice Three people use wrapped OPEN, votes, a token with revenue, grants and an agent's wallet, in any order that
/// the fuzzer likes, and try what they may not.
contract EconomyHandler {
    uint256 private constant SUPPLY = 1_000 ether;
    uint256 private constant DAY_LIMIT = 5 ether;
    uint256 private constant TARGET_LIMIT = 3 ether;
    address public constant PAYEE = address(0xBEEF01);

    WOPEN public wopen = new WOPEN();
    AssetToken public asset;
    Grants public grants = new Grants();
    AgentRegistry public agents = new AgentRegistry();
    AgentAccount public wallet;

    /// @notice OPEN that is here, and what every contract was given and gave.
    uint256 public revenue;
    uint256 public claimed;
    uint256 public granted;
    uint256 public grantsPaid;
    uint256 public voted;
    mapping(uint256 day => uint256) public spentByKey;
    uint256 public overspent;
    uint256 private _clock = 1_000_000;
    uint256 private _number = 1;

    constructor() {
        VM.warp(_clock);
        VM.etch(METERING, address(new NothingEarned()).code);
        VM.etch(VOTES, address(new OpenVotes()).code);
        VM.etch(TREASURY, address(new Treasury()).code);
        asset = new AssetToken(1, 1, "Asset", "AST", SUPPLY, person(0));
        VM.prank(person(0));
        uint256 agent = agents.register("agent");
        wallet = AgentAccount(payable(agents.createAccount(agent)));
        _limit();
        for (uint256 i = 0; i < 3; ++i) {
            VM.deal(person(i), 1_000_000 ether);
        }
    }

    function person(uint256 i) public pure returns (address) {
        return address(uint160(0xA11CE000 + (i % 3)));
    }

    function wrap(uint256 who, uint256 amount) external {
        VM.prank(person(who));
        wopen.deposit{value: amount % 100 ether}();
    }

    function unwrap(uint256 who, uint256 amount) external {
        amount = amount % (wopen.balanceOf(person(who)) + 1);
        VM.prank(person(who));
        wopen.withdraw(amount);
    }

    function join(uint256 who, uint256 amount) external {
        amount = amount % 100 ether;
        VM.prank(person(who));
        OpenVotes(payable(VOTES)).depositFor{value: amount}(person(who));
        voted += amount;
    }

    function leave(uint256 who, uint256 amount) external {
        OpenVotes votes = OpenVotes(payable(VOTES));
        amount = amount % (votes.balanceOf(person(who)) + 1);
        VM.prank(person(who));
        votes.withdrawTo(payable(person(who)), amount);
        voted -= amount;
    }

    function earn(uint256 who, uint256 amount) external {
        amount = amount % 50 ether;
        VM.prank(person(who));
        (bool paid,) = address(asset).call{value: amount}("");
        require(paid, "refused revenue");
        revenue += amount;
    }

    function passShares(uint256 from, uint256 to, uint256 amount) external {
        amount = amount % (asset.balanceOf(person(from)) + 1);
        VM.prank(person(from));
        asset.transfer(person(to), amount);
    }

    function claim(uint256 who) external {
        VM.prank(person(who));
        claimed += asset.claim(payable(person(who)));
    }

    function grant(uint256 first, uint256 second) external {
        uint256[] memory amounts = new uint256[](2);
        (amounts[0], amounts[1]) = (first % 10 ether, second % 10 ether);
        VM.deal(TIMELOCK, amounts[0] + amounts[1]);
        VM.prank(TIMELOCK);
        (bool funded,) = address(grants).call{value: amounts[0] + amounts[1]}("");
        require(funded, "grants refuse OPEN");
        VM.prank(TIMELOCK);
        grants.create(PAYEE, amounts, "");
        granted += amounts[0] + amounts[1];
    }

    function pursue(uint256 which, bool approved) external {
        if (grants.grantCount() == 0) return;
        uint256 id = 1 + which % grants.grantCount();
        Grants.Grant memory found = grants.getGrant(id);
        if (found.next == found.milestones) return;
        if (found.reportedAt == 0) {
            VM.prank(PAYEE);
            grants.report(id, "");
        } else if (approved) {
            VM.prank(TIMELOCK);
            grants.approve(id);
            grantsPaid += grants.amountOf(id, found.next);
        } else {
            VM.prank(TIMELOCK);
            grants.end(id);
        }
    }

    function fillWallet(uint256 who, uint256 amount) external {
        VM.prank(person(who));
        (bool paid,) = address(wallet).call{value: amount % 20 ether}("");
        require(paid, "the wallet refuses OPEN");
    }

    /// @notice The key spends; what is refused is as good, as long as the limits hold.
    function spend(uint256 amount) external {
        amount = amount % 4 ether;
        VM.prank(person(1));
        try wallet.execute(PAYEE, amount, "") {
            spentByKey[_clock / 1 days] += amount;
        } catch {}
        if (spentByKey[_clock / 1 days] > TARGET_LIMIT) ++overspent;
    }

    function pass(uint256 time) external {
        _clock += time % 2 days;
        ++_number;
        VM.warp(_clock);
        VM.roll(_number);
    }

    function _limit() private {
        VM.prank(person(0));
        wallet.setKey(person(1));
        VM.prank(person(0));
        wallet.setDailyLimit(DAY_LIMIT);
        VM.prank(person(0));
        wallet.setTargetLimit(PAYEE, TARGET_LIMIT);
        VM.prank(person(0));
        wallet.setAllowed(PAYEE, bytes4(0), true);
    }
}

/// @title The economy's contracts owe no more than they have, whatever is done with them
contract EconomyTest {
    EconomyHandler private _handler;

    function setUp() public {
        _handler = new EconomyHandler();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// @notice The handler's steps do what they say, or the invariants would hold for nothing.
    function test_everyStepMovesMoney() public {
        _handler.wrap(0, 2 ether);
        _handler.unwrap(0, 1 ether);
        _handler.join(1, 4 ether);
        _handler.leave(1, 1 ether);
        _handler.earn(2, 3 ether);
        _handler.passShares(0, 1, 100 ether);
        _handler.claim(0);
        _handler.grant(2 ether, 3 ether);
        _handler.pursue(0, true);
        _handler.pursue(0, true);
        _handler.fillWallet(0, 10 ether);
        _handler.spend(2 ether);
        _handler.spend(2 ether);
        require(_handler.wopen().totalSupply() == 1 ether, "wrapped");
        require(_handler.voted() == 3 ether, "votes");
        require(_handler.claimed() == 3 ether - 1 || _handler.claimed() == 3 ether, "revenue");
        require(_handler.grantsPaid() == 2 ether, "grants");
        require(_handler.spentByKey(1_000_000 / uint256(1 days)) == 2 ether, "the second payment is above the limit");
    }

    function invariant_wrappedOpenIsAllThere() public view {
        WOPEN wopen = _handler.wopen();
        require(address(wopen).balance == wopen.totalSupply(), "wrapped OPEN without OPEN");
    }

    function invariant_votesAreAllThere() public view {
        OpenVotes votes = OpenVotes(payable(VOTES));
        require(VOTES.balance == _handler.voted(), "votes hold another sum");
        require(votes.totalSupply() == _handler.voted(), "votes without OPEN");
        uint256 cast;
        for (uint256 i = 0; i < 3; ++i) {
            cast += votes.getVotes(_handler.person(i));
        }
        require(cast == votes.totalSupply(), "OPEN votes once");
    }

    function invariant_holdersShareNoMoreThanWasEarned() public view {
        AssetToken asset = _handler.asset();
        uint256 owed;
        for (uint256 i = 0; i < 3; ++i) {
            owed += asset.claimable(_handler.person(i));
        }
        require(asset.owed() >= owed, "owes more than it shared out");
        require(address(asset).balance >= asset.owed(), "owes more than it has");
        require(address(asset).balance + _handler.claimed() == _handler.revenue(), "revenue is lost");
    }

    function invariant_grantsPromiseWhatTheyHave() public view {
        Grants grants = _handler.grants();
        require(address(grants).balance == grants.committed(), "a promise without OPEN");
        uint256 out = _handler.grantsPaid() + TREASURY.balance;
        require(address(grants).balance + out == _handler.granted(), "a grant is lost");
    }

    function invariant_theKeyStaysWithinItsLimits() public view {
        require(_handler.overspent() == 0, "above the limit of a day");
    }
}
