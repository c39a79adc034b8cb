from rollup_bridge.codec.batch import SingularBatch, encode_singular_batch
from rollup_bridge.codec.channel import compress_channel
from rollup_bridge.codec.frame import encode_frames, split_channel
from rollup_bridge.codec.span_batch import SpanBatch
from rollup_bridge.derive.channel_assembler import ChannelAssembler
from rollup_bridge.derive.channel_reader import ChannelReader
from rollup_bridge.derive.frame_queue import FrameQueue
from tests.rollup_bridge.codec.test_batch import ONE
from tests.rollup_bridge.codec.test_span_batch import CHAIN_ID, span

GOOD = encode_singular_batch(ONE)


def read(*channels: list[bytes]) -> list[SingularBatch | SpanBatch]:
    frames = FrameQueue()
    for index, batches in enumerate(channels):
        frames.load(encode_frames(split_channel(bytes([index]) * 16, compress_channel(batches), 10_000)))
    reader = ChannelReader(ChannelAssembler(frames, 10), CHAIN_ID)
    found = []
    while (batch := reader.next(1)) is not None:
        found.append(batch)
    return found


def test_batches_come_in_order_over_channels() -> None:
    assert read([GOOD, GOOD], [GOOD]) == [ONE, ONE, ONE]


def test_span_batches_are_read() -> None:
    batches = read([span(), GOOD])
    assert isinstance(batches[0], SpanBatch)
    assert batches[1] == ONE


def test_an_unknown_batch_type_ends_its_channel_only() -> None:
    assert read([GOOD, b"\x02whatever", GOOD], [GOOD]) == [ONE, ONE]
    assert read([GOOD, b"", GOOD], [GOOD]) == [ONE, ONE]


def test_a_malformed_batch_ends_its_channel_only() -> None:
    assert read([b"\x00\xc0", GOOD], [b"\x01\x00", GOOD], [GOOD]) == [ONE]
