"""Which contracts stand on a chain from its first block, and their code.

The Solidity ones are compiled from `genesis/contracts`. Most have neither constructor nor immutables, so the
compiled runtime code is the account's code; of the others `contracts/constructed` has the accounts that
their constructors leave, made by `python -m tests.contracts.construct`. `published.json` there has those of
contracts that others publish (Permit2, EntryPoint, CreateX, Safe, Uniswap): `docs/preinstalls.md`. The rest
are fixed byte strings that every chain has.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from genesis.account import GenesisAccount
from genesis.addresses import (
    ASSET_TOKEN_FACTORY,
    BASE_FEE_VAULT,
    BEACON_ROOTS,
    CALLBACK_CALLER,
    CREATE2_FACTORY,
    GAS_PRICE_ORACLE,
    GRANTS,
    HISTORY_STORAGE,
    L1_BLOCK,
    L1_FEE_VAULT,
    L2_CROSS_DOMAIN_MESSENGER,
    L2_STANDARD_BRIDGE,
    L2_TO_L1_MESSAGE_PASSER,
    MINTABLE_ERC20_FACTORY,
    MULTICALL3,
    OP_WETH9,
    PRECOMPILE_STUB_CODE,
    PRECOMPILES,
    SAFE_SINGLETON_FACTORY,
    SEQUENCER_FEE_VAULT,
    TREASURY,
    X402_RECEIVERS,
    X402_UPTO_PROXY,
)
from genesis.contracts.artifact import read_artifact
from genesis.spec import OPEN_UNIT
from genesis.types import Address

ARTIFACTS = Path(__file__).with_name("contracts") / "artifacts"
CONSTRUCTED = Path(__file__).with_name("contracts") / "constructed"

CREATE2_FACTORY_CODE = bytes.fromhex(
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0"
    "3601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
)
"""The deterministic deployment proxy: creates with CREATE2 what follows a salt in its calldata."""

HISTORY_STORAGE_CODE = bytes.fromhex(
    "3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611fff8143"
    "0311604257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500"
)
"""Source: EIP-2935."""

BEACON_ROOTS_CODE = bytes.fromhex(
    "3373fffffffffffffffffffffffffffffffffffffffe14604d57602036146024575f5ffd5b5f35801560495762001fff81"
    "0690815414603c575f5ffd5b62001fff01545f5260205ff35b5f5ffd5b62001fff42064281555f359062001fff015500"
)
"""Source: EIP-4788."""

_OTHER_END_SLOT = 0
L2_CONTRACTS: Mapping[Address, str] = MappingProxyType(
    {
        OP_WETH9: "WOPEN",
        L2_CROSS_DOMAIN_MESSENGER: "L2CrossDomainMessenger",
        L2_STANDARD_BRIDGE: "L2StandardBridge",
        MINTABLE_ERC20_FACTORY: "OptimismMintableERC20Factory",
        GAS_PRICE_ORACLE: "GasPriceOracle",
        SEQUENCER_FEE_VAULT: "FeeVault",
        L1_BLOCK: "L1Block",
        L2_TO_L1_MESSAGE_PASSER: "L2ToL1MessagePasser",
        BASE_FEE_VAULT: "FeeVault",
        L1_FEE_VAULT: "FeeVault",
        TREASURY: "Treasury",
        CALLBACK_CALLER: "CallbackCaller",
        GRANTS: "Grants",
        ASSET_TOKEN_FACTORY: "AssetTokenFactory",
        X402_RECEIVERS: "X402Receivers",
        X402_UPTO_PROXY: "X402UptoPermit2Proxy",
    }
)
"""Which contract of `genesis/contracts` stands at which L2 address, besides the preinstalls."""


@dataclass(frozen=True, slots=True)
class Governance:
    """How long voting and waiting take, and how many votes proposing and deciding need."""

    voting_delay_s: int
    voting_period_s: int
    timelock_delay_s: int
    proposal_threshold_wei: int
    minimum_quorum_wei: int


GOVERNANCE: Mapping[str, Governance] = MappingProxyType(
    {
        "standard": Governance(86_400, 5 * 86_400, 9 * 86_400, 100_000 * OPEN_UNIT, 5_000_000 * OPEN_UNIT),
        "dev": Governance(1, 10, 2, OPEN_UNIT, 10 * OPEN_UNIT),
    }
)
"""The timelock of a real network is longer than the finality of withdrawals and two sequencing windows, so
that whoever disagrees can leave first."""


def preinstalls() -> dict[Address, GenesisAccount]:
    """What users and the protocol expect on any chain: Multicall3, the CREATE2 factory, system contracts."""
    return {
        MULTICALL3: _contract(read_artifact(ARTIFACTS, "Multicall3").deployed_bytecode),
        CREATE2_FACTORY: _contract(CREATE2_FACTORY_CODE),
        HISTORY_STORAGE: _contract(HISTORY_STORAGE_CODE),
        BEACON_ROOTS: _contract(BEACON_ROOTS_CODE),
    }


def l2_predeploys(governance: str = "standard") -> dict[Address, GenesisAccount]:
    """Everything with code in an L2 genesis: preinstalls, predeploys, and stubs at the native precompiles.

    `governance` names an entry of `GOVERNANCE`; raises KeyError when there is none.
    """
    contracts = {
        address: _contract(read_artifact(ARTIFACTS, name).deployed_bytecode)
        for address, name in L2_CONTRACTS.items()
    }
    stubs = {address: _contract(PRECOMPILE_STUB_CODE) for address in PRECOMPILES}
    return preinstalls() | published() | contracts | constructed(governance) | stubs


def published() -> dict[Address, GenesisAccount]:
    """Contracts of others that stand on an L2 only: wallets, their entry point, approvals, the exchange."""
    return _read_accounts("published") | {SAFE_SINGLETON_FACTORY: _contract(CREATE2_FACTORY_CODE)}


def constructed(governance: str) -> dict[Address, GenesisAccount]:
    """The accounts of predeploys whose constructors ran for `genesis/contracts/constructed`."""
    if governance not in GOVERNANCE:
        raise KeyError(governance)
    return _read_accounts(governance)


def _read_accounts(name: str) -> dict[Address, GenesisAccount]:
    accounts = json.loads((CONSTRUCTED / f"{name}.json").read_text())
    return {
        Address(bytes.fromhex(address[2:])): GenesisAccount(
            nonce=fields["nonce"],
            code=bytes.fromhex(fields["code"]),
            storage={int(slot, 16): int(value, 16) for slot, value in fields["storage"].items()},
        )
        for address, fields in accounts.items()
    }


def bridge_storage(l1_messenger: Address, l1_bridge: Address) -> dict[Address, dict[int, int]]:
    """What the L2's messenger and bridge know from the start: whom on L1 to believe."""
    return {
        L2_CROSS_DOMAIN_MESSENGER: {_OTHER_END_SLOT: int.from_bytes(l1_messenger, "big")},
        L2_STANDARD_BRIDGE: {_OTHER_END_SLOT: int.from_bytes(l1_bridge, "big")},
    }


def _contract(code: bytes) -> GenesisAccount:
    """A contract's account starts with nonce 1. Source: EIP-161."""
    return GenesisAccount(nonce=1, code=code)
