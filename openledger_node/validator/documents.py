"""Where a validator's knowledge of a post comes from: the chain by RPC, the rest by content address.

Covered: everything `check.PostInputs` needs, read afresh per post; artefacts verified against their names.
Not covered: whether the documents fit the chain (`check`); several artefact hosts per document beyond trying
each in turn.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from genesis.commitments import BATCH_QUERY_BYTES, unpack_vector
from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from openledger_node.client.abi import encode_values
from openledger_node.client.datasets import datasets_of
from openledger_node.client.economy import DATANETS, MODELS, EconomyReader
from openledger_node.client.errors import RemoteError, RevertedError
from openledger_node.client.ethereum import from_hex
from openledger_node.client.posts import BATCHES, PostNotice
from openledger_node.validator.index_check import IndexInputs
from openledger_node.validator.records import (
    Batch,
    ContributorSum,
    PostInputs,
    PublishedQuery,
    PublishedReceipt,
)
from openledger_node.validator.sources import Sources, read_sources
from precompiles.views.attribution import BatchClaim, Post
from workers.artifacts import canonical_json
from workers.artifacts.store import ArtifactId, ArtifactStore, parse_id
from workers.attribution.commit import pack_sum
from workers.attribution.index import Sums, decode_rows, read_index
from workers.attribution.queries import decode_queries
from workers.errors import ArtifactError, InvalidInputError
from workers.protocol import DatasetVersion

ADDRESS_BYTES, HASH_BYTES = 20, 32
WORD_RANGE = 2**256
NO_DOCUMENT = ArtifactId("")

MALFORMED = (AttributeError, LookupError, OverflowError, TypeError, ValueError)
"""What reading plain values out of a stranger's document raises."""


class DocumentError(InvalidInputError):
    """A published document is missing or malformed: nothing can be checked with it."""

    code = "document"


REFUSALS = (DocumentError, RevertedError, RemoteError)
"""What keeps a duty from being done now; it is tried again."""


