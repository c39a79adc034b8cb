"""Which L1 transactions create a rollup, in which order, and where its contracts will stand.

Pure: nothing is sent here. The contracts name each other in their constructors and are not proxies, so each
address is computed from the deployer's nonces beforehand, and the plan holds only if exactly these
transactions use them.

The L2's L1 genesis is a block *before* the first of these transactions, so that the L2's starting time is
known when its oracle is made, and derivation reads the whole life of every contract.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rlp
from eth_abi.abi import encode

from genesis.addresses import L2_CROSS_DOMAIN_MESSENGER, L2_STANDARD_BRIDGE, batch_inbox
from genesis.contracts.artifact import read_artifact
from genesis.keccak import keccak256
from genesis.networks import Disputes, Rewards
from genesis.types import Address, Hash32, Wei

ARTIFACTS = Path(__file__).with_name("contracts") / "artifacts"
TRANSFER_SELECTOR = keccak256(b"transfer(address,uint256)")[:4]
APPROVE_SELECTOR = keccak256(b"approve(address,uint256)")[:4]
STAKE_FOR_SELECTOR = keccak256(b"stakeFor(address,uint256)")[:4]
MOST_JURY_ROUNDS, MOST_JURY_SEATS = 3, 7 + 14 + 28
"""As in JuryVerifier.sol."""
FIRST_BONDS = 4
"""What each of the first validators gets for disputes."""


@dataclass(frozen=True, slots=True)
class DeploymentParameters:
    """What a rollup is deployed with. `first_nonce` is the deployer's next nonce on L1.

    `submission_interval` counts L2 blocks; `l2_genesis_time_s` is the timestamp of L2 block
    `l2_genesis_number` and must not lie in the L1's future. `l2_genesis_allocation_wei` is the sum of all
    balances in the L2 genesis. A proposer silent for `proposer_grace_s` may be replaced by any validator.
    `initial_validators` are given the least stake and a few bonds; a proposer that is not among them has to
    stake first. `genesis_output_root` is that of L2 block `l2_genesis_number`. Raises ValueError for disputes
    that could outlast the stake behind them, or a bond that does not cover the largest jury.
    """

    deployer: Address
    first_nonce: int
    owner: Address
    batcher: Address
    proposer: Address
    unsafe_block_signer: Address
    l2_chain_id: int
    l2_genesis_number: int
    l2_genesis_time_s: int
    l2_block_time_s: int
    l2_gas_limit: int
    l2_genesis_allocation_wei: Wei
    submission_interval: int
    finalization_period_s: int
    proposer_grace_s: int
    minimum_validator_stake_wei: Wei
    unbonding_s: int
    base_fee_scalar: int
    blob_base_fee_scalar: int
    disputes: Disputes
    rewards: Rewards
    genesis_output_root: Hash32
    initial_validators: tuple[Address, ...]

    def __post_init__(self) -> None:
        disputes = self.disputes
        if self.unbonding_s <= self.dispute_s:
            raise ValueError(f"unbonding must take longer than a dispute's {self.dispute_s} s")
        if disputes.bond_wei < disputes.jury_seat_fee_wei * MOST_JURY_SEATS:
            raise ValueError(f"a bond must pay {MOST_JURY_SEATS} seats of a jury")

    @property
    def dispute_s(self) -> int:
        """From a proposal to the end of the longest game about it, but for the blocks that draws wait for."""
        disputes = self.disputes
        jury_s = MOST_JURY_ROUNDS * (disputes.jury_commit_s + disputes.jury_reveal_s)
        return self.finalization_period_s + 2 * disputes.clock_s + jury_s


@dataclass(frozen=True, slots=True)
class DeploymentTransaction:
    """One transaction to sign and send; `to` is None for a creation. `gas_limit` is ample, not exact."""

    label: str
    nonce: int
    to: Address | None
    data: bytes
    gas_limit: int


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where a rollup's contracts stand on L1."""

    deployer: Address
    open_token: Address
    open_vault: Address
    portal: Address
    output_oracle: Address
    system_config: Address
    batch_inbox: Address
    validator_staking: Address
    l1_messenger: Address
    l1_bridge: Address
    dispute_game: Address
    jury_verifier: Address
    attestation_rewards: Address


