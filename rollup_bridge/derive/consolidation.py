"""Whether an existing block is the one that L1 data demands.

Source: OP Stack specification, derivation, "Engine Queue", "L1-consolidation: payload attributes matching".
"""

from rollup_bridge.ports import Attributes, L2Block


def differences(attributes: Attributes, block: L2Block) -> tuple[str, ...]:
    """Names of the fields in which a block differs from derived attributes; empty if it is the same block."""
    pairs: tuple[tuple[str, object, object], ...] = (
        ("parent_hash", attributes.parent.hash, block.parent_hash),
        ("timestamp_s", attributes.timestamp_s, block.timestamp_s),
        ("prev_randao", attributes.prev_randao, block.prev_randao),
        ("fee_recipient", attributes.fee_recipient, block.fee_recipient),
        ("gas_limit", attributes.gas_limit, block.gas_limit),
        ("parent_beacon_block_root", attributes.parent_beacon_block_root, block.parent_beacon_block_root),
        ("extra_data", b"", block.extra_data),
        ("transactions", attributes.transactions, block.transactions),
    )
    return tuple(name for name, derived, existing in pairs if derived != existing)
