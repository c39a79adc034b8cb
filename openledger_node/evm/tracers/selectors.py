"""Which method selectors a transaction called, with how much calldata: geth's 4byteTracer."""

from typing import Any

from genesis.types import Address
from openledger_node.evm.accounts import AccountState
from openledger_node.evm.records import Transaction
from openledger_node.evm.tracers.base import Options, Room
from openledger_node.evm.transaction_processing import Outcome

_SELECTOR_BYTES = 4


class SelectorTracer:
    def __init__(self, accounts: AccountState, options: Options, room: Room) -> None:
        self._counts: dict[str, int] = {}

    def start(self, transaction: Transaction, coinbase: Address) -> None:
        """Nothing to note yet."""

    def enter(self, frame: Any) -> None:
        calldata = frame.msg.data_as_bytes
        if frame.msg.is_create or len(calldata) < _SELECTOR_BYTES:
            return
        if frame.msg.code_address in frame.precompiles:
            return
        key = f"0x{calldata[:_SELECTOR_BYTES].hex()}-{len(calldata) - _SELECTOR_BYTES}"
        self._counts[key] = self._counts.get(key, 0) + 1

    def step(self, frame: Any, opcode: int, mnemonic: str) -> None:
        """Instructions do not matter."""

    def leave(self, frame: Any) -> None:
        """Neither do results."""

    def result(self, outcome: Outcome) -> Any:
        return self._counts