def contract_address(creator: Address, nonce: int) -> Address:
    """The address of the contract `creator` makes with `nonce`. Source: Yellow Paper, section 7."""
    return Address(keccak256(rlp.encode([creator, nonce]))[12:])


def created_by_plan(deployer: Address, first_nonce: int, offset: int) -> Address:
    """Where the plan's transaction number `offset` creates a contract."""
    return contract_address(deployer, first_nonce + offset)


def bridge_ends(deployer: Address, first_nonce: int) -> tuple[Address, Address]:
    """Messenger and bridge on L1. An L2's genesis names them, so they must be known before the rest is."""
    return created_by_plan(deployer, first_nonce, 7), created_by_plan(deployer, first_nonce, 8)


def predict_deployment(parameters: DeploymentParameters) -> Deployment:
    """The addresses that the transactions of `plan_deployment` lead to."""

    def created(offset: int) -> Address:
        return created_by_plan(parameters.deployer, parameters.first_nonce, offset)

    messenger, bridge = bridge_ends(parameters.deployer, parameters.first_nonce)
    return Deployment(
        deployer=parameters.deployer,
        open_token=created(0),
        output_oracle=created(1),
        system_config=created(2),
        open_vault=created(4),
        portal=created(5),
        batch_inbox=batch_inbox(parameters.l2_chain_id),
        validator_staking=created(6),
        l1_messenger=messenger,
        l1_bridge=bridge,
        dispute_game=created(9),
        jury_verifier=created(10),
        attestation_rewards=created(11),
    )


Steps = Sequence[tuple[str, Address | None, bytes, int]]


def plan_deployment(parameters: DeploymentParameters) -> tuple[DeploymentTransaction, ...]:
    """The transactions, in the order they must be mined. Each must succeed before the next is worth sending.

    The deployer is left with all OPEN that is neither in the L2 genesis nor staked nor a reward to come.
    """
    steps = (*_rollup_steps(parameters), *_bridge_steps(parameters), *_dispute_steps(parameters))
    return tuple(
        DeploymentTransaction(label, parameters.first_nonce + offset, to, data, gas_limit)
        for offset, (label, to, data, gas_limit) in enumerate(steps)
    )


def _rollup_steps(parameters: DeploymentParameters) -> Steps:
    """What an L2 cannot do without: its token, its output roots, its settings, its portal and validators."""
    at = predict_deployment(parameters)
    allocation = parameters.l2_genesis_allocation_wei
    return (
        ("create OpenToken", None, _creation("OpenToken", ["address"], [at.deployer]), 2_000_000),
        ("create OutputOracle", None, _oracle_creation(parameters), 2_000_000),
        ("create SystemConfig", None, _system_config_creation(parameters), 2_000_000),
        ("lock the L2 genesis allocation", at.open_token, _transfer(at.open_vault, allocation), 100_000),
        (
            "create OpenVault",
            None,
            _creation("OpenVault", ["address", "address", "uint256"], [at.open_token, at.portal, allocation]),
            1_000_000,
        ),
        (
            "create Portal",
            None,
            _creation(
                "Portal", ["address"] * 4, [at.open_token, at.open_vault, at.output_oracle, at.system_config]
            ),
            4_000_000,
        ),
        ("create ValidatorStaking", None, _staking_creation(parameters), 4_000_000),
    )


def _bridge_steps(parameters: DeploymentParameters) -> Steps:
    """Messages and tokens between the chains."""
    at = predict_deployment(parameters)
    return (
        (
            "create L1CrossDomainMessenger",
            None,
            _creation("L1CrossDomainMessenger", ["address"] * 2, [at.portal, L2_CROSS_DOMAIN_MESSENGER]),
            2_000_000,
        ),
        (
            "create L1StandardBridge",
            None,
            _creation("L1StandardBridge", ["address"] * 2, [at.l1_messenger, L2_STANDARD_BRIDGE]),
            3_000_000,
        ),
    )


def _dispute_steps(parameters: DeploymentParameters) -> Steps:
    """Games about wrong roots, juries, pay for attestations, and the first validators' stakes."""
    at = predict_deployment(parameters)
    return (
        ("create DisputeGame", None, _game_creation(parameters), 5_000_000),
        ("create JuryVerifier", None, _jury_creation(parameters), 4_000_000),
        ("create AttestationRewards", None, _rewards_creation(parameters), 2_000_000),
        (
            "fill the fund of rewards",
            at.open_token,
            _transfer(at.attestation_rewards, parameters.rewards.fund_wei),
            100_000,
        ),
        *_first_stakes(parameters),
    )


