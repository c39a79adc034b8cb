"""What an output root is: one hash for a whole L2 state and the withdrawals in it.

Source: OP Stack specification, proposals, "L2 Output Root Proposals" (version 0).
"""

from genesis.keccak import keccak256
from genesis.types import ZERO_HASH, Hash32
from rollup_bridge.ports import OutputParts

VERSION_0 = ZERO_HASH


def output_root(parts: OutputParts) -> Hash32:
    """Version 0 of the OP Stack's output root."""
    return keccak256(VERSION_0 + parts.state_root + parts.message_passer_storage_root + parts.block_hash)
