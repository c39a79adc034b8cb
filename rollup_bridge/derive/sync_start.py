"""Where derivation starts, after a restart or an L1 reorg: at heads that surely still stand.

Covered: unsafe blocks on a lost L1 origin are given up; the safe head goes back one whole sequencing window,
since any batch for an older epoch must have been included in L1 blocks that the check has seen to be
canonical.
Never: below the finalized head; and never on an L1 that merely lags behind (that waits).
Source: OP Stack specification, derivation, "Finding the sync starting point".
"""

from dataclasses import dataclass

from genesis.spec import RollupConfig, SystemConfig
from rollup_bridge.derive.references import reference, system_config
from rollup_bridge.errors import CriticalError, ResetError, TemporaryError
from rollup_bridge.ports import L1Block, L1Source, L2Block, L2Engine, L2Reference


@dataclass(frozen=True, slots=True)
class Start:
    """Heads to reset to, and the L1 block (with its system configuration) to read on from."""

    unsafe: L2Block
    safe: L2Block
    finalized: L2Block
    base: L1Block
    system: SystemConfig


class SyncStart:
    def __init__(self, config: RollupConfig, l1: L1Source, l2: L2Engine) -> None:
        self._config = config
        self._l1 = l1
        self._l2 = l2
        self._canonical: dict[int, L1Block] = {}

    async def find(self) -> Start:
        """`CriticalError` if a finalized block lost its L1 origin; `TemporaryError` while the L1 is
        behind."""
        self._canonical.clear()
        finalized = await self._l2.finalized_head()
        unsafe = await self._last_with_canonical_origin(finalized)
        safe = await self._surely_safe(unsafe, finalized)
        base_l2 = await self._older_by(safe, self._config.channel_timeout)
        origin = self._place(base_l2).l1_origin
        base = await self._l1.block_by_hash(origin.hash)
        if base is None:
            raise TemporaryError(f"L1 block {origin.number} (0x{origin.hash.hex()}) is not there")
        return Start(unsafe, safe, finalized, base, system_config(self._config, base_l2))

    async def _last_with_canonical_origin(self, finalized: L2Block) -> L2Block:
        block = await self._l2.unsafe_head()
        while not await self._is_canonical(self._place(block)):
            if block.number <= finalized.number:
                raise CriticalError(
                    f"the L1 origin of finalized L2 block {block.number} was reorganised away"
                )
            block = await self._parent(block)
        return block

    async def _surely_safe(self, unsafe: L2Block, finalized: L2Block) -> L2Block:
        safe = await self._l2.safe_head()
        block = safe if safe.number < unsafe.number else unsafe
        oldest = self._place(unsafe).l1_origin.number - self._config.sequencing_window
        while block.number > finalized.number and self._place(block).l1_origin.number >= oldest:
            block = await self._parent(block)
        if not await self._is_canonical(self._place(block)):
            raise ResetError("the L1 changed while a starting point was being looked for")
        return block

    async def _older_by(self, block: L2Block, l1_blocks: int) -> L2Block:
        """The first ancestor whose origin is at least `l1_blocks` before the block's own, or genesis."""
        oldest = self._place(block).l1_origin.number - l1_blocks
        while block.number > self._config.l2_genesis.number and self._place(block).l1_origin.number > oldest:
            block = await self._parent(block)
        return block

    async def _is_canonical(self, place: L2Reference) -> bool:
        number = place.l1_origin.number
        if number not in self._canonical:
            block = await self._l1.block_by_number(number)
            if block is None:
                raise TemporaryError(
                    f"L1 block {number}, origin of L2 block {place.number}, is not there yet"
                )
            self._canonical[number] = block
        return self._canonical[number].hash == place.l1_origin.hash

    async def _parent(self, block: L2Block) -> L2Block:
        parent = await self._l2.block_by_number(block.number - 1)
        if parent is None or parent.hash != block.parent_hash:
            raise ResetError(f"the parent of L2 block {block.number} is not canonical")
        return parent

    def _place(self, block: L2Block) -> L2Reference:
        return reference(self._config, block)
