import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis.spec import BlockId, RollupConfig, SystemConfig
from genesis.types import Address, Hash32
from openledger_node.errors import StartError
from openledger_node.evm.records import GenesisAccount
from openledger_node.node.network_files import (
    GenesisFile,
    genesis_from_json,
    genesis_to_json,
    load_genesis,
    load_rollup_config,
    rollup_from_json,
    rollup_to_json,
)

addresses = st.binary(min_size=20, max_size=20).map(Address)
hashes = st.binary(min_size=32, max_size=32).map(Hash32)
numbers = st.integers(1, 2**40)
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
        attestation_rewards=addresses,
    )
)
def test_rollup_config_round_trips(config: RollupConfig) -> None:
    assert rollup_from_json(rollup_to_json(config)) == config


@given(st.builds(GenesisFile, numbers, numbers, st.dictionaries(addresses, accounts, max_size=3)))
def test_genesis_round_trips(genesis: GenesisFile) -> None:
    assert genesis_from_json(genesis_to_json(genesis)) == genesis


def example_rollup() -> dict[str, Any]:
    address, block = Address(b"\x11" * 20), BlockId(Hash32(b"\x22" * 32), 3)
    system = SystemConfig(address, 30_000_000, 1, 1)
    return rollup_to_json(
        RollupConfig(1, 2, block, block, 4, system, 1, 600, 3_600, 300, *[address] * 7),
    )


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda file: file.pop("block_time"), "block_time is missing"),
        (lambda file: file.update(block_time="one"), "block_time must be a whole number from 1, not 'one'"),
        (lambda file: file.update(block_time=0), "block_time must be a whole number from 1, not 0"),
        (lambda file: file.update(block_time=True), "block_time must be a whole number"),
        (lambda file: file.update(l2_chain_id="31338"), "l2_chain_id must be a whole number"),
        (
            lambda file: file.update(deposit_contract_address=5),
            "deposit_contract_address must be text, not 5",
        ),
        (lambda file: file.update(open_vault_address="0x12"), "open_vault_address must be 20 bytes in hex"),
        (lambda file: file.update(open_vault_address="vault"), "open_vault_address must be hex"),
        (lambda file: file.update(genesis=[]), "genesis must be an object"),
        (lambda file: file["genesis"]["l1"].update(hash="0x12"), r"genesis\.l1\.hash must be 32 bytes"),
        (
            lambda file: file["genesis"].update(system_config=None),
            r"genesis\.system_config must be an object",
        ),
    ],
)
def test_a_mistyped_rollup_file_is_one_line_naming_the_field(
    tmp_path: Path, damage: Callable[[dict[str, Any]], object], complaint: str
) -> None:
    file = example_rollup()
    damage(file)
    path = tmp_path / "rollup.json"
    path.write_text(json.dumps(file))
    with pytest.raises(StartError, match=complaint):
        load_rollup_config(path)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "is not JSON"),
        ("[]", "holds no JSON object"),
        ("{}", "alloc is missing"),
        ('{"config": {"chainId": "1"}, "timestamp": "0x1", "alloc": {}}', "chainId must be a whole number"),
        ('{"config": {"chainId": 1}, "timestamp": 1, "alloc": {}}', "timestamp must be text"),
        (
            '{"config": {"chainId": 1}, "timestamp": "now", "alloc": {}}',
            "timestamp must be a number in 0x hex",
        ),
        (
            '{"config": {"chainId": 1}, "timestamp": "0x1", "alloc": {"0x12": {}}}',
            "alloc must be 20 bytes in hex",
        ),
    ],
)
def test_a_mistyped_genesis_file_is_one_line_naming_the_field(
    tmp_path: Path, text: str, complaint: str
) -> None:
    path = tmp_path / "genesis.json"
    path.write_text(text)
    with pytest.raises(StartError, match=complaint):
        load_genesis(path)
    with pytest.raises(StartError, match=r"cannot read .*--rollup\.genesis"):
        load_genesis(tmp_path / "nothing.json")
