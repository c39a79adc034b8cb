"""Which contracts stand on a chain from its first block, and their code.

The Solidity ones are compiled from `genesis/contracts`; none has a constructor or immutables, so the compiled
runtime code is the account's code. The others are fixed byte strings that every chain has.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from genesis.account import GenesisAccount
from genesis.addresses import (
    BASE_FEE_VAULT,
    BEACON_ROOTS,
    CALLBACK_CALLER,
    CREATE2_FACTORY,
    GAS_PRICE_ORACLE,
    HISTORY_STORAGE,
    L1_BLOCK,
    L1_FEE_VAULT,
    L2_TO_L1_MESSAGE_PASSER,
    MULTICALL3,
    OP_WETH9,
    PRECOMPILE_STUB_CODE,
    PRECOMPILES,
    SEQUENCER_FEE_VAULT,
    TREASURY,
)
from genesis.contracts.artifact import read_artifact
from genesis.types import Address

ARTIFACTS = Path(__file__).with_name("contracts") / "artifacts"

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

L2_CONTRACTS: Mapping[Address, str] = MappingProxyType(
    {
        OP_WETH9: "WOPEN",
        GAS_PRICE_ORACLE: "GasPriceOracle",
        SEQUENCER_FEE_VAULT: "FeeVault",
        L1_BLOCK: "L1Block",
        L2_TO_L1_MESSAGE_PASSER: "L2ToL1MessagePasser",
        BASE_FEE_VAULT: "FeeVault",
        L1_FEE_VAULT: "FeeVault",
        TREASURY: "Treasury",
        CALLBACK_CALLER: "CallbackCaller",
    }
)
"""Which contract of `genesis/contracts` stands at which L2 address, besides the preinstalls."""


def preinstalls() -> dict[Address, GenesisAccount]:
    """What users and the protocol expect on any chain: Multicall3, the CREATE2 factory, system contracts."""
    return {
        MULTICALL3: _contract(read_artifact(ARTIFACTS, "Multicall3").deployed_bytecode),
        CREATE2_FACTORY: _contract(CREATE2_FACTORY_CODE),
        HISTORY_STORAGE: _contract(HISTORY_STORAGE_CODE),
        BEACON_ROOTS: _contract(BEACON_ROOTS_CODE),
    }


def l2_predeploys() -> dict[Address, GenesisAccount]:
    """Everything with code in an L2 genesis: preinstalls, predeploys, and stubs at the native precompiles."""
    contracts = {
        address: _contract(read_artifact(ARTIFACTS, name).deployed_bytecode)
        for address, name in L2_CONTRACTS.items()
    }
    stubs = {address: _contract(PRECOMPILE_STUB_CODE) for address in PRECOMPILES}
    return preinstalls() | contracts | stubs


def _contract(code: bytes) -> GenesisAccount:
    """A contract's account starts with nonce 1. Source: EIP-161."""
    return GenesisAccount(nonce=1, code=code)
