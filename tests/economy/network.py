"""A rollup for tests: an embedded L1 with the contracts deployed, and what an L2 on it begins with."""

from collections.abc import Mapping
from dataclasses import dataclass

from genesis.addresses import GOVERNANCE_TIMELOCK
from genesis.alloc import l2_allocation, total_balance
from genesis.networks import DEV
from genesis.policy import Policy
from genesis.predeploys import bridge_storage
from genesis.spec import DEV_L1_CHAIN_ID, BlockId, ChainSpec, RollupConfig, SystemConfig
from genesis.types import Address, Hash32, Wei
from openledger_node.chain.genesis import genesis_header
from openledger_node.node.genesis_output import genesis_output_root
from openledger_node.node.network_files import GenesisFile
from precompiles.genesis_storage import initial_storage
from rollup_bridge.deploy import bridge_ends
from rollup_bridge.ports import BlockTag, L1Block, L1Receipt, L1Transaction
from tests.contracts.embedded import EmbeddedMachine
from tests.contracts.machine import START_S
from tests.contracts.rollup import DEPLOYER, Rollup, deploy, parameters

FINALIZATION_S = 3
OUTPUT_INTERVAL = 10


class EmbeddedSource:
    """The embedded L1 as derivation reads it. Implements L1Source."""

    def __init__(self, machine: EmbeddedMachine) -> None:
        self._machine = machine

    async def block_by_number(self, number: int) -> L1Block | None:
        return self._machine.l1_block(number) if number < self._machine.block_number else None

    async def block_by_hash(self, block_hash: Hash32) -> L1Block | None:
        header = self._machine.chain.header_by_hash(block_hash)
        return None if header is None else self._machine.l1_block(header.number)

    async def block_by_tag(self, tag: BlockTag) -> L1Block | None:
        return self._machine.l1_block(None)

    async def receipts(self, block_hash: Hash32) -> tuple[L1Receipt, ...]:
        return self._machine.receipts(block_hash)

    async def transactions(self, block_hash: Hash32) -> tuple[L1Transaction, ...]:
        block = self._machine.chain.block_by_hash(block_hash)
        assert block is not None
        return tuple(
            L1Transaction(each.hash, each.type, each.sender, each.to, each.data)
            for each in block.transactions
        )


@dataclass(frozen=True)
class Network:
    """Both chains' beginnings. The L2's time is the L1's, a block a second."""

    machine: EmbeddedMachine
    l1: Rollup
    genesis: GenesisFile
    spec: ChainSpec
    config: RollupConfig


def found_network(
    balances: Mapping[Address, Wei], policy: Policy, sequencing_window: int = DEV.sequencing_window
) -> Network:
    """A network of its own on an L1 of its own; the policy is the first version."""
    storage = bridge_storage(*bridge_ends(DEPLOYER, 0)) | initial_storage(policy, GOVERNANCE_TIMELOCK)
    genesis = GenesisFile(DEV.l2_chain_id, START_S, l2_allocation(balances, storage, "dev"))
    spec = DEV.l2_spec()
    machine = EmbeddedMachine()
    anchor = machine.l1_block(None)
    l1 = _deploy(machine, genesis, spec)
    return Network(machine, l1, genesis, spec, _config(l1, genesis, spec, anchor, sequencing_window))


def _deploy(machine: EmbeddedMachine, genesis: GenesisFile, spec: ChainSpec) -> Rollup:
    chosen = parameters(
        l2_genesis_time_s=genesis.timestamp_s,
        l2_block_time_s=1,
        l2_gas_limit=spec.block_gas_limit,
        l2_genesis_allocation_wei=total_balance(genesis.accounts),
        submission_interval=OUTPUT_INTERVAL,
        finalization_period_s=FINALIZATION_S,
        genesis_output_root=genesis_output_root(spec, genesis),
    )
    return deploy(machine, chosen)


def _config(
    l1: Rollup, genesis: GenesisFile, spec: ChainSpec, anchor: L1Block, sequencing_window: int
) -> RollupConfig:
    header = genesis_header(spec, genesis.accounts, genesis.timestamp_s)
    return RollupConfig(
        l1_chain_id=DEV_L1_CHAIN_ID,
        l2_chain_id=spec.chain_id,
        l1_genesis=anchor.id,
        l2_genesis=BlockId(header.hash, 0),
        l2_genesis_time_s=genesis.timestamp_s,
        system_config=SystemConfig(
            batcher=parameters().batcher,
            gas_limit=spec.block_gas_limit,
            base_fee_scalar=DEV.base_fee_scalar,
            blob_base_fee_scalar=DEV.blob_base_fee_scalar,
        ),
        block_time_s=1,
        max_sequencer_drift_s=DEV.max_sequencer_drift_s,
        sequencing_window=sequencing_window,
        channel_timeout=DEV.channel_timeout,
        batch_inbox=l1.at.batch_inbox,
        portal=l1.at.portal,
        l1_system_config=l1.at.system_config,
        output_oracle=l1.at.output_oracle,
        open_token=l1.at.open_token,
        open_vault=l1.at.open_vault,
        attestation_rewards=l1.at.attestation_rewards,
    )
