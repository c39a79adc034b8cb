"""How an agent thinks: paid answers of a model at a gateway, each within its budget."""

from collections.abc import Sequence
from typing import Any

from genesis.types import Hash32
from openledger_node.agents.definition import Definition
from openledger_node.agents.run import Message
from openledger_node.client.account import Account
from openledger_node.client.economy import EconomyReader
from openledger_node.client.errors import UnreachableError
from openledger_node.client.ethereum import hex_bytes
from openledger_node.client.gateway import GatewayClient
from openledger_node.client.metering import Terms
from openledger_node.client.text import TextPurchases
from openledger_node.errors import UserError

MAX_TOKENS = 256


class GatewayMind:
    """A model bought through a channel; call it with a conversation."""

    def __init__(self, purchases: TextPurchases, model: str, answer_wei: int) -> None:
        purchases.limit_wei = answer_wei
        self._purchases = purchases
        self._model = model

    async def __call__(self, conversation: Sequence[Message]) -> str:
        """The model's next words; raises GatewayError, UserError above the budget, DishonestReceiptError,
        UnreachableError for an answer that is none."""
        body: dict[str, Any] = {
            "model": self._model,
            "messages": [dict(message) for message in conversation],
            "max_tokens": MAX_TOKENS,
            "temperature": 0.0,
        }
        try:
            answer = await self._purchases.ask(body)
            return str(answer["choices"][0]["message"]["content"])
        except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
            raise UnreachableError(f"the gateway gave an answer that is none ({error!r})") from error


async def bought_mind(
    reader: EconomyReader,
    gateway: GatewayClient,
    key: Account,
    channel_id: Hash32,
    definition: Definition,
) -> GatewayMind:
    """A mind that pays from a channel nobody has bought through yet; raises UserError for any other."""
    channel = await reader.channel(channel_id)
    owed = await gateway.get(f"/v1/channels/{hex_bytes(channel_id)}")
    if channel.voucher_key != key.address:
        raise UserError("the channel's vouchers are signed by another key", "open one with --voucher-key")
    if int(owed["receiptCount"]):
        raise UserError("the channel has receipts already", "open a fresh one for each run of the command")
    chain_id = await reader.ethereum.chain_id()
    terms = Terms(channel_id, chain_id, definition.model, channel.input_price_wei, channel.output_price_wei)
    purchases = TextPurchases(gateway, key, terms)
    return GatewayMind(purchases, definition.model, int(definition.budget.answer_wei))
