"""What the batcher does next: which blocks to load, when to close a channel, which frame to send, when to
start over.

Pure: `step(settings, state, event) -> (state, actions)`. The state is only ever a plan on top of the safe
head, so losing it costs nothing: it is made again from the safe head.
Covered: blocks in strict order; one transaction in flight; a safe head that goes back or does not move
although everything was included (batches lost to an L1 reorg or dropped); unsafe blocks replaced under the
plan.
Not covered: blobs and choosing between them and calldata.
Source: OP Stack specification, batcher; Holocene for strict order.
"""

from dataclasses import dataclass, field, replace

from genesis.keccak import keccak256
from genesis.spec import BlockId
from rollup_bridge.codec.channel import compress_channel
from rollup_bridge.codec.frame import Frame, encode_frames, split_channel


@dataclass(frozen=True, slots=True)
class BatcherSettings:
    """`max_transaction_bytes` bounds one transaction's calldata; `target_channel_bytes` counts before
    compression; `max_channel_l1_blocks` closes a channel after so many L1 blocks; `window_margin` L1 blocks
    before a sequencing window ends it is closed in any case; `max_derivation_lag` L1 blocks of lag still let
    the safe head be believed; `max_waiting_channels` bounds what is prepared ahead."""

    sequencing_window: int
    max_transaction_bytes: int = 120_000
    target_channel_bytes: int = 400_000
    max_channel_l1_blocks: int = 2
    window_margin: int = 10
    max_derivation_lag: int = 3
    max_waiting_channels: int = 2


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
    """`frames` are still to be sent; `included_at_l1` is set with the last one."""

    last: BlockId
    frames: tuple[Frame, ...]
    included_at_l1: int | None = None


@dataclass(frozen=True, slots=True)
class State:
    """`blocks` are the ids after `safe` that are in the plan, in order. `salt` and `channel_count` name
    channels so that no frame of an earlier plan can be taken for one of this. `in_flight` is the frame being
    sent."""

    salt: bytes
    safe: BlockId | None = None
    blocks: tuple[BlockId, ...] = ()
    open: OpenChannel | None = None
    closed: tuple[ClosedChannel, ...] = ()
    in_flight: Frame | None = None
    unsafe_number: int = 0
    head_l1: int = 0
    draining: bool = False
    channel_count: int = 0
    restarts: int = 0

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


@dataclass(frozen=True, slots=True)
class BlockLoaded:
    """An unsafe block and its encoded batch."""

    id: BlockId
    parent_hash: bytes
    epoch_number: int
    batch: bytes


@dataclass(frozen=True, slots=True)
class FrameIncluded:
    l1_number: int


@dataclass(frozen=True, slots=True)
class FrameFailed:
    """The transaction was given up: what follows it may not be sent."""


@dataclass(frozen=True, slots=True)
class DrainRequested:
    """Close what is open and send it: the batcher is about to stop."""


Event = StatusSeen | BlockLoaded | FrameIncluded | FrameFailed | DrainRequested


@dataclass(frozen=True, slots=True)
class LoadBlock:
    number: int


@dataclass(frozen=True, slots=True)
class SendFrame:
    payload: bytes = field(repr=False)


Action = LoadBlock | SendFrame


def step(settings: BatcherSettings, state: State, event: Event) -> tuple[State, tuple[Action, ...]]:
    """The next state and what is to be done about it. At most one load and one send are asked for at a
    time."""
    match event:
        case StatusSeen():
            return _on_status(settings, state, event)
        case BlockLoaded():
            return _next(settings, _on_block(settings, state, event))
        case FrameIncluded():
            return _next(settings, _on_included(state, event.l1_number))
        case FrameFailed():
            return _restart(replace(state, in_flight=None), None), ()
        case DrainRequested():
            return _next(settings, replace(_close(settings, state), draining=True))


def _on_status(
    settings: BatcherSettings, state: State, status: StatusSeen
) -> tuple[State, tuple[Action, ...]]:
    if status.head_l1 - status.current_l1 > settings.max_derivation_lag:
        return _sending(state)  # derivation is catching up: its safe head means nothing yet
    state = replace(state, unsafe_number=status.unsafe_number, head_l1=status.head_l1)
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


def _on_included(state: State, l1_number: int) -> State:
    """The frame in flight is on L1. If a new plan was made meanwhile, it belongs to no channel any more."""
    sent = state.in_flight
    state = replace(state, in_flight=None)
    closed = list(state.closed)
    for index, channel in enumerate(closed):
        if sent is not None and channel.frames[:1] == (sent,):
            rest = channel.frames[1:]
            closed[index] = replace(channel, frames=rest, included_at_l1=None if rest else l1_number)
            break
    return replace(state, closed=tuple(closed))


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
    frames = split_channel(name, data, settings.max_transaction_bytes - 1)
    return replace(
        state,
        open=None,
        closed=(*state.closed, ClosedChannel(state.open.last, frames)),
        channel_count=state.channel_count + 1,
    )


def _next(settings: BatcherSettings, state: State) -> tuple[State, tuple[Action, ...]]:
    loads = _loading(settings, state)
    state, sends = _sending(state)
    return state, (*loads, *sends)


def _loading(settings: BatcherSettings, state: State) -> tuple[Action, ...]:
    waiting = sum(bool(channel.frames) for channel in state.closed)
    if state.draining or state.tip is None or state.tip.number >= state.unsafe_number:
        return ()
    return (LoadBlock(state.tip.number + 1),) if waiting < settings.max_waiting_channels else ()


def _sending(state: State) -> tuple[State, tuple[Action, ...]]:
    if state.in_flight is not None:
        return state, ()
    for channel in state.closed:
        if channel.frames:
            payload = encode_frames(channel.frames[:1])
            return replace(state, in_flight=channel.frames[0]), (SendFrame(payload),)
    return state, ()


def _restart(state: State, safe: BlockId | None) -> State:
    """A new plan from the safe head; None waits for the next status to tell it. A transaction still in flight
    is left to its fate: if it is mined, its frames belong to an abandoned channel."""
    return State(
        salt=state.salt,
        safe=safe,
        in_flight=state.in_flight,
        unsafe_number=state.unsafe_number,
        head_l1=state.head_l1,
        draining=state.draining,
        channel_count=state.channel_count + 1,
        restarts=state.restarts + 1,
    )
