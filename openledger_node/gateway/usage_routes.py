"""What a customer used: calls, tokens and fees of its channels, by day.

Covered: `GET /v1/usage?channel=…`, one or several, over a span of days; what is settled of it.
Not covered: content, which is in no answer; who asks (channel ids are public, and so is this).
"""

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from openledger_node.errors import UserError
from openledger_node.gateway.channels import Channels
from openledger_node.gateway.http import json_response
from openledger_node.gateway.receipts import ReceiptTable, StoredReceipt
from openledger_node.gateway.values import channel_id_of, hex_data

DAY_S = 86_400
MOST_CHANNELS = 50
MOST_DIGITS = 12


class UsageRoutes:
    def __init__(self, channels: Channels, receipts: ReceiptTable) -> None:
        self._channels = channels
        self._receipts = receipts

    def add_to(self, router: web.UrlDispatcher) -> None:
        router.add_get("/v1/usage", self.usage)

    async def usage(self, request: web.Request) -> web.StreamResponse:
        """`?channel=0x…` (repeated for several), `start_time`, `end_time` in unix seconds."""
        names = request.query.getall("channel", [])
        if not 1 <= len(names) <= MOST_CHANNELS:
            raise UserError(f"name 1 to {MOST_CHANNELS} channels with ?channel=0x…")
        start_s, end_s = (_time(request.query.get(name)) for name in ("start_time", "end_time"))
        return json_response(
            {"object": "list", "data": [await self._of(name, start_s, end_s) for name in names]}
        )

    async def _of(self, name: str, start_s: int | None, end_s: int | None) -> dict[str, Any]:
        channel_id = channel_id_of(name)
        session = await self._channels.session(channel_id)
        channel = await self._channels.channel(session)
        within = [
            receipt
            for receipt in await self._receipts.of_channel(channel_id)
            if (start_s or 0) <= receipt.created_s and (end_s is None or receipt.created_s < end_s)
        ]
        return {
            "object": "usage",
            "channel": hex_data(channel_id),
            "modelId": channel.model_id,
            "deposit": str(channel.deposit_wei),
            "settledFee": str(channel.settled_fee_wei),
            "settledReceipts": channel.settled_receipts,
            "citedRequests": sum("citations" in each.answer.get("x_openledger", {}) for each in within),
            **totals(within),
            "days": by_day(within),
        }


def totals(receipts: Sequence[StoredReceipt]) -> dict[str, Any]:
    """Sums over receipts; the fee in wei as a decimal string."""
    return {
        "requests": len(receipts),
        "inputTokens": sum(receipt.tokens_in for receipt in receipts),
        "outputTokens": sum(receipt.tokens_out for receipt in receipts),
        "fee": str(sum(receipt.fee_wei for receipt in receipts)),
    }


def by_day(receipts: Sequence[StoredReceipt]) -> list[dict[str, Any]]:
    """The same for each day (UTC) with receipts; `startTime` is its first second."""
    days: dict[int, list[StoredReceipt]] = {}
    for receipt in receipts:
        days.setdefault(int(receipt.created_s) // DAY_S, []).append(receipt)
    return [{"startTime": day * DAY_S, **totals(days[day])} for day in sorted(days)]


def _time(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > MOST_DIGITS:
        raise UserError("start_time and end_time are unix times in seconds")
    return int(text)
