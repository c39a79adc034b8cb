"""What JSON-RPC tells of work that lives off the chain: the gateway's records, jobs and proofs in one place.

Covered: `openledger_getJob`, `getReceipt`, `getReceiptProof`, `getAttribution`; the methods about posts and
datasets are in `earnings`, `record_proofs`. None is for an unknown id; integers are quantities, bytes hex.
Not covered: anything private: features, answers and salts are in no result.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from genesis.addresses import INFERENCE_METERING
from genesis.commitments import KIND_RECEIPTS, sum_leaf, sum_proof, sum_tree_id, sum_tree_layers
from genesis.types import Address, Hash32
from openledger_node.errors import UserError
from openledger_node.gateway.attributions import Attributions
from openledger_node.gateway.earnings import Earnings
from openledger_node.gateway.errors import NotFoundError
from openledger_node.gateway.job_routes import job_to_json
from openledger_node.gateway.receipts import ReceiptTable, StoredReceipt
from openledger_node.gateway.record_proofs import RecordProofs
from openledger_node.gateway.values import hex_data
from openledger_node.jobs.scheduler import JobScheduler
from openledger_node.jobs.settlements import SettlementTable
from workers.errors import ArtifactError, InvalidInputError

Json = dict[str, Any]

MAXIMUM_NUMBER = 2**62
"""Beyond it no id exists; the database has 64-bit integers."""


class Records:
    """The gateway's side of the JSON-RPC's `EconomyPort`."""

    def __init__(
        self,
        *,
        scheduler: JobScheduler,
        receipts: ReceiptTable,
        settlements: SettlementTable,
        attributions: Attributions,
        earnings: Earnings,
        record_proofs: RecordProofs,
        chain_id: int,
    ) -> None:
        self._scheduler = scheduler
        self._receipts = receipts
        self._settlements = settlements
        self._attributions = attributions
        self._earnings = earnings
        self._record_proofs = record_proofs
        self._chain_id = chain_id

    async def job(self, job_id: str) -> Json | None:
        job = await self._scheduler.get(job_id)
        return None if job is None else job_to_json(job)

    async def receipt(self, channel_id: Hash32, number: int) -> Json | None:
        """A receipt's public part, and the settlement that took it."""
        found = await self._receipts.get(channel_id, number) if number < MAXIMUM_NUMBER else None
        if found is None:
            return None
        settlement_id, _ = await self._settled(channel_id, number)
        return {
            "channelId": hex_data(channel_id),
            "number": hex(number),
            "receiptHash": hex_data(found.receipt_hash),
            "tokensIn": hex(found.tokens_in),
            "tokensOut": hex(found.tokens_out),
            "fee": hex(found.fee_wei),
            "settlementId": hex(settlement_id) if settlement_id else None,
        }

    async def receipt_proof(self, channel_id: Hash32, number: int) -> Json | None:
        """The receipt's place under the root that settled it, else the newest voucher's, else all so far."""
        receipts = await self._receipts.of_channel(channel_id)
        if number >= len(receipts):
            return None
        settlement_id, count = await self._settled(channel_id, number)
        if not settlement_id:
            signed = await self._receipts.newest_voucher(channel_id)
            acknowledged = 0 if signed is None else signed.voucher.receipt_count
            count = acknowledged if number < acknowledged else len(receipts)
        proof = await asyncio.to_thread(self._receipt_proof, channel_id, receipts[:count], number)
        return proof | {"settlementId": hex(settlement_id) if settlement_id else None}

    async def attribution(self, inference_id: str) -> Json | None:
        """Contributors and records behind one paid answer; the same as `GET /v1/attributions/{id}`."""
        try:
            return await self._attributions.explain(inference_id.removeprefix("0x"))
        except NotFoundError:
            return None

    async def attribution_proof(self, post_id: int, contributor: Address) -> Json | None:
        return await _readable(self._earnings.proof(post_id, contributor))

    async def estimate_earnings(self, contributor: Address, model_id: int) -> Json | None:
        return await _readable(self._earnings.estimate(contributor, model_id))

    async def record_proof(self, datanet_id: int, version: int, record: int) -> Json | None:
        return await _readable(self._record_proofs.prove(datanet_id, version, record))

    async def _settled(self, channel_id: Hash32, number: int) -> tuple[int, int]:
        """(settlement id, receipts under its root) of the settlement that took the receipt; zeros if none."""
        for plan, progress in await self._settlements.of_channel(channel_id):
            if plan.first_receipt <= number < plan.receipt_count and progress.settlement_id:
                return progress.settlement_id, plan.receipt_count
        return 0, 0

    def _receipt_proof(self, channel_id: Hash32, receipts: Sequence[StoredReceipt], number: int) -> Json:
        channel = int.from_bytes(channel_id, "big")
        tree_id = sum_tree_id(KIND_RECEIPTS, self._chain_id, INFERENCE_METERING, channel)
        leaves = [sum_leaf(tree_id, each.number, each.receipt_hash, each.fee_wei) for each in receipts]
        layers = sum_tree_layers(leaves)
        siblings = sum_proof(layers, number)
        return {
            "channelId": hex_data(channel_id),
            "number": hex(number),
            "receiptHash": hex_data(receipts[number].receipt_hash),
            "fee": hex(receipts[number].fee_wei),
            "count": hex(len(receipts)),
            "root": hex_data(layers[-1][0].hash),
            "total": hex(layers[-1][0].sum),
            "siblings": [hex_data(sibling.hash) for sibling in siblings],
            "siblingSums": [hex(sibling.sum) for sibling in siblings],
        }


async def _readable(answer: Any) -> Json | None:
    """The answer; raises UserError where a document it needs cannot be read on this node."""
    try:
        found: Json | None = await answer
    except (ArtifactError, InvalidInputError) as error:
        raise UserError(
            f"a published document cannot be read: {error}", "ask the node of its publisher, or fetch it here"
        ) from error
    return found
