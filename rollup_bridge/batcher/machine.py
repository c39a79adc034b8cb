"""What the batcher does next: which blocks to load, when to close a channel, which frame to send, when to
start over.

Pure: `step(settings, state, event) -> (state, actions)`. The state is only ever a plan on top of the safe
head, so losing it costs nothing: it is made again from the safe head.
Covered: blocks in strict order; several transactions in flight; calldata or blobs, whichever is cheaper when
a channel is closed; a safe head that goes back or does not move although everything was included (batches
lost to an L1 reorg or dropped); unsafe blocks replaced under the plan.
Not covered: nonces and bids (`txmgr`).
Source: OP Stack specification, batcher; Holocene for strict order.
"""

from dataclasses import dataclass, field, replace
from enum import Enum

from genesis.fees.intrinsic import TRANSACTION_GAS, floor_gas
from genesis.keccak import keccak256
from genesis.spec import BlockId
from rollup_bridge.codec.blob import MAX_BLOB_DATA_BYTES
from rollup_bridge.codec.channel import compress_channel
from rollup_bridge.codec.frame import FRAME_OVERHEAD_BYTES, Frame, encode_frames, split_channel

GAS_PER_BLOB = 131_072
"""Source: EIP-4844."""


class Medium(Enum):
    """Where batches are written on the L1; `CHEAPER` decides for each channel."""

    CALLDATA = "calldata"
    BLOBS = "blobs"
    CHEAPER = "auto"


@dataclass(frozen=True, slots=True)
class BatcherSettings:
    """`max_transaction_bytes` bounds one transaction's calldata; `target_channel_bytes` counts before
    compression; `max_channel_l1_blocks` closes a channel after so many L1 blocks; `window_margin` L1 blocks
    before a sequencing window ends it is closed in any case; `max_derivation_lag` L1 blocks of lag still let
    the safe head be believed; `max_waiting_channels` bounds the channels that are not wholly on L1;
    `max_in_flight` counts transactions, `max_blobs` the blobs of one."""

    sequencing_window: int
    max_transaction_bytes: int = 120_000
    target_channel_bytes: int = 400_000
    max_channel_l1_blocks: int = 2
    window_margin: int = 10
    max_derivation_lag: int = 3
    max_waiting_channels: int = 4
    max_in_flight: int = 4
    max_blobs: int = 6
    medium: Medium = Medium.CALLDATA


@dataclass(frozen=True, slots=True)
class Prices:
    """What the L1 asks for now: wei per gas, tip included, and wei per blob gas."""

    gas_wei: int
    blob_gas_wei: int


@dataclass(frozen=True, slots=True)
class OpenChannel:
    """Encoded batches not yet compressed."""

    batches: tuple[bytes, ...]
    size_bytes: int
    last: BlockId
    opened_at_l1: int
    oldest_epoch: int


@dataclass(frozen=True, slots=True)
class ClosedChannel:
    """`frames` are still to be sent, `flying` are being sent; `included_at_l1` is set with the last one."""

    id: bytes
    last: BlockId
    frames: tuple[Frame, ...]
    blobs: bool = False
    flying: int = 0
    included_at_l1: int | None = None


@dataclass(frozen=True, slots=True)
class SendFrames:
    """One transaction: its payload in calldata, or one payload per blob."""

    channel_id: bytes
    first: int
    payloads: tuple[bytes, ...] = field(repr=False)
    blobs: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """`blocks` are the ids after `safe` that are in the plan, in order. `salt` and `channel_count` name
    channels so that no frame of an earlier plan can be taken for one of this. `in_flight` are transactions
    being sent, those of earlier plans too. `written_bytes` and `posted_bytes` count what channels held before
    and after compression."""

    salt: bytes
    safe: BlockId | None = None
    blocks: tuple[BlockId, ...] = ()
    open: OpenChannel | None = None
    closed: tuple[ClosedChannel, ...] = ()
    in_flight: tuple[SendFrames, ...] = ()
    unsafe_number: int = 0
    head_l1: int = 0
    prices: Prices | None = None
    draining: bool = False
    channel_count: int = 0
    restarts: int = 0
    written_bytes: int = 0
    posted_bytes: int = 0

    @property
    def tip(self) -> BlockId | None:
        """The last block of the plan."""
        return self.blocks[-1] if self.blocks else self.safe


@dataclass(frozen=True, slots=True)
class StatusSeen:
    """Heads as derivation sees them; L1 heights."""

    safe: BlockId
    unsafe_number: int
    current_l1: int
    head_l1: int
    prices: Prices | None = None


