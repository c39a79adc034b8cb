"""Which accounts and slots a transaction touched, before and after: geth's prestateTracer.

Options: `diffMode`, `disableCode`, `disableStorage`, `includeEmpty`.
"""

from typing import Any

from genesis.fees.intrinsic import MAXIMUM_INITCODE_BYTES
from genesis.keccak import keccak256
from genesis.types import Address
from openledger_node.evm.account_leaf import NO_ACCOUNT
from openledger_node.evm.accounts import AccountState
from openledger_node.evm.authorizations import authority_of
from openledger_node.evm.code import delegation_target
from openledger_node.evm.records import Transaction
from openledger_node.evm.tracers.base import Options, Room
from openledger_node.evm.tracers.frames import ADDRESS_AT, address_of, data, memory, peek, quantity
from openledger_node.evm.transaction_processing import Outcome
from openledger_node.evm.transactions import contract_address

_SLOT_OPCODES = frozenset({"SLOAD", "SSTORE"})


class _Before:
    """An account as it was when the transaction began."""

    def __init__(self, accounts: AccountState, address: Any) -> None:
        account = accounts.account(address)
        self.exists = account is not None
        self.nonce, self.balance_wei = (account or NO_ACCOUNT)[:2]
        self.code = accounts.get_code(address)
        self.slots: dict[int, int] = {}


class PrestateTracer:
    def __init__(self, accounts: AccountState, options: Options, room: Room) -> None:
        self._accounts = accounts
        self._options = options
        self._room = room
        self._before: dict[Any, _Before] = {}

    def start(self, transaction: Transaction, coinbase: Address) -> None:
        """Note who changes or is run whatever the code does."""
        created = contract_address(transaction.sender, transaction.nonce)
        self.touch(transaction.sender)
        self._touch_callee(transaction.to or created)
        self.touch(coinbase)
        for authorization in transaction.authorizations:
            authority = authority_of(authorization, authorization.chain_id)
            if authority is not None:
                self.touch(authority)

    def _touch_callee(self, address: Any) -> None:
        """The account and, if it is delegated, the one whose code it runs."""
        target = delegation_target(self.touch(address).code)
        if target is not None:
            self.touch(target)

    def touch(self, address: Any) -> _Before:
        if address not in self._before:
            before = self._before[address] = _Before(self._accounts, address)
            self._room.entry(before.code)
        return self._before[address]

    def enter(self, frame: Any) -> None:
        """Accounts are noted by the instruction that calls them, before any value moves."""

    def step(self, frame: Any, opcode: int, mnemonic: str) -> None:
        if mnemonic in _SLOT_OPCODES:
            slot = peek(frame, 0)
            if slot is not None:
                own = frame.msg.storage_address
                before = self.touch(own)
                original = self._accounts.get_storage(own, slot, from_journal=False)
                if slot not in before.slots:
                    self._room.entry()
                    before.slots[slot] = original
        elif mnemonic in ADDRESS_AT:
            word = peek(frame, ADDRESS_AT[mnemonic])
            if word is not None:
                self._touch_callee(address_of(word))
        elif mnemonic in ("CREATE", "CREATE2"):
            created = self._created(frame, mnemonic)
            if created is not None:
                self.touch(created)

    def _created(self, frame: Any, mnemonic: str) -> bytes | None:
        """Where the instruction puts its contract, if it does; looked at while nothing is there yet."""
        creator = frame.msg.storage_address
        if mnemonic == "CREATE":
            return contract_address(creator, self._accounts.get_nonce(creator))
        offset, size, salt = (peek(frame, depth) for depth in (1, 2, 3))
        if offset is None or size is None or salt is None or size > MAXIMUM_INITCODE_BYTES:
            return None
        init_code = memory(frame)[offset : offset + size].ljust(size, b"\0")
        return keccak256(b"\xff" + creator + salt.to_bytes(32, "big") + keccak256(init_code))[12:]

    def leave(self, frame: Any) -> None:
        """Nothing to note."""

    def result(self, outcome: Outcome) -> Any:
        if self._options.get("diffMode"):
            return self._difference()
        return {
            data(address): self._shown(before)
            for address, before in self._before.items()
            if before.exists or self._options.get("includeEmpty")
        }

    def _shown(self, before: _Before) -> dict[str, Any]:
        entry: dict[str, Any] = {"balance": quantity(before.balance_wei)}
        if before.nonce:
            entry["nonce"] = before.nonce
        if before.code and not self._options.get("disableCode"):
            entry["code"] = data(before.code)
        if before.slots and not self._options.get("disableStorage"):
            entry["storage"] = {f"0x{slot:064x}": f"0x{value:064x}" for slot, value in before.slots.items()}
        return entry

    def _difference(self) -> dict[str, Any]:
        pre: dict[str, Any] = {}
        post: dict[str, Any] = {}
        for address, before in self._before.items():
            old, new = self._shown(before), self._changed(address, before)
            if not new:
                continue
            if before.exists or self._options.get("includeEmpty"):
                stored = {slot: value for slot, value in old.pop("storage", {}).items() if int(value, 16)}
                changed = new.get("storage", {})
                kept = {slot: value for slot, value in stored.items() if slot in changed or slot in new["_"]}
                pre[data(address)] = {**old, "storage": kept} if kept else old
            new.pop("_")
            if self._accounts.account_exists(address) and address not in self._accounts.destroyed:
                post[data(address)] = {key: value for key, value in new.items() if value != {}}
        return {"pre": pre, "post": post}

    def _changed(self, address: Any, before: _Before) -> dict[str, Any]:
        """Fields that differ now; `_` lists slots that became zero."""
        entry: dict[str, Any] = {}
        accounts = self._accounts
        if (balance := accounts.get_balance(address)) != before.balance_wei:
            entry["balance"] = quantity(balance)
        if (nonce := accounts.get_nonce(address)) != before.nonce:
            entry["nonce"] = nonce
        if (code := accounts.get_code(address)) != before.code:
            entry["code"] = data(code)
        slots = {slot: accounts.get_storage(address, slot) for slot in before.slots}
        moved = {slot: value for slot, value in slots.items() if value != before.slots[slot]}
        if not entry and not moved:
            return {}
        entry["storage"] = {f"0x{slot:064x}": f"0x{value:064x}" for slot, value in moved.items() if value}
        entry["_"] = {f"0x{slot:064x}" for slot, value in moved.items() if not value}
        return entry
