"""What a network is: the frozen records that every part of one network shares."""

from dataclasses import dataclass

from genesis.types import Address, Hash32

OPEN_UNIT = 10**18
OPEN_TOTAL_SUPPLY = 1_000_000_000 * OPEN_UNIT

DEV_L1_CHAIN_ID = 31337
DEV_L2_CHAIN_ID = 31338
TESTNET_L2_CHAIN_ID = 161201
MAINNET_L2_CHAIN_ID = 1612


DEPOSIT_CONTRACT = Address(bytes.fromhex("00000000219ab540356cbb839cbe05303d7705fa"))
"""Mainnet's."""


@dataclass(frozen=True, slots=True)
class BlockId:
    """A block named by hash and height."""

    hash: Hash32
    number: int


@dataclass(frozen=True, slots=True)
class FeeParameters:
    """EIP-1559 parameters of a chain. Source: EIP-1559; OP Stack specification, Canyon."""

    elasticity: int
    denominator: int
    minimum_base_fee_wei: int
    initial_base_fee_wei: int


ETHEREUM_FEES = FeeParameters(elasticity=2, denominator=8, minimum_base_fee_wei=7, initial_base_fee_wei=10**9)
ROLLUP_FEES = FeeParameters(
    elasticity=6, denominator=250, minimum_base_fee_wei=10**6, initial_base_fee_wei=10**9
)


@dataclass(frozen=True, slots=True)
class ChainSpec:
    """The execution rules of one chain.

    `is_rollup` turns on what an L2 adds to Ethereum: deposit transactions, the L1 data fee, fee vaults and
    the native precompiles. The embedded L1 is the same engine with it off.
    """

    chain_id: int
    is_rollup: bool
    block_gas_limit: int
    fees: FeeParameters
    osaka_time_s: int | None = None
    """Timestamp of the first Osaka block, or None while it is not scheduled."""
    has_execution_requests: bool = False
    """Whether blocks carry requests to a consensus layer (EIP-7685); not on a rollup or the embedded L1."""
    deposit_contract: Address = DEPOSIT_CONTRACT
    """Whose logs become deposit requests. Source: EIP-6110."""


@dataclass(frozen=True, slots=True)
class SystemConfig:
    """What the L1 `SystemConfig` contract sets. Source: OP Stack specification, System Config."""

    batcher: Address
    gas_limit: int
    base_fee_scalar: int
    blob_base_fee_scalar: int


@dataclass(frozen=True, slots=True)
class RollupConfig:
    """Everything a verifier needs besides an L1 URL. Source: OP Stack specification, rollup configuration.

    Lengths ending in `_s` are seconds; windows and timeouts are counted in L1 blocks.
    """

    l1_chain_id: int
    l2_chain_id: int
    l1_genesis: BlockId
    l2_genesis: BlockId
    l2_genesis_time_s: int
    system_config: SystemConfig
    block_time_s: int
    max_sequencer_drift_s: int
    sequencing_window: int
    channel_timeout: int
    batch_inbox: Address
    portal: Address
    l1_system_config: Address
    output_oracle: Address
    open_token: Address
    open_vault: Address
    attestation_rewards: Address
