"""What `dev` prints when everything is up, in the layout people know from anvil; and the same as JSON."""

from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address

from genesis.networks import DEV_ACCOUNT_COUNT, DEV_MNEMONIC
from genesis.spec import OPEN_UNIT, RollupConfig
from openledger_node import __version__
from openledger_node.client.account import dev_account, dev_private_key
from openledger_node.client.gateway import DEV_OPERATOR_TOKEN
from precompiles.table import CONTRACTS


@dataclass(frozen=True, slots=True)
class DevUrls:
    """Where everything of a dev network listens."""

    l2_rpc: str
    l1_rpc: str
    gateway: str
    metrics: str
    verifier_rpc: str


Section = tuple[str, list[str]]
"""A title, "" for none, and its lines."""


def banner(urls: DevUrls, rollup: RollupConfig, gas_limit: int, base_fee_wei: int, balance_wei: int) -> str:
    """The text of the banner."""
    sections: list[Section] = [
        ("", [f"openledger-node {__version__} - an L2 that pays the people behind the data"]),
        *_account_sections(balance_wei),
        ("Chain ID", [str(rollup.l2_chain_id)]),
        ("Base Fee", [str(base_fee_wei)]),
        ("Gas Limit", [str(gas_limit)]),
        ("Genesis Timestamp", [str(rollup.l2_genesis_time_s)]),
        *_contract_sections(rollup),
        ("Services", _service_lines(urls, rollup)),
        ("", [f"Listening on {urls.l2_rpc.removeprefix('http://')}"]),
    ]
    return "\n".join(_section(title, lines) for title, lines in sections)


def _account_sections(balance_wei: int) -> list[Section]:
    accounts = [to_checksum_address(dev_account(i).address) for i in range(DEV_ACCOUNT_COUNT)]
    keys = [dev_private_key(i) for i in range(DEV_ACCOUNT_COUNT)]
    warning = [
        "WARNING: these accounts and their keys are publicly known.",
        "Anything sent to them on a live network will be lost.",
    ]
    return [
        (
            "Available Accounts",
            [f"({i}) {a} ({balance_wei // OPEN_UNIT} OPEN)" for i, a in enumerate(accounts)],
        ),
        ("Private Keys", [f"({i}) 0x{key.hex()}" for i, key in enumerate(keys)]),
        ("Wallet", [f"Mnemonic:          {DEV_MNEMONIC}", "Derivation path:   m/44'/60'/0'/0/"]),
        ("", warning),
    ]


def _contract_sections(rollup: RollupConfig) -> list[Section]:
    l1_contracts = (
        ("Portal", rollup.portal),
        ("OutputOracle", rollup.output_oracle),
        ("SystemConfig", rollup.l1_system_config),
        ("OpenToken", rollup.open_token),
        ("OpenVault", rollup.open_vault),
    )
    return [
        (
            "Precompiles",
            [_named(contract.name, to_checksum_address(address)) for address, contract in CONTRACTS.items()],
        ),
        ("L1 Contracts", [_named(name, to_checksum_address(address)) for name, address in l1_contracts]),
    ]


def _service_lines(urls: DevUrls, rollup: RollupConfig) -> list[str]:
    return [
        _named("JSON-RPC", urls.l2_rpc),
        _named("L1 JSON-RPC", f"{urls.l1_rpc} (chain {rollup.l1_chain_id})"),
        _named("Gateway and status", urls.gateway),
        _named("Operator token", DEV_OPERATOR_TOKEN),
        _named("Metrics and health", urls.metrics),
        _named("Verifier JSON-RPC", urls.verifier_rpc),
    ]


def _named(name: str, value: str) -> str:
    return f"{name:<20} {value}"


def config_out(urls: DevUrls, rollup: RollupConfig, gas_limit: int, base_fee_wei: int) -> dict[str, Any]:
    """What `--config-out` writes, under anvil's keys where it has them."""
    return {
        "available_accounts": [to_checksum_address(dev_account(i).address) for i in range(DEV_ACCOUNT_COUNT)],
        "private_keys": [f"0x{dev_private_key(i).hex()}" for i in range(DEV_ACCOUNT_COUNT)],
        "wallet": {"mnemonic": DEV_MNEMONIC, "derivation_path": "m/44'/60'/0'/0/"},
        "base_fee": str(base_fee_wei),
        "gas_limit": str(gas_limit),
        "genesis_timestamp": str(rollup.l2_genesis_time_s),
        "chain_id": rollup.l2_chain_id,
        "l1_chain_id": rollup.l1_chain_id,
        "urls": {
            "rpc": urls.l2_rpc,
            "l1": urls.l1_rpc,
            "gateway": urls.gateway,
            "metrics": urls.metrics,
            "verifier": urls.verifier_rpc,
        },
        "contracts": {
            "portal": to_checksum_address(rollup.portal),
            "output_oracle": to_checksum_address(rollup.output_oracle),
            "system_config": to_checksum_address(rollup.l1_system_config),
            "open_token": to_checksum_address(rollup.open_token),
            "open_vault": to_checksum_address(rollup.open_vault),
        },
    }


def _section(title: str, lines: list[str]) -> str:
    head = f"\n{title}\n==================\n" if title else "\n"
    return head + "\n".join(lines)
