"""Which accounts and slots a message touches: the access list it would have liked to bring.

Source: EIP-2930; geth's access list tracer.
"""

from typing import Any

from genesis.types import Address
from openledger_node.evm.accounts import AccountState
from openledger_node.evm.records import Transaction
from openledger_node.evm.tracers.base import Options, Room
from openledger_node.evm.tracers.frames import ADDRESS_AT, address_of, peek
from openledger_node.evm.transaction_processing import Outcome

_SLOT_OPCODES = frozenset({"SLOAD", "SSTORE"})


class AccessListTracer:
    """The result maps each touched account to its touched slots, in order of first touch."""

    def __init__(self, accounts: AccountState, options: Options, room: Room) -> None:
        self._touched: dict[Address, dict[int, None]] = {}

    def start(self, transaction: Transaction, coinbase: Address) -> None:
        """Parties are warm anyway."""

    def enter(self, frame: Any) -> None:
        """Accounts are noted by the instruction that calls them."""

    def step(self, frame: Any, opcode: int, mnemonic: str) -> None:
        if mnemonic in _SLOT_OPCODES:
            slot = peek(frame, 0)
            if slot is not None:
                self._touched.setdefault(Address(frame.msg.storage_address), {})[slot] = None
        elif mnemonic in ADDRESS_AT:
            word = peek(frame, ADDRESS_AT[mnemonic])
            if word is not None:
                self._touched.setdefault(Address(address_of(word)), {})

    def leave(self, frame: Any) -> None:
        """Nothing to note."""

    def result(self, outcome: Outcome) -> dict[Address, list[int]]:
        return {address: list(slots) for address, slots in self._touched.items()}
