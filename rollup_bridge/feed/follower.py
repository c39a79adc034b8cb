"""What a follower does with a block from the feed: build it on its unsafe head, or ask for what is missing.

Covered: blocks that are known, that do not follow (a gap, or another branch: the feed is asked again from
the safe head on), that lead to another hash than was said or cannot be built (dropped, and counted).
Never: anything at or below the safe head. The feed moves the unsafe head and nothing else; L1 has the last
word, block by block, by derivation.
"""

from dataclasses import dataclass, replace
from enum import Enum

from genesis.spec import RollupConfig
from rollup_bridge.derive.references import reference
from rollup_bridge.errors import CriticalError, InvalidBlockError, ResetError
from rollup_bridge.feed.message import FeedBlock
from rollup_bridge.ports import Attributes, L2Block, L2Engine


class Step(Enum):
    """`AGAIN`: what is needed first was not said; ask from `next_wanted` on."""

    KNOWN = "known"
    BUILT = "built"
    AGAIN = "again"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Statistics:
    built: int = 0
    refused: int = 0
    gaps: int = 0


class Follower:
    def __init__(self, config: RollupConfig, engine: L2Engine) -> None:
        self._config = config
        self._engine = engine
        self._statistics = Statistics()
        self._from_safe = True

    def statistics(self) -> Statistics:
        return self._statistics

    async def next_wanted(self) -> int:
        """The height of the first block to ask for."""
        head = await (self._engine.safe_head() if self._from_safe else self._engine.unsafe_head())
        return head.number + 1

    async def take(self, block: FeedBlock) -> Step:
        """One block whose signature was checked."""
        number = block.parent.number + 1
        if number <= (await self._engine.safe_head()).number:
            return Step.KNOWN
        own = await self._engine.block_by_number(number)
        if own is not None and own.hash == block.hash:
            return Step.KNOWN
        parent = await self._engine.block_by_number(block.parent.number)
        if parent is None or parent.hash != block.parent.hash:
            self._from_safe = True
            self._statistics = replace(self._statistics, gaps=self._statistics.gaps + 1)
            return Step.AGAIN
        return await self._build(parent, block)

    async def _build(self, parent: L2Block, block: FeedBlock) -> Step:
        try:
            built = await self._engine.apply(self._attributes(parent, block))
        except (InvalidBlockError, ResetError, CriticalError):
            return self._refused()
        if built.hash != block.hash:
            await self._engine.rewind(parent.number)
            return self._refused()
        self._from_safe = False
        self._statistics = replace(self._statistics, built=self._statistics.built + 1)
        return Step.BUILT

    def _refused(self) -> Step:
        self._statistics = replace(self._statistics, refused=self._statistics.refused + 1)
        return Step.REFUSED

    def _attributes(self, parent: L2Block, block: FeedBlock) -> Attributes:
        """`CriticalError` if the first transaction does not say which L1 block the block stands on."""
        candidate = L2Block(
            hash=block.hash,
            number=parent.number + 1,
            parent_hash=parent.hash,
            timestamp_s=block.timestamp_s,
            prev_randao=block.prev_randao,
            fee_recipient=block.fee_recipient,
            gas_limit=block.gas_limit,
            parent_beacon_block_root=block.parent_beacon_block_root,
            extra_data=b"",
            transactions=block.transactions,
        )
        place = reference(self._config, candidate)
        return Attributes(
            parent=parent.id,
            timestamp_s=block.timestamp_s,
            prev_randao=block.prev_randao,
            fee_recipient=block.fee_recipient,
            gas_limit=block.gas_limit,
            parent_beacon_block_root=block.parent_beacon_block_root,
            transactions=block.transactions,
            forced_count=len(block.transactions),
            no_pool=True,
            l1_origin=place.l1_origin,
            sequence_number=place.sequence_number,
        )
