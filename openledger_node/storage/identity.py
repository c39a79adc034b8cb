"""Whose chain a store holds: written once, checked at every start."""

from genesis.types import Hash32
from openledger_node.errors import StartError
from openledger_node.storage import keys
from openledger_node.storage.keyvalue import KeyValue


def check_identity(store: KeyValue, genesis_hash: Hash32, chain_id: int) -> bool:
    """True if the store is this chain's, False if it is nobody's yet. Raises `StartError` if another's."""
    found = store.get(keys.IDENTITY)
    if found is None:
        return False
    own_genesis, own_chain = found[:32], int.from_bytes(found[32:], "big")
    if own_chain != chain_id:
        raise StartError(
            f"the data directory belongs to chain {own_chain}, not {chain_id}", "choose another --datadir"
        )
    if own_genesis != genesis_hash:
        raise StartError(
            f"the data directory starts at genesis 0x{own_genesis.hex()}, not 0x{genesis_hash.hex()}",
            "choose another --datadir, or remove it to start anew",
        )
    return True


def identity_entry(genesis_hash: Hash32, chain_id: int) -> tuple[bytes, bytes]:
    """What marks a store as this chain's."""
    return keys.IDENTITY, genesis_hash + chain_id.to_bytes(32, "big")
