"""How records of a Datanet get into a prompt: which are asked for, found, cited, and credited.

Covered: the request's option and the operator's default, Datanets that the provider may use, an index per
published version that is built once, a prompt that names each record by a number, citations with places.
Not covered: searching (the `retrieve` job), signing (`client.retrieval`).
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from genesis.types import Hash32
from openledger_node.client.datasets import dataset_version
from openledger_node.client.economy import DATANETS, EconomyReader
from openledger_node.client.errors import RevertedError
from openledger_node.client.retrieval import weights_ppm
from openledger_node.errors import TemporaryError, UserError
from openledger_node.gateway.errors import NotFoundError
from openledger_node.gateway.text_requests import TextRequest, parse_retrieval
from openledger_node.gateway.values import hex_data
from openledger_node.jobs.ports import WorkerLostError, WorkerPool
from openledger_node.jobs.scheduler import JobFailedError, JobScheduler
from workers.artifacts.store import ArtifactStore
from workers.datasets.cleaning import without_chat_markers
from workers.datasets.contribution import record_layers
from workers.errors import ArtifactError, InvalidInputError
from workers.protocol import (
    ContributionSource,
    DatasetVersion,
    Hit,
    RetrievalIndexRequest,
    RetrievalIndexResult,
    RetrieveRequest,
    RetrieveResult,
)
from workers.protocol.codec import from_json, to_json

INDEX_PATIENCE_S = 30.0
SEARCH_PATIENCE_S = 30.0
INSTRUCTION = "Answer with the help of these records where they fit, and name the ones you use by number."


class IndexNotReadyError(TemporaryError):
    """The records are being read; it takes longer than a request may wait."""

    code = "OL-1326"


@dataclass(frozen=True, slots=True)
class Wanted:
    """`version` 0 is the newest."""

    datanet_id: int
    version: int
    top_k: int


class Retrieval:
    """Looks records up for one provider. `default_datanet` 0: only for requests that ask for it."""

    def __init__(
        self,
        *,
        reader: EconomyReader,
        scheduler: JobScheduler,
        pool: WorkerPool,
        artifacts: ArtifactStore,
        provider: bytes,
        default_datanet: int = 0,
    ) -> None:
        self._reader = reader
        self._scheduler = scheduler
        self._pool = pool
        self._artifacts = artifacts
        self._provider = provider
        self._default_datanet = default_datanet
        self._indexes: dict[tuple[int, int], RetrievalIndexResult] = {}

    async def applied(self, request: TextRequest) -> TextRequest:
        """The request with what was found in its prompt; raises UserError, NotFoundError, TemporaryError."""
        asked = parse_retrieval(request.body, self._default_datanet)
        if asked is None:
            return request
        datanet_id, version, top_k = asked
        wanted = await self._allowed(Wanted(datanet_id, version, top_k))
        hits = await self._search(await self._index(wanted), _question(request), top_k)
        citations = _citations(hits)
        return replace(
            request,
            forwarded=_with_context(request, citations),
            retrieval={
                "datanet": wanted.datanet_id,
                "version": wanted.version,
                "citations": citations,
            },
        )

    async def _allowed(self, wanted: Wanted) -> Wanted:
        """The version that is meant; raises where there is none, or the provider may not use it."""
        ethereum = self._reader.ethereum
        try:
            datanet = await ethereum.read(DATANETS, "getDatanet", wanted.datanet_id)
        except RevertedError as error:
            raise NotFoundError(f"no Datanet {wanted.datanet_id}") from error
        version = wanted.version or int(datanet["versions"])
        if not 1 <= version <= datanet["versions"]:
            raise NotFoundError(f"Datanet {wanted.datanet_id} has no version {version}")
        if not await ethereum.read(DATANETS, "mayUse", wanted.datanet_id, self._provider):
            raise UserError(f"the provider may not use Datanet {wanted.datanet_id}", "its owner grants usage")
        return replace(wanted, version=version)

    async def _index(self, wanted: Wanted) -> RetrievalIndexResult:
        """The version's index; a job builds it once and is waited for a while."""
        key = (wanted.datanet_id, wanted.version)
        if key not in self._indexes:
            version = await dataset_version(self._reader, *key)
            for source in version.contributions:
                await self._assert_committed(version, source)
            request = to_json(RetrievalIndexRequest(version))
            try:
                async with asyncio.timeout(INDEX_PATIENCE_S):
                    made = await self._scheduler.result("retrieval_index", request)
            except TimeoutError:
                raise IndexNotReadyError(
                    f"the records of Datanet {wanted.datanet_id} are being indexed", "ask again later"
                ) from None
            except JobFailedError as error:
                raise UserError(f"Datanet {wanted.datanet_id} cannot be searched: {error}") from error
            self._indexes[key] = from_json(RetrievalIndexResult, made)
        return self._indexes[key]

    async def _assert_committed(self, version: DatasetVersion, source: ContributionSource) -> None:
        """A file that was revealed must be what was committed; raises UserError."""
        ethereum = self._reader.ethereum
        found = await ethereum.read(DATANETS, "getContribution", source.contribution_id)
        try:
            root = await asyncio.to_thread(self._root, version, source)
        except (ArtifactError, InvalidInputError) as error:
            raise UserError(f"contribution {source.contribution_id} cannot be read: {error}") from error
        if root != found["root"]:
            raise UserError(f"contribution {source.contribution_id} is not what was committed")

    def _root(self, version: DatasetVersion, source: ContributionSource) -> Hash32:
        layers = record_layers(
            self._artifacts.get(source.artifact),
            chain_id=version.chain_id,
            datanet_id=version.datanet_id,
            contributor=source.contributor,
        )
        return layers[-1][0]

    async def _search(self, index: RetrievalIndexResult, question: str, top_k: int) -> tuple[Hit, ...]:
        request = to_json(RetrieveRequest(index.index, question, top_k))
        try:
            async with asyncio.timeout(SEARCH_PATIENCE_S):
                return from_json(RetrieveResult, await self._pool.run("retrieve", request)).hits
        except TimeoutError:
            raise WorkerLostError(f"no worker searched in {SEARCH_PATIENCE_S:.0f} s", "try again") from None


