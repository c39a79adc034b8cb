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
    FramesFailed,
    FramesIncluded,
    LoadBlock,
    Medium,
    Prices,
    SendFrames,
    State,
    StatusSeen,
    step,
)
from rollup_bridge.codec.batch import SingularBatch, encode_singular_batch
from rollup_bridge.codec.blob import encode_blob
from rollup_bridge.deposits.transaction import DEPOSIT_TYPE
from rollup_bridge.derive.references import reference
from rollup_bridge.errors import TemporaryError, TransactionError
from rollup_bridge.ports import Clock, FeeSource, L2Block, L2Blocks, StatusSource, TransactionSender

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Statistics:
    """`waiting_blocks` are unsafe blocks already in the plan; money is what L1 took for the transactions.
    `compression` is what channels kept of the batches' bytes."""

    transactions: int = 0
    blobs: int = 0
    bytes_sent: int = 0
    compression: float = 1.0
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
        fees: FeeSource | None = None,
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
        self._fees = fees
        self._paused = False
        self._looking = asyncio.Lock()
        self._sends: dict[asyncio.Task[Event], SendFrames] = {}

    async def run(self) -> None:
        """Post batches until cancelled. What is lost by cancellation is posted again from the safe head."""
        backoff_s = self._poll_interval_s
        try:
            while True:
                try:
                    if not self._paused:
                        await self._look()
                    backoff_s = self._poll_interval_s
                except TemporaryError as error:
                    _LOG.warning("batcher waits: %s", error)
                    backoff_s = min(backoff_s * 2, self._max_backoff_s)
                await self._clock.sleep(backoff_s)
                await self._land(wait=False)
        finally:
            await self._abandon_sends()

    async def post(self) -> None:
        """Look at the heads once and do all that follows from it, to the last transaction's end."""
        try:
            await self._look()
            await self._land(wait=True)
        except asyncio.CancelledError:
            await self._abandon_sends()
            raise

    async def drain(self) -> None:
        """Load everything there is, close the channel and send it; then stay paused until `resume`."""
        self._paused = True
        await self._look()
        await self._handle(DrainRequested())
        await self._land(wait=True)

    def resume(self) -> None:
        """Post again, from the safe head."""
        self._state = State(salt=self._state.salt, channel_count=self._state.channel_count + 1)
        self._paused = False

    async def _look(self) -> None:
        async with self._looking:
            status = await self._status.sync_status()
            event = StatusSeen(
                safe=status.safe_l2.id,
                unsafe_number=status.unsafe_l2.number,
                current_l1=status.current_l1.number,
                head_l1=status.head_l1.number,
                prices=await self._prices(),
            )
            await self._handle(event)

    async def _prices(self) -> Prices | None:
        if self._fees is None or self._settings.medium is not Medium.CHEAPER:
            return None
        fees = await self._fees.fees()
        return Prices(fees.base_fee_wei + fees.tip_wei, fees.blob_base_fee_wei)

    async def _land(self, *, wait: bool) -> None:
        """Tell the machine which transactions have ended: those that have by now, or all."""
        while self._sends:
            if wait:
                await asyncio.wait(self._sends, return_when=asyncio.FIRST_COMPLETED)
            ended = [task for task in self._sends if task.done()]  # in the order they were sent
            if not ended:
                return
            for task in ended:
                if self._sends.pop(task, None) is not None:
                    await self._handle(task.result())

    async def _abandon_sends(self) -> None:
        """What is mined of them all the same belongs to an abandoned channel after the next start."""
        for task in self._sends:
            task.cancel()
        await asyncio.gather(*self._sends, return_exceptions=True)
        self._sends.clear()

    def statistics(self) -> Statistics:
        state = self._state
        return replace(
            self._statistics,
            waiting_blocks=len(state.blocks),
            restarts=state.restarts,
            compression=state.posted_bytes / state.written_bytes if state.written_bytes else 1.0,
        )

    async def _handle(self, event: Event) -> None:
        pending: list[Action] = self._step(event)
        while pending:
            action = pending.pop(0)
            if isinstance(action, LoadBlock):
                pending.extend(await self._load(action.number))
            else:
                self._sends[asyncio.create_task(self._send(action))] = action
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

    async def _send(self, action: SendFrames) -> Event:
        data = b"" if action.blobs else action.payloads[0]
        blobs = tuple(encode_blob(payload) for payload in action.payloads) if action.blobs else ()
        inbox = self._config.batch_inbox
        try:
            inclusion = await self._sender.send(inbox, data, gas=floor_gas(data), blobs=blobs)
        except (TemporaryError, TransactionError) as error:
            _LOG.warning("batcher starts over from the safe head: %s", error)
            self._statistics = replace(self._statistics, failures=self._statistics.failures + 1)
            return FramesFailed(action)
        self._count(action, inclusion.fee_wei)
        return FramesIncluded(action, inclusion.block.number)

    def _count(self, sent: SendFrames, fee_wei: int) -> None:
        before = self._statistics
        self._statistics = replace(
            before,
            transactions=before.transactions + 1,
            blobs=before.blobs + (len(sent.payloads) if sent.blobs else 0),
            bytes_sent=before.bytes_sent + sum(map(len, sent.payloads)),
            fees_wei=before.fees_wei + fee_wei,
        )


def batch_of(config: RollupConfig, block: L2Block) -> tuple[int, SingularBatch]:
    """The number of a block's L1 origin and the batch that stands for the block."""
    place = reference(config, block)
    own = tuple(raw for raw in block.transactions if raw[0] != DEPOSIT_TYPE)
    batch = SingularBatch(
        block.parent_hash, place.l1_origin.number, place.l1_origin.hash, block.timestamp_s, own
    )
    return place.l1_origin.number, batch
