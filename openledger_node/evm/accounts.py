"""What every account holds while a block executes, and how to go back: a flat cache with an undo log.

Covered: balances, nonces, code, storage, transient storage, the access list, logs, refunds, clearing of empty
accounts, and the state root. Not covered: what may change them.

It stands where py-evm has `AccountDB` (`AccountDatabaseAPI`). A change appends its inverse to the log; a
checkpoint is a length of the log; going back applies the inverses from the end. Logs, gas refunds and
accounts to destroy live here too, so that one undo takes back all a frame did. Tries are written once, when
the block is sealed.
"""

from collections.abc import Callable, Iterator

from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from openledger_node.evm.account_leaf import (
    EMPTY_CODE_HASH,
    NO_ACCOUNT,
    Account,
    decode_account,
    encode_account,
    read_storage,
)
from openledger_node.evm.node_store import NodeStore
from openledger_node.evm.records import Log
from openledger_node.evm.rlp_codec import encode, uint
from openledger_node.evm.trie import EMPTY_ROOT, NodeChanges

_UINT64_LIMIT = 2**64
_UINT256_LIMIT = 2**256


class _Storage:
    """One account's storage: `root` is where unknown slots are read, `stored` what that trie holds."""

    __slots__ = ("root", "stored", "values")

    def __init__(self, root: Hash32) -> None:
        self.root = root
        self.stored: dict[int, int] = {}
        self.values: dict[int, int] = {}