@dataclass(frozen=True, slots=True)
class BlockLoaded:
    """An unsafe block and its encoded batch."""

    id: BlockId
    parent_hash: bytes
    epoch_number: int
    batch: bytes


@dataclass(frozen=True, slots=True)
class FramesIncluded:
    sent: SendFrames
    l1_number: int


@dataclass(frozen=True, slots=True)
class FramesFailed:
    """The transaction was given up: what follows it may not be sent."""

    sent: SendFrames


@dataclass(frozen=True, slots=True)
class DrainRequested:
    """Close what is open and send it: the batcher is about to stop."""


Event = StatusSeen | BlockLoaded | FramesIncluded | FramesFailed | DrainRequested


@dataclass(frozen=True, slots=True)
class LoadBlock:
    number: int


Action = LoadBlock | SendFrames


def step(settings: BatcherSettings, state: State, event: Event) -> tuple[State, tuple[Action, ...]]:
    """The next state and what is to be done about it. At most one load is asked for at a time."""
    match event:
        case StatusSeen():
            return _on_status(settings, state, event)
        case BlockLoaded():
            return _next(settings, _on_block(settings, state, event))
        case FramesIncluded():
            return _next(settings, _on_included(state, event))
        case FramesFailed():
            return _on_failed(state, event.sent), ()
        case DrainRequested():
            return _next(settings, replace(_close(settings, state), draining=True))


def _on_status(
    settings: BatcherSettings, state: State, status: StatusSeen
) -> tuple[State, tuple[Action, ...]]:
    if status.head_l1 - status.current_l1 > settings.max_derivation_lag:
        return _sending(settings, state)  # derivation is catching up: its safe head means nothing yet
    prices = status.prices or state.prices
    state = replace(state, unsafe_number=status.unsafe_number, head_l1=status.head_l1, prices=prices)
    state = _follow_safe(state, status)
    if _must_close(settings, state, status.head_l1):
        state = _close(settings, state)
    return _next(settings, state)


def _follow_safe(state: State, status: StatusSeen) -> State:
    """Drop from the plan what has become safe; start over if the safe head is not where the plan expects
    it."""
    if state.safe is None:
        return replace(state, safe=status.safe)
    if status.safe != state.safe:
        if status.safe not in state.blocks:
            return _restart(state, status.safe)
        done = state.blocks.index(status.safe) + 1
        waiting = tuple(channel for channel in state.closed if channel.last.number > status.safe.number)
        state = replace(state, safe=status.safe, blocks=state.blocks[done:], closed=waiting)
    lost = any(
        channel.included_at_l1 is not None and channel.included_at_l1 <= status.current_l1
        for channel in state.closed
    )
    gone = state.tip is not None and state.tip.number > status.unsafe_number
    return _restart(state, status.safe) if lost or gone else state


def _on_block(settings: BatcherSettings, state: State, block: BlockLoaded) -> State:
    tip = state.tip
    if tip is None or block.id.number != tip.number + 1:
        return state  # asked for by an earlier plan
    if block.parent_hash != tip.hash:
        return _restart(state, None)
    opened = state.open or OpenChannel((), 0, block.id, state.head_l1, block.epoch_number)
    opened = replace(
        opened,
        batches=(*opened.batches, block.batch),
        size_bytes=opened.size_bytes + len(block.batch),
        last=block.id,
    )
    state = replace(state, open=opened, blocks=(*state.blocks, block.id))
    return _close(settings, state) if opened.size_bytes >= settings.target_channel_bytes else state


def _on_included(state: State, event: FramesIncluded) -> State:
    """A transaction is on L1. If a new plan was made meanwhile, it belongs to no channel any more."""
    state = _landed(state, event.sent)
    closed = list(state.closed)
    for index, channel in enumerate(closed):
        if channel.id == event.sent.channel_id:
            flying = channel.flying - 1
            done = not flying and not channel.frames
            included = event.l1_number if done else None
            closed[index] = replace(channel, flying=flying, included_at_l1=included)
    return replace(state, closed=tuple(closed))


def _on_failed(state: State, sent: SendFrames) -> State:
    """One of an earlier plan is missed by nobody."""
    state = _landed(state, sent)
    missed = any(channel.id == sent.channel_id for channel in state.closed)
    return _restart(state, None) if missed else state


def _landed(state: State, sent: SendFrames) -> State:
    return replace(state, in_flight=tuple(other for other in state.in_flight if other != sent))


