"""Who has what before the first block of an L1 devnet and of an L2.

Covered: balances, code and storage of every genesis account, and their sum, which is locked on L1.
Not covered: which accounts a network gives balances to; the network's preset says that.
"""

from collections.abc import Mapping
from dataclasses import replace

from genesis.account import GenesisAccount
from genesis.predeploys import l2_predeploys, preinstalls
from genesis.types import Address, Wei


class AllocationError(ValueError):
    """The genesis allocation contradicts itself; the message says where."""


def l1_dev_allocation(balances: Mapping[Address, Wei]) -> dict[Address, GenesisAccount]:
    """The embedded L1's genesis: balances in wei of ether, and the preinstalls."""
    return _with_balances(preinstalls(), balances)


def l2_allocation(
    balances: Mapping[Address, Wei],
    precompile_storage: Mapping[Address, Mapping[int, int]] | None = None,
    governance: str = "standard",
) -> dict[Address, GenesisAccount]:
    """An L2's genesis: balances in base units of OPEN, all predeploys, and the native precompiles.

    `precompile_storage` is what the precompiles' state is before the first block (the first policy version);
    `governance` names how long governance takes (`genesis.predeploys.GOVERNANCE`).
    Raises `AllocationError` if it names an account without code.
    """
    accounts = _with_balances(l2_predeploys(governance), balances)
    for address, storage in (precompile_storage or {}).items():
        if address not in accounts or not accounts[address].code:
            raise AllocationError(f"storage for 0x{address.hex()}, which has no code")
        kept = {slot: value for slot, value in storage.items() if value}
        accounts[address] = replace(accounts[address], storage=accounts[address].storage | kept)
    return accounts


def total_balance(allocation: Mapping[Address, GenesisAccount]) -> Wei:
    """The sum of all balances: on an L2, the OPEN that the L1 vault must lock at deployment."""
    return Wei(sum(account.balance_wei for account in allocation.values()))


def _with_balances(
    accounts: Mapping[Address, GenesisAccount], balances: Mapping[Address, Wei]
) -> dict[Address, GenesisAccount]:
    """Raises `AllocationError` for a balance at a contract: predeploys start with nothing."""
    if both := accounts.keys() & balances.keys():
        raise AllocationError(f"a balance for the contract 0x{min(both).hex()}")
    return dict(accounts) | {address: GenesisAccount(balance_wei=wei) for address, wei in balances.items()}
