"""What the next L2 block is made of, given its parent and its L1 origin.

Used by derivation (origin and transactions from a batch) and by the sequencer (origin by the selection rule).
Source: OP Stack specification, derivation, "Deriving Payload Attributes"; sequencer, "L1 Origin selection".
"""

from dataclasses import replace

from genesis.addresses import SEQUENCER_FEE_VAULT
from genesis.spec import BlockId, RollupConfig
from rollup_bridge.codec.batch import SingularBatch
from rollup_bridge.deposits.l1_attributes import attributes_of, l1_attributes_transaction
from rollup_bridge.deposits.system_config import updated_config
from rollup_bridge.deposits.transaction import encode_deposit
from rollup_bridge.deposits.user_deposits import user_deposits
from rollup_bridge.derive.references import reference, system_config
from rollup_bridge.errors import ResetError, TemporaryError
from rollup_bridge.ports import Attributes, L1Block, L1Source, L2Block, L2Reference


class AttributesBuilder:
    def __init__(self, config: RollupConfig, l1: L1Source) -> None:
        self._config = config
        self._l1 = l1

    async def forced(self, parent: L2Block, origin: BlockId) -> Attributes:
        """The block on top of `parent` with L1 origin `origin` and only what L1 forces into it.

        `ResetError` if the origin is not on the L1 chain of the parent's origin.
        """
        place = reference(self._config, parent)
        system = system_config(self._config, parent)
        block = await self._l1.block_by_hash(origin.hash)
        if block is None:
            raise ResetError(f"L1 origin {origin.number} (0x{origin.hash.hex()}) is unknown")
        deposits: tuple[bytes, ...] = ()
        sequence_number = place.sequence_number + 1
        if origin != place.l1_origin:
            _check_successor(place, block)
            receipts = await self._l1.receipts(origin.hash)
            system = updated_config(system, receipts, self._config.l1_system_config)
            found = user_deposits(receipts, self._config.portal, origin.hash)
            deposits = tuple(encode_deposit(deposit) for deposit in found)
            sequence_number = 0
        timestamp_s = parent.timestamp_s + self._config.block_time_s
        if timestamp_s < block.timestamp_s:
            raise ResetError(f"L2 block {parent.number + 1} would be older than its L1 origin")
        first = l1_attributes_transaction(attributes_of(block, system, sequence_number))
        return Attributes(
            parent=parent.id,
            timestamp_s=timestamp_s,
            prev_randao=block.prev_randao,
            fee_recipient=SEQUENCER_FEE_VAULT,
            gas_limit=system.gas_limit,
            parent_beacon_block_root=block.parent_beacon_block_root,
            transactions=(first, *deposits),
            forced_count=1 + len(deposits),
            no_pool=timestamp_s > block.timestamp_s + self._config.max_sequencer_drift_s,
            l1_origin=origin,
            sequence_number=sequence_number,
        )

    async def from_batch(self, parent: L2Block, batch: SingularBatch) -> Attributes:
        """The block a batch stands for."""
        forced = await self.forced(parent, BlockId(batch.epoch_hash, batch.epoch_number))
        return replace(forced, transactions=(*forced.transactions, *batch.transactions), no_pool=True)


def deposits_only(attributes: Attributes) -> Attributes:
    """The same block without what the sequencer put in."""
    return replace(attributes, transactions=attributes.transactions[: attributes.forced_count], no_pool=True)


def _check_successor(place: L2Reference, block: L1Block) -> None:
    if block.number != place.l1_origin.number + 1 or block.parent_hash != place.l1_origin.hash:
        raise ResetError(f"L1 block {block.number} does not follow L1 origin {place.l1_origin.number}")


class SequencerAttributes:
    """Prepares the sequencer's next block. `confirmations` is how many L1 blocks must be on top of an origin
    before it is adopted; 0 adopts the head itself."""

    def __init__(self, config: RollupConfig, l1: L1Source, confirmations: int = 0) -> None:
        self._config = config
        self._l1 = l1
        self._confirmations = confirmations
        self._builder = AttributesBuilder(config, l1)

    async def prepare(self, head: L2Block) -> Attributes:
        """Attributes for the block on `head`.

        `TemporaryError` while the L1 is too far behind to go on; `ResetError` after an L1 reorg.
        """
        return await self._builder.forced(head, (await self.select_origin(head)).id)

    async def select_origin(self, head: L2Block) -> L1Block:
        """The next L1 block if there is one not younger than the new L2 block, else the one of `head`."""
        place = reference(self._config, head)
        timestamp_s = head.timestamp_s + self._config.block_time_s
        current = await self._l1.block_by_hash(place.l1_origin.hash)
        if current is None:
            raise ResetError(f"L1 origin {place.l1_origin.number} of the head is unknown")
        following = await self._confirmed_successor(current)
        if following is not None and following.timestamp_s <= timestamp_s:
            return following
        if following is None and timestamp_s > current.timestamp_s + self._config.max_sequencer_drift_s:
            raise TemporaryError(f"the L1 block after {current.number} is needed to go on building")
        return current

    async def _confirmed_successor(self, current: L1Block) -> L1Block | None:
        following = await self._l1.block_by_number(current.number + 1)
        if following is None:
            canonical = await self._l1.block_by_number(current.number)
            if canonical is not None and canonical.hash != current.hash:
                raise ResetError(f"L1 origin {current.number} of the head is no longer canonical")
            return None
        if following.parent_hash != current.hash:
            raise ResetError(f"L1 block {following.number} does not follow the head's L1 origin")
        if self._confirmations:
            deep_enough = await self._l1.block_by_number(following.number + self._confirmations)
            return following if deep_enough is not None else None
        return following
