"""The first state of a chain: accounts as a file lists them, made into a state root."""

from collections.abc import Mapping

from genesis.account import GenesisAccount
from genesis.types import Address, Hash32
from openledger_node.evm.accounts import AccountState
from openledger_node.evm.node_store import NodeStore, state_writes
from openledger_node.evm.trie import EMPTY_ROOT
from openledger_node.storage.keyvalue import MemoryKeyValue

Allocation = Mapping[Address, GenesisAccount]


def materialise(allocation: Allocation) -> tuple[Hash32, tuple[tuple[bytes, bytes], ...]]:
    """State root of an allocation, and what to store to make it readable."""
    accounts = AccountState(NodeStore(MemoryKeyValue()), EMPTY_ROOT)
    for address, account in allocation.items():
        accounts.set_balance(address, account.balance_wei)
        accounts.set_nonce(address, account.nonce)
        if account.code:
            accounts.set_code(address, account.code)
        for slot, value in account.storage.items():
            accounts.set_storage(address, slot, value)
    # The transaction is never ended: genesis may hold accounts that are empty but for their storage.
    nodes: dict[bytes, bytes] = {}
    codes: dict[Hash32, bytes] = {}
    root = accounts.make_root(nodes, codes)
    return root, state_writes(nodes, codes)
