"""What a call may pretend: accounts other than they are, precompiles gone or moved, another block.

Source: geth's state and block overrides (`eth_call`, `eth_simulateV1`).
"""

from collections.abc import Mapping

from genesis.types import Address
from openledger_node.evm.accounts import AccountState
from openledger_node.evm.errors import CallError
from openledger_node.evm.records import AccountOverride
from openledger_node.evm.vm import MachineState

Overrides = Mapping[Address, AccountOverride]


def apply_overrides(accounts: AccountState, overrides: Overrides, *, clear_empty: bool = True) -> None:
    """Make the state pretend; call between transactions."""
    for address, override in overrides.items():
        if override.nonce is not None:
            accounts.set_nonce(address, override.nonce)
        if override.balance_wei is not None:
            accounts.set_balance(address, override.balance_wei)
        if override.code is not None:
            accounts.set_code(address, override.code)
        if override.storage is not None:
            accounts.delete_storage(address)
        for slot, value in {**(override.storage or {}), **override.storage_changes}.items():
            accounts.set_storage(address, slot, value)
    accounts.end_transaction(clear_empty=clear_empty)


def override_precompiles(state: MachineState, overrides: Overrides) -> None:
    """Take away the precompiles at overridden addresses, and put the moved ones where they go.

    Raises `CallError` for a move from where no precompile is, or to an account that is overridden as well.
    """
    ethereum, natives = dict(state.precompiles), dict(state.natives)
    for address, override in overrides.items():
        ours, theirs = natives.pop(address, None), ethereum.pop(address, None)
        target = override.move_precompile_to
        if target is None:
            continue
        if ours is None and theirs is None:
            raise CallError(f"account 0x{address.hex()} is not a precompile")
        if target in overrides:
            raise CallError(f"account 0x{target.hex()} is already overridden")
        natives.pop(target, None)
        ethereum.pop(target, None)
        if ours is not None:
            natives[target] = ours
        else:
            ethereum[target] = theirs
    state.precompiles, state.natives = ethereum, natives
