from collections.abc import Sequence
from dataclasses import replace

import pytest

from genesis.types import Address, Hash32
from rollup_bridge.codec.blob import encode_blob
from rollup_bridge.derive.l1_retrieval import L1Retrieval
from rollup_bridge.errors import TemporaryError
from rollup_bridge.ports import L1Block
from tests.rollup_bridge.fakes import BATCHER, INBOX, FakeL1, batcher_transaction

STRANGER = Address(b"\x66" * 20)
MINE = batcher_transaction(b"mine")
BLOBS = replace(MINE, type=3, data=b"ignored", blob_hashes=(Hash32(b"1" * 32), Hash32(b"2" * 32)))


class FakeBlobs:
    def __init__(self, *blobs: bytes) -> None:
        self.content = blobs
        self.asked: list[Sequence[Hash32]] = []

    async def blobs(self, block: L1Block, versioned_hashes: Sequence[Hash32]) -> tuple[bytes, ...]:
        self.asked.append(versioned_hashes)
        return self.content


async def test_only_the_current_batcher_to_the_inbox_counts() -> None:
    l1 = FakeL1()
    block = l1.extend(
        [
            MINE,
            batcher_transaction(b"stranger", sender=STRANGER),
            batcher_transaction(b"elsewhere", to=STRANGER),
            replace(MINE, to=None),
            batcher_transaction(b"second"),
        ]
    )
    retrieval = L1Retrieval(l1, INBOX)
    assert await retrieval.batch_data(block, BATCHER) == (b"mine", b"second")
    assert await retrieval.batch_data(block, STRANGER) == (b"stranger",)


@pytest.mark.parametrize(("kind", "counts"), [(0, True), (1, True), (2, True), (4, False), (0x7E, False)])
async def test_transaction_types(kind: int, counts: bool) -> None:
    l1 = FakeL1()
    block = l1.extend([replace(MINE, type=kind)])
    assert await L1Retrieval(l1, INBOX).batch_data(block, BATCHER) == ((b"mine",) if counts else ())


async def test_blobs_take_the_place_of_calldata_in_order() -> None:
    l1 = FakeL1()
    block = l1.extend([MINE, BLOBS])
    source = FakeBlobs(encode_blob(b"first blob"), encode_blob(b"second blob"))
    data = await L1Retrieval(l1, INBOX, source).batch_data(block, BATCHER)
    assert data == (b"mine", b"first blob", b"second blob")
    assert source.asked == [BLOBS.blob_hashes]


async def test_a_blob_that_carries_nothing_readable_is_ignored() -> None:
    l1 = FakeL1()
    block = l1.extend([BLOBS])
    source = FakeBlobs(b"\xff" * 131_072, encode_blob(b"good"))
    assert await L1Retrieval(l1, INBOX, source).batch_data(block, BATCHER) == (b"good",)


async def test_blob_unavailable_is_temporary_never_a_skip() -> None:
    l1 = FakeL1()
    block = l1.extend([BLOBS])
    with pytest.raises(TemporaryError):
        await L1Retrieval(l1, INBOX).batch_data(block, BATCHER)
