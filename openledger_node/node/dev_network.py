"""What a development network consists of: made once on an L1, found again on the next start.

Covered: accounts, L2 genesis, contract deployment, `rollup.json` and `genesis.json` in the data directory.
Not covered: running anything (`dev`).
"""

from dataclasses import dataclass
from pathlib import Path

from genesis.addresses import GOVERNANCE_TIMELOCK
from genesis.alloc import l2_allocation, total_balance
from genesis.networks import (
    DEV,
    DEV_ACCOUNT_COUNT,
    DEV_BALANCE_WEI,
    DEV_BATCHER,
    DEV_DEPLOYER,
    DEV_FAUCET,
    DEV_FAUCET_BALANCE_WEI,
    DEV_OPERATOR_COUNT,
    DEV_PROPOSER,
    DEV_VALIDATOR,
    Network,
)
from genesis.predeploys import bridge_storage
from genesis.spec import BlockId, RollupConfig, SystemConfig
from genesis.types import Address, Hash32, Wei
from openledger_node.chain.genesis import genesis_header
from openledger_node.client.account import dev_account
from openledger_node.client.ethereum import Ethereum, from_hex, hex_bytes
from openledger_node.errors import StartError
from openledger_node.node.deployment import deploy_contracts, fund
from openledger_node.node.genesis_output import genesis_output_root
from openledger_node.node.network_files import (
    GenesisFile,
    genesis_to_json,
    load_genesis,
    load_rollup_config,
    rollup_to_json,
    write_json,
)
from precompiles.genesis_storage import initial_storage
from rollup_bridge.deploy import Deployment, DeploymentParameters, bridge_ends

ROLLUP_FILE = "rollup.json"
GENESIS_FILE = "genesis.json"
OPERATOR_L1_BALANCE_WEI = 100 * 10**18


@dataclass(frozen=True, slots=True)
class DevNetwork:
    """Everything a follower of the network needs besides an L1 URL."""

    rollup: RollupConfig
    genesis: GenesisFile


def dev_balances() -> dict[Address, Wei]:
    """The L2 genesis balances: ten accounts for users, seven for operators, the faucet with more."""
    everyone = range(DEV_ACCOUNT_COUNT + DEV_OPERATOR_COUNT)
    return {
        dev_account(i).address: Wei(DEV_FAUCET_BALANCE_WEI if i == DEV_FAUCET else DEV_BALANCE_WEI)
        for i in everyone
    }


async def prepare_dev_network(
    l1: Ethereum, directory: Path, block_time_s: int, preset: Network = DEV
) -> DevNetwork:
    """The network of a data directory: found there, or deployed on `l1` by a preset and written there."""
    if (directory / ROLLUP_FILE).exists():
        return await _find(l1, directory)
    network = await _create(l1, preset, block_time_s)
    write_json(directory / GENESIS_FILE, genesis_to_json(network.genesis))
    write_json(directory / ROLLUP_FILE, rollup_to_json(network.rollup))
    return network


async def _find(l1: Ethereum, directory: Path) -> DevNetwork:
    rollup = load_rollup_config(directory / ROLLUP_FILE)
    if await l1.rpc.call("eth_getCode", hex_bytes(rollup.portal), "latest") == "0x":
        raise StartError(
            f"the L1 has no portal at {hex_bytes(rollup.portal)}",
            "this data directory belongs to another L1: give that one, or another --datadir",
        )
    return DevNetwork(rollup, load_genesis(directory / GENESIS_FILE))