class AccountState:
    """Accounts on top of a state root. Not for use by several threads."""

    def __init__(self, nodes: NodeStore, state_root: Hash32) -> None:
        self._nodes = nodes
        self._root = state_root
        self.node_changes = NodeChanges()
        self._trie = nodes.trie(state_root, self.node_changes)
        self._accounts: dict[Address, Account | None] = {}
        self._stored: dict[Address, Account | None] = {}
        self._storage: dict[Address, _Storage] = {}
        self._changed: set[Address] = set()
        self._codes: dict[Hash32, bytes] = {}
        self._undo: list[Callable[[], object]] = []
        self._start_transaction()

    def _start_transaction(self) -> None:
        self._undo.clear()
        self._touched: set[Address] = set()
        self._warm: set[object] = set()
        self._transient: dict[tuple[Address, int], bytes] = {}
        self._originals: dict[tuple[Address, int], int] = {}
        self.logs: list[Log] = []
        self.refund = 0
        self.destroyed: set[Address] = set()

    # -- accounts ------------------------------------------------------------------------------------------

    def account(self, address: Address) -> Account | None:
        """None if there is none."""
        try:
            return self._accounts[address]
        except KeyError:
            leaf = self._trie.get(keccak256(address))
            found = decode_account(leaf) if leaf is not None else None
            self._accounts[address] = self._stored[address] = found
            return found

    def _set_account(self, address: Address, account: Account | None) -> None:
        old = self.account(address)
        accounts, touched = self._accounts, self._touched
        self._undo.append(lambda: accounts.__setitem__(address, old))
        accounts[address] = account
        self._changed.add(address)
        if address not in touched:
            self._touch(address)

    def charge(self, address: Address, amount_wei: int, nonce: int) -> None:
        """Take `amount_wei` and set the nonce in one step."""
        old = self.account(address) or NO_ACCOUNT
        left_wei = old.balance_wei - amount_wei
        if not 0 <= left_wei < _UINT256_LIMIT:
            raise ValueError(f"balance {left_wei} out of range")
        self._set_account(address, Account(nonce, left_wei, old.storage_root, old.code_hash))

    def pay(self, address: Address, amount_wei: int) -> None:
        """Take `amount_wei` and raise the nonce. Like `receive`, it cannot be taken back."""
        old = self.account(address) or NO_ACCOUNT
        left_wei = old.balance_wei - amount_wei
        self._settle(address, Account(old.nonce + 1, left_wei, old.storage_root, old.code_hash))

    def receive(self, address: Address, amount_wei: int) -> None:
        old = self.account(address) or NO_ACCOUNT
        new_wei = old.balance_wei + amount_wei
        self._settle(address, Account(old.nonce, new_wei, old.storage_root, old.code_hash))

    def _settle(self, address: Address, account: Account) -> None:
        if not 0 <= account.balance_wei < _UINT256_LIMIT:
            raise ValueError(f"balance {account.balance_wei} out of range")
        self._accounts[address] = account
        self._changed.add(address)
        self._touched.add(address)

    def touch_account(self, address: Address) -> None:
        """Have the account cleared at the end of the transaction if it is empty then (EIP-161)."""
        self._touch(address)

    def _touch(self, address: Address) -> None:
        touched = self._touched
        if address not in touched:
            touched.add(address)
            self._undo.append(lambda: touched.discard(address))

    def get_balance(self, address: Address) -> int:
        return (self.account(address) or NO_ACCOUNT).balance_wei

    def set_balance(self, address: Address, balance: int) -> None:
        if not 0 <= balance < _UINT256_LIMIT:
            raise ValueError(f"balance {balance} out of range")
        old = self.account(address) or NO_ACCOUNT
        self._set_account(address, Account(old.nonce, balance, old.storage_root, old.code_hash))

    def get_nonce(self, address: Address) -> int:
        return (self.account(address) or NO_ACCOUNT).nonce

    def set_nonce(self, address: Address, nonce: int) -> None:
        if not 0 <= nonce < _UINT64_LIMIT:
            raise ValueError(f"nonce {nonce} out of range")
        old = self.account(address) or NO_ACCOUNT
        self._set_account(address, Account(nonce, old.balance_wei, old.storage_root, old.code_hash))

    def increment_nonce(self, address: Address) -> None:
        self.set_nonce(address, self.get_nonce(address) + 1)

    def get_code_hash(self, address: Address) -> Hash32:
        return (self.account(address) or NO_ACCOUNT).code_hash

    def get_code(self, address: Address) -> bytes:
        code_hash = self.get_code_hash(address)
        if code_hash == EMPTY_CODE_HASH:
            return b""
        code = self._codes.get(code_hash)
        return self._nodes.code(code_hash) if code is None else code

    def set_code(self, address: Address, code: bytes) -> None:
        code_hash = keccak256(code)
        self._codes[code_hash] = code
        self._set_account(address, (self.account(address) or NO_ACCOUNT)._replace(code_hash=code_hash))

    def delete_code(self, address: Address) -> None:
        self._set_account(address, (self.account(address) or NO_ACCOUNT)._replace(code_hash=EMPTY_CODE_HASH))

    def account_exists(self, address: Address) -> bool:
        return self.account(address) is not None

    def account_is_empty(self, address: Address) -> bool:
        return (self.account(address) or NO_ACCOUNT).is_empty

    def account_has_code_or_nonce(self, address: Address) -> bool:
        """Whether a creation at `address` collides: code, nonce, or storage (EIP-684, EIP-7610)."""
        account = self.account(address) or NO_ACCOUNT
        if account.nonce or account.code_hash != EMPTY_CODE_HASH:
            return True
        storage = self._storage.get(address)
        if storage is None:
            return account.storage_root != EMPTY_ROOT
        return storage.root != EMPTY_ROOT or any(storage.values.values())

    def delete_account(self, address: Address) -> None:
        self.delete_storage(address)
        self._set_account(address, None)

    # -- storage -------------------------------------------------------------------------------------------

    def _storage_of(self, address: Address) -> _Storage:
        storage = self._storage.get(address)
        if storage is None:
            storage = _Storage((self.account(address) or NO_ACCOUNT).storage_root)
            self._storage[address] = storage
        return storage

    def get_storage(self, address: Address, slot: int, from_journal: bool = True) -> int:
        """Word at `slot`; with `from_journal` off, as it was when the transaction began."""
        if not from_journal:
            original = self._originals.get((address, slot))
            if original is not None:
                return original
        storage = self._storage_of(address)
        value = storage.values.get(slot)
        if value is None:
            value = read_storage(self._nodes, storage.root, slot)
            storage.values[slot] = storage.stored[slot] = value
        return value

    def set_storage(self, address: Address, slot: int, value: int) -> None:
        old = self.get_storage(address, slot)
        if old == value:
            return
        originals = self._originals
        if (address, slot) not in originals:
            originals[address, slot] = old
            self._undo.append(lambda: originals.pop((address, slot)))
        values = self._storage_of(address).values
        self._undo.append(lambda: values.__setitem__(slot, old))
        values[slot] = value
        self._changed.add(address)

    def delete_storage(self, address: Address) -> None:
        old = self._storage_of(address)
        if old.root == EMPTY_ROOT and not any(old.values.values()):
            return
        storages = self._storage
        self._undo.append(lambda: storages.__setitem__(address, old))
        storages[address] = _Storage(EMPTY_ROOT)
        self._changed.add(address)

    def get_transient_storage(self, address: Address, slot: int) -> bytes:
        return self._transient.get((address, slot), b"")

    def set_transient_storage(self, address: Address, slot: int, value: bytes) -> None:
        old = self.get_transient_storage(address, slot)
        transient = self._transient
        self._undo.append(lambda: transient.__setitem__((address, slot), old))
        transient[address, slot] = value

    # -- access list ---------------------------------------------------------------------------------------

    def is_address_warm(self, address: Address) -> bool:
        return address in self._warm

    def mark_address_warm(self, address: Address) -> None:
        self._mark_warm(address)

    def is_storage_warm(self, address: Address, slot: int) -> bool:
        return (address, slot) in self._warm

    def mark_storage_warm(self, address: Address, slot: int) -> None:
        self._mark_warm((address, slot))

    def _mark_warm(self, entry: object) -> None:
        warm = self._warm
        if entry not in warm:
            warm.add(entry)
            self._undo.append(lambda: warm.discard(entry))

    def warm_entries(self) -> list[object]:
        """Addresses and (address, slot) pairs touched so far in this transaction."""
        return list(self._warm)

    # -- effects that take hold when the transaction ends ---------------------------------------------------

    def add_log(self, log: Log) -> None:
        logs = self.logs
        logs.append(log)
        self._undo.append(logs.pop)

    def add_refund(self, amount: int) -> None:
        """Gas to give back at the end; may be negative (EIP-3529)."""
        old = self.refund
        self._undo.append(lambda: setattr(self, "refund", old))
        self.refund = old + amount

    def destroy_later(self, address: Address) -> None:
        destroyed = self.destroyed
        if address not in destroyed:
            destroyed.add(address)
            self._undo.append(lambda: destroyed.discard(address))

    # -- checkpoints ---------------------------------------------------------------------------------------

    def record(self) -> int:
        return len(self._undo)

    def discard(self, checkpoint: int) -> None:
        """Go back to `checkpoint`."""
        undo = self._undo
        while len(undo) > checkpoint:
            undo.pop()()

    def commit(self, checkpoint: int) -> None:
        """Keep what happened since `checkpoint`; the frame around it may still go back."""

    def end_transaction(self, *, clear_empty: bool = True) -> None:
        """Destroy, clear empty accounts that were touched, and forget what lives for one transaction only."""
        for address in self.destroyed:
            self.delete_account(address)
        if clear_empty:
            self._clear_touched()
        self._start_transaction()

    def _clear_touched(self) -> None:
        """Source: EIP-161."""
        for address in self._touched:
            account = self._accounts.get(address)
            if account is not None and account.is_empty:
                self._storage[address] = _Storage(EMPTY_ROOT)
                self._accounts[address] = None
                self._changed.add(address)

    def abandon_transaction(self) -> None:
        """Take back everything since the transaction before."""
        self.discard(0)
        self._start_transaction()

    # -- sealing -------------------------------------------------------------------------------------------

    def balance_change_wei(self) -> int:
        """Sum of all balances now minus the sum before the block."""
        change = 0
        for address in self._changed:
            change += self.get_balance(address) - (self._stored.get(address) or NO_ACCOUNT).balance_wei
        return change

    def make_root(self, node_writes: dict[bytes, bytes], code_writes: dict[Hash32, bytes]) -> Hash32:
        """State root after all changes; adds the nodes and codes to store, and counts them in
        `node_changes`. Call between transactions, once: the account leaves then carry their storage roots."""
        for address, account in self._leaves(node_writes, self.node_changes):
            self._accounts[address] = account
            if account != self._stored.get(address):
                self._write_leaf(address, account, code_writes)
        return self._trie.commit(node_writes)

    def root_now(self) -> Hash32:
        """State root of this moment; nothing is kept of it. Call between transactions."""
        trie = self._nodes.trie(self._root)
        for address, account in self._leaves({}, NodeChanges()):
            if account != self._stored.get(address):
                trie.set(keccak256(address), b"" if account is None else encode_account(account))
        return trie.commit({})

    def _leaves(
        self, node_writes: dict[bytes, bytes], changes: NodeChanges
    ) -> Iterator[tuple[Address, Account | None]]:
        """Changed accounts with their storage roots."""
        for address in sorted(self._changed):
            account = self.account(address)
            storage = self._storage.get(address)
            if account is not None and storage is not None:
                account = account._replace(storage_root=self._storage_root(storage, node_writes, changes))
            yield address, account

    def _write_leaf(
        self, address: Address, account: Account | None, code_writes: dict[Hash32, bytes]
    ) -> None:
        if account is None:
            self._trie.set(keccak256(address), b"")
            return
        self._trie.set(keccak256(address), encode_account(account))
        if account.code_hash in self._codes:
            code_writes[account.code_hash] = self._codes[account.code_hash]

    def _storage_root(
        self, storage: _Storage, node_writes: dict[bytes, bytes], changes: NodeChanges
    ) -> Hash32:
        words = {
            slot: value for slot, value in storage.values.items() if value != storage.stored.get(slot, 0)
        }
        if not words:
            return storage.root
        trie = self._nodes.trie(storage.root, changes)
        for slot, value in sorted(words.items()):
            trie.set(keccak256(slot.to_bytes(32, "big")), encode(uint(value)) if value else b"")
        return trie.commit(node_writes)
