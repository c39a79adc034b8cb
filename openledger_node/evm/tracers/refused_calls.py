"""Calls and creations that the machine refuses before they begin, which geth's callTracer shows as frames.

Covered: no funds for the value, too deep. Not covered: collisions of addresses.
Source: geth, `Call` and `create`; EIP-150 for the gas they would have had.
"""

from dataclasses import dataclass
from typing import Any

from openledger_node.evm.accounts import AccountState
from openledger_node.evm.halts import INSUFFICIENT_BALANCE, TOO_DEEP
from openledger_node.evm.tracers.frames import address_of, data, gas_left, memory, peek, quantity

_DEEPEST = 1_024
_CALL_STIPEND = 2_300
_VALUE_AT = {"CALL": 2, "CALLCODE": 2, "CREATE": 0, "CREATE2": 0}
_INPUT_AT = {"CALL": 3, "CALLCODE": 3, "DELEGATECALL": 2, "STATICCALL": 2, "CREATE": 1, "CREATE2": 1}
_CREATIONS = frozenset({"CREATE", "CREATE2"})


@dataclass(frozen=True, slots=True)
class RefusedCall:
    """What the instruction asked for; `frame` goes on as if it had failed."""

    frame: Any
    kind: str
    reason: str
    requested_gas: int
    target: int
    value_wei: int
    offset: int
    size: int

    @classmethod
    def of(cls, frame: Any, kind: str, accounts: AccountState) -> "RefusedCall | None":
        """None for one that will begin, or whose instruction fails for another reason."""
        value_wei = peek(frame, _VALUE_AT[kind]) if kind in _VALUE_AT else 0
        offset, size = peek(frame, _INPUT_AT[kind]), peek(frame, _INPUT_AT[kind] + 1)
        gas, target = peek(frame, 0), peek(frame, 1)
        if None in (value_wei, offset, size, gas, target):
            return None
        if frame.msg.depth >= _DEEPEST:
            reason = TOO_DEEP
        elif value_wei and accounts.get_balance(frame.msg.storage_address) < value_wei:
            reason = INSUFFICIENT_BALANCE
        else:
            return None
        return cls(frame, kind, reason, gas or 0, target or 0, value_wei or 0, offset or 0, size or 0)

    def shown(self) -> dict[str, Any]:
        """The frame; to be asked when the instruction is done and all gas has come back."""
        content = memory(self.frame)[self.offset : self.offset + self.size]
        entry: dict[str, Any] = {
            "from": data(self.frame.msg.storage_address),
            "gas": quantity(self.gas()),
            "gasUsed": "0x0",
            "to": data(address_of(self.target)),
            "input": data(content),
            "value": quantity(self.frame.msg.value if self.kind == "DELEGATECALL" else self.value_wei),
            "type": self.kind,
            "error": self.reason,
        }
        if self.kind in _CREATIONS:
            del entry["to"]
        if self.kind == "STATICCALL":
            del entry["value"]
        return entry

    def gas(self) -> int:
        """What it would have had."""
        stipend = _CALL_STIPEND if self.value_wei and self.kind not in _CREATIONS else 0
        available = gas_left(self.frame) - stipend
        most = available - available // 64
        return most if self.kind in _CREATIONS else min(self.requested_gas, most) + stipend
