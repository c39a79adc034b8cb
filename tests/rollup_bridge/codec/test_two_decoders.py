"""Whatever bytes are posted, both decoders read the same out of them, and neither raises anything else.

Each of five kinds is spoiled in the same ways: frames, channels, batches, blobs, deposit logs.
"""

import contextlib
import random
import zlib
from collections.abc import Callable
from dataclasses import replace

import brotli
import pytest
import rlp

from rollup_bridge.codec.batch import SingularBatch, decode_singular_batch, encode_singular_batch
from rollup_bridge.codec.blob import BLOB_BYTES, decode_blob, encode_blob
from rollup_bridge.codec.frame import Frame, decode_frames, encode_frames
from rollup_bridge.codec.span_batch import SpanBatch, decode_span_batch
from rollup_bridge.deposits.user_deposits import decode_deposit_log
from rollup_bridge.errors import MalformedError
from tests.rollup_bridge.codec import second_decoder
from tests.rollup_bridge.codec.channels import batches_of
from tests.rollup_bridge.codec.test_batch import ONE
from tests.rollup_bridge.codec.test_span_batch import CHAIN_ID, span
from tests.rollup_bridge.deposits.test_user_deposits import deposit_log
from tests.rollup_bridge.derive.test_fuzz import mutated

SOURCE_HASH = deposit_log().topics[0]
BATCHES = (encode_singular_batch(ONE), span())
PLAIN = b"".join(rlp.encode(batch) for batch in BATCHES * 2)
CHANNELS = (
    zlib.compress(PLAIN, 1),
    zlib.compress(PLAIN, 9),
    b"\x01" + brotli.compress(PLAIN, quality=1),
    b"\x01" + brotli.compress(PLAIN),
)


def same_frames(chance: random.Random) -> bool:
    frames = [
        Frame(chance.randbytes(16), chance.randrange(3), chance.randbytes(chance.randrange(40)), bool(last))
        for last in (chance.randrange(2) for _ in range(chance.randint(1, 4)))
    ]
    data = mutated(encode_frames(frames), chance)
    found = None
    with contextlib.suppress(MalformedError):
        found = [(f.channel_id, f.number, f.data, f.is_last) for f in decode_frames(data)]
    assert second_decoder.frames(data) == found, data.hex()
    return found is not None


def same_channels(chance: random.Random) -> bool:
    data = mutated(chance.choice(CHANNELS), chance)
    if chance.randrange(4) == 0:
        data = data[: chance.randrange(len(data) + 1)]
    limit = chance.choice((200, 100_000_000))
    found = batches_of(data, limit)
    assert second_decoder.channel(data, limit) == list(found), data.hex()
    return bool(found)


def same_batches(chance: random.Random) -> bool:
    data = mutated(chance.choice(BATCHES), chance)
    found: SingularBatch | SpanBatch | None = None
    with contextlib.suppress(MalformedError):
        if data[:1] == b"\0":
            found = decode_singular_batch(data)
        elif data[:1] == b"\1":
            found = decode_span_batch(data, CHAIN_ID)
    assert second_decoder.batch(data, CHAIN_ID) == _plain(found), data.hex()
    return found is not None


def _plain(batch: SingularBatch | SpanBatch | None) -> tuple[object, ...] | None:
    if isinstance(batch, SingularBatch):
        own = (batch.parent_hash, batch.epoch_number, batch.epoch_hash, batch.timestamp_s)
        return (*own, list(batch.transactions))
    if isinstance(batch, SpanBatch):
        blocks = [(block.epoch_number, list(block.transactions)) for block in batch.blocks]
        return (batch.relative_time_s, batch.parent_check, batch.l1_origin_check, blocks)
    return None


def same_blobs(chance: random.Random) -> bool:
    """Little data, so that most of the work is on bytes that count; any byte may be spoiled."""
    blob = bytearray(encode_blob(chance.randbytes(chance.choice((0, 1, 100, 123, 124, 250)))))
    for _ in range(chance.randrange(3)):
        at = chance.choice((chance.randrange(5), chance.randrange(300), chance.randrange(BLOB_BYTES)))
        blob[at] = chance.choice((0, 1, 0x3F, 0x40, 0xFF))
    found = None
    with contextlib.suppress(MalformedError):
        found = decode_blob(bytes(blob))
    assert second_decoder.blob(bytes(blob)) == found, blob[:300].hex()
    return found is not None


def any_deposit_log(chance: random.Random) -> bool:
    log = deposit_log(mint=chance.randrange(2**256), data=chance.randbytes(chance.randrange(70)))
    data = mutated(log.data, chance) if chance.randrange(4) else log.data[: chance.randrange(300)]
    topics = log.topics[: chance.choice((0, 1, 3, 4, 4, 4, 4))]
    try:
        deposit = decode_deposit_log(replace(log, data=data, topics=topics), SOURCE_HASH)
    except MalformedError:
        return False
    assert deposit.mint_wei < 2**256
    assert deposit.gas < 2**64
    return True


KINDS = (same_frames, same_channels, same_batches, same_blobs, any_deposit_log)


@pytest.mark.parametrize("one", KINDS)
def test_a_thousand_spoiled(one: Callable[[random.Random], bool]) -> None:
    chance = random.Random(1)
    good = sum(one(chance) for _ in range(1_000))
    assert 0 < good < 1_000, "some are read and some are refused, or nothing is tested"


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("one", KINDS)
def test_a_hundred_thousand_spoiled(one: Callable[[random.Random], bool]) -> None:
    chance = random.Random(2)
    for _ in range(100_000):
        one(chance)