def _question(request: TextRequest) -> str:
    """What is looked up: the last thing the user said, or the prompt."""
    if not request.is_chat:
        prompt = request.forwarded["prompt"]
        if not isinstance(prompt, str):
            raise UserError("retrieval needs a prompt in words, not token ids")
        return prompt
    said = [message for message in request.forwarded["messages"] if message["role"] == "user"]
    content = said[-1].get("content") if said else None
    if not isinstance(content, str) or not content:
        raise UserError("retrieval needs a last user message in words")
    return content


def _citations(hits: tuple[Hit, ...]) -> list[dict[str, Any]]:
    weights = weights_ppm([hit.cosine_ppm for hit in hits]) if hits else []
    return [
        {
            "number": number,
            "record": hit.record,
            "contributor": hex_data(hit.contributor),
            "start": hit.start,
            "end": hit.end,
            "text": hit.text,
            "cosinePpm": hit.cosine_ppm,
            "weightPpm": weight,
        }
        for number, (hit, weight) in enumerate(zip(hits, weights, strict=True), start=1)
    ]


def _with_context(request: TextRequest, citations: list[dict[str, Any]]) -> Mapping[str, Any]:
    """The request's fields with the records before everything else; none of them can begin a turn."""
    texts = [without_chat_markers(citation["text"]) for citation in citations]
    found = "\n\n".join(f"[{number}] {text}" for number, text in enumerate(texts, start=1))
    context = f"{INSTRUCTION}\n\n{found}"
    forwarded = dict(request.forwarded)
    if not request.is_chat:
        return forwarded | {"prompt": f"{context}\n\n{forwarded['prompt']}"}
    messages = list(forwarded["messages"])
    if messages[0]["role"] == "system" and isinstance(messages[0].get("content"), str):
        merged = {**messages[0], "content": f"{messages[0]['content']}\n\n{context}"}
        return forwarded | {"messages": [merged, *messages[1:]]}
    return forwarded | {"messages": [{"role": "system", "content": context}, *messages]}
