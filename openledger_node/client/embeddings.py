"""How a customer buys vectors of an encoder and checks their receipts.

Covered: a voucher for the most a call can cost; fee, hashes and root of every receipt.
Not covered: whether the vectors are the encoder's.
"""

import array
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from genesis.keccak import keccak256
from genesis.shares import receipt_fee
from openledger_node.client.errors import DishonestReceiptError
from openledger_node.client.metering import KEY_HEADER, VOUCHER_HEADER, Purchases
from openledger_node.client.openings import Opening
from openledger_node.client.vouchers import encode_voucher
from workers.artifacts import canonical_json

MOST_TOKENS = 256
"""Of one text."""


def embeddings_output(
    texts: Sequence[str], vectors: Sequence[Sequence[float]], found: int, tokens: Sequence[int]
) -> dict[str, Any]:
    """What an embedding receipt's output hash is over: texts, whole vectors as float32, the nearest text and
    its token ids."""
    data = b"".join(array.array("f", vector).tobytes() for vector in vectors)
    return {
        "found": found,
        "texts": keccak256(canonical_json.encode(list(texts))).hex(),
        "tokens": list(tokens),
        "vectors": keccak256(data).hex(),
    }


class EmbeddingPurchases(Purchases):
    """One channel's customer side. Calls must not overlap."""

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Vectors of two texts or more; raises GatewayError, DishonestReceiptError."""
        most_wei = receipt_fee(MOST_TOKENS * len(texts), 0, self._terms.input_price, 0)
        headers = {
            VOUCHER_HEADER: encode_voucher(self._voucher(self.tree.total_fee_wei + most_wei)),
            KEY_HEADER: f"{self.tree.count}-{secrets.token_hex(8)}",
        }
        body = {"model": self._terms.model, "input": list(texts)}
        answer = await self._post_again("/v1/embeddings", body, headers)
        vectors = [list(each["embedding"]) for each in answer["data"]]
        self._check(answer["x_openledger"], texts, vectors, int(answer["usage"]["prompt_tokens"]))
        return vectors

    def _check(
        self, paid: Mapping[str, Any], texts: Sequence[str], vectors: list[list[float]], tokens: int
    ) -> None:
        receipt = paid["receipt"]
        if (receipt["tokensIn"], receipt["tokensOut"]) != (tokens, 0) or tokens > MOST_TOKENS * len(texts):
            raise DishonestReceiptError(f"receipt {self.tree.count} counts other tokens than the answer")
        fee_wei = receipt_fee(tokens, 0, self._terms.input_price, 0)
        output = embeddings_output(texts, vectors, paid["found"], paid["foundTokens"])
        self._grow(paid, Opening.of(receipt, paid["promptTokens"], output), fee_wei)
