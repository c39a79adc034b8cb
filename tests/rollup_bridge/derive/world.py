"""A sequencer, its L1 and a verifier that sees nothing but the L1, all in memory."""

from collections.abc import Sequence
from dataclasses import replace

from rollup_bridge.batcher.service import batch_of
from rollup_bridge.codec.batch import encode_singular_batch
from rollup_bridge.codec.channel import compress_channel
from rollup_bridge.codec.frame import Frame, encode_frames, split_channel
from rollup_bridge.derive.attributes import SequencerAttributes
from rollup_bridge.derive.driver import DerivationDriver, Progress
from rollup_bridge.ports import L1Block, L2Block
from tests.rollup_bridge.fakes import FakeClock, FakeEngine, FakeL1, batcher_transaction, rollup_config

MAX_STEPS = 20_000


class World:
    def __init__(self, **changes: int) -> None:
        self.l1 = FakeL1()
        self.config = rollup_config(self.l1, **changes)
        self.sequencer = FakeEngine()
        self.verifier = FakeEngine()
        self.driver = self.new_driver(self.verifier)
        self.attributes = SequencerAttributes(self.config, self.l1)
        self.channels = 0

    def new_driver(self, engine: FakeEngine) -> DerivationDriver:
        return DerivationDriver(self.config, self.l1, engine, FakeClock())

    async def build(self, count: int, transactions: tuple[bytes, ...] = (b"\x02hello",)) -> None:
        """Let the sequencer build `count` blocks on what L1 has."""
        for _ in range(count):
            made = await self.attributes.prepare(self.sequencer.chain[-1])
            extra = () if made.no_pool else transactions
            await self.sequencer.apply(replace(made, transactions=(*made.transactions, *extra)))

    def batches(self, first: int, last: int) -> list[bytes]:
        return [encode_singular_batch(batch_of(self.config, block)[1]) for block in self.blocks(first, last)]

    def blocks(self, first: int, last: int) -> list[L2Block]:
        return self.sequencer.chain[first : last + 1]

    def frames(self, batches: Sequence[bytes], frame_bytes: int = 100_000) -> tuple[Frame, ...]:
        self.channels += 1
        return split_channel(self.channels.to_bytes(16, "big"), compress_channel(batches), frame_bytes)

    def include(self, *frames: Frame) -> L1Block:
        """One L1 block with one batcher transaction per frame."""
        return self.l1.extend([batcher_transaction(encode_frames([frame])) for frame in frames])

    def post(self, first: int, last: int) -> L1Block:
        """One L1 block with the batches of the sequencer's blocks `first` to `last`."""
        return self.include(*self.frames(self.batches(first, last)))

    async def derive(self, driver: DerivationDriver | None = None) -> None:
        """Until everything that L1 has is derived."""
        for _ in range(MAX_STEPS):
            if await (driver or self.driver).step() is Progress.IDLE:
                return
        raise AssertionError("derivation does not come to rest")


async def grown(l1_blocks: int = 20, l2_blocks: int = 60, **changes: int) -> World:
    """An L1 of 6 s blocks and an L2 of 2 s blocks on it, nothing posted yet."""
    world = World(**changes)
    for _ in range(l1_blocks):
        world.l1.extend()
    await world.build(l2_blocks)
    return world
