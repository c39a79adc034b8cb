// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {Hashing} from "../../rollup_bridge/contracts/Hashing.sol";
import {OpenToken} from "../../rollup_bridge/contracts/OpenToken.sol";
import {OpenVault} from "../../rollup_bridge/contracts/OpenVault.sol";
import {OutputOracle} from "../../rollup_bridge/contracts/OutputOracle.sol";
import {Portal} from "../../rollup_bridge/contracts/Portal.sol";
import {SystemConfig} from "../../rollup_bridge/contracts/SystemConfig.sol";
import {OutputRootProof, WithdrawalTransaction} from "../../rollup_bridge/contracts/Types.sol";
import {ValidatorStaking} from "../../rollup_bridge/contracts/ValidatorStaking.sol";

interface Vm {
    function prank(address sender) external;
    function warp(uint256 timestamp) external;
    function roll(uint256 number) external;
    function computeCreateAddress(address deployer, uint256 nonce) external pure returns (address);
    function getNonce(address account) external view returns (uint64);
}

/// @notice Deposits, withdraws, stakes and tries everything twice, in any order that the fuzzer likes. It plays the
///         L2 too, and an honest one: no more leaves it than has come in.
contract Handler {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint256 private constant PERIOD = 100;
    uint256 private constant GENESIS_ALLOCATION = 1_000 ether;
    uint256 private constant LEAST_STAKE = 1 ether;

    struct Leaving {
        WithdrawalTransaction withdrawal;
        uint256 outputIndex;
        OutputRootProof output;
        bytes[] proof;
        bool paid;
    }

    OpenToken public token;
    OpenVault public vault;
    Portal public portal;
    OutputOracle public oracle;
    ValidatorStaking public staking;

    /// @notice What the L2 holds by this model, and what was paid to whom.
    uint256 public onL2 = GENESIS_ALLOCATION;
    uint256 public deposited = GENESIS_ALLOCATION;
    uint256 public paid;
    uint256 public pooled = LEAST_STAKE;
    /// @notice Shares that keep it a validator, which it has to be to propose.
    uint256 public kept;
    mapping(address => uint256) public due;
    address[] public recipients;
    uint256 public secondPayments;
    Leaving[] private _leaving;
    uint256 private _clock = 1_000_000;

    constructor() {
        VM.warp(_clock);
        token = new OpenToken(address(this));
        uint64 nonce = VM.getNonce(address(this));
        address vaultAt = VM.computeCreateAddress(address(this), nonce + 3);
        address portalAt = VM.computeCreateAddress(address(this), nonce + 4);
        staking = new ValidatorStaking(
            token, address(0xFEE), LEAST_STAKE, uint64(PERIOD + 1), PERIOD, 100, address(this), address(this)
        );
        token.approve(address(staking), LEAST_STAKE);
        kept = staking.stake(LEAST_STAKE);
        oracle =
            new OutputOracle(1, 1, 0, _clock - 100_000, PERIOD, address(this), address(this), 1 days, staking);
        SystemConfig config = new SystemConfig(address(this), address(1), address(2), 30_000_000, 1, 1);
        token.transfer(vaultAt, GENESIS_ALLOCATION);
        vault = new OpenVault(token, portalAt, GENESIS_ALLOCATION);
        portal = new Portal(token, vault, oracle, config);
        require(address(vault) == vaultAt && address(portal) == portalAt, "addresses");
    }

    function deposit(uint256 amount) external {
        amount = amount % 1_000_000 ether;
        if (amount > token.balanceOf(address(this))) return;
        token.approve(address(portal), amount);
        portal.depositERC20Transaction(address(this), amount, 0, 100_000, false, "");
        onL2 += amount;
        deposited += amount;
        _tick(1);
    }

    /// @notice OPEN sent to the vault by mistake is nobody's.
    function sendToVaultByMistake(uint256 amount) external {
        amount = amount % 1 ether;
        if (amount <= token.balanceOf(address(this))) token.transfer(address(vault), amount);
    }

    function initiateAndProve(uint256 amount, address recipient) external {
        amount = amount % (onL2 + 1);
        if (recipient == address(0) || recipient.code.length > 0 || uint160(recipient) < 0x10000) return;
        onL2 -= amount;
        WithdrawalTransaction memory withdrawal = WithdrawalTransaction({
            nonce: (1 << 240) | _leaving.length,
            sender: recipient,
            target: recipient,
            value: amount,
            gasLimit: 0,
            data: ""
        });
        bytes32 slot = keccak256(abi.encode(Hashing.hashWithdrawal(withdrawal), uint256(0)));
        // A trie of one leaf: its path is the whole key, its value one.
        bytes memory leaf = abi.encodePacked(hex"e3a120", keccak256(abi.encode(slot)), hex"01");
        OutputRootProof memory output =
            OutputRootProof(bytes32(0), bytes32(_leaving.length), keccak256(leaf), bytes32(uint256(7)));
        uint256 index = oracle.nextOutputIndex();
        oracle.proposeL2Output(Hashing.hashOutputRootProof(output), oracle.nextBlockNumber(), bytes32(0), 0);
        bytes[] memory proof = new bytes[](1);
        proof[0] = leaf;
        portal.proveWithdrawalTransaction(withdrawal, index, output, proof);
        Leaving storage leaving = _leaving.push();
        leaving.withdrawal = withdrawal;
        leaving.outputIndex = index;
        leaving.output = output;
        leaving.proof = proof;
        due[recipient] += 0;
        recipients.push(recipient);
    }

    function finalize(uint256 which, bool late) external {
        if (_leaving.length == 0) return;
        if (late) _tick(PERIOD + 1);
        Leaving storage leaving = _leaving[which % _leaving.length];
        uint256 before = vault.payments();
        try portal.finalizeWithdrawalTransaction(leaving.withdrawal) {
            if (leaving.paid) ++secondPayments;
            leaving.paid = true;
            paid += leaving.withdrawal.value;
            due[leaving.withdrawal.target] += leaving.withdrawal.value;
        } catch {
            require(vault.payments() == before, "a failure paid");
        }
    }

    /// @notice A proof with another node behind it, or of a withdrawal with another value, proves nothing more.
    function proveOtherwise(uint256 which, uint256 value, bool longer) external {
        if (_leaving.length == 0) return;
        Leaving storage leaving = _leaving[which % _leaving.length];
        WithdrawalTransaction memory other = leaving.withdrawal;
        bytes[] memory proof = new bytes[](longer ? 2 : 1);
        proof[0] = leaving.proof[0];
        if (longer) proof[1] = leaving.proof[0];
        if (!longer) other.value = value;
        if (!longer && value == leaving.withdrawal.value) return;
        try portal.proveWithdrawalTransaction(other, leaving.outputIndex, leaving.output, proof) {
            ++secondPayments;
        } catch {}
    }

    function deleteOutputs(uint256 count) external {
        uint256 next = oracle.nextOutputIndex();
        if (next == 0) return;
        try oracle.deleteL2Outputs(next - 1 - count % next) {} catch {}
    }

    function stake(uint256 amount) external {
        amount = 1 + amount % 1_000 ether;
        if (amount > token.balanceOf(address(this))) return;
        token.approve(address(staking), amount);
        staking.stake(amount);
        pooled += amount;
    }

    function unstake(uint256 shares) external {
        uint256 held = staking.sharesOf(address(this), address(this)) - kept;
        if (held == 0) return;
        staking.requestUnstake(address(this), 1 + shares % held);
    }

    function withdrawStake(uint256 index) external {
        _tick(PERIOD + 2);
        uint256 before = token.balanceOf(address(this));
        try staking.withdraw(index % 8) {
            pooled -= token.balanceOf(address(this)) - before;
        } catch {}
    }

    function recipientCount() external view returns (uint256) {
        return recipients.length;
    }

    function _tick(uint256 passed) private {
        _clock += passed;
        VM.warp(_clock);
        VM.roll(block.number + 1);
    }
}

