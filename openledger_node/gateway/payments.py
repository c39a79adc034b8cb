"""How a call is paid, whatever it asks for: what every way of paying can do, and paying by voucher.

Covered: the port; vouchers of a channel that the payer opened. Not covered: x402 (`x402_calls`), the rules of
vouchers (`vouchers`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from openledger_node.client.receipt_tree import ReceiptTree
from openledger_node.client.vouchers import SignedVoucher, voucher_to_json
from openledger_node.errors import OpenLedgerError
from openledger_node.gateway.channels import Channels, ChannelSession
from openledger_node.gateway.receipts import StoredReceipt


class UnpaidError(OpenLedgerError):
    """What was delivered cannot be collected any more: there is nothing to bill."""

    code = "OL-1327"


@dataclass(frozen=True, slots=True)
class Taken:
    """A receipt's money is safe. `told` goes into the answer's `x_openledger`."""

    voucher: SignedVoucher
    told: Mapping[str, Any] = field(default_factory=dict)


class Payment(Protocol):
    """One call's payment."""

    @property
    def collects_later(self) -> bool:
        """True if taking the money needs the chain: then the answer is on disk before."""

    async def session(self) -> ChannelSession:
        """The channel that the receipt goes to; raises PaymentRequiredError."""

    async def earlier(self, session: ChannelSession, request_hash: bytes) -> StoredReceipt | None:
        """The receipt of an earlier attempt of the same call; raises PaymentRequiredError, ConflictError."""

    async def admit(self, session: ChannelSession, model_id: int, call_wei: int) -> None:
        """Make sure that a call of at most so much is paid; raises PaymentRequiredError, UserError."""

    async def take(self, session: ChannelSession, tree: ReceiptTree, fee_wei: int) -> Taken:
        """Take the fee of the newest receipt in `tree`, once, however often it is asked.

        Raises UnpaidError when it cannot be had, TemporaryError when it is not known yet.
        """

    def record(self) -> Mapping[str, Any]:
        """What brings the payment back after a restart."""

    @property
    def key(self) -> str:
        """The idempotency key of its receipt; "" when there is none."""


@dataclass(frozen=True, slots=True)
class VoucherPayment:
    """The payer's voucher allows the call beforehand; nothing is left to collect."""

    channels: Channels
    voucher: SignedVoucher
    key: str
    collects_later: bool = False

    async def session(self) -> ChannelSession:
        return await self.channels.session(self.voucher.voucher.channel_id)

    async def earlier(self, session: ChannelSession, request_hash: bytes) -> StoredReceipt | None:
        return await self.channels.earlier(session, self.voucher, self.key, request_hash)

    async def admit(self, session: ChannelSession, model_id: int, call_wei: int) -> None:
        await self.channels.admit(session, self.voucher, model_id, call_wei)

    async def take(self, session: ChannelSession, tree: ReceiptTree, fee_wei: int) -> Taken:
        return Taken(self.voucher)

    def record(self) -> Mapping[str, Any]:
        return {"voucher": voucher_to_json(self.voucher), "key": self.key}
