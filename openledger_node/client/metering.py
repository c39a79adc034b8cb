"""How a customer buys inference through a channel and checks every receipt it is given.

Covered: vouchers that acknowledge exactly the receipts checked here, receipts recomputed from prompt, answer
and price, retries under one idempotency key. Not covered: opening and closing the channel (contract calls).
"""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from genesis.shares import receipt_fee
from genesis.typed_data import Voucher
from genesis.types import Hash32
from openledger_node.client.account import Account
from openledger_node.client.errors import DishonestReceiptError, UnreachableError
from openledger_node.client.gateway import GatewayClient, GatewayError
from openledger_node.client.openings import Opening
from openledger_node.client.receipt_tree import ReceiptTree
from openledger_node.client.retrieval_agreement import agree_on_retrieval
from openledger_node.client.retrieval_shares import Bought, Cited
from openledger_node.client.vouchers import SignedVoucher, encode_voucher, sign_voucher, voucher_to_json

VOUCHER_HEADER = "X-OpenLedger-Voucher"
KEY_HEADER = "Idempotency-Key"
ATTEMPTS = 4
RETRY_PAUSE_S = 0.5
BUSY = 503
TOKENS_OUT = 1


@dataclass(frozen=True, slots=True)
class Terms:
    """What the channel pinned when it opened; prices are wei per 1,000 tokens."""

    channel_id: Hash32
    chain_id: int
    model: str
    input_price: int
    output_price: int


class Purchases:
    """One channel's customer side. Calls must not overlap."""

    def __init__(self, gateway: GatewayClient, key: Account, terms: Terms) -> None:
        self._gateway = gateway
        self._key = key
        self._terms = terms
        self.tree = ReceiptTree(terms.chain_id, terms.channel_id)
        self.opening: Opening | None = None
        """What opens the newest receipt, to be kept beside it."""
        self.bought: list[Bought] = []
        """Every receipt of `tree`, with what its answer cited."""
        self._unsettled_from = 0

    @property
    def channel_id(self) -> Hash32:
        return self._terms.channel_id

    @property
    def model(self) -> str:
        return self._terms.model

    async def classify(self, features: Sequence[int]) -> Mapping[str, Any]:
        """Buy one classification; returns the gateway's answer after checking its receipt.

        Raises GatewayError, DishonestReceiptError, and UnreachableError after ATTEMPTS tries.
        """
        fee_wei = receipt_fee(len(features), TOKENS_OUT, self._terms.input_price, self._terms.output_price)
        voucher = self._voucher(self.tree.total_fee_wei + fee_wei)
        headers = {
            VOUCHER_HEADER: encode_voucher(voucher),
            KEY_HEADER: f"{self.tree.count}-{secrets.token_hex(8)}",
        }
        body = {"model": self._terms.model, "input": list(features)}
        answer = await self._post_again("/v1/classify", body, headers)
        self._accept(features, answer, fee_wei)
        return answer

    async def acknowledge(self) -> None:
        """Sign for exactly what was received, so that the provider can settle all of it.

        Raises GatewayError, DishonestReceiptError.
        """
        await self.pay_retrieved()
        path = f"/v1/channels/0x{self._terms.channel_id.hex()}/voucher"
        await self._gateway.post(path, voucher_to_json(self._voucher(self.tree.total_fee_wei)))

    async def pay_retrieved(self) -> None:
        """Agree that records which answers used are paid from what these receipts leave their contributors.

        Raises GatewayError, DishonestReceiptError. Nothing is asked where nothing was cited, or where it is
        not known what was: records are not paid then.
        """
        knows = len(self.bought) == self.tree.count
        if not knows or all(each.cited is None for each in self.bought[self._unsettled_from :]):
            return
        place = self._terms.chain_id, self._terms.channel_id
        self._unsettled_from = await agree_on_retrieval(
            self._gateway, self._key, place, self.bought, self.tree.root().hash
        )

    def _voucher(self, cumulative_fee_wei: int) -> SignedVoucher:
        voucher = Voucher(self._terms.channel_id, self.tree.count, cumulative_fee_wei, self.tree.root().hash)
        return sign_voucher(voucher, self._key, self._terms.chain_id)

    async def _post_again(self, path: str, body: Any, headers: Mapping[str, str]) -> Mapping[str, Any]:
        for attempt in range(ATTEMPTS - 1):
            try:
                return await self._post(path, body, headers)
            except UnreachableError:
                await asyncio.sleep(RETRY_PAUSE_S * 2**attempt)
            except GatewayError as error:
                if error.status != BUSY:
                    raise
                await asyncio.sleep(RETRY_PAUSE_S * 2**attempt)
        return await self._post(path, body, headers)

    async def _post(self, path: str, body: Any, headers: Mapping[str, str]) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = await self._gateway.post(path, body, headers)
        return answer

    def _accept(self, features: Sequence[int], answer: Mapping[str, Any], fee_wei: int) -> None:
        """Recompute the receipt and the root; only then does the next voucher acknowledge it."""
        paid = answer["x_openledger"]
        receipt, data = paid["receipt"], answer["data"][0]
        output = {"label": int(data["label"]), "probabilities": data["probs"]}
        opening = Opening.of(receipt, list(features), output)
        self._grow(paid, replace(opening, tokens_in=len(features), tokens_out=TOKENS_OUT), fee_wei)

    def _grow(self, paid: Mapping[str, Any], opening: Opening, fee_wei: int) -> None:
        """Add the receipt that should be of this and cost so much; raises DishonestReceiptError."""
        expected = opening.hash(self._terms.channel_id, self.tree.count, fee_wei)
        grown = self.tree.grown(expected, fee_wei)
        if paid["receipt"]["receiptHash"] != f"0x{expected.hex()}":
            raise DishonestReceiptError(f"receipt {self.tree.count} does not say what was bought")
        if paid["root"] != f"0x{grown.root().hash.hex()}":
            raise DishonestReceiptError(f"the receipts root after receipt {self.tree.count} is wrong")
        self.tree = grown
        self.opening = opening
        self.bought.append(Bought(fee_wei, Cited.of(paid)))