class Documents:
    """Reads what posts are about. `stores` are local folders, each with the URL it fetches from."""

    def __init__(self, reader: EconomyReader, stores: Sequence[ArtifactStore]) -> None:
        self._reader = reader
        self._stores = stores

    async def inputs(self, notice: PostNotice, post: Post) -> PostInputs:
        """Everything about one post. Raises DocumentError, and the client's errors for an RPC that fails."""
        found = await self.published(notice, post)
        if found.missing:
            raise DocumentError(found.missing)
        return found

    async def published(self, notice: PostNotice, post: Post) -> PostInputs:
        """The same, also without the receipts and queries behind it: scores and amounts can be judged by the
        post's own document. Raises as `inputs` does."""
        if keccak256(encode_values((BATCHES,), (notice.batches,))) != post.batches_hash:
            raise DocumentError(f"post {notice.post_id} is not the one that was announced")
        claims = tuple(BatchClaim(*batch.values()) for batch in notice.batches)
        document = await self._document(notice.uri, "post")
        try:
            return await self._assemble(notice.post_id, post, claims, document)
        except MALFORMED as error:
            raise DocumentError(f"a document of post {notice.post_id} is malformed: {error!r}") from error
        except (InvalidInputError, ArtifactError) as error:
            raise DocumentError(str(error)) from error

    async def index_inputs(self, index_id: int) -> IndexInputs:
        """Everything about one feature index. Raises as `inputs` does."""
        index = await self._reader.feature_index(index_id)
        try:
            uri = await self._reader.uri_of_index(index_id, index.model_id)
            published = await self._from_stores(lambda store: read_index(store, parse_id(uri)))
            rows = await self._from_stores(lambda store: decode_rows(store.get(published.rows)))
        except MALFORMED as error:
            raise DocumentError(f"a document of feature index {index_id} is malformed: {error!r}") from error
        except (InvalidInputError, ArtifactError) as error:
            raise DocumentError(str(error)) from error
        records = await self._source_records(index.model_id)
        return IndexInputs(
            index_id, index, records, parse_id(uri), published, _contributor_sums(published.sums), rows
        )

    async def sources(self, model_id: int) -> Sources:
        """The records a model was made from, all of them. Raises as `inputs` does."""
        sources = await self.served_sources(model_id)
        with _records_of(model_id):
            sources.assert_served()
        return sources

    async def served_sources(self, model_id: int) -> Sources:
        """The same as far as they are to be had. Raises DocumentError where one was not revealed."""

        async def fetch(name: ArtifactId) -> bytes | None:
            try:
                data: bytes = await self._from_stores(lambda store: store.get(name))
            except ArtifactError:
                return None
            return data

        with _records_of(model_id):
            return await read_sources(self._reader, model_id, fetch)

    async def datasets(self, model_id: int) -> tuple[DatasetVersion, ...]:
        """The versions a model was made from. Raises as `inputs` does."""
        with _records_of(model_id):
            return await datasets_of(self._reader, model_id)

    async def artifact(self, name: ArtifactId) -> bytes:
        """One file by its name. Raises DocumentError."""
        try:
            data: bytes = await self._from_stores(lambda store: store.get(name))
        except ArtifactError as error:
            raise DocumentError(str(error)) from error
        return data

    async def _source_records(self, model_id: int) -> int:
        """How many records the versions that a model was made from have, as the chain says."""
        ethereum, total = self._reader.ethereum, 0
        for place in range((await self._reader.model(model_id)).sources):
            datanet_id, number = await ethereum.read(MODELS, "getSource", model_id, place)
            version = await ethereum.read(DATANETS, "getVersion", datanet_id, number)
            total += int(version["records"])
        return total

    async def _assemble(
        self, post_id: int, post: Post, claims: Sequence[BatchClaim], document: Any
    ) -> PostInputs:
        if len(document["batches"]) != len(claims):
            raise ValueError("another number of batches than posted")
        index_document = parse_id(await self._reader.uri_of_index(post.feature_index, post.model_id))
        return PostInputs(
            chain_id=await self._reader.ethereum.chain_id(),
            post_id=post_id,
            post=post,
            index=await self._reader.feature_index(post.feature_index),
            index_document=index_document,
            sums=await self._sums(index_document),
            posted_contributors=tuple(_address(text) for text in document["contributors"]),
            posted_amounts=_summable(int(text) for text in document["amounts_wei"]),
            batches=tuple(
                [
                    await self._batch(claim, published)
                    for claim, published in zip(claims, document["batches"], strict=True)
                ]
            ),
        )

    async def _sums(self, document: ArtifactId) -> tuple[ContributorSum, ...]:
        index = await self._from_stores(lambda store: read_index(store, document))
        return _contributor_sums(index.sums)

    async def _batch(self, claim: BatchClaim, published: Any) -> Batch:
        settlement = await self._reader.settlement(claim.settlement_id)
        scores = tuple(int(text) for text in published["scores"])
        _summable(map(abs, scores))
        batch = Batch(
            claim=claim,
            settlement=settlement,
            policy=await self._reader.policy(settlement.policy_version),
            receipts=(),
            queries=(),
            posted_query=tuple(unpack_vector(from_hex(published["query"]), BATCH_QUERY_BYTES)),
            scores=scores,
            queries_document=NO_DOCUMENT,
        )
        try:
            return await self._with_queries(batch)
        except MALFORMED as error:
            reason = f"what settlement {claim.settlement_id} published is malformed: {error!r}"
            return replace(batch, missing=reason)
        except (InvalidInputError, ArtifactError) as error:
            return replace(batch, missing=str(error))

    async def _with_queries(self, batch: Batch) -> Batch:
        """With what the settlement itself published. Raises MALFORMED, InvalidInputError, ArtifactError."""
        number, settlement = batch.claim.settlement_id, batch.settlement
        uri = await self._reader.uri_of_settlement(number, settlement.channel_id)
        settled = await self._document(uri, "settlement")
        name = parse_id(settled["queries"])
        vectors, numbers, weights = decode_queries(await self._from_stores(lambda store: store.get(name)))
        if vectors.shape != (settlement.receipts, len(batch.posted_query)):
            raise DocumentError(f"the queries' file of settlement {number} has another shape")
        hashes = [_hash(entry["receipt_hash"]) for entry in settled["receipts"]]
        fees_wei = _summable(int(entry["fee_wei"]) for entry in settled["receipts"])
        places = zip(vectors, _summable(numbers), _summable(weights), strict=True)
        return replace(
            batch,
            receipts=tuple(map(PublishedReceipt, hashes, fees_wei)),
            queries=tuple(
                PublishedQuery(place, weight, tuple(vector.tolist())) for vector, place, weight in places
            ),
            queries_document=name,
        )

    async def _document(self, uri: str, what: str) -> Any:
        try:
            data = await self._from_stores(lambda store: store.get(parse_id(uri)))
            return canonical_json.decode(data)
        except (ArtifactError, InvalidInputError) as error:
            raise DocumentError(f"the {what} document cannot be read: {error}") from error

    async def _from_stores(self, read: Any) -> Any:
        """What the first store that has it says; raises ArtifactError when none has."""
        failure = ArtifactError("no artefact URL is set")
        for store in self._stores:
            try:
                return await asyncio.to_thread(read, store)
            except ArtifactError as error:
                failure = error
        raise failure


@contextmanager
def _records_of(model_id: int) -> Iterator[None]:
    """What strangers said of the records behind a model, as DocumentError where it names nothing."""
    try:
        yield
    except KeyError as error:
        raise DocumentError(f"a contribution behind model {model_id} was not revealed") from error
    except (InvalidInputError, ArtifactError) as error:
        raise DocumentError(f"the records behind model {model_id}: {error}") from error


def _summable(values: Iterable[int]) -> tuple[int, ...]:
    """Values that could stand in a Merkle-sum tree; raises ValueError for others, which nobody committed."""
    found = tuple(values)
    if any(value < 0 for value in found) or sum(found) >= WORD_RANGE:
        raise ValueError("an amount is below zero, or their sum beyond 256 bits")
    return found


def _address(text: str) -> Address:
    return Address(_bytes(text, ADDRESS_BYTES))


def _hash(text: str) -> Hash32:
    return Hash32(_bytes(text, HASH_BYTES))


def _bytes(text: str, count: int) -> bytes:
    found = from_hex(text)
    if len(found) != count:
        raise ValueError(f"{len(found)} bytes where {count} are expected")
    return found


def _contributor_sums(sums: Sums) -> tuple[ContributorSum, ...]:
    return tuple(
        ContributorSum(
            contributor,
            sums.canonical_records[place],
            sums.norms_squared[place],
            pack_sum(sums.vectors[place]),
        )
        for place, contributor in enumerate(sums.contributors)
    )
