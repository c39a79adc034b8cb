"""The whole derivation against an L1 in memory: an empty verifier reaches the sequencer's chain from L1 alone."""

import pytest

from genesis.types import Hash32
from rollup_bridge.codec.batch import SingularBatch, encode_singular_batch
from rollup_bridge.codec.channel import compress_channel
from rollup_bridge.codec.frame import encode_frames, split_channel
from rollup_bridge.derive.attributes import SequencerAttributes
from rollup_bridge.derive.driver import DerivationDriver, Progress
from rollup_bridge.derive.references import reference
from rollup_bridge.errors import CriticalError
from rollup_bridge.ports import L2Block
from tests.rollup_bridge.fakes import (
    INVALID,
    FakeClock,
    FakeEngine,
    FakeL1,
    batcher_transaction,
    rollup_config,
)


class World:
    """A sequencer, its L1 and a verifier that only sees the L1."""

    def __init__(self, **changes: int) -> None:
        self.l1 = FakeL1()
        self.config = rollup_config(self.l1, **changes)
        self.sequencer = FakeEngine()
        self.verifier = FakeEngine()
        self.driver = DerivationDriver(self.config, self.l1, self.verifier, FakeClock())
        self.attributes = SequencerAttributes(self.config, self.l1)
        self.channels = 0

    async def build(self, count: int, transactions: tuple[bytes, ...] = ()) -> None:
        from dataclasses import replace

        for _ in range(count):
            made = await self.attributes.prepare(self.sequencer.chain[-1])
            extra = () if made.no_pool else transactions
            await self.sequencer.apply(replace(made, transactions=(*made.transactions, *extra)))

    def batch(self, block: L2Block) -> SingularBatch:
        place = reference(self.config, block)
        forced = sum(raw[:1] == b"\x7e" for raw in block.transactions)
        return SingularBatch(
            block.parent_hash,
            place.l1_origin.number,
            place.l1_origin.hash,
            block.timestamp_s,
            block.transactions[forced:],
        )

    def payloads(self, first: int, last: int, frame_bytes: int = 100_000) -> list[bytes]:
        self.channels += 1
        batches = [encode_singular_batch(self.batch(block)) for block in self.sequencer.chain[first : last + 1]]
        frames = split_channel(self.channels.to_bytes(16, "big"), compress_channel(batches), frame_bytes)
        return [encode_frames([frame]) for frame in frames]

    async def derive(self, driver: DerivationDriver | None = None) -> None:
        while await (driver or self.driver).step() is not Progress.IDLE:
            pass


async def grown(**changes: int) -> World:
    """Sixty L2 blocks over twenty L1 blocks, nothing posted yet."""
    world = World(**changes)
    for _ in range(20):
        world.l1.extend()
    await world.build(60, (b"\x02hello",))
    return world


async def test_an_empty_verifier_reaches_the_same_hashes() -> None:
    world = await grown()
    world.l1.extend([batcher_transaction(data) for data in world.payloads(1, 60)])
    await world.derive()
    assert world.verifier.hashes() == world.sequencer.hashes()
    assert world.verifier.safe == 60
