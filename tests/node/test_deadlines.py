"""Deadlines: a network whose policy is quicker than a silent sequencer is refused, but for `dev`."""

from dataclasses import replace

import pytest

from genesis.addresses import POLICY
from genesis.networks import DEV, MAINNET, TESTNET, Network
from genesis.policy import DEADLINES, Policy
from genesis.spec import BlockId, RollupConfig, SystemConfig
from genesis.types import Address, Hash32
from openledger_node.errors import StartError
from openledger_node.evm.records import AccountOverride
from openledger_node.evm.snapshot import Snapshot
from openledger_node.node.deadlines import assert_deadlines, least_deadline_s
from precompiles.genesis_storage import initial_storage
from tests.evm import world

ADDRESS = Address(b"\x21" * 20)


def config_of(network: Network) -> RollupConfig:
    block, system = BlockId(Hash32(b"\x01" * 32), 0), SystemConfig(ADDRESS, 30_000_000, 1, 1)
    windows = (network.max_sequencer_drift_s, network.sequencing_window, network.channel_timeout)
    chains = (31337, network.l2_chain_id, block, block, 0, system, network.block_time_s)
    return RollupConfig(*chains, *windows, *[ADDRESS] * 7)


def state_with(policy: Policy) -> Snapshot:
    """A chain's state under a policy."""
    chain = world.open_chain()
    chain.patch_state({POLICY: AccountOverride(nonce=1, storage=initial_storage(policy, ADDRESS)[POLICY])})
    return chain.snapshot()


@pytest.mark.parametrize("network", [DEV, TESTNET, MAINNET])
def test_the_presets_start(network: Network) -> None:
    assert_deadlines(config_of(network), state_with(network.policy))


@pytest.mark.parametrize("name", DEADLINES)
def test_a_short_deadline_is_refused_by_name(name: str) -> None:
    config = config_of(TESTNET)
    least_s = least_deadline_s(config)
    assert least_s == 2 * 3_600 * 12 + 1_800
    kept = replace(TESTNET.policy, **{name: least_s})
    assert_deadlines(config, state_with(kept))
    short = replace(TESTNET.policy, **{name: least_s - 1})
    with pytest.raises(StartError, match=f"{name} = {least_s - 1}"):
        assert_deadlines(config, state_with(short))


def test_a_draw_within_a_sequencing_window_is_refused() -> None:
    config = config_of(TESTNET)
    window = TESTNET.sequencing_window
    assert_deadlines(config, state_with(replace(TESTNET.policy, jury_delay_blocks=window + 1)))
    early = state_with(replace(TESTNET.policy, jury_delay_blocks=window))
    with pytest.raises(StartError, match=f"jury_delay_blocks = {window}"):
        assert_deadlines(config, early)
    assert_deadlines(config_of(DEV), state_with(replace(DEV.policy, jury_delay_blocks=1)))
