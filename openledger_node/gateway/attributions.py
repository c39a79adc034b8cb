"""Who made one paid answer possible: contributors and records by score, for one receipt.

Shown, and provable from published rows; not what is paid. Payment is per batch and net per contributor
(`jobs.attestor`). Covered: receipts whose queries are computed. Not covered: receipts not settled yet.
"""

import asyncio
from typing import Any

from genesis.types import Hash32
from openledger_node.client.economy import EconomyReader
from openledger_node.gateway.errors import NotFoundError
from openledger_node.gateway.values import channel_id_of
from openledger_node.jobs.settlement import SettlementPlan, SettlementProgress
from openledger_node.jobs.settlements import SettlementTable
from workers.artifacts.store import ArtifactStore, parse_id
from workers.attribution.index import FeatureIndex, read_index, read_rows
from workers.attribution.numerics import exact_dots
from workers.attribution.queries import read_queries
from workers.attribution.scoring import record_scores

TOP_RECORDS = 5
MOST_DIGITS = 18
"""Of a receipt's number; it fits the database's 64 bits."""


class Attributions:
    def __init__(
        self, *, settlements: SettlementTable, artifacts: ArtifactStore, reader: EconomyReader
    ) -> None:
        self._settlements = settlements
        self._artifacts = artifacts
        self._reader = reader

    async def explain(self, receipt_id: str) -> dict[str, Any]:
        """Contributors and top records of a receipt, best first; raises NotFoundError."""
        channel_text, _, number_text = receipt_id.rpartition("-")
        if not number_text.isascii() or not number_text.isdecimal() or len(number_text) > MOST_DIGITS:
            raise NotFoundError(f"{receipt_id!r} is not a receipt id")
        plan, progress = await self._settlement_of(channel_id_of(channel_text), int(number_text))
        uri = await self._reader.uri_of_index(plan.feature_index, plan.model_id)
        explained = await asyncio.to_thread(
            self._explain, parse_id(uri), progress.queries, int(number_text) - plan.first_receipt
        )
        return {
            "id": receipt_id,
            "object": "attribution",
            "modelId": plan.model_id,
            "featureIndex": plan.feature_index,
            "settlementId": progress.settlement_id,
            "postId": progress.post_id,
            "final": progress.final,
            **explained,
        }

    async def _settlement_of(
        self, channel_id: Hash32, number: int
    ) -> tuple[SettlementPlan, SettlementProgress]:
        for plan, progress in await self._settlements.of_channel(channel_id):
            if plan.first_receipt <= number < plan.receipt_count and progress.queries:
                return plan, progress
        raise NotFoundError("this receipt is not settled yet", "settle its channel first")

    def _explain(self, index_name: str, queries_name: str, position: int) -> dict[str, Any]:
        index = read_index(self._artifacts, index_name)
        query = [int(value) for value in read_queries(self._artifacts, queries_name).vectors[position]]
        return {
            "contributors": _contributors(index, query),
            "records": self._records(index, query),
        }

    def _records(self, index: FeatureIndex, query: list[int]) -> list[dict[str, Any]]:
        rows = read_rows(self._artifacts, index.rows)
        scores = record_scores(rows, query)
        canonical = [i for i in range(len(scores)) if rows.canonical_mask[i]]
        best = sorted(canonical, key=lambda i: (-scores[i], i))[:TOP_RECORDS]
        return [
            {
                "record": i,
                "contributor": f"0x{index.sums.contributors[int(rows.owners[i])].hex()}",
                "score": str(scores[i]),
            }
            for i in best
        ]


def _contributors(index: FeatureIndex, query: list[int]) -> list[dict[str, Any]]:
    scores = exact_dots(index.sums.vectors, query)
    order = sorted(range(len(scores)), key=lambda c: (-scores[c], c))
    return [
        {"index": c, "contributor": f"0x{index.sums.contributors[c].hex()}", "score": str(scores[c])}
        for c in order
    ]
