"""How a customer pays for a language model's answers, whatever client asks for them, and checks each receipt.

With the `openai` client: `extra_headers=await purchases.headers(body)` beside the call, then
`purchases.accept(answer.x_openledger, text)`; a stream's last chunk has `x_openledger`. The text of an answer
that calls tools is `answers.said_text(choice)`.

Covered: a voucher for the most a call can cost, as the gateway counts its tokens and up to a limit of one's
own; token counts, fee, hashes and root of every receipt. Not covered: that the prompt's token ids are those
of one's text (the model's folder has the tokenizer).
"""

import secrets
from collections.abc import Mapping
from typing import Any

from genesis.shares import receipt_fee
from openledger_node.client.answers import said_text
from openledger_node.client.errors import DishonestReceiptError
from openledger_node.client.metering import KEY_HEADER, VOUCHER_HEADER, Purchases
from openledger_node.client.openings import Opening
from openledger_node.client.vouchers import encode_voucher
from openledger_node.errors import UserError

_PRICED = (
    "model",
    "messages",
    "prompt",
    "tools",
    "tool_choice",
    "max_tokens",
    "max_completion_tokens",
    "retrieval",
)


class TextPurchases(Purchases):
    """One channel's customer side. Calls must not overlap; `limit_wei` is the most one may cost."""

    limit_wei: int = 10**18

    async def headers(self, body: Mapping[str, Any]) -> dict[str, str]:
        """What pays for a request with this body; raises GatewayError, UserError above the limit.

        It acknowledges all answers before, and agrees on the pay of the records that they used.
        """
        quote = await self._post_again("/v1/quotes", _quoted(body), {})
        most_wei = receipt_fee(
            int(quote["tokensIn"]),
            int(quote["tokensOut"]),
            self._terms.input_price,
            self._terms.output_price,
        )
        if most_wei > self.limit_wei:
            raise UserError(f"the call may cost {most_wei} wei, the limit is {self.limit_wei}", "raise it")
        await self.pay_retrieved()
        voucher = self._voucher(self.tree.total_fee_wei + most_wei)
        return {
            VOUCHER_HEADER: encode_voucher(voucher),
            KEY_HEADER: f"{self.tree.count}-{secrets.token_hex(8)}",
        }

    async def ask(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """A chat answer, paid and checked; raises like `headers` and `accept`."""
        headers = await self.headers(body)
        answer = await self._post_again("/v1/chat/completions", body, headers)
        self.accept(answer["x_openledger"], said_text(answer["choices"][0]))
        return answer

    def accept(self, paid: Mapping[str, Any], text: str) -> None:
        """Check an answer's receipt against the text that came; only then is it acknowledged.

        Raises DishonestReceiptError.
        """
        receipt, prompt, response = paid["receipt"], paid["promptTokens"], paid["responseTokens"]
        if (receipt["tokensIn"], receipt["tokensOut"]) != (len(prompt), len(response)):
            raise DishonestReceiptError(f"receipt {self.tree.count} counts other tokens than it lists")
        fee_wei = receipt_fee(len(prompt), len(response), self._terms.input_price, self._terms.output_price)
        opening = Opening.of(receipt, prompt, {"text": text, "tokens": response})
        self._grow(paid, opening, fee_wei)


def _quoted(body: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a request that decide what it costs."""
    return {name: body[name] for name in _PRICED if name in body}
