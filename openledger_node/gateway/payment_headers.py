"""Which payment came with a request, and what a 402 says of both ways to pay: vouchers and x402.

Covered: the headers of requests and answers.
Not covered: whether a payment is good (`payments`, `x402_calls`).
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from openledger_node.client.metering import KEY_HEADER, VOUCHER_HEADER
from openledger_node.gateway.catalog import CatalogEntry
from openledger_node.gateway.channels import Channels
from openledger_node.gateway.errors import PaymentRequiredError
from openledger_node.gateway.payments import Payment, VoucherPayment
from openledger_node.gateway.vouchers import decode_voucher, voucher_from_json
from openledger_node.gateway.x402_calls import X402Calls
from openledger_node.gateway.x402_payments import (
    PAYMENT_HEADER,
    REQUIRED_HEADER,
    RESPONSE_HEADER,
    challenge,
    decode_payment,
    encoded,
)

Quote = Callable[[], Awaitable[Mapping[str, Any]]]
"""What a call can cost at most, `maximumFee` among it."""


class PaymentHeaders:
    """Reads payments out of requests, and writes offers into refusals."""

    def __init__(self, channels: Channels, x402: X402Calls) -> None:
        self._channels = channels
        self._x402 = x402

    async def of(self, request: web.Request, entry: CatalogEntry, quote: Quote) -> Payment:
        """The payment that came with a request; raises PaymentRequiredError with the offers if none did."""
        voucher = request.headers.get(VOUCHER_HEADER)
        if voucher is not None:
            key = request.headers.get(KEY_HEADER, "")
            return VoucherPayment(self._channels, decode_voucher(voucher), key)
        try:
            payment = request.headers.get(PAYMENT_HEADER)
            if payment is None:
                raise PaymentRequiredError("missing_voucher", f"send a voucher in {VOUCHER_HEADER}")
            return await self._x402.payment(entry, decode_payment(payment))
        except PaymentRequiredError as error:
            await self.offer(error, request, entry, quote)
            raise

    async def offer(
        self, error: PaymentRequiredError, request: web.Request, entry: CatalogEntry, quote: Quote
    ) -> None:
        """Put into a refusal what would do; who sent a voucher is told of vouchers only."""
        if VOUCHER_HEADER in request.headers:
            return
        terms = await quote()
        error.terms = dict(terms)
        offer = await self._x402.offer(entry.model_id, int(terms["maximumFee"]))
        if offer is not None:
            said = challenge(offer, str(request.url), error.reason)
            error.headers = {REQUIRED_HEADER: encoded(said)}
            error.terms["x402"] = said

    async def restored(self, record: Mapping[str, Any]) -> Payment:
        """A payment from its record on disk."""
        if "x402" in record:
            return await self._x402.restored(record["x402"])
        return VoucherPayment(self._channels, voucher_from_json(record["voucher"]), record["key"])


def settled_header(answer: Mapping[str, Any]) -> dict[str, str] | None:
    """x402's header of an answer that it paid for."""
    settled = answer["x_openledger"].get("x402")
    return None if settled is None else {RESPONSE_HEADER: encoded(settled)}
