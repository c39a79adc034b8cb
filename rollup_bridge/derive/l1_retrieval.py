"""Which bytes of an L1 block are batch data: transactions of the current batcher to the inbox.

Covered: calldata of types 0, 1 and 2; blobs of type 3, whose calldata does not count; other types are
ignored.
Not covered: checking the sender's signature, which the L1 source does or its operator answers for.
Source: OP Stack specification, derivation, "L1 Retrieval"; Ecotone, "Blob Retrieval".
"""

from genesis.types import Address
from rollup_bridge.codec.blob import decode_blob
from rollup_bridge.errors import MalformedError, TemporaryError
from rollup_bridge.ports import BlobSource, L1Block, L1Source, L1Transaction

_CALLDATA_TYPES = (0, 1, 2)
_BLOB_TYPE = 3


class L1Retrieval:
    def __init__(self, l1: L1Source, inbox: Address, blobs: BlobSource | None = None) -> None:
        self._l1 = l1
        self._inbox = inbox
        self._blobs = blobs

    async def batch_data(self, block: L1Block, batcher: Address) -> tuple[bytes, ...]:
        """Payloads in L1 order. Missing blobs are a `TemporaryError`: they may never be skipped."""
        found: list[bytes] = []
        for transaction in await self._l1.transactions(block.hash):
            if transaction.to != self._inbox or transaction.sender != batcher:
                continue
            if transaction.type in _CALLDATA_TYPES:
                found.append(transaction.data)
            elif transaction.type == _BLOB_TYPE:
                found.extend(await self._blob_data(block, transaction))
        return tuple(found)

    async def _blob_data(self, block: L1Block, transaction: L1Transaction) -> list[bytes]:
        if self._blobs is None:
            raise TemporaryError(f"L1 block {block.number} has batch blobs and no blob source is configured")
        found: list[bytes] = []
        for blob in await self._blobs.blobs(block, transaction.blob_hashes):
            try:
                found.append(decode_blob(blob))
            except MalformedError:
                continue
        return found