async def _create(l1: Ethereum, network: Network, block_time_s: int) -> DevNetwork:
    payer, deployer = dev_account(0), dev_account(DEV_DEPLOYER)
    operators = [dev_account(index).address for index in (DEV_BATCHER, DEV_PROPOSER, DEV_VALIDATOR)]
    await fund(l1, payer, [*operators, deployer.address], OPERATOR_L1_BALANCE_WEI)
    anchor = await l1.block()
    first_nonce = await l1.nonce(deployer.address)
    storage = bridge_storage(*bridge_ends(deployer.address, first_nonce))
    storage |= initial_storage(network.policy, GOVERNANCE_TIMELOCK)
    accounts = l2_allocation(dev_balances(), storage, "dev" if network.name == DEV.name else "standard")
    genesis = GenesisFile(network.l2_chain_id, int(anchor["timestamp"], 16), accounts)
    parameters = _parameters(network, genesis, first_nonce, block_time_s)
    deployment = await deploy_contracts(l1, deployer, parameters)
    l1_genesis = BlockId(Hash32(from_hex(anchor["hash"])), int(anchor["number"], 16))
    chain_id = await l1.chain_id()
    rollup = _rollup_config(network, genesis, chain_id, l1_genesis, deployment, block_time_s=block_time_s)
    return DevNetwork(rollup, genesis)


def _parameters(
    network: Network, genesis: GenesisFile, first_nonce: int, block_time_s: int
) -> DeploymentParameters:
    """What the L1 contracts are deployed with."""
    deployer = dev_account(DEV_DEPLOYER).address
    proposer = dev_account(DEV_PROPOSER).address
    return DeploymentParameters(
        deployer=deployer,
        first_nonce=first_nonce,
        owner=deployer,
        batcher=dev_account(DEV_BATCHER).address,
        proposer=proposer,
        unsafe_block_signer=proposer,
        l2_chain_id=network.l2_chain_id,
        l2_genesis_number=0,
        l2_genesis_time_s=genesis.timestamp_s,
        l2_block_time_s=block_time_s,
        l2_gas_limit=network.l2_spec().block_gas_limit,
        l2_genesis_allocation_wei=total_balance(genesis.accounts),
        submission_interval=network.submission_interval,
        finalization_period_s=network.finalization_period_s,
        proposer_grace_s=network.proposer_grace_s,
        minimum_validator_stake_wei=Wei(network.minimum_validator_stake_wei),
        unbonding_s=network.unbonding_s,
        base_fee_scalar=network.base_fee_scalar,
        blob_base_fee_scalar=network.blob_base_fee_scalar,
        disputes=network.disputes,
        rewards=network.rewards,
        genesis_output_root=genesis_output_root(network.l2_spec(), genesis),
        initial_validators=(proposer, dev_account(DEV_VALIDATOR).address),
    )


def _rollup_config(
    network: Network,
    genesis: GenesisFile,
    l1_chain_id: int,
    l1_genesis: BlockId,
    deployment: Deployment,
    *,
    block_time_s: int,
) -> RollupConfig:
    """What a follower derives the chain with."""
    l2_genesis = genesis_header(network.l2_spec(), genesis.accounts, genesis.timestamp_s)
    return RollupConfig(
        l1_chain_id=l1_chain_id,
        l2_chain_id=network.l2_chain_id,
        l1_genesis=l1_genesis,
        l2_genesis=BlockId(l2_genesis.hash, 0),
        l2_genesis_time_s=genesis.timestamp_s,
        system_config=SystemConfig(
            batcher=dev_account(DEV_BATCHER).address,
            gas_limit=network.l2_spec().block_gas_limit,
            base_fee_scalar=network.base_fee_scalar,
            blob_base_fee_scalar=network.blob_base_fee_scalar,
        ),
        block_time_s=block_time_s,
        max_sequencer_drift_s=network.max_sequencer_drift_s,
        sequencing_window=network.sequencing_window,
        channel_timeout=network.channel_timeout,
        batch_inbox=deployment.batch_inbox,
        portal=deployment.portal,
        l1_system_config=deployment.system_config,
        output_oracle=deployment.output_oracle,
        open_token=deployment.open_token,
        open_vault=deployment.open_vault,
        attestation_rewards=deployment.attestation_rewards,
    )
