from hypothesis import given
from hypothesis import strategies as st

from genesis.spec import BlockId, RollupConfig, SystemConfig
from genesis.types import Address, Hash32
from openledger_node.evm.records import GenesisAccount
from openledger_node.node.network_files import (
    GenesisFile,
    genesis_from_json,
    genesis_to_json,
    rollup_from_json,
    rollup_to_json,
)

addresses = st.binary(min_size=20, max_size=20).map(Address)
hashes = st.binary(min_size=32, max_size=32).map(Hash32)
numbers = st.integers(0, 2**40)
block_ids = st.builds(BlockId, hashes, numbers)
systems = st.builds(SystemConfig, addresses, numbers, numbers, numbers)
words = st.integers(0, 2**256 - 1)
accounts = st.builds(GenesisAccount, words, numbers, st.binary(), st.dictionaries(words, words, max_size=3))


@given(
    st.builds(
        RollupConfig,
        l1_chain_id=numbers,
        l2_chain_id=numbers,
        l1_genesis=block_ids,
        l2_genesis=block_ids,
        l2_genesis_time_s=numbers,
        system_config=systems,
        block_time_s=numbers,
        max_sequencer_drift_s=numbers,
        sequencing_window=numbers,
        channel_timeout=numbers,
        batch_inbox=addresses,
        portal=addresses,
        l1_system_config=addresses,
        output_oracle=addresses,
        open_token=addresses,
        open_vault=addresses,
    )
)
def test_rollup_config_round_trips(config: RollupConfig) -> None:
    assert rollup_from_json(rollup_to_json(config)) == config


@given(st.builds(GenesisFile, numbers, numbers, st.dictionaries(addresses, accounts, max_size=3)))
def test_genesis_round_trips(genesis: GenesisFile) -> None:
    assert genesis_from_json(genesis_to_json(genesis)) == genesis
