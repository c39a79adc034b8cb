"""What proves an account and its storage against a state root (EIP-1186)."""

from collections.abc import Sequence

from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from openledger_node.evm.account_leaf import NO_ACCOUNT, read_account, read_storage
from openledger_node.evm.node_store import NodeStore
from openledger_node.evm.records import AccountProof, StorageProof
from openledger_node.evm.trie import proof


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
