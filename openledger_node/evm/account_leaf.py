"""What the leaf of an account says, and how it and its storage are read from a stored state.

Source: execution-specs, `Account`; EIP-161 (emptiness).
"""

from typing import NamedTuple

from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from openledger_node.evm.node_store import NodeStore
from openledger_node.evm.rlp_codec import decode as decode_rlp
from openledger_node.evm.rlp_codec import decode_trusted, encode, to_uint, uint
from openledger_node.evm.trie import EMPTY_ROOT

EMPTY_CODE_HASH = keccak256(b"")


class Account(NamedTuple):
    """A leaf of the state trie."""

    nonce: int
    balance_wei: int
    storage_root: Hash32
    code_hash: Hash32

    @property
    def is_empty(self) -> bool:
        """Source: EIP-161 (storage does not count)."""
        return not self.nonce and not self.balance_wei and self.code_hash == EMPTY_CODE_HASH


NO_ACCOUNT = Account(0, 0, EMPTY_ROOT, EMPTY_CODE_HASH)


def decode_account(leaf: bytes) -> Account:
    """`leaf` is of our own store."""
    nonce, balance, storage_root, code_hash = decode_trusted(leaf)
    return Account(to_uint(nonce), to_uint(balance), storage_root, code_hash)  # type: ignore[arg-type]  # strings


def encode_account(account: Account) -> bytes:
    """The account's leaf in the state trie. Source: Yellow Paper, 4.1."""
    return encode([uint(account.nonce), uint(account.balance_wei), account.storage_root, account.code_hash])


def read_account(nodes: NodeStore, state_root: Hash32, address: Address) -> Account | None:
    """The account's leaf in a stored state."""
    leaf = nodes.trie(state_root).get(keccak256(address))
    return None if leaf is None else decode_account(leaf)


def read_storage(nodes: NodeStore, storage_root: Hash32, slot: int) -> int:
    """Storage word of a stored state."""
    if storage_root == EMPTY_ROOT:
        return 0
    leaf = nodes.trie(storage_root).get(keccak256(slot.to_bytes(32, "big")))
    return 0 if leaf is None else to_uint(decode_rlp(leaf))