contract MoneyTest {
    Handler private _handler;

    function setUp() public {
        _handler = new Handler();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// @notice The handler's steps do what they say, or the invariants would hold for nothing.
    function test_oneRoundIsPaidOnce() public {
        _handler.deposit(5 ether);
        _handler.initiateAndProve(7 ether, address(0xA11CE0000));
        _handler.finalize(0, false);
        require(_handler.paid() == 0, "too early");
        _handler.finalize(0, true);
        _handler.finalize(0, true);
        require(_handler.paid() == 7 ether && _handler.due(address(0xA11CE0000)) == 7 ether, "not paid once");
        _handler.stake(3 ether);
        _handler.unstake(0);
        _handler.withdrawStake(0);
        require(_handler.pooled() > 0, "no stake");
    }

    /// @notice What the vault counts is what came in less what went out, and it has at least that.
    function invariant_theVaultOwesNothingItHasNot() public view {
        OpenVault vault = _handler.vault();
        require(vault.accountedDeposits() == _handler.deposited(), "deposits");
        require(vault.payments() == _handler.paid(), "payments");
        uint256 owed = vault.accountedDeposits() - vault.payments();
        require(_handler.token().balanceOf(address(vault)) >= owed, "balance");
        require(owed >= _handler.onL2(), "the L2 holds more than is locked");
    }

    function invariant_everyWithdrawalIsPaidAtMostOnce() public view {
        require(_handler.secondPayments() == 0, "paid or proven twice");
        uint256 count = _handler.recipientCount();
        for (uint256 index = 0; index < count; ++index) {
            address recipient = _handler.recipients(index);
            require(_handler.token().balanceOf(recipient) == _handler.due(recipient), "a recipient has another sum");
        }
    }

    function invariant_thePortalHoldsAndApprovesNothing() public view {
        IERC20 token = _handler.token();
        Portal portal = _handler.portal();
        require(token.balanceOf(address(portal)) == 0, "the portal holds OPEN");
        require(token.allowance(address(portal), address(_handler)) == 0, "the portal approves");
        require(address(portal).balance == 0, "the portal holds ether");
    }

    function invariant_stakeIsAllThere() public view {
        ValidatorStaking staking = _handler.staking();
        (uint256 stake,,) = staking.pools(address(_handler));
        require(stake == _handler.pooled(), "a pool counts another sum");
        require(_handler.token().balanceOf(address(staking)) == stake, "a pool without its OPEN");
    }
}
