"""Which networks exist and what their numbers are: dev, testnet and mainnet presets."""

from dataclasses import dataclass, replace

from genesis.policy import DEFAULT_POLICY, DEV_POLICY, Policy
from genesis.spec import (
    DEV_L1_CHAIN_ID,
    DEV_L2_CHAIN_ID,
    ETHEREUM_FEES,
    MAINNET_L2_CHAIN_ID,
    OPEN_UNIT,
    ROLLUP_FEES,
    TESTNET_L2_CHAIN_ID,
    ChainSpec,
)

DEV_MNEMONIC = "test test test test test test test test test test test junk"
"""Publicly known; its keys are in every tutorial. Nothing of value may ever be sent to them."""

DEV_ACCOUNT_COUNT = 10
"""Accounts printed for users; the operator's come after them."""
DEV_BATCHER, DEV_PROPOSER, DEV_PROVIDER, DEV_VALIDATOR = 10, 11, 12, 13
DEV_DEPLOYER, DEV_FAUCET, DEV_SECOND_PROVIDER = 14, 15, 16
DEV_OPERATOR_COUNT = 7
DEV_BALANCE_WEI = 10_000 * OPEN_UNIT
DEV_FAUCET_BALANCE_WEI = 1_000_000 * OPEN_UNIT

L2_BLOCK_GAS_LIMIT = 30_000_000
L1_BLOCK_TIME_S = 12
"""Ethereum's slot."""


@dataclass(frozen=True, slots=True)
class Disputes:
    """How output roots are disputed on the L1 (docs/rollup.md); `epoch_blocks` counts L1 blocks."""

    bond_wei: int
    clock_s: int
    jury_commit_s: int
    jury_reveal_s: int
    jury_seat_fee_wei: int
    epoch_blocks: int


@dataclass(frozen=True, slots=True)
class Rewards:
    """What attesting earns on the L1: all validators together for an output, out of a fund that the deployer
    fills with `fund_wei`, for words given within `window_s` of the proposal."""

    per_output_wei: int
    fund_wei: int
    window_s: int


@dataclass(frozen=True, slots=True)
class Network:
    """One network's preset. Windows and timeouts count L1 blocks; names ending in `_s` are seconds."""

    name: str
    l2_chain_id: int
    block_time_s: int
    max_sequencer_drift_s: int
    sequencing_window: int
    channel_timeout: int
    submission_interval: int
    finalization_period_s: int
    proposer_grace_s: int
    unbonding_s: int
    minimum_validator_stake_wei: int
    base_fee_scalar: int
    blob_base_fee_scalar: int
    disputes: Disputes
    rewards: Rewards
    policy: Policy

    def l2_spec(self) -> ChainSpec:
        """The L2's execution rules."""
        return ChainSpec(
            chain_id=self.l2_chain_id, is_rollup=True, block_gas_limit=L2_BLOCK_GAS_LIMIT, fees=ROLLUP_FEES
        )


DEV = Network(
    name="dev",
    l2_chain_id=DEV_L2_CHAIN_ID,
    block_time_s=1,
    max_sequencer_drift_s=1_800,
    sequencing_window=600,
    channel_timeout=50,
    submission_interval=5,
    finalization_period_s=4,
    proposer_grace_s=600,
    unbonding_s=300,
    minimum_validator_stake_wei=1_000 * OPEN_UNIT,
    base_fee_scalar=5_227,
    blob_base_fee_scalar=1_014_213,
    disputes=Disputes(
        bond_wei=500 * OPEN_UNIT,
        clock_s=60,
        jury_commit_s=10,
        jury_reveal_s=10,
        jury_seat_fee_wei=OPEN_UNIT,
        epoch_blocks=100,
    ),
    rewards=Rewards(per_output_wei=OPEN_UNIT // 10, fund_wei=100_000 * OPEN_UNIT, window_s=600),
    policy=DEV_POLICY,
)
"""Windows of seconds: a withdrawal is through in half a minute."""

TESTNET = Network(
    name="testnet",
    l2_chain_id=TESTNET_L2_CHAIN_ID,
    block_time_s=2,
    max_sequencer_drift_s=1_800,
    sequencing_window=3_600,
    channel_timeout=50,
    submission_interval=1_800,
    finalization_period_s=7 * 86_400,
    proposer_grace_s=86_400,
    unbonding_s=21 * 86_400,
    minimum_validator_stake_wei=10_000 * OPEN_UNIT,
    base_fee_scalar=5_227,
    blob_base_fee_scalar=1_014_213,
    disputes=Disputes(
        bond_wei=2_000 * OPEN_UNIT,
        clock_s=7 * 43_200,
        jury_commit_s=21_600,
        jury_reveal_s=21_600,
        jury_seat_fee_wei=10 * OPEN_UNIT,
        epoch_blocks=7_200,
    ),
    rewards=Rewards(per_output_wei=50 * OPEN_UNIT, fund_wei=1_000_000 * OPEN_UNIT, window_s=86_400),
    policy=DEFAULT_POLICY,
)

MAINNET = replace(TESTNET, name="mainnet", l2_chain_id=MAINNET_L2_CHAIN_ID)

NETWORKS = {network.name: network for network in (DEV, TESTNET, MAINNET)}


def dev_l1_spec(block_gas_limit: int = L2_BLOCK_GAS_LIMIT) -> ChainSpec:
    """The embedded L1: plain Ethereum rules under chain id 31337."""
    return ChainSpec(
        chain_id=DEV_L1_CHAIN_ID, is_rollup=False, block_gas_limit=block_gas_limit, fees=ETHEREUM_FEES
    )
