"""How one paid classification runs: voucher, worker, receipt on disk, answer.

Covered: the voucher's rules (`vouchers`), an index that is what the chain says (`servable`), exactly one
receipt per idempotency key, receipts durable before the answer leaves, one call at a time per channel.
Not covered: language models (`text_calls`); settling (`settling`); free calls.

Invariant: a receipt exists iff its answer was computed; nothing is charged for a worker's failure.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from genesis.keccak import keccak256
from genesis.shares import receipt_fee
from openledger_node.client.vouchers import SignedVoucher
from openledger_node.clock import Clock
from openledger_node.gateway.catalog import CatalogEntry
from openledger_node.gateway.channels import Channels, Delivered
from openledger_node.gateway.receipts import ReceiptTable
from openledger_node.jobs.ports import WorkerLostError, WorkerPool
from workers.artifacts import canonical_json
from workers.artifacts.store import ArtifactId
from workers.protocol import PredictRequest, PredictResult
from workers.protocol.codec import from_json, to_json

TOKENS_OUT = 1
ANSWER_PATIENCE_S = 30.0
"""How long a customer waits for a worker before the call is given up, unbilled."""


@dataclass(frozen=True, slots=True)
class Call:
    """A paid call as it came in. `idempotency_key` "" means the caller will not retry."""

    entry: CatalogEntry
    features: tuple[int, ...]
    voucher: SignedVoucher
    idempotency_key: str

    @property
    def request_hash(self) -> bytes:
        return keccak256(canonical_json.encode([self.entry.name, list(self.features)]))


class Metering:
    """Serves paid classifications for one provider."""

    def __init__(self, *, channels: Channels, receipts: ReceiptTable, pool: WorkerPool, clock: Clock) -> None:
        self._channels = channels
        self._receipts = receipts
        self._pool = pool
        self._clock = clock

    async def classify(self, call: Call) -> Mapping[str, Any]:
        """Answer one call; a repeated idempotency key brings back the first answer and costs nothing.

        Raises PaymentRequiredError, ConflictError, UserError.
        """
        session = await self._channels.session(call.voucher.voucher.channel_id)
        async with session.lock:
            earlier = await self._channels.earlier(
                session, call.voucher, call.idempotency_key, call.request_hash
            )
            if earlier is not None:
                return earlier.answer
            channel = await self._channels.channel(session)
            fee_wei = receipt_fee(
                len(call.features), TOKENS_OUT, channel.input_price_wei, channel.output_price_wei
            )
            await self._channels.admit(session, call.voucher, call.entry.model_id, fee_wei)
            prediction = await self._predict(call)
            delivered = _delivered(call, prediction, fee_wei)
            receipt = self._channels.receipt(session, delivered)
            answer = _answer(call, delivered.output, receipt.paid, int(self._clock.now_s()))
            stored = self._channels.stored(
                session,
                delivered,
                receipt,
                answer=answer,
                request_hash=call.request_hash,
                key=call.idempotency_key,
            )
            await self._receipts.add(stored, call.voucher)
            session.tree = receipt.tree
        return answer

    async def _predict(self, call: Call) -> PredictResult:
        request = PredictRequest(ArtifactId(call.entry.manifest), (call.features,))
        try:
            async with asyncio.timeout(ANSWER_PATIENCE_S):
                answer = await self._pool.run("predict", to_json(request))
        except TimeoutError:
            raise WorkerLostError(f"no worker answered in {ANSWER_PATIENCE_S:.0f} s", "try again") from None
        return from_json(PredictResult, answer)


def _delivered(call: Call, prediction: PredictResult, fee_wei: int) -> Delivered:
    output = {"label": prediction.labels[0], "probabilities": list(prediction.probabilities[0])}
    return Delivered(
        prompt=call.features,
        response=(),
        output=output,
        tokens_in=len(call.features),
        tokens_out=TOKENS_OUT,
        fee_wei=fee_wei,
    )


def _answer(call: Call, output: Mapping[str, Any], paid: Mapping[str, Any], created_s: int) -> dict[str, Any]:
    """vLLM's classification response, with the receipt beside it."""
    receipt = paid["receipt"]
    return {
        "id": f"classify-{receipt['id']}",
        "object": "list",
        "created": created_s,
        "model": call.entry.name,
        "data": [
            {
                "index": 0,
                "label": str(output["label"]),
                "probs": output["probabilities"],
                "num_classes": len(output["probabilities"]),
            }
        ],
        "usage": {
            "prompt_tokens": receipt["tokensIn"],
            "completion_tokens": receipt["tokensOut"],
            "total_tokens": receipt["tokensIn"] + receipt["tokensOut"],
        },
        "x_openledger": dict(paid),
    }
