"""Whatever bytes reach the inbox, reading them ends, raises nothing, and is the same every time."""

import random
import zlib
from collections.abc import Iterator

import pytest
import rlp

from rollup_bridge.codec.batch import SingularBatch, encode_singular_batch
from rollup_bridge.codec.frame import Frame, encode_frames
from rollup_bridge.codec.span_batch import SpanBatch
from rollup_bridge.derive.channel_assembler import ChannelAssembler
from rollup_bridge.derive.channel_reader import ChannelReader
from rollup_bridge.derive.frame_queue import FrameQueue
from tests.rollup_bridge.codec.test_batch import ONE
from tests.rollup_bridge.codec.test_span_batch import CHAIN_ID, span

GOOD = (encode_singular_batch(ONE), span())


def mutated(data: bytes, chance: random.Random) -> bytes:
    """A few bytes changed, inserted, removed or repeated."""
    raw = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(raw) + 1)
        match chance.randrange(5):
            case 0 if at < len(raw):
                raw[at] = chance.randrange(256)
            case 1 if at < len(raw):
                raw[at] ^= 1 << chance.randrange(8)
            case 2:
                raw[at:at] = bytes([chance.choice((0, 1, 0x7F, 0x80, 0xB8, 0xC0, 0xF8, 0xFF))])
            case 3:
                del raw[at : at + chance.randint(1, 8)]
            case _:
                raw[at:at] = raw[at : at + chance.randint(1, 40)]
    return bytes(raw)


def payloads(chance: random.Random, count: int) -> Iterator[bytes]:
    """Calldata spoiled at one of three depths: batch, channel, frames."""
    for _ in range(count):
        batches = [chance.choice(GOOD) for _ in range(chance.randint(1, 3))]
        depth = chance.randrange(3)
        if depth == 0:
            batches = [mutated(batch, chance) for batch in batches]
        channel = zlib.compress(b"".join(rlp.encode(batch) for batch in batches), 1)
        channel = mutated(channel, chance) if depth == 1 else channel
        calldata = encode_frames([Frame(chance.randbytes(16), 0, channel, True)])
        yield mutated(calldata, chance) if depth == 2 else calldata


def read(inputs: list[bytes], per_block: int) -> list[SingularBatch | SpanBatch]:
    """All batches, with so many transactions per L1 block."""
    frames = FrameQueue()
    reader = ChannelReader(ChannelAssembler(frames, 10), CHAIN_ID)
    found = []
    for block, start in enumerate(range(0, len(inputs), per_block)):
        for payload in inputs[start : start + per_block]:
            frames.load(payload)
        while (batch := reader.next(block)) is not None:
            found.append(batch)
    return found


def check(seed: int, count: int) -> int:
    inputs = list(payloads(random.Random(seed), count))
    found = read(inputs, 1)
    assert found == read(inputs, 1)
    return len(found)


def test_two_thousand_spoiled_transactions() -> None:
    assert check(seed=1, count=2_000) > 100, "not all is beyond reading, or nothing deep is tested"


@pytest.mark.slow
def test_a_hundred_thousand_spoiled_transactions() -> None:
    for seed in range(20):
        check(seed, 5_000)
