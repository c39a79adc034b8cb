"""Where blobs are read again: the beacon node's `blobs` route, every blob checked against its hash.

Implements `rollup_bridge.ports.BlobSource`.
Covered: nodes that are down, prune, answer rubbish or other blobs (the next one is asked, then the caller
waits: a blob is never skipped); a development L1 without a consensus layer, which knows blocks by their
execution hash.
Not covered: blobs that every node has pruned (they keep them for 18 days): give the URL of an archive too.
Source: Ethereum Beacon API, `getBlobs`, `getGenesis`, `getSpec`; EIP-4844 for the check.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import aiohttp
import orjson
import structlog

from genesis.types import Hash32
from openledger_node.client.http import HttpClient
from openledger_node.l1.blobs import commitment_of, versioned_hash
from openledger_node.l1.decoding import member, octets
from openledger_node.l1.errors import L1UnavailableError
from rollup_bridge.ports import L1Block

log = structlog.get_logger(__name__)

_OK, _NOT_FOUND = 200, 404
_MAX_ANSWER_BYTES = 64 * 2**20


class BeaconBlobs(HttpClient):
    """`urls` in order of preference; use as an async context manager, or `close` it."""

    def __init__(self, urls: Sequence[str], *, timeout_s: float = 15.0) -> None:
        if not urls:
            raise ValueError("blobs need at least one beacon URL")
        self._urls = tuple(url.rstrip("/") for url in urls)
        super().__init__(timeout_s)
        self._slots: dict[str, tuple[int, int] | None] = {}

    async def blobs(self, block: L1Block, versioned_hashes: Sequence[Hash32]) -> tuple[bytes, ...]:
        """The blobs in the order asked. `L1UnavailableError` while no node has all of them."""
        found: dict[Hash32, bytes] = {}
        reason = ""
        for url in self._urls:
            try:
                given = await self._fetch(url, block)
            except L1UnavailableError as error:
                reason = str(error)
                log.warning("beacon node failed", url=url, reason=reason)
                continue
            found |= await asyncio.to_thread(_named, given)
            if all(wanted in found for wanted in versioned_hashes):
                return tuple(found[wanted] for wanted in versioned_hashes)
        missing = sum(wanted not in found for wanted in versioned_hashes)
        raise L1UnavailableError(
            f"{missing} of {len(versioned_hashes)} batch blobs of L1 block {block.number} cannot be had"
            + (f" ({reason})" if reason else ""),
            "check --l1.beacon; old blobs need an archive",
        )

    async def _fetch(self, url: str, block: L1Block) -> list[bytes]:
        answer = await self._get(f"{url}/eth/v1/beacon/blobs/{await self._place(url, block)}")
        data = member(answer, "data")
        if not isinstance(data, list):
            raise L1UnavailableError("the beacon node gave no list of blobs")
        return [octets(item) for item in data]

    async def _place(self, url: str, block: L1Block) -> str:
        """The slot of an execution block, by its time; its hash where there are no slots."""
        if url not in self._slots:
            self._slots[url] = await self._clockwork(url)
        clockwork = self._slots[url]
        if clockwork is None:
            return "0x" + block.hash.hex()
        genesis_s, slot_s = clockwork
        return str((block.timestamp_s - genesis_s) // slot_s)

    async def _clockwork(self, url: str) -> tuple[int, int] | None:
        """(genesis time, seconds per slot), or None for a development L1."""
        spec = await self._get(f"{url}/eth/v1/config/spec", may_be_missing=True)
        if spec is None:
            return None
        genesis = member(await self._get(f"{url}/eth/v1/beacon/genesis"), "data")
        try:
            genesis_s = int(member(genesis, "genesis_time"))
            slot_s = int(member(member(spec, "data"), "SECONDS_PER_SLOT"))
        except (TypeError, ValueError) as error:
            raise L1UnavailableError("the beacon node gave no numbers for its slots") from error
        if slot_s <= 0:
            raise L1UnavailableError("the beacon node gave slots without length")
        return genesis_s, slot_s

    async def _get(self, url: str, *, may_be_missing: bool = False) -> Any:
        try:
            async with self._session.get(url, headers={"Accept": "application/json"}) as response:
                if response.status == _NOT_FOUND and may_be_missing:
                    return None
                if response.status != _OK:
                    raise L1UnavailableError(f"HTTP status {response.status} from the beacon node")
                return orjson.loads(await _bounded(response))
        except (TimeoutError, aiohttp.ClientError, orjson.JSONDecodeError) as error:
            raise L1UnavailableError(f"{type(error).__name__} from the beacon node") from error


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    raw = bytearray()
    async for chunk in response.content.iter_chunked(2**20):
        raw += chunk
        if len(raw) > _MAX_ANSWER_BYTES:
            raise L1UnavailableError("the beacon node's answer has no end")
    return bytes(raw)


def _named(blobs: Sequence[bytes]) -> dict[Hash32, bytes]:
    """Blobs by the hash they turn out to have; what is no blob is left out."""
    found: dict[Hash32, bytes] = {}
    for blob in blobs:
        try:
            found[versioned_hash(commitment_of(blob))] = blob
        except ValueError:
            log.warning("beacon node gave something that is not a blob", size=len(blob))
    return found