def _oracle_creation(parameters: DeploymentParameters) -> bytes:
    at = predict_deployment(parameters)
    return _creation(
        "OutputOracle",
        [*["uint256"] * 5, "address", "address", "uint256", "address"],
        [
            parameters.submission_interval,
            parameters.l2_block_time_s,
            parameters.l2_genesis_number,
            parameters.l2_genesis_time_s,
            parameters.finalization_period_s,
            parameters.proposer,
            at.dispute_game,
            parameters.proposer_grace_s,
            at.validator_staking,
        ],
    )


def _staking_creation(parameters: DeploymentParameters) -> bytes:
    at = predict_deployment(parameters)
    return _creation(
        "ValidatorStaking",
        ["address", "address", "uint256", "uint64", "uint256", "uint256", "address", "address"],
        [
            at.open_token,
            parameters.owner,
            parameters.minimum_validator_stake_wei,
            parameters.unbonding_s,
            parameters.dispute_s,
            parameters.disputes.epoch_blocks,
            at.dispute_game,
            at.jury_verifier,
        ],
    )


def _game_creation(parameters: DeploymentParameters) -> bytes:
    at, disputes = predict_deployment(parameters), parameters.disputes
    return _creation(
        "DisputeGame",
        [*["address"] * 4, "uint256", "uint64", "bytes32"],
        [
            at.output_oracle,
            at.jury_verifier,
            at.open_token,
            at.validator_staking,
            disputes.bond_wei,
            disputes.clock_s,
            parameters.genesis_output_root,
        ],
    )


def _jury_creation(parameters: DeploymentParameters) -> bytes:
    at, disputes = predict_deployment(parameters), parameters.disputes
    return _creation(
        "JuryVerifier",
        ["address", "address", "uint64", "uint64", "uint256"],
        [
            at.validator_staking,
            at.dispute_game,
            disputes.jury_commit_s,
            disputes.jury_reveal_s,
            disputes.jury_seat_fee_wei,
        ],
    )


def _rewards_creation(parameters: DeploymentParameters) -> bytes:
    at, rewards = predict_deployment(parameters), parameters.rewards
    return _creation(
        "AttestationRewards",
        ["address", "address", "address", "uint256", "uint64"],
        [at.open_token, at.validator_staking, at.output_oracle, rewards.per_output_wei, rewards.window_s],
    )


def _first_stakes(parameters: DeploymentParameters) -> Steps:
    """Stake, and OPEN for a few disputes, for the first validators, out of what the deployer is left with."""
    if not parameters.initial_validators:
        return ()
    at, stake = predict_deployment(parameters), parameters.minimum_validator_stake_wei
    total = stake * len(parameters.initial_validators)
    bonds = FIRST_BONDS * parameters.disputes.bond_wei
    approve = APPROVE_SELECTOR + encode(["address", "uint256"], [at.validator_staking, total])
    return (
        ("approve the first stakes", at.open_token, approve, 100_000),
        *(
            (
                "stake for a validator",
                at.validator_staking,
                STAKE_FOR_SELECTOR + encode(["address", "uint256"], [validator, stake]),
                400_000,
            )
            for validator in parameters.initial_validators
        ),
        *(
            ("OPEN for bonds", at.open_token, _transfer(validator, bonds), 100_000)
            for validator in parameters.initial_validators
        ),
    )


def _system_config_creation(parameters: DeploymentParameters) -> bytes:
    return _creation(
        "SystemConfig",
        ["address", "address", "address", "uint64", "uint32", "uint32"],
        [
            parameters.owner,
            parameters.batcher,
            parameters.unsafe_block_signer,
            parameters.l2_gas_limit,
            parameters.base_fee_scalar,
            parameters.blob_base_fee_scalar,
        ],
    )


def _creation(name: str, types: Sequence[str], values: Sequence[Any]) -> bytes:
    return read_artifact(ARTIFACTS, name).bytecode + encode(types, values)


def _transfer(recipient: Address, amount: int) -> bytes:
    return TRANSFER_SELECTOR + encode(["address", "uint256"], [recipient, amount])
