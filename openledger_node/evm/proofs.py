"""What proves an account and its storage against a state root (EIP-1186)."""

from collections.abc import Sequence

from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from openledger_node.evm.accounts import NO_ACCOUNT, Account, decode_account, read_storage
from openledger_node.evm.node_store import NodeStore
from openledger_node.evm.records import AccountProof, StorageProof
from openledger_node.evm.trie import Trie, proof


def read_account(nodes: NodeStore, state_root: Hash32, address: Address) -> Account | None:
    """The account's leaf in a stored state."""
    leaf = Trie(state_root, nodes.node).get(keccak256(address))
    return None if leaf is None else decode_account(leaf)


def prove(nodes: NodeStore, state_root: Hash32, address: Address, slots: Sequence[int]) -> AccountProof:
    """Proof of the account (or of its absence) and of each slot."""
    account = read_account(nodes, state_root, address) or NO_ACCOUNT
    return AccountProof(
        address=address,
        nonce=account.nonce,
        balance_wei=account.balance_wei,
        storage_root=account.storage_root,
        code_hash=account.code_hash,
        nodes=proof(state_root, keccak256(address), nodes.node),
        storage=tuple(_prove_slot(nodes, account.storage_root, slot) for slot in slots),
    )


def _prove_slot(nodes: NodeStore, storage_root: Hash32, slot: int) -> StorageProof:
    key = keccak256(slot.to_bytes(32, "big"))
    return StorageProof(slot, read_storage(nodes, storage_root, slot), proof(storage_root, key, nodes.node))
