"""How a network is handed to its followers: `rollup.json` and `genesis.json` in a data directory.

Field names of `rollup.json` are op-node's where it has the field. Source: OP Stack specification, rollup
configuration; geth's genesis format.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genesis.spec import BlockId, RollupConfig, SystemConfig
from genesis.types import Address
from openledger_node.errors import StartError
from openledger_node.evm.records import GenesisAccount
from openledger_node.node.json_fields import Fields, unhex


def rollup_to_json(config: RollupConfig) -> dict[str, Any]:
    """`optimism_rollupConfig`'s object, with our own addresses beside op-node's."""
    system = config.system_config
    return {
        "genesis": {
            "l1": {"hash": _hex(config.l1_genesis.hash), "number": config.l1_genesis.number},
            "l2": {"hash": _hex(config.l2_genesis.hash), "number": config.l2_genesis.number},
            "l2_time": config.l2_genesis_time_s,
            "system_config": {
                "batcherAddr": _hex(system.batcher),
                "gasLimit": system.gas_limit,
                "baseFeeScalar": system.base_fee_scalar,
                "blobBaseFeeScalar": system.blob_base_fee_scalar,
            },
        },
        "block_time": config.block_time_s,
        "max_sequencer_drift": config.max_sequencer_drift_s,
        "seq_window_size": config.sequencing_window,
        "channel_timeout": config.channel_timeout,
        "l1_chain_id": config.l1_chain_id,
        "l2_chain_id": config.l2_chain_id,
        "batch_inbox_address": _hex(config.batch_inbox),
        "deposit_contract_address": _hex(config.portal),
        "l1_system_config_address": _hex(config.l1_system_config),
        "output_oracle_address": _hex(config.output_oracle),
        "open_token_address": _hex(config.open_token),
        "open_vault_address": _hex(config.open_vault),
        "attestation_rewards_address": _hex(config.attestation_rewards),
    }


def rollup_from_json(data: Any) -> RollupConfig:
    """The inverse of `rollup_to_json`; raises ValueError naming the field that is wrong."""
    fields = Fields(data)
    genesis = fields.inside("genesis")
    system = genesis.inside("system_config")
    return RollupConfig(
        l1_chain_id=fields.number("l1_chain_id"),
        l2_chain_id=fields.number("l2_chain_id"),
        l1_genesis=_block_id(genesis.inside("l1")),
        l2_genesis=_block_id(genesis.inside("l2")),
        l2_genesis_time_s=genesis.number("l2_time"),
        system_config=SystemConfig(
            batcher=system.address("batcherAddr"),
            gas_limit=system.number("gasLimit"),
            base_fee_scalar=system.number("baseFeeScalar"),
            blob_base_fee_scalar=system.number("blobBaseFeeScalar"),
        ),
        block_time_s=fields.number("block_time", least=1),
        max_sequencer_drift_s=fields.number("max_sequencer_drift"),
        sequencing_window=fields.number("seq_window_size", least=1),
        channel_timeout=fields.number("channel_timeout", least=1),
        batch_inbox=fields.address("batch_inbox_address"),
        portal=fields.address("deposit_contract_address"),
        l1_system_config=fields.address("l1_system_config_address"),
        output_oracle=fields.address("output_oracle_address"),
        open_token=fields.address("open_token_address"),
        open_vault=fields.address("open_vault_address"),
        attestation_rewards=fields.address("attestation_rewards_address"),
    )


@dataclass(frozen=True, slots=True)
class GenesisFile:
    """A chain's first state and the time of its first block."""

    chain_id: int
    timestamp_s: int
    accounts: dict[Address, GenesisAccount]


def genesis_to_json(genesis: GenesisFile) -> dict[str, Any]:
    """geth's genesis layout."""
    return {
        "config": {"chainId": genesis.chain_id},
        "timestamp": hex(genesis.timestamp_s),
        "alloc": {_hex(address): _account(account) for address, account in genesis.accounts.items()},
    }


def genesis_from_json(data: Any) -> GenesisFile:
    """The inverse of `genesis_to_json`; raises ValueError naming the field that is wrong."""
    fields = Fields(data)
    accounts = fields.inside("alloc")
    return GenesisFile(
        chain_id=fields.inside("config").number("chainId"),
        timestamp_s=fields.quantity("timestamp"),
        accounts={
            Address(unhex(address, "alloc", 20)): _account_from_json(accounts.inside(address))
            for address in accounts.keys()  # noqa: SIM118 - not a dictionary
        },
    )


def read_json(path: Path, flag: str) -> dict[str, Any]:
    """A JSON object from a file; raises StartError naming the flag when there is none."""
    try:
        data = json.loads(path.read_text())
    except OSError as error:
        raise StartError(
            f"cannot read {path} ({error.strerror})", f"give the right file with {flag}"
        ) from None
    except ValueError:
        raise StartError(
            f"{path} is not JSON", f"give the file that `dev` or `genesis` wrote with {flag}"
        ) from None
    if not isinstance(data, dict):
        raise StartError(f"{path} holds no JSON object", f"give the right file with {flag}")
    return data


def load_rollup_config(path: Path) -> RollupConfig:
    """The configuration in `path`; raises StartError when it is missing or incomplete."""
    data = read_json(path, "--rollup.config")
    try:
        return rollup_from_json(data)
    except ValueError as error:
        raise StartError(
            f"{path} is not a rollup configuration ({error})", "use the file `dev` wrote"
        ) from None


def load_genesis(path: Path) -> GenesisFile:
    """The genesis in `path`; raises StartError when it is missing or incomplete."""
    data = read_json(path, "--rollup.genesis")
    try:
        return genesis_from_json(data)
    except ValueError as error:
        raise StartError(f"{path} is not a genesis file ({error})", "use the file `dev` wrote") from None


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Replace `path` at once or not at all."""
    temporary = path.with_suffix(path.suffix + ".tmp")
    temporary.write_text(json.dumps(data, indent=2) + "\n")
    temporary.replace(path)


def _account(account: GenesisAccount) -> dict[str, Any]:
    return {
        "balance": hex(account.balance_wei),
        "nonce": hex(account.nonce),
        "code": _hex(account.code),
        "storage": {f"0x{slot:064x}": f"0x{value:064x}" for slot, value in account.storage.items()},
    }


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def _account_from_json(fields: Fields) -> GenesisAccount:
    storage = fields.inside("storage")
    return GenesisAccount(
        balance_wei=fields.quantity("balance"),
        nonce=fields.quantity("nonce"),
        code=fields.data("code"),
        storage={
            int.from_bytes(unhex(slot, "storage"), "big"): storage.quantity(slot)
            for slot in storage.keys()  # noqa: SIM118 - not a dictionary
        },
    )


def _block_id(fields: Fields) -> BlockId:
    return BlockId(fields.hash("hash"), fields.number("number"))
