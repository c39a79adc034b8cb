"""When is a block built: one each block time, by an injected clock; pause, resume, stop, and mine now.

The same loop serves the rollup and the embedded L1; what differs is their `BlockMaker`.
Covered: one build at a time, a stop that waits for the build under way and leaves no open block behind.
Not covered: what to do when building fails (the error ends `run`; the node's supervisor stops the node).
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from genesis.types import Hash32
from sequencer.builder.budget import Budget, BuildLimits
from sequencer.builder.build import Filled, fill_block
from sequencer.errors import StaleParentError
from sequencer.mempool.ordering import Candidates
from sequencer.mempool.pool import Pool
from sequencer.ports import Answer, BlockMaker, Clock, Lane, OpenBlock, SteerableClock

log = logging.getLogger(__name__)

NOT_DUE_RETRY_S = 0.05
"""How long to wait when the block is due but the maker has none to open (waiting for L1, say)."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A block that is stored and the head, and what was tried for it."""

    hash: Hash32
    filled: Filled


@dataclass(frozen=True, slots=True)
class LoopStatistics:
    """Counts since the start; `dropped` are transactions that can never become valid."""

    blocks: int
    transactions: int
    dropped: int
    paused: bool


class BlockListener(Protocol):
    """Follows the head that the loop moves."""

    async def on_sealed(self, sealed: Sealed) -> None:
        """The block is stored and the head; bring the pool and feeds up to it."""
        ...


class SequencerLoop:
    """`next_due_s` says at which time of `clock` the next block may be built."""

    def __init__(
        self,
        *,
        maker: BlockMaker,
        pool: Pool,
        clock: Clock,
        lane: Lane,
        next_due_s: Callable[[], float],
        limits: BuildLimits,
        listener: BlockListener,
    ) -> None:
        self._maker = maker
        self._pool = pool
        self._clock = clock
        self._lane = lane
        self._next_due_s = next_due_s
        self._limits = limits
        self._listener = listener
        self._one_build = asyncio.Lock()
        self._running = asyncio.Event()
        self._running.set()
        self._stopped = asyncio.Event()
        self._blocks = self._transactions = self._dropped = 0

    # -- control

    async def pause(self) -> None:
        """Build no more blocks on time; returns once the build under way, if any, is sealed.

        `mine_now` still works.
        """
        self._running.clear()
        await self._end_of_build()

    def resume(self) -> None:
        self._running.set()

    async def stop(self) -> None:
        """Returns once the build under way, if any, is sealed. `run` then ends."""
        self._stopped.set()
        self._running.set()
        await self._end_of_build()

    def statistics(self) -> LoopStatistics:
        return LoopStatistics(self._blocks, self._transactions, self._dropped, not self._running.is_set())

    async def run(self) -> None:
        """Build until stopped. A block that is late is built at once, then the next."""
        while not self._stopped.is_set():
            await self._running.wait()
            wait_s = self._next_due_s() - self._clock.now_s()
            if wait_s > 0:
                await self._rest(wait_s)
            elif not self._stopped.is_set() and await self._build() is None:
                await self._rest(NOT_DUE_RETRY_S)

    async def mine_now(self, clock: SteerableClock) -> Sealed | None:
        """Turn the clock to the next block's time and build it; None when the maker has none to open.

        `clock` is the loop's own clock: a dev chain's, which may be turned.
        """
        async with self._one_build:
            clock.advance_s(max(0.0, self._next_due_s() - clock.now_s()))
            return await self._build_locked()

    async def between_blocks(self, work: Callable[[], Answer]) -> Answer:
        """Run `work` on the lane while no block is open: dev methods that move the head or patch state."""
        async with self._one_build:
            return await self._lane.run(work)

    async def _end_of_build(self) -> None:
        async with self._one_build:
            pass

    async def _rest(self, seconds: float) -> None:
        """Sleep, but wake at once for a stop."""
        sleeping = asyncio.ensure_future(self._clock.sleep(seconds))
        stopping = asyncio.ensure_future(self._stopped.wait())
        try:
            await asyncio.wait({sleeping, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            stopping.cancel()

    # -- building

    async def _build(self) -> Sealed | None:
        async with self._one_build:
            if self._stopped.is_set() or not self._running.is_set():
                return None
            return await self._build_locked()

    async def _build_locked(self) -> Sealed | None:
        block = await self._maker.open_block()
        if block is None:
            return None
        candidates = Candidates(self._pool.ready(), block.base_fee_wei)
        try:
            sealed = await self._lane.run(lambda: self._fill_and_seal(block, candidates))
        except StaleParentError as error:
            log.warning("block given up: %s", error)
            return None
        for refusal in sealed.filled.dropped:
            self._pool.remove(refusal.transaction.hash)
        self._blocks += 1
        self._transactions += len(sealed.filled.included)
        self._dropped += len(sealed.filled.dropped)
        await self._listener.on_sealed(sealed)
        return sealed

    def _fill_and_seal(self, block: OpenBlock, candidates: Candidates) -> Sealed:
        sealed = False
        try:
            filled = fill_block(block, candidates, Budget(self._limits, self._clock.now_s))
            answer = Sealed(block.seal(), filled)
            sealed = True
            return answer
        finally:
            if not sealed:
                block.abandon()
