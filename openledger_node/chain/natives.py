"""Which native precompiles a rollup runs: the law's table as the engine takes it."""

from collections.abc import Mapping

from genesis.types import Address
from openledger_node.evm.precompile_host import NativePrecompile
from precompiles.table import CONTRACTS


def native_precompiles() -> Mapping[Address, NativePrecompile]:
    """What the engine runs in place of code, by address."""
    return {address: contract.run for address, contract in CONTRACTS.items()}
