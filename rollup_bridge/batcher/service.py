"""How the batcher's plan is carried out: read heads and blocks, send frames, tell the machine what happened.

Covered: back-off while L1 or derivation do not answer; a clean end that first sends what is open (`drain`).
Not covered: any decision (`machine`).
"""

import asyncio
import logging
import secrets
from dataclasses import dataclass, replace

from genesis.fees.intrinsic import floor_gas
from genesis.spec import RollupConfig
from rollup_bridge.batcher.machine import (
    Action,
    BatcherSettings,
    BlockLoaded,
    DrainRequested,
    Event,
    FrameFailed,
    FrameIncluded,
    LoadBlock,
    SendFrame,
    State,
    StatusSeen,
    step,
)
from rollup_bridge.codec.batch import SingularBatch, encode_singular_batch
from rollup_bridge.deposits.transaction import DEPOSIT_TYPE
from rollup_bridge.derive.references import reference
from rollup_bridge.errors import TemporaryError, TransactionError
from rollup_bridge.ports import Clock, L2Block, L2Blocks, StatusSource, TransactionSender

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Statistics:
    """`waiting_blocks` are unsafe blocks already in the plan; money is what L1 took for the transactions."""

    frames_sent: int = 0
    bytes_sent: int = 0
    fees_wei: int = 0
    failures: int = 0
    waiting_blocks: int = 0
    restarts: int = 0


class Batcher:
    def __init__(
        self,
        config: RollupConfig,
        settings: BatcherSettings,
        *,
        status: StatusSource,
        l2: L2Blocks,
        sender: TransactionSender,
        clock: Clock,
        poll_interval_s: float = 1.0,
        max_backoff_s: float = 30.0,
        salt: bytes | None = None,
    ) -> None:
        self._config = config
        self._settings = settings
        self._status = status
        self._l2 = l2
        self._sender = sender
        self._clock = clock
        self._poll_interval_s = poll_interval_s
        self._max_backoff_s = max_backoff_s
        self._state = State(salt=secrets.token_bytes(16) if salt is None else salt)
        self._statistics = Statistics()
        self._paused = False
        self._one_at_a_time = asyncio.Lock()

    async def run(self) -> None:
        """Post batches until cancelled. What is lost by cancellation is posted again from the safe head."""
        backoff_s = self._poll_interval_s
        while True:
            try:
                if not self._paused:
                    await self.post()
                backoff_s = self._poll_interval_s
            except TemporaryError as error:
                _LOG.warning("batcher waits: %s", error)
                backoff_s = min(backoff_s * 2, self._max_backoff_s)
            await self._clock.sleep(backoff_s)

    async def post(self) -> None:
        """Look at the heads once and do all that follows from it."""
        async with self._one_at_a_time:
            await self._look()

    async def drain(self) -> None:
        """Load everything there is, close the channel and send it; then stay paused until `resume`."""
        async with self._one_at_a_time:
            self._paused = True
            await self._look()
            await self._handle(DrainRequested())

    def resume(self) -> None:
        """Post again, from the safe head."""
        self._state = State(salt=self._state.salt, channel_count=self._state.channel_count + 1)
        self._paused = False

    async def _look(self) -> None:
        status = await self._status.sync_status()
        await self._handle(
            StatusSeen(
                safe=status.safe_l2.id,
                unsafe_number=status.unsafe_l2.number,
                current_l1=status.current_l1.number,
                head_l1=status.head_l1.number,
            )
        )

    def statistics(self) -> Statistics:
        return replace(
            self._statistics, waiting_blocks=len(self._state.blocks), restarts=self._state.restarts
        )

    async def _handle(self, event: Event) -> None:
        pending: list[Action] = self._step(event)
        while pending:
            action = pending.pop(0)
            if isinstance(action, LoadBlock):
                pending.extend(await self._load(action.number))
            else:
                pending.extend(self._step(await self._send(action)))
            await asyncio.sleep(0)  # many blocks may follow each other without anything to wait for

    def _step(self, event: Event) -> list[Action]:
        self._state, actions = step(self._settings, self._state, event)
        return list(actions)

    async def _load(self, number: int) -> list[Action]:
        block = await self._l2.block_by_number(number)
        if block is None:
            return []  # rewound meanwhile; the next status tells
        epoch_number, batch = batch_of(self._config, block)
        encoded = encode_singular_batch(batch)
        return self._step(BlockLoaded(block.id, block.parent_hash, epoch_number, encoded))

    async def _send(self, action: SendFrame) -> FrameIncluded | FrameFailed:
        gas = floor_gas(action.payload)
        try:
            inclusion = await self._sender.send(self._config.batch_inbox, action.payload, gas=gas)
        except (TemporaryError, TransactionError) as error:
            _LOG.warning("batcher starts over from the safe head: %s", error)
            self._statistics = replace(self._statistics, failures=self._statistics.failures + 1)
            return FrameFailed()
        self._statistics = replace(
            self._statistics,
            frames_sent=self._statistics.frames_sent + 1,
            bytes_sent=self._statistics.bytes_sent + len(action.payload),
            fees_wei=self._statistics.fees_wei + inclusion.fee_wei,
        )
        return FrameIncluded(inclusion.block.number)


def batch_of(config: RollupConfig, block: L2Block) -> tuple[int, SingularBatch]:
    """The number of a block's L1 origin and the batch that stands for the block."""
    place = reference(config, block)
    own = tuple(raw for raw in block.transactions if raw[0] != DEPOSIT_TYPE)
    batch = SingularBatch(
        block.parent_hash, place.l1_origin.number, place.l1_origin.hash, block.timestamp_s, own
    )
    return place.l1_origin.number, batch
