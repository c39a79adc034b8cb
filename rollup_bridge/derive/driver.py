"""How the chain follows L1: derive, compare with what is there or execute, move the safe and finalized heads.

Covered: consolidation field by field; replacement of a differing block; the deposits alone when a batch holds
an invalid transaction; reset after an L1 reorg; finality. A forced block that fails stops the node.
Source: OP Stack specification, derivation, "Engine Queue"; Holocene, "Engine Queue".
"""

import logging
from dataclasses import dataclass
from enum import Enum

from genesis.spec import RollupConfig
from rollup_bridge.derive.attributes import deposits_only
from rollup_bridge.derive.consolidation import differences
from rollup_bridge.derive.finality import Finality
from rollup_bridge.derive.pipeline import Pipeline
from rollup_bridge.derive.references import reference
from rollup_bridge.derive.sync_start import SyncStart
from rollup_bridge.errors import CriticalError, InvalidBlockError, ResetError, TemporaryError
from rollup_bridge.ports import (
    Attributes,
    BlobSource,
    BlockTag,
    Clock,
    L1Block,
    L1Source,
    L2Block,
    L2Engine,
    SafeHeadLog,
    SyncStatus,
)

_LOG = logging.getLogger(__name__)


class Progress(Enum):
    """What a step did. `IDLE`: everything that L1 has so far is derived."""

    RESET = "reset"
    L1_ADVANCED = "l1 advanced"
    CONSOLIDATED = "consolidated"
    BUILT = "built"
    IDLE = "idle"


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counters since the start."""

    resets: int = 0
    consolidated: int = 0
    built: int = 0
    replaced: int = 0
    deposits_only: int = 0
    temporary_errors: int = 0


class DerivationDriver:
    """`step()` does one bounded piece of work; `run()` repeats it until cancelled or critical."""

    def __init__(
        self,
        config: RollupConfig,
        l1: L1Source,
        engine: L2Engine,
        clock: Clock,
        *,
        blobs: BlobSource | None = None,
        safe_heads: SafeHeadLog | None = None,
        poll_interval_s: float = 1.0,
        max_backoff_s: float = 30.0,
    ) -> None:
        self._config = config
        self._l1 = l1
        self._engine = engine
        self._clock = clock
        self._blobs = blobs
        self._safe_heads = safe_heads
        self._poll_interval_s = poll_interval_s
        self._max_backoff_s = max_backoff_s
        self._pipeline: Pipeline | None = None
        self._pending: Attributes | None = None
        self._safe: L2Block | None = None
        self._finality: Finality | None = None
        self._drained_l1: L1Block | None = None
        self._caught_up = False
        self._counts: dict[str, int] = {}
        self._polled_s = float("-inf")

    async def run(self) -> None:
        """Follow L1. Ends by cancellation, or by `CriticalError`."""
        backoff_s = self._poll_interval_s
        while True:
            try:
                if self._clock.now_s() - self._polled_s >= self._poll_interval_s:
                    self._polled_s = self._clock.now_s()
                    await self.follow_finality()
                progress = await self.step()
            except TemporaryError as error:
                self._count("temporary_errors")
                _LOG.warning("derivation waits: %s", error)
                await self._clock.sleep(backoff_s)
                backoff_s = min(backoff_s * 2, self._max_backoff_s)
                continue
            backoff_s = self._poll_interval_s
            await self._clock.sleep(self._poll_interval_s if progress is Progress.IDLE else 0)

    async def step(self) -> Progress:
        """One piece of work; an L1 reorg is taken up by the next step."""
        try:
            return await self._step()
        except ResetError as error:
            _LOG.warning("derivation resets: %s", error)
        except TemporaryError as error:
            if not await self._origin_is_lost():
                raise
            _LOG.warning("derivation resets: the L1 block being read is no longer canonical (%s)", error)
        self.request_reset()
        return Progress.RESET

    def request_reset(self) -> None:
        """Find a new starting point with the next step (the sequencer asks for it when it sees a reorg)."""
        self._pipeline = None
        self._pending = None

    async def follow_finality(self) -> None:
        """Move the finalized head after the L1's."""
        if self._pipeline is None or self._finality is None or self._safe is None:
            return
        before = self._finality.finalized
        finalized_l1 = await self._l1.block_by_tag("finalized")
        if finalized_l1 is not None and self._finality.update(finalized_l1) != before:
            await self._engine.set_heads(self._safe.id, self._finality.finalized)

    async def sync_status(self) -> SyncStatus:
        """`TemporaryError` until the first starting point is found."""
        if self._drained_l1 is None:
            raise TemporaryError("derivation has not started yet")
        unsafe, safe, finalized = (
            reference(self._config, block)
            for block in (
                await self._engine.unsafe_head(),
                await self._engine.safe_head(),
                await self._engine.finalized_head(),
            )
        )
        return SyncStatus(
            current_l1=self._drained_l1,
            head_l1=await self._tagged("latest"),
            safe_l1=await self._tagged("safe"),
            finalized_l1=await self._tagged("finalized"),
            unsafe_l2=unsafe,
            safe_l2=safe,
            finalized_l2=finalized,
        )

    @property
    def caught_up(self) -> bool:
        """True once everything L1 had was derived: only then may a sequencer build, or it would build beside
        blocks that it posted in an earlier life."""
        return self._caught_up

    @property
    def dropped(self) -> dict[str, int]:
        """Batches refused since the last reset, by reason."""
        return dict(self._pipeline.dropped) if self._pipeline else {}

    def statistics(self) -> Statistics:
        return Statistics(**self._counts)

    async def _step(self) -> Progress:
        if self._pipeline is None or self._safe is None:
            await self._reset()
            return Progress.RESET
        if self._pending is None:
            self._pending = await self._pipeline.next_attributes(self._safe)
        if self._pending is not None:
            return await self._process(self._pipeline, self._safe, self._pending)
        self._drained_l1 = self._pipeline.origin
        if await self._pipeline.advance():
            return Progress.L1_ADVANCED
        await self._check_unsafe_head()
        self._caught_up = True
        return Progress.IDLE

    async def _origin_is_lost(self) -> bool:
        """Whether the L1 has another block where the one being read was: no patience brings its data back."""
        if self._pipeline is None:
            return False
        origin = self._pipeline.origin
        canonical = await self._l1.block_by_number(origin.number)
        return canonical is not None and canonical.hash != origin.hash

    async def _check_unsafe_head(self) -> None:
        """Unsafe blocks may name L1 blocks that derivation has not come to, and that are gone meanwhile."""
        head = reference(self._config, await self._engine.unsafe_head())
        canonical = await self._l1.block_by_number(head.l1_origin.number)
        if canonical is not None and canonical.hash != head.l1_origin.hash:
            raise ResetError(f"the L1 origin of unsafe L2 block {head.number} is no longer canonical")

    async def _reset(self) -> None:
        start = await SyncStart(self._config, self._l1, self._engine).find()
        if (await self._engine.unsafe_head()).number > start.unsafe.number:
            _LOG.warning("unsafe head goes back to L2 block %d", start.unsafe.number)
            await self._engine.rewind(start.unsafe.number)
        await self._engine.set_heads(start.safe.id, start.finalized.id)
        if self._safe_heads is not None:
            self._safe_heads.forget_above(start.safe.number)
        self._finality = Finality(start.finalized.id)
        self._safe = start.safe
        self._drained_l1 = start.base
        self._pending = None
        self._pipeline = Pipeline(
            self._config, self._l1, self._engine, start.base, system=start.system, blobs=self._blobs
        )
        self._count("resets")

    async def _process(self, pipeline: Pipeline, safe: L2Block, attributes: Attributes) -> Progress:
        existing = await self._engine.block_by_number(safe.number + 1)
        if existing is not None:
            fields = differences(attributes, existing)
            if not fields:
                await self._advance_safe(pipeline, existing)
                self._count("consolidated")
                return Progress.CONSOLIDATED
            _LOG.warning("L2 block %d is replaced: %s differ", existing.number, ", ".join(fields))
            self._count("replaced")
        block = await self._apply(pipeline, attributes)
        if block is None:
            return Progress.BUILT
        await self._advance_safe(pipeline, block)
        self._count("built")
        return Progress.BUILT

    async def _apply(self, pipeline: Pipeline, attributes: Attributes) -> L2Block | None:
        """The executed block; None if its batch was invalid and the deposits alone are to be tried next."""
        try:
            return await self._engine.apply(attributes)
        except InvalidBlockError as error:
            if len(attributes.transactions) == attributes.forced_count:
                raise CriticalError(f"a block of deposits alone cannot be executed: {error}") from error
            _LOG.warning("batch for L2 block %d is invalid: %s", attributes.parent.number + 1, error)
            self._count("deposits_only")
            pipeline.flush_channel()
            self._pending = deposits_only(attributes)
            return None

    async def _advance_safe(self, pipeline: Pipeline, block: L2Block) -> None:
        assert self._finality is not None
        await self._engine.set_heads(block.id, self._finality.finalized)
        self._finality.record(block.id, pipeline.origin)
        if self._safe_heads is not None:
            self._safe_heads.record(pipeline.origin.id, block.id)
        self._safe = block
        self._pending = None

    async def _tagged(self, tag: BlockTag) -> L1Block:
        """A young L1 has no safe or finalized block yet: the rollup's own L1 genesis stands for it."""
        genesis = self._config.l1_genesis.hash
        block = await self._l1.block_by_tag(tag) or await self._l1.block_by_hash(genesis)
        if block is None:
            raise TemporaryError(f"the L1 has no {tag} block")
        return block

    def _count(self, name: str) -> None:
        self._counts[name] = self._counts.get(name, 0) + 1
