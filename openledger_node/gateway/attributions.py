"""Who made one paid answer possible, by its receipt: from the settled query, or computed before settlement.

Covered: receipts of classifiers and language models, settled or not. Not covered: what is paid, which is per
batch and net per contributor (`jobs.attestor`).
"""

from collections.abc import Mapping
from typing import Any

from genesis.keccak import keccak256
from genesis.typed_data import Explanation
from genesis.types import Hash32
from openledger_node.client.answers import said_text
from openledger_node.client.economy import EconomyReader
from openledger_node.client.explanations import output_of
from openledger_node.gateway.errors import NotFoundError
from openledger_node.gateway.explanations import Answered, Explanations, Sign
from openledger_node.gateway.receipts import ReceiptTable, StoredReceipt
from openledger_node.gateway.values import channel_id_of
from openledger_node.jobs.settlement import SettlementPlan, SettlementProgress
from openledger_node.jobs.settlements import SettlementTable
from workers.artifacts.store import parse_id

MOST_DIGITS = 18
"""Of a receipt's number; it fits the database's 64 bits."""


class Attributions:
    def __init__(
        self,
        *,
        settlements: SettlementTable,
        receipts: ReceiptTable,
        explanations: Explanations,
        reader: EconomyReader,
        sign: Sign,
    ) -> None:
        self._settlements = settlements
        self._receipts = receipts
        self._explanations = explanations
        self._reader = reader
        self._sign = sign

    async def explain(self, receipt_id: str) -> dict[str, Any]:
        """Contributors and top records of a receipt, best first; raises NotFoundError."""
        channel_text, _, number_text = receipt_id.rpartition("-")
        if not number_text.isascii() or not number_text.isdecimal() or len(number_text) > MOST_DIGITS:
            raise NotFoundError(f"{receipt_id!r} is not a receipt id")
        channel_id, number = channel_id_of(channel_text), int(number_text)
        receipt = await self._receipts.get(channel_id, number)
        if receipt is None:
            raise NotFoundError(f"no receipt {receipt_id} here")
        settled = await self._settlement_of(channel_id, number)
        if settled is None:
            found = await self._unsettled(receipt)
            return {"id": receipt_id, "object": "attribution", **found, **self._signed(receipt, found)}
        plan, progress = settled
        uri = await self._reader.uri_of_index(plan.feature_index, plan.model_id)
        position = number - plan.first_receipt
        explained = await self._explanations.of_query(
            parse_id(uri), progress.queries, position, text_of(receipt)
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
            **self._signed(receipt, {"featureIndex": plan.feature_index, **explained}),
        }

    async def _unsettled(self, receipt: StoredReceipt) -> dict[str, Any]:
        channel = await self._reader.channel(receipt.channel_id)
        answered = Answered(
            channel.model_id, channel.feature_index, receipt.features, receipt.response, text_of(receipt)
        )
        return {
            "modelId": channel.model_id,
            "featureIndex": channel.feature_index,
            "settlementId": 0,
            "postId": 0,
            "final": False,
            **await self._explanations.explain(answered),
        }

    def _signed(self, receipt: StoredReceipt, found: Mapping[str, Any]) -> dict[str, Any]:
        """The provider's word for the passages shown."""
        output = output_of(receipt.output_salt, text_of(receipt), receipt.response)
        about = Explanation(receipt.channel_id, receipt.number, int(found["featureIndex"]), keccak256(output))
        return self._sign(about, found, text_of(receipt))

    async def _settlement_of(
        self, channel_id: Hash32, number: int
    ) -> tuple[SettlementPlan, SettlementProgress] | None:
        """The settlement that took a receipt, once its queries are computed."""
        for plan, progress in await self._settlements.of_channel(channel_id):
            if plan.first_receipt <= number < plan.receipt_count and progress.queries:
                return plan, progress
        return None


def text_of(receipt: StoredReceipt) -> str:
    """What a language model answered, "" for a classifier."""
    choices = receipt.answer.get("choices")
    if not isinstance(choices, list):
        return ""
    return said_text(choices[0])
