"""Where the sequencer's blocks come from: attributes derived from the L1, opened on the head.

Implements `sequencer.ports.BlockMaker` for a rollup.
Covered: L1 origin by the selection rule, deposits first, nothing from the pool beyond the drift, a pause
when batches do not reach the L1. Not covered: which transactions go in (`sequencer.builder`).
"""

from collections.abc import Callable

import structlog

from genesis.types import Hash32
from openledger_node.chain.chain import Chain
from openledger_node.clock import Clock
from openledger_node.node.l2_engine import to_inputs, to_l2_block
from openledger_node.node.lane import ExecutionLane
from rollup_bridge.derive.attributes import SequencerAttributes
from rollup_bridge.errors import ResetError, TemporaryError
from rollup_bridge.ports import Attributes
from sequencer.ports import Included, OpenBlock, Rejected

log = structlog.get_logger(__name__)

MAX_UNSAFE_BLOCKS = 3_600
"""Blocks ahead of the safe head at which building pauses: an L1 that takes no batches must not let the chain
run further than it could be lost."""


class RollupBlockMaker:
    """`request_reset` tells derivation that the L1 moved under the head; `caught_up` is true once derivation
    has seen all that the L1 has."""

    def __init__(
        self,
        *,
        chain: Chain,
        lane: ExecutionLane,
        attributes: SequencerAttributes,
        clock: Clock,
        block_time_s: int,
        request_reset: Callable[[], None],
        caught_up: Callable[[], bool],
    ) -> None:
        self._chain = chain
        self._lane = lane
        self._attributes = attributes
        self._clock = clock
        self._block_time_s = block_time_s
        self._request_reset = request_reset
        self._caught_up = caught_up
        self.waiting_for: str | None = None
        """Why no block is being built, for the health check; None while all is well."""

    def next_due_s(self) -> float:
        """Unix time at which the block on the head is due."""
        return self._chain.head.header.timestamp_s + self._block_time_s

    async def open_block(self) -> OpenBlock | None:
        """See `sequencer.ports.BlockMaker`."""
        if self.next_due_s() > self._clock.now_s():
            return None
        if not self._caught_up():
            return self._waiting("the chain on the L1 is still being derived")
        heads = self._chain.heads
        if heads.unsafe.number - heads.safe.number >= MAX_UNSAFE_BLOCKS and not self._chain.detached:
            return self._waiting(f"{MAX_UNSAFE_BLOCKS} blocks are not on the L1 yet")
        try:
            attributes = await self._attributes.prepare(to_l2_block(self._chain.head))
        except TemporaryError as error:
            return self._waiting(str(error))
        except ResetError as error:
            self._request_reset()
            return self._waiting(str(error))
        self.waiting_for = None
        return await self._lane.run(lambda: self._open(attributes))

    def _open(self, attributes: Attributes) -> OpenBlock | None:
        if self._chain.head.header.hash != attributes.parent.hash:
            return None
        block = self._chain.open_block(to_inputs(attributes))
        return ForcedOnlyBlock(block) if attributes.no_pool else block

    def _waiting(self, reason: str) -> OpenBlock | None:
        if reason != self.waiting_for:
            log.warning("not building", reason=reason)
        self.waiting_for = reason
        return None


class ForcedOnlyBlock:
    """An open block that takes nothing from the pool: its time is beyond the sequencer's drift."""

    gas_remaining = 0

    def __init__(self, block: OpenBlock) -> None:
        self._block = block

    @property
    def base_fee_wei(self) -> int:
        return self._block.base_fee_wei

    def try_transaction(self, raw: bytes) -> Included | Rejected:
        """Always refused, for now."""
        return Rejected(f"no room for {len(raw)} bytes: the L1 origin is too old", permanent=False)

    def seal(self) -> Hash32:
        return self._block.seal()

    def abandon(self) -> None:
        self._block.abandon()
