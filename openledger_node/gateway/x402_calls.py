"""How one call is paid by x402: an offer with the price, the payer's channel, collecting after delivery.

A payment is used for one request: asked again with the same payment, the same request gets the same answer,
any other is refused. Collected is the fee of what was delivered, at most what was signed.

Covered: payments whose answers were delivered before a restart; a payment collected in a transaction that was
lost sight of. Not covered: a payer that takes its money away during its answer; that call is the provider's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from genesis.typed_data import Voucher
from openledger_node.client.contract import Contract
from openledger_node.client.errors import RevertedError
from openledger_node.client.receipt_tree import ReceiptTree
from openledger_node.client.vouchers import sign_voucher
from openledger_node.clock import Clock
from openledger_node.errors import TemporaryError
from openledger_node.gateway.catalog import CatalogEntry
from openledger_node.gateway.channels import Channels, ChannelSession
from openledger_node.gateway.errors import PaymentRequiredError
from openledger_node.gateway.payments import Taken, UnpaidError
from openledger_node.gateway.receipts import StoredReceipt
from openledger_node.gateway.x402_payments import Authorization, Offer, check_payment
from openledger_node.gateway.x402_receivers import Receivers
from precompiles.views.models import Model

log = structlog.get_logger(__name__)


class X402Calls:
    """Single payments to one provider."""

    def __init__(self, *, channels: Channels, receivers: Receivers, clock: Clock, chain_id: int) -> None:
        self.channels = channels
        self.receivers = receivers
        self.clock = clock
        self.chain_id = chain_id

    async def offer(self, model_id: int, amount_wei: int) -> Offer | None:
        """How a call that costs at most so much may be paid; None where it cannot."""
        receiver = await self.receivers.receiver(model_id) if amount_wei else None
        return None if receiver is None else Offer(self.chain_id, receiver.address, amount_wei)

    async def payment(self, entry: CatalogEntry, authorization: Authorization) -> "X402Payment":
        """A customer's payment for a call to a model; raises PaymentRequiredError."""
        receiver = await self.receivers.receiver(entry.model_id)
        if receiver is None:
            raise PaymentRequiredError("no_x402", "this chain has no receivers of x402 payments")
        return X402Payment(self, receiver, authorization, entry.model_id, entry.model)

    async def restored(self, record: Mapping[str, Any]) -> "X402Payment":
        """A payment that was on disk."""
        receiver = await self.receivers.receiver(record["model_id"])
        if receiver is None:
            raise TemporaryError("the chain does not answer for its receivers of x402 payments")
        authorization = Authorization.from_json(record["authorization"])
        return X402Payment(self, receiver, authorization, record["model_id"], None)


@dataclass(frozen=True, slots=True)
class X402Payment:
    """One signed payment; `model` is None where its call was answered before a restart."""

    calls: X402Calls
    receiver: Contract
    authorization: Authorization
    model_id: int
    model: Model | None
    collects_later: bool = True

    @property
    def key(self) -> str:
        return f"x402-{self.authorization.nonce}"

    async def session(self) -> ChannelSession:
        """The payer's channel, opened for a payment that would go through."""
        assert self.model is not None
        receivers, payer = self.calls.receivers, self.authorization.payer
        channel_id = await receivers.channel_of(self.receiver, self.model, payer)
        if channel_id is None:
            self._check(1)
            await receivers.assert_collectable(self.authorization)
            channel_id = await receivers.open_channel(self.receiver, self.model_id, self.model, payer)
            log.info("channel opened for a payer by x402", channel=channel_id, payer=payer)
        return await self.calls.channels.session(channel_id)

    async def earlier(self, session: ChannelSession, request_hash: bytes) -> StoredReceipt | None:
        """The answer this payment paid for; only who has the signature can show the payment."""
        found = await self.calls.channels.kept(session, self.key)
        if found is None:
            return None
        if found.request_hash != request_hash:
            raise PaymentRequiredError("payment_used", "the payment was used for another request")
        return found

    async def admit(self, session: ChannelSession, model_id: int, call_wei: int) -> None:
        self._check(call_wei)
        await self.calls.receivers.assert_collectable(self.authorization)
        await self.calls.channels.assert_serves(session, model_id)

    async def take(self, session: ChannelSession, tree: ReceiptTree, fee_wei: int) -> Taken:
        """Collect the fee unless that was done; the provider's voucher acknowledges the receipt."""
        transaction = await self._collect(session, fee_wei) if fee_wei else b""
        said = Voucher(session.channel_id, tree.count, tree.total_fee_wei, tree.root().hash)
        voucher = sign_voucher(said, self.calls.receivers.provider, self.calls.chain_id)
        settled = {
            "success": True,
            "transaction": f"0x{transaction.hex()}" if transaction else "",
            "network": self.authorization.network,
            "payer": f"0x{self.authorization.payer.hex()}",
            "amount": str(fee_wei),
        }
        return Taken(voucher, {"x402": settled})

    def record(self) -> Mapping[str, Any]:
        return {"x402": {"authorization": self.authorization.to_json(), "model_id": self.model_id}}

    def _check(self, call_wei: int) -> None:
        offer = Offer(self.calls.chain_id, self.receiver.address, call_wei)
        check_payment(self.authorization, offer, self.calls.clock.now_s())

    async def _collect(self, session: ChannelSession, fee_wei: int) -> bytes:
        receivers, payment = self.calls.receivers, self.authorization
        if await receivers.collected_wei(self.receiver, payment) == fee_wei:
            return await receivers.transaction_of(self.receiver, session.channel_id, payment)
        try:
            return await receivers.collect(self.receiver, session.channel_id, payment, fee_wei)
        except RevertedError as error:
            if await receivers.collected_wei(self.receiver, payment) == fee_wei:
                return await receivers.transaction_of(self.receiver, session.channel_id, payment)
            raise UnpaidError(f"the payment cannot be collected: {error}") from error
