"""Which calls a transaction made: geth's callTracer.

Options: `onlyTopCall`, `withLog`.
"""

from typing import Any

from eth.exceptions import Revert

from genesis.types import Address
from openledger_node.evm.accounts import AccountState
from openledger_node.evm.halts import halt_name
from openledger_node.evm.records import Transaction
from openledger_node.evm.tracers.base import Options, Room
from openledger_node.evm.tracers.frames import address_of, data, peek, quantity
from openledger_node.evm.tracers.refused_calls import RefusedCall
from openledger_node.evm.transaction_processing import Outcome

_CREATE2, _SELFDESTRUCT = "CREATE2", "SELFDESTRUCT"
_CALL_KINDS = frozenset({"CALL", "CALLCODE", "DELEGATECALL", "STATICCALL", "CREATE", "CREATE2"})
_ERROR_SELECTOR = bytes.fromhex("08c379a0")


class CallTracer:
    def __init__(self, accounts: AccountState, options: Options, room: Room) -> None:
        self._accounts = accounts
        self._room = room
        self._only_top = bool(options.get("onlyTopCall"))
        self._with_log = bool(options.get("withLog"))
        self._frames: list[dict[str, Any]] = []
        self._logs_seen = 0
        self._last_kind = "CALL"
        self._gas_limit = 0
        self._refused: RefusedCall | None = None
        self._root: dict[str, Any] = {}

    def start(self, transaction: Transaction, coinbase: Address) -> None:
        self._gas_limit = transaction.gas

    def enter(self, frame: Any) -> None:
        self._refused = None
        self._claim_logs()
        if self._frames and self._only_top:
            self._frames.append({})
            return
        message = frame.msg
        kind = self._kind(message)
        content = message.code if message.is_create else message.data_as_bytes
        self._room.entry(content)
        entry: dict[str, Any] = {
            "from": data(message.sender if kind != "DELEGATECALL" else message.storage_address),
            "gas": quantity(message.gas if self._frames else self._gas_limit),
            "gasUsed": "0x0",
            "to": data(_target(message, kind)),
            "input": data(content),
            "value": quantity(message.value),
            "type": kind,
        }
        if kind == "STATICCALL":
            del entry["value"]
        if self._frames:
            self._frames[-1].setdefault("calls", []).append(entry)
        else:
            self._root = entry
        self._frames.append(entry)

    def _kind(self, message: Any) -> str:
        if not self._frames:
            return "CREATE" if message.is_create else "CALL"
        return self._last_kind

    def step(self, frame: Any, opcode: int, mnemonic: str) -> None:
        self._add_refused()
        if mnemonic in _CALL_KINDS:
            self._last_kind = mnemonic
            if not self._only_top:
                self._refused = RefusedCall.of(frame, mnemonic, self._accounts)
        elif mnemonic == _SELFDESTRUCT and not self._only_top:
            self._add_selfdestruct(frame)

    def _add_refused(self) -> None:
        """The call before was refused if its frame goes on without another one having begun."""
        refused, self._refused = self._refused, None
        if refused is not None:
            self._claim_logs()
            entry = refused.shown()
            self._room.take(len(entry["input"]))
            self._room.entry()
            self._frames[-1].setdefault("calls", []).append(entry)

    def _add_selfdestruct(self, frame: Any) -> None:
        beneficiary = peek(frame, 0)
        if beneficiary is None:
            return
        self._room.entry()
        own = frame.msg.storage_address
        self._frames[-1].setdefault("calls", []).append(
            {
                "from": data(own),
                "gas": "0x0",
                "gasUsed": "0x0",
                "to": data(address_of(beneficiary)),
                "input": "0x",
                "value": quantity(self._accounts.get_balance(own)),
                "type": _SELFDESTRUCT,
            }
        )

    def leave(self, frame: Any) -> None:
        self._claim_logs()
        if frame.is_success:
            self._add_refused()
        self._refused = None
        entry = self._frames.pop()
        if self._frames and self._only_top:
            return
        entry["gasUsed"] = quantity(frame.get_gas_used())
        error = halt_name(frame)
        is_made = error is None and frame.msg.is_create
        output = self._accounts.get_code(frame.msg.storage_address) if is_made else frame.output
        if output:
            self._add_output(entry, output)
        if error is not None:
            _add_error(entry, frame, error)
            _forget_logs(entry)

    def _add_output(self, entry: dict[str, Any], output: bytes) -> None:
        self._room.take(2 * len(output))
        entry["output"] = data(output)

    def _claim_logs(self) -> None:
        """Logs since the last frame began or ended are of the frame that runs."""
        logs = self._accounts.logs
        first = min(self._logs_seen, len(logs))  # those of a failed frame are gone by now
        self._logs_seen = len(logs)
        if not self._with_log or not self._frames or (self._only_top and len(self._frames) > 1):
            return
        entry = self._frames[-1]
        for index in range(first, len(logs)):
            log = logs[index]
            self._room.entry(log.data)
            entry.setdefault("logs", []).append(
                {
                    "address": data(log.address),
                    "topics": [data(topic) for topic in log.topics],
                    "data": data(log.data),
                    "index": quantity(index),
                    "position": quantity(len(entry.get("calls", []))),
                }
            )

    def result(self, outcome: Outcome) -> Any:
        if self._root:
            self._root["gasUsed"] = quantity(outcome.gas_used)
        return self._root


def _target(message: Any, kind: str) -> bytes:
    if message.is_create:
        return bytes(message.storage_address)
    # CALLCODE and DELEGATECALL run foreign code in their own storage; a delegation is still its own address.
    if kind in ("CALLCODE", "DELEGATECALL"):
        return bytes(message.code_address)
    return bytes(message.to)


def _add_error(entry: dict[str, Any], frame: Any, error: str) -> None:
    entry["error"] = error
    if entry["type"] in ("CREATE", _CREATE2):
        entry.pop("to", None)
    if isinstance(frame.error, Revert):
        reason = revert_reason(frame.output)
        if reason:
            entry["revertReason"] = reason


def _forget_logs(failed: dict[str, Any]) -> None:
    waiting = [failed]
    while waiting:
        entry = waiting.pop()
        entry.pop("logs", None)
        waiting += entry.get("calls", ())


def revert_reason(output: bytes) -> str:
    """The text of `Error(string)`, or nothing."""
    if output[:4] != _ERROR_SELECTOR or len(output) < 68:
        return ""
    size = int.from_bytes(output[36:68], "big")
    return output[68 : 68 + size].decode(errors="replace") if size <= len(output) - 68 else ""