def _must_close(settings: BatcherSettings, state: State, head_l1: int) -> bool:
    if state.open is None:
        return False
    old = head_l1 - state.open.opened_at_l1 >= settings.max_channel_l1_blocks
    deadline = state.open.oldest_epoch + settings.sequencing_window - settings.window_margin
    return old or head_l1 >= deadline or state.draining


def _close(settings: BatcherSettings, state: State) -> State:
    if state.open is None:
        return state
    name = keccak256(state.salt + state.channel_count.to_bytes(8, "big"))[:16]
    data = compress_channel(state.open.batches)
    blobs = _takes_blobs(settings, state.prices, data)
    room = MAX_BLOB_DATA_BYTES if blobs else settings.max_transaction_bytes
    frames = split_channel(name, data, room - 1)
    return replace(
        state,
        open=None,
        closed=(*state.closed, ClosedChannel(name, state.open.last, frames, blobs)),
        channel_count=state.channel_count + 1,
        written_bytes=state.written_bytes + state.open.size_bytes,
        posted_bytes=state.posted_bytes + len(data),
    )


def _takes_blobs(settings: BatcherSettings, prices: Prices | None, data: bytes) -> bool:
    if settings.medium is not Medium.CHEAPER:
        return settings.medium is Medium.BLOBS
    return prices is not None and blobs_wei(settings, prices, len(data)) < calldata_wei(prices, data)


def calldata_wei(prices: Prices, data: bytes) -> int:
    """What a channel costs as calldata of one transaction; a few more change little."""
    return floor_gas(data) * prices.gas_wei


def blobs_wei(settings: BatcherSettings, prices: Prices, size_bytes: int) -> int:
    """What a channel costs in blobs: whole ones, and the gas of the transactions that carry them."""
    blobs = -(-size_bytes // (MAX_BLOB_DATA_BYTES - FRAME_OVERHEAD_BYTES - 1)) or 1
    transactions = -(-blobs // settings.max_blobs)
    return blobs * GAS_PER_BLOB * prices.blob_gas_wei + transactions * TRANSACTION_GAS * prices.gas_wei


def _next(settings: BatcherSettings, state: State) -> tuple[State, tuple[Action, ...]]:
    loads = _loading(settings, state)
    state, sends = _sending(settings, state)
    return state, (*loads, *sends)


def _loading(settings: BatcherSettings, state: State) -> tuple[Action, ...]:
    waiting = sum(channel.included_at_l1 is None for channel in state.closed)
    if state.draining or state.tip is None or state.tip.number >= state.unsafe_number:
        return ()
    return (LoadBlock(state.tip.number + 1),) if waiting < settings.max_waiting_channels else ()


def _sending(settings: BatcherSettings, state: State) -> tuple[State, tuple[Action, ...]]:
    """As many transactions as may fly at a time, in order. A pool takes an account's blobs or its other
    transactions, never both, so the medium changes only when nothing flies."""
    sends: list[SendFrames] = []
    closed = list(state.closed)
    for index in range(len(closed)):
        while closed[index].frames and _may_fly(settings, state, closed[index]):
            send, closed[index] = _take(settings, closed[index])
            sends.append(send)
            state = replace(state, in_flight=(*state.in_flight, send))
        if closed[index].frames:
            break
    return replace(state, closed=tuple(closed)), tuple(sends)


def _may_fly(settings: BatcherSettings, state: State, channel: ClosedChannel) -> bool:
    same_medium = all(other.blobs == channel.blobs for other in state.in_flight)
    return same_medium and len(state.in_flight) < settings.max_in_flight


def _take(settings: BatcherSettings, channel: ClosedChannel) -> tuple[SendFrames, ClosedChannel]:
    count = settings.max_blobs if channel.blobs else 1
    taken, rest = channel.frames[:count], channel.frames[count:]
    payloads = tuple(encode_frames([frame]) for frame in taken)
    send = SendFrames(channel.id, taken[0].number, payloads, channel.blobs)
    return send, replace(channel, frames=rest, flying=channel.flying + 1)


def _restart(state: State, safe: BlockId | None) -> State:
    """A new plan from the safe head; None waits for the next status to tell it. Transactions still in flight
    are left to their fate: what is mined of them belongs to abandoned channels."""
    return State(
        salt=state.salt,
        safe=safe,
        in_flight=state.in_flight,
        unsafe_number=state.unsafe_number,
        head_l1=state.head_l1,
        prices=state.prices,
        draining=state.draining,
        channel_count=state.channel_count + 1,
        restarts=state.restarts + 1,
        written_bytes=state.written_bytes,
        posted_bytes=state.posted_bytes,
    )
