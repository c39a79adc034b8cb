"""Blobs out of a beacon node that may be down, pruned, or lying."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from genesis.types import Hash32
from openledger_node.l1.beacon import BeaconBlobs
from openledger_node.l1.blobs import commitment_of, versioned_hash
from openledger_node.l1.errors import L1UnavailableError
from rollup_bridge.codec.blob import encode_blob
from rollup_bridge.ports import L1Block

ZERO = Hash32(bytes(32))
BLOCK = L1Block(Hash32(b"\xab" * 32), 9, ZERO, 1_000_120, 1, 1, ZERO, ZERO)
BLOBS = [encode_blob(text) for text in (b"one", b"two", b"three")]
HASHES = [versioned_hash(commitment_of(blob)) for blob in BLOBS]
SLOT = "10"
"""(1,000,120 - 1,000,000) / 12"""


class Beacon:
    """`answers` by path; what is not in it is answered with 404."""

    def __init__(self, place: str, blobs: list[Any], **more: Any) -> None:
        self.answers: dict[str, Any] = {f"/eth/v1/beacon/blobs/{place}": {"data": blobs}, **more}
        self.asked: list[str] = []

    async def __call__(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        answer = self.answers.get(request.path)
        if answer is None:
            return web.json_response({"code": 404}, status=404)
        return answer if isinstance(answer, web.Response) else web.json_response(answer)


def consensus(blobs: list[Any], place: str = SLOT) -> Beacon:
    beacon = Beacon(place, blobs)
    beacon.answers["/eth/v1/config/spec"] = {"data": {"SECONDS_PER_SLOT": "12"}}
    beacon.answers["/eth/v1/beacon/genesis"] = {"data": {"genesis_time": "1000000"}}
    return beacon


@asynccontextmanager
async def serving(*beacons: Beacon) -> AsyncIterator[BeaconBlobs]:
    runners, urls = [], []
    for beacon in beacons:
        runner = web.ServerRunner(web.Server(beacon))  # type: ignore[arg-type]  # a handler is any callable
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        runners.append(runner)
        urls.append(f"http://127.0.0.1:{runner.addresses[0][1]}/")
    async with BeaconBlobs(urls) as source:
        yield source
    for runner in runners:
        await runner.cleanup()


def hexed(*blobs: bytes) -> list[str]:
    return ["0x" + blob.hex() for blob in blobs]


async def test_blobs_are_found_by_slot_and_given_in_the_order_asked() -> None:
    async with serving(consensus(hexed(*BLOBS))) as source:
        assert await source.blobs(BLOCK, [HASHES[2], HASHES[0]]) == (BLOBS[2], BLOBS[0])


async def test_a_development_l1_knows_blocks_by_hash() -> None:
    async with serving(Beacon("0x" + "ab" * 32, hexed(BLOBS[0]))) as source:
        assert await source.blobs(BLOCK, HASHES[:1]) == (BLOBS[0],)


async def test_the_clockwork_is_asked_for_once() -> None:
    beacon = consensus(hexed(*BLOBS))
    async with serving(beacon) as source:
        for _ in range(2):
            await source.blobs(BLOCK, HASHES[:1])
    assert beacon.asked.count("/eth/v1/config/spec") == 1


@pytest.mark.parametrize(
    "blobs",
    [
        [],
        hexed(encode_blob(b"another")),
        hexed(b"\xff" * 131_072),
        ["0x1234"],
        ["no hex"],
        [None],
        "no list",
    ],
)
async def test_another_blob_than_the_one_asked_for_is_never_taken(blobs: Any) -> None:
    async with serving(consensus(blobs)) as source:
        with pytest.raises(L1UnavailableError, match="1 of 1 batch blobs"):
            await source.blobs(BLOCK, HASHES[:1])


async def test_the_next_node_is_asked_for_what_the_first_has_not() -> None:
    first = consensus(hexed(BLOBS[1], encode_blob(b"another")))
    async with serving(first, consensus(hexed(*BLOBS))) as source:
        assert await source.blobs(BLOCK, HASHES) == tuple(BLOBS)


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_node_that_fails_is_passed_over(status: int) -> None:
    failing = consensus([])
    failing.answers[f"/eth/v1/beacon/blobs/{SLOT}"] = web.Response(status=status)
    async with serving(failing, consensus(hexed(*BLOBS))) as source:
        assert await source.blobs(BLOCK, HASHES) == tuple(BLOBS)


@pytest.mark.parametrize("seconds", ["0", "-1", "many", None, []])
async def test_slots_without_sense_are_refused(seconds: Any) -> None:
    beacon = consensus(hexed(*BLOBS))
    beacon.answers["/eth/v1/config/spec"] = {"data": {"SECONDS_PER_SLOT": seconds}}
    async with serving(beacon) as source:
        with pytest.raises(L1UnavailableError):
            await source.blobs(BLOCK, HASHES)


async def test_nobody_there_is_temporary() -> None:
    async with BeaconBlobs(["http://127.0.0.1:1"]) as source:
        with pytest.raises(L1UnavailableError):
            await source.blobs(BLOCK, HASHES)


def test_at_least_one_url_is_needed() -> None:
    with pytest.raises(ValueError, match="URL"):
        BeaconBlobs([])
