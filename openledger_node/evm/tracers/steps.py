"""What each instruction saw: geth's struct logs.

Options: `disableStack`, `disableStorage`, `enableMemory`, `enableReturnData`, `limit`.
"""

from typing import Any

from genesis.types import Address
from openledger_node.evm.accounts import AccountState
from openledger_node.evm.halts import OUT_OF_GAS, REVERTED, STACK_OVERFLOW, STACK_UNDERFLOW, halt_name
from openledger_node.evm.records import Transaction
from openledger_node.evm.tracers.base import ENTRY_BYTES, TEXT_BYTES, Options, Room
from openledger_node.evm.tracers.frames import (
    gas_left,
    memory,
    memory_size,
    opcode_name,
    peek,
    quantity,
    stack,
)
from openledger_node.evm.tracers.refused_calls import RefusedCall
from openledger_node.evm.transaction_processing import Outcome

_SLOAD, _SSTORE = 0x54, 0x55
_GAS_PER_CODE_BYTE = 200
_INVALID = 0xFE
_CALL_KINDS = frozenset({"CALL", "CALLCODE", "DELEGATECALL", "STATICCALL"})
_BEFORE_EXECUTION = frozenset({OUT_OF_GAS, STACK_UNDERFLOW, STACK_OVERFLOW})
"""What geth's struct log tells: faults it finds before it logs the instruction, but none in running it."""
_PRICED = frozenset({REVERTED, OUT_OF_GAS})
"""Ends that come after the instruction's price is known."""


class StepTracer:
    def __init__(self, accounts: AccountState, options: Options, room: Room) -> None:
        self._accounts = accounts
        self._options = options
        self._room = room
        self._limit = int(options.get("limit") or 0)
        self._logs: list[dict[str, Any]] = []
        self._open: list[tuple[Any, dict[str, Any], int] | None] = []
        self._storage: dict[bytes, dict[str, str]] = {}
        self._refused: RefusedCall | None = None

    def start(self, transaction: Transaction, coinbase: Address) -> None:
        """Nothing to note yet."""

    def enter(self, frame: Any) -> None:
        self._refused = None
        self._close()
        self._open.append(None)

    def step(self, frame: Any, opcode: int, mnemonic: str) -> None:
        self._close()
        if not frame.msg.code:
            return  # geth runs nothing, not even the end
        if self._limit and len(self._logs) >= self._limit:
            self._open[-1] = None
            return
        self._room.take(ENTRY_BYTES)
        entry: dict[str, Any] = {
            "pc": frame.code.program_counter - 1,
            "op": opcode_name(opcode, mnemonic),
            "gas": gas_left(frame),
            "gasCost": 0,
            "depth": frame.msg.depth + 1,
            "refund": self._accounts.refund,
        }
        if not entry["refund"]:
            del entry["refund"]
        self._add_details(frame, opcode, entry)
        self._open[-1] = (frame, entry, opcode)
        if mnemonic in _CALL_KINDS:
            self._refused = RefusedCall.of(frame, mnemonic, self._accounts)
        self._logs.append(entry)

    def _add_details(self, frame: Any, opcode: int, entry: dict[str, Any]) -> None:
        if not self._options.get("disableStack"):
            entry["stack"] = self._texts([quantity(value) for value in stack(frame)])
        if self._options.get("enableReturnData") and frame.return_data:
            self._room.take(2 * len(frame.return_data))
            entry["returnData"] = "0x" + bytes(frame.return_data).hex()
        if self._options.get("enableMemory"):
            self._room.take(2 * memory_size(frame))
            content = memory(frame)
            words = range(0, len(content), 32)
            entry["memory"] = self._texts(["0x" + content[i : i + 32].hex() for i in words])
        if opcode in (_SLOAD, _SSTORE) and not self._options.get("disableStorage"):
            self._add_storage(frame, opcode, entry)

    def _texts(self, texts: list[str]) -> list[str]:
        self._room.take(TEXT_BYTES * len(texts) + sum(map(len, texts)))
        return texts

    def _add_storage(self, frame: Any, opcode: int, entry: dict[str, Any]) -> None:
        slot = peek(frame, 0)
        value = peek(frame, 1) if opcode == _SSTORE else 0
        if slot is None or value is None:
            return
        address = frame.msg.storage_address
        if opcode == _SLOAD:
            value = self._accounts.get_storage(address, slot)
        seen = self._storage.setdefault(address, {})
        seen[f"0x{slot:064x}"] = f"0x{value:064x}"
        self._room.take(ENTRY_BYTES * len(seen))
        entry["storage"] = dict(seen)

    def leave(self, frame: Any) -> None:
        # A creation has paid for its code by now; that is no instruction's cost.
        deposit_gas = _GAS_PER_CODE_BYTE * len(frame.output) if frame.msg.is_create else 0
        self._close(deposit_gas if frame.is_success else 0)
        last = self._open.pop()
        error = halt_name(frame)
        if last is not None and error is not None:
            _, entry, opcode = last
            if error in _BEFORE_EXECUTION:
                entry["error"] = error
            if error not in _PRICED:
                entry["gasCost"] = _fixed_gas(frame, opcode)

    def _close(self, other_gas: int = 0) -> None:
        """The cost of the instruction before is known when the next one, or a frame under it, begins."""
        last = self._open[-1] if self._open else None
        if last is not None and not last[1]["gasCost"]:
            frame, entry, _ = last
            entry["gasCost"] = entry["gas"] - gas_left(frame) - other_gas
            if self._refused is not None:
                entry["gasCost"] += self._refused.gas()  # paid, and given back at once
        self._refused = None

    def result(self, outcome: Outcome) -> Any:
        return {
            "gas": outcome.gas_used,
            "failed": outcome.error is not None,
            "returnValue": "0x" + outcome.output.hex(),
            "structLogs": self._logs,
        }


def _fixed_gas(frame: Any, opcode: int) -> int:
    """What the instruction asks for whatever its operands; one that halts has lost all gas, not spent it."""
    known = frame.opcodes.get(opcode)
    return int(getattr(known, "gas_cost", 0)) if opcode != _INVALID else 0
