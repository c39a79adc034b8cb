"""Which ether moved between accounts, shown as logs: `traceTransfers` of eth_simulateV1.

Covered: values of transactions, calls and creations, self-destructions. Not covered: fees, overrides,
payments a native precompile makes.
Source: execution-apis, notes on eth_simulateV1; ERC-7528 for the address.
"""

from dataclasses import dataclass
from typing import Any

from genesis.types import Address, Hash32
from openledger_node.evm.accounts import AccountState
from openledger_node.evm.records import Log
from openledger_node.evm.tracers.frames import address_of, peek

ETHER = Address(b"\xee" * 20)
TRANSFER_TOPIC = Hash32(bytes.fromhex("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"))
_FOREIGN_CODE = frozenset({"CALLCODE", "DELEGATECALL"})
_CALL_KINDS = frozenset({"CALL", "STATICCALL", "CREATE", "CREATE2"}) | _FOREIGN_CODE


@dataclass(frozen=True, slots=True)
class EmittedLog(Log):
    """A log with its place among all logs of its block, those taken back by a revert counted as well."""

    index: int
    is_transfer: bool


class NumberingState(AccountState):
    """Numbers logs as they are emitted, from `first_index` on."""

    first_index = 0

    def add_log(self, log: Log) -> None:
        self._number(log, is_transfer=False)

    def add_transfer(self, sender: Address, recipient: Address, amount_wei: int) -> None:
        topics = (TRANSFER_TOPIC, _word(sender), _word(recipient))
        self._number(Log(ETHER, topics, amount_wei.to_bytes(32, "big")), is_transfer=True)

    def _number(self, log: Log, *, is_transfer: bool) -> None:
        super().add_log(EmittedLog(log.address, log.topics, log.data, self.first_index, is_transfer))
        self.first_index += 1


def _word(address: Address) -> Hash32:
    return Hash32(address.rjust(32, b"\0"))


class TransferTracer:
    """Adds a log for each transfer where it happens, so that a revert takes it back with the ether."""

    def __init__(self, accounts: NumberingState) -> None:
        self._accounts = accounts
        self._kind = "CALL"

    def enter(self, frame: Any) -> None:
        message = frame.msg
        if message.value and self._kind not in _FOREIGN_CODE:
            self._accounts.add_transfer(
                Address(message.sender), Address(message.storage_address), message.value
            )
        self._kind = "CALL"

    def step(self, frame: Any, opcode: int, mnemonic: str) -> None:
        if mnemonic in _CALL_KINDS:
            self._kind = mnemonic
        elif mnemonic == "SELFDESTRUCT":
            own, beneficiary = Address(frame.msg.storage_address), peek(frame, 0)
            balance_wei = self._accounts.get_balance(own)
            if beneficiary is not None and balance_wei:
                self._accounts.add_transfer(own, Address(address_of(beneficiary)), balance_wei)

    def leave(self, frame: Any) -> None:
        """Nothing to note."""
