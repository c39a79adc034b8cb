"""Who made an answer possible: contributors, records and verbatim passages, computed when somebody asks.

Shown, and provable from published rows; paid is one score per batch and contributor (`jobs.attestor`).
Covered: any answer whose tokens are known, settled or not. Not covered: answers under an index that has no
rows here.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genesis.shares import PPM
from genesis.typed_data import Explanation
from openledger_node.client.account import Account
from openledger_node.client.economy import EconomyReader
from openledger_node.client.explanations import MAXIMUM_SPANS, sign_explanation
from openledger_node.gateway.values import hex_data
from openledger_node.jobs.ports import WorkerPool
from workers.artifacts.store import ArtifactId, ArtifactStore, parse_id
from workers.attribution.index import FeatureIndex, read_index, read_rows
from workers.attribution.numerics import exact_dots
from workers.attribution.queries import read_queries
from workers.attribution.scoring import record_scores
from workers.protocol import (
    QueriesRequest,
    QueriesResult,
    ReceiptInput,
    SpanFound,
    SpansRequest,
    SpansResult,
)
from workers.protocol.codec import from_json, to_json

Sign = Callable[[Explanation, Mapping[str, Any], str], dict[str, Any]]
"""What goes beside an explanation's passages: the provider's signature under them, nothing where there are
none."""
TOP_RECORDS = 5
PATIENCE_S = 60.0
LEAST_PASSAGE_BYTES = 16
"""Shorter ones stand in too many records to say anything."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer to explain. `text` "" for a classifier, which has no passages."""

    model_id: int
    feature_index: int
    prompt: tuple[int, ...]
    response: tuple[int, ...]
    text: str


class Explanations:
    def __init__(self, *, reader: EconomyReader, artifacts: ArtifactStore, pool: WorkerPool) -> None:
        self._reader = reader
        self._artifacts = artifacts
        self._pool = pool

    async def explain(self, answered: Answered, top: int = TOP_RECORDS) -> dict[str, Any]:
        """The answer's query against rows and sums, its passages among the records.

        Raises WorkerFailedError, WorkerLostError, WorkerError, LookupError, TimeoutError.
        """
        async with asyncio.timeout(PATIENCE_S):
            index_name = parse_id(await self._reader.uri_of_index(answered.feature_index, answered.model_id))
            receipt = ReceiptInput(0, 1, answered.prompt, answered.response)
            request = QueriesRequest(ArtifactId(index_name), (receipt,))
            made = from_json(QueriesResult, await self._pool.run("queries", to_json(request)))
            return await self.of_query(index_name, made.queries, 0, answered.text, top)

    async def of_query(
        self, index_name: str, queries_name: str, position: int, text: str, top: int = TOP_RECORDS
    ) -> dict[str, Any]:
        """The same from a query that is computed already: number `position` of a queries file."""
        index = await asyncio.to_thread(read_index, self._artifacts, index_name)
        query = await asyncio.to_thread(self._query, queries_name, position)
        records = await asyncio.to_thread(self._records, index, query, top)
        explained = {"contributors": _contributors(index, query)[:top], "records": records}
        return explained | {"spans": await self._spans(index, text) if text else []}

    def _query(self, queries_name: str, position: int) -> list[int]:
        return [int(value) for value in read_queries(self._artifacts, queries_name).vectors[position]]

    def _records(self, index: FeatureIndex, query: list[int], top: int) -> list[dict[str, Any]]:
        rows = read_rows(self._artifacts, index.rows)
        scores = record_scores(rows, query)
        canonical = [i for i in range(len(scores)) if rows.canonical_mask[i]]
        best = sorted(canonical, key=lambda i: (-scores[i], i))[:top]
        return [
            {
                "record": i,
                "contributor": hex_data(index.sums.contributors[int(rows.owners[i])]),
                "score": str(scores[i]),
            }
            for i in best
        ]

    async def _spans(self, index: FeatureIndex, text: str) -> list[dict[str, Any]]:
        request = SpansRequest(index.manifest, (text,), LEAST_PASSAGE_BYTES)
        found = from_json(SpansResult, await self._pool.run("spans", to_json(request)))
        return [_span_to_json(span, text) for span in found.spans[:MAXIMUM_SPANS]]


def signing(account: Account, chain_id: int) -> Sign:
    """The provider's hand."""

    def sign(about: Explanation, found: Mapping[str, Any], text: str) -> dict[str, Any]:
        shown = found.get("spans")
        return {"signed": sign_explanation(about, shown, text, account, chain_id)} if shown else {}

    return sign


def _contributors(index: FeatureIndex, query: Sequence[int]) -> list[dict[str, Any]]:
    """Best first; `sharePpm` is each one's part of the positive scores, which is how one answer would pay."""
    scores = exact_dots(index.sums.vectors, query)
    total = sum(max(0, score) for score in scores)
    order = sorted(range(len(scores)), key=lambda c: (-scores[c], c))
    return [
        {
            "index": c,
            "contributor": hex_data(index.sums.contributors[c]),
            "score": str(scores[c]),
            "sharePpm": max(0, scores[c]) * PPM // total if total else 0,
        }
        for c in order
    ]


def _span_to_json(span: SpanFound, text: str) -> dict[str, Any]:
    return {
        "start": span.start,
        "end": span.end,
        "text": text[span.start : span.end],
        "record": span.record,
        "contributor": hex_data(span.contributor),
        "places": span.places,
        "offset": span.offset,
    }
