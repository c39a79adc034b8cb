"""The rollup's view of the chain: derivation, batcher and proposer drive and read it through here.

Implements `rollup_bridge.ports`' L2Engine, L2Blocks and OutputSource over `chain.Chain`.
Covered: raising the rollup's errors for the engine's. Not covered: any decision.
"""

import asyncio

from genesis.addresses import L2_TO_L1_MESSAGE_PASSER
from genesis.spec import BlockId
from genesis.types import Hash32
from openledger_node.chain.chain import Chain
from openledger_node.evm.errors import InvalidBlockError
from openledger_node.evm.node_store import MissingStateError
from openledger_node.evm.records import Block, BlockInputs
from openledger_node.node.lane import ExecutionLane
from rollup_bridge.errors import InvalidBlockError as RefusedBlockError
from rollup_bridge.errors import ResetError, TemporaryError
from rollup_bridge.ports import Attributes, L2Block, OutputParts


class ChainEngine:
    """One per chain; every write runs on the execution lane."""

    def __init__(self, chain: Chain, lane: ExecutionLane) -> None:
        self._chain = chain
        self._lane = lane

    async def unsafe_head(self) -> L2Block:
        return to_l2_block(self._chain.head)

    async def safe_head(self) -> L2Block:
        return self._known(self._chain.heads.safe)

    async def finalized_head(self) -> L2Block:
        return self._known(self._chain.heads.finalized)

    async def block_by_number(self, number: int) -> L2Block | None:
        block = self._chain.block_by_number(number)
        return to_l2_block(block) if block else None

    async def apply(self, attributes: Attributes) -> L2Block:
        """See `rollup_bridge.ports.L2Engine.apply`."""
        return to_l2_block(await self._lane.run(lambda: self._apply(attributes)))

    async def set_heads(self, safe: BlockId, finalized: BlockId) -> None:
        await self._lane.run(lambda: self._chain.set_heads(safe=safe.hash, finalized=finalized.hash))

    async def rewind(self, number: int) -> None:
        target = self._chain.header_by_number(number)
        if target is None:
            raise ResetError(f"no canonical L2 block {number} to rewind to")
        await self._lane.run(lambda: self._chain.rewind_to(target.hash))

    async def output_parts(self, number: int) -> OutputParts:
        """What the output root of block `number` commits to; TemporaryError above the head, or without its
        state."""
        header = self._chain.header_by_number(number)
        if header is None:
            raise TemporaryError(f"L2 block {number} is not there yet")
        try:
            passer = await asyncio.to_thread(
                lambda: self._chain.snapshot(header).prove(L2_TO_L1_MESSAGE_PASSER, ())
            )
        except MissingStateError as error:
            raise TemporaryError(f"the state of L2 block {number} is not kept: {error.cause}") from None
        return OutputParts(number, header.state_root, passer.storage_root, header.hash)

    async def message_passer_proof(self, slot: Hash32, number: int) -> tuple[bytes, ...]:
        """Trie nodes from the message passer's storage root at block `number` down to one slot."""
        header = self._chain.header_by_number(number)
        if header is None:
            raise TemporaryError(f"L2 block {number} is not there yet")
        key = int.from_bytes(slot, "big")
        account = await asyncio.to_thread(
            lambda: self._chain.snapshot(header).prove(L2_TO_L1_MESSAGE_PASSER, (key,))
        )
        return account.storage[0].nodes

    def _known(self, block_id: BlockId) -> L2Block:
        block = self._chain.block_by_hash(block_id.hash)
        if block is None:
            raise ResetError(f"head {block_id.number} is not in the store")
        return to_l2_block(block)

    def _apply(self, attributes: Attributes) -> Block:
        if not self._chain.is_canonical(attributes.parent.hash):
            raise ResetError(f"parent {attributes.parent.number} left the chain")
        inputs = to_inputs(attributes)
        try:
            if self._chain.heads.unsafe.hash != attributes.parent.hash:
                self._rewind_for(attributes.parent.hash, inputs)
            return self._chain.import_block(inputs)
        except InvalidBlockError as error:
            raise RefusedBlockError(str(error)) from error

    def _rewind_for(self, parent_hash: Hash32, inputs: BlockInputs) -> None:
        """Make an ancestor the head, once it is sure that the block to come can be executed on it."""
        parent = self._chain.header_by_hash(parent_hash)
        assert parent is not None, "a canonical block is in the store"
        self._chain.engine.execute_block(parent, inputs)
        self._chain.rewind_to(parent_hash)


def to_inputs(attributes: Attributes) -> BlockInputs:
    """The engine's inputs for derived attributes."""
    return BlockInputs(
        timestamp_s=attributes.timestamp_s,
        prev_randao=attributes.prev_randao,
        fee_recipient=attributes.fee_recipient,
        gas_limit=attributes.gas_limit,
        parent_beacon_block_root=attributes.parent_beacon_block_root,
        transactions=attributes.transactions,
    )


def to_l2_block(block: Block) -> L2Block:
    """A chain block as derivation compares it."""
    header = block.header
    return L2Block(
        hash=header.hash,
        number=header.number,
        parent_hash=header.parent_hash,
        timestamp_s=header.timestamp_s,
        prev_randao=header.prev_randao,
        fee_recipient=header.coinbase,
        gas_limit=header.gas_limit,
        parent_beacon_block_root=header.parent_beacon_block_root,
        extra_data=header.extra_data,
        transactions=tuple(transaction.raw for transaction in block.transactions),
    )
