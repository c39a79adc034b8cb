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
from genesis.types import Address, Wei

ARTIFACTS = Path(__file__).with_name("contracts") / "artifacts"
TRANSFER_SELECTOR = keccak256(b"transfer(address,uint256)")[:4]


@dataclass(frozen=True, slots=True)
class DeploymentParameters:
    """What a rollup is deployed with. `first_nonce` is the deployer's next nonce on L1.

    `submission_interval` counts L2 blocks; `l2_genesis_time_s` is the timestamp of L2 block
    `l2_genesis_number` and must not lie in the L1's future. `l2_genesis_allocation_wei` is the sum of all
    balances in the L2 genesis. A proposer silent for `proposer_grace_s` may be replaced by any validator.
    """

    deployer: Address
    first_nonce: int
    owner: Address
    batcher: Address
    proposer: Address
    challenger: Address
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
    )


def plan_deployment(parameters: DeploymentParameters) -> tuple[DeploymentTransaction, ...]:
    """The transactions, in the order they must be mined. Each must succeed before the next is worth sending.

    The deployer is left with all OPEN that is not in the L2 genesis.
    """
    at = predict_deployment(parameters)
    allocation = parameters.l2_genesis_allocation_wei
    steps: Sequence[tuple[str, Address | None, bytes, int]] = (
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
        ("create ValidatorStaking", None, _staking_creation(parameters), 3_000_000),
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
    return tuple(
        DeploymentTransaction(label, parameters.first_nonce + offset, to, data, gas_limit)
        for offset, (label, to, data, gas_limit) in enumerate(steps)
    )


def _oracle_creation(parameters: DeploymentParameters) -> bytes:
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
            parameters.challenger,
            parameters.proposer_grace_s,
            predict_deployment(parameters).validator_staking,
        ],
    )


def _staking_creation(parameters: DeploymentParameters) -> bytes:
    at = predict_deployment(parameters)
    return _creation(
        "ValidatorStaking",
        ["address", "address", "uint256", "uint64", "uint256"],
        [
            at.open_token,
            parameters.owner,
            parameters.minimum_validator_stake_wei,
            parameters.unbonding_s,
            parameters.finalization_period_s,
        ],
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
