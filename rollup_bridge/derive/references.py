"""Where an L2 block stands relative to L1, read out of the block itself.

Source: OP Stack specification, derivation, "L2 block reference"; system configuration by L2 block.
"""

from genesis.spec import BlockId, RollupConfig, SystemConfig
from rollup_bridge.deposits.l1_attributes import L1Attributes, read_l1_attributes
from rollup_bridge.errors import CriticalError, MalformedError
from rollup_bridge.ports import L2Block, L2Reference


def reference(config: RollupConfig, block: L2Block) -> L2Reference:
    """L1 origin and sequence number of a block of ours; `CriticalError` if the block cannot be ours."""
    if block.number == config.l2_genesis.number:
        if block.hash != config.l2_genesis.hash:
            raise CriticalError("the L2 genesis block is not the one in the rollup configuration")
        origin, sequence = config.l1_genesis, 0
    else:
        attributes = _attributes(block)
        origin, sequence = _origin(attributes), attributes.sequence_number
    return L2Reference(block.hash, block.number, block.parent_hash, block.timestamp_s, origin, sequence)


def system_config(config: RollupConfig, block: L2Block) -> SystemConfig:
    """The system configuration in force at a block's L1 origin."""
    if block.number == config.l2_genesis.number:
        return config.system_config
    attributes = _attributes(block)
    return SystemConfig(
        batcher=attributes.batcher,
        gas_limit=block.gas_limit,
        base_fee_scalar=attributes.base_fee_scalar,
        blob_base_fee_scalar=attributes.blob_base_fee_scalar,
    )


def _attributes(block: L2Block) -> L1Attributes:
    if not block.transactions:
        raise CriticalError(f"L2 block {block.number} has no transactions")
    try:
        return read_l1_attributes(block.transactions[0])
    except MalformedError as error:
        raise CriticalError(f"L2 block {block.number}: {error}") from error


def _origin(attributes: L1Attributes) -> BlockId:
    return BlockId(attributes.hash, attributes.number)
