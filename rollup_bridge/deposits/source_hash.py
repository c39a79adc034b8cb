"""What makes a deposit unique: a hash of where on L1 it comes from.

Source: OP Stack specification, deposits, "Source hash computation".
"""

from genesis.keccak import keccak256
from genesis.types import Hash32

USER_DOMAIN = 0
L1_ATTRIBUTES_DOMAIN = 1


def _source_hash(domain: int, l1_block_hash: Hash32, index: int) -> Hash32:
    place = keccak256(l1_block_hash + index.to_bytes(32, "big"))
    return keccak256(domain.to_bytes(32, "big") + place)


def user_deposit_source(l1_block_hash: Hash32, log_index: int) -> Hash32:
    """`log_index` counts all logs of the L1 block."""
    return _source_hash(USER_DOMAIN, l1_block_hash, log_index)


def l1_attributes_source(l1_block_hash: Hash32, sequence_number: int) -> Hash32:
    """What makes an L1 attributes transaction unique. Source: OP Stack, deposits, source hash."""
    return _source_hash(L1_ATTRIBUTES_DOMAIN, l1_block_hash, sequence_number)
