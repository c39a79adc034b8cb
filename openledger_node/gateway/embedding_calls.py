"""How one paid call to an encoder runs: voucher, worker, receipt on disk, vectors.

What is attributed is finding: the first text is what is asked, the nearest of the others what was found, as
an encoder's feature index has it (`workers.attribution.embedding_subject`). So a paid call has two texts at
least. The fee is that of all tokens read.

Covered: vouchers, one receipt per idempotency key, receipts durable before the answer leaves.
Not covered: x402, whose fee would be known only after the work.
"""

import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from genesis.keccak import keccak256
from genesis.shares import receipt_fee
from openledger_node.client.embeddings import embeddings_output
from openledger_node.client.vouchers import SignedVoucher
from openledger_node.errors import UserError
from openledger_node.gateway.catalog import CatalogEntry
from openledger_node.gateway.channels import Channels, Delivered
from openledger_node.gateway.receipts import ReceiptTable
from workers.artifacts import canonical_json
from workers.protocol import EmbedResult


@dataclass(frozen=True, slots=True)
class Asked:
    """A checked request; `encode` writes a vector as `encoding` says."""

    model: str
    texts: tuple[str, ...]
    dimensions: int
    encode: Callable[[list[float]], Any]
    encoding: str

    @property
    def hash(self) -> bytes:
        return keccak256(
            canonical_json.encode([self.model, list(self.texts), self.dimensions, self.encoding])
        )

    def delivered(self, made: EmbedResult) -> list[list[float]]:
        """The vectors as long as they were asked for."""
        return [shortened(vector, self.dimensions) for vector in made.vectors]

    def body(self, made: EmbedResult) -> dict[str, Any]:
        """OpenAI's answer."""
        total = sum(made.tokens)
        return {
            "object": "list",
            "model": self.model,
            "data": [
                {"object": "embedding", "index": place, "embedding": self.encode(vector)}
                for place, vector in enumerate(self.delivered(made))
            ],
            "usage": {"prompt_tokens": total, "total_tokens": total},
        }


class EmbeddingCalls:
    """Serves paid vectors for one provider."""

    def __init__(self, channels: Channels, receipts: ReceiptTable) -> None:
        self._channels = channels
        self._receipts = receipts

    def terms(self, entry: CatalogEntry, tokens: int) -> dict[str, Any]:
        """What a call costs that reads so many tokens."""
        price_wei = entry.model.input_price_wei
        return {
            "model": entry.name,
            "modelId": entry.model_id,
            "provider": f"0x{self._channels.provider.hex()}",
            "inputPrice": str(price_wei),
            "tokensIn": tokens,
            "maximumFee": str(receipt_fee(tokens, 0, price_wei, 0)),
        }

    async def answer(
        self,
        entry: CatalogEntry,
        asked: Asked,
        voucher: SignedVoucher,
        key: str,
        make: Callable[[], Awaitable[EmbedResult]],
    ) -> Mapping[str, Any]:
        """The vectors with their receipt; raises PaymentRequiredError, ConflictError, UserError."""
        session = await self._channels.session(voucher.voucher.channel_id)
        async with session.lock:
            earlier = await self._channels.earlier(session, voucher, key, asked.hash)
            if earlier is not None:
                return earlier.answer
            await self._channels.admit(session, voucher, entry.model_id, 0)
            made = await make()
            channel = await self._channels.channel(session)
            fee_wei = receipt_fee(sum(made.tokens), 0, channel.input_price_wei, 0)
            await self._channels.admit(session, voucher, entry.model_id, fee_wei)
            found = nearest(made)
            delivered = Delivered(
                prompt=made.ids[0],
                response=made.ids[found],
                output=embeddings_output(asked.texts, asked.delivered(made), found, made.ids[found]),
                tokens_in=sum(made.tokens),
                tokens_out=0,
                fee_wei=fee_wei,
            )
            receipt = self._channels.receipt(session, delivered)
            tokens = {"promptTokens": list(made.ids[0]), "foundTokens": list(made.ids[found])}
            paid = {**receipt.paid, "found": found, **tokens}
            answer = {**asked.body(made), "x_openledger": paid}
            stored = self._channels.stored(
                session, delivered, receipt, answer=answer, request_hash=asked.hash, key=key
            )
            await self._receipts.add(stored, voucher)
            session.tree = receipt.tree
        return answer


def nearest(made: EmbedResult) -> int:
    """Which of the other texts is nearest to the first; raises UserError where all are the same."""
    asked = made.vectors[0]
    others = [place for place in range(1, len(made.ids)) if made.ids[place] != made.ids[0]]
    if not others:
        raise UserError(
            "a paid call has two different texts at least: what is asked, and where it may be found",
            f"one text alone is free with {'all-minilm-l6-v2'!r}",
        )
    return max(others, key=lambda place: (_cosine(asked, made.vectors[place]), -place))


def shortened(vector: tuple[float, ...], dimensions: int) -> list[float]:
    """The first coordinates, at unit length again."""
    part = vector[:dimensions]
    length = math.sqrt(sum(value * value for value in part)) or 1.0
    return [value / length for value in part]


def _cosine(left: tuple[float, ...], right: tuple[float, ...]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))
