"""What a channel's unsettled receipts owe to retrieved records, and whether its payer has agreed.

The gateway offers it, the payer's voucher key signs it, the settlement carries it. A payer that does not sign
is served and billed as others are; the records are cited and not paid.

Covered: offers from receipts on disk, signatures checked and kept, agreements that a settlement can carry.
Not covered: claims (`retrieval_claims`), transactions (`jobs.attestor`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from genesis.policy import Policy
from genesis.typed_data import RetrievalVoucher, Voucher, retrieval_voucher_digest
from genesis.types import Hash32
from openledger_node.client.account import recover_signer
from openledger_node.client.economy import MODELS, EconomyReader
from openledger_node.client.retrieval_shares import (
    Bought,
    Cited,
    SharedLeaves,
    Span,
    retrieval_limit_wei,
    shared_leaves,
)
from openledger_node.errors import UserError
from openledger_node.gateway.channels import Channels, ChannelSession
from openledger_node.gateway.errors import ConflictError
from openledger_node.gateway.receipts import ReceiptTable, StoredReceipt
from openledger_node.gateway.retrieval_vouchers import RetrievalVoucherTable
from openledger_node.gateway.values import hex_data
from openledger_node.jobs.settlement import AgreedRetrieval
from precompiles.views.metering import Channel

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Offer:
    """What the receipts from the last settlement on would pay retrieved records."""

    span: Span
    receipts_root: Hash32
    limit_wei: int
    shares: tuple[SharedLeaves, ...]

    @property
    def voucher(self) -> RetrievalVoucher:
        """What the payer's voucher key is to sign."""
        shares = tuple(each.share(self.span) for each in self.shares)
        span = self.span
        return RetrievalVoucher(
            span.channel_id, span.first_receipt, span.receipt_count, self.receipts_root, shares
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "channelId": hex_data(self.span.channel_id),
            "firstReceipt": self.span.first_receipt,
            "receiptCount": self.span.receipt_count,
            "receiptsRoot": hex_data(self.receipts_root),
            "limit": str(self.limit_wei),
            "datanets": sorted({each.datanet_id for each in self.shares}),
            "shares": [
                {
                    "datanet": each.datanet_id,
                    "version": each.version,
                    "contributors": [
                        {"contributor": hex_data(who), "amount": str(wei)} for who, wei in each.leaves
                    ],
                    "root": hex_data(share.root),
                    "amount": str(share.amount_wei),
                }
                for each, share in zip(self.shares, self.voucher.shares, strict=True)
            ],
        }


class RetrievalPay:
    """Offers and agreements of one provider's channels."""

    def __init__(
        self,
        *,
        reader: EconomyReader,
        channels: Channels,
        receipts: ReceiptTable,
        vouchers: RetrievalVoucherTable,
        chain_id: int,
    ) -> None:
        self._reader = reader
        self._channels = channels
        self._receipts = receipts
        self._vouchers = vouchers
        self._chain_id = chain_id
        self._policies: dict[int, Policy] = {}

    async def offer(self, channel_id: Hash32) -> Offer:
        """What all receipts that are not settled would pay; raises PaymentRequiredError for no channel."""
        session = await self._channels.session(channel_id)
        async with session.lock:
            return await self._offer(session)

    async def agree(self, channel_id: Hash32, signature: bytes, receipt_count: int) -> Offer:
        """Keep the payer's signature of an offer; raises ConflictError when the offer is another by now."""
        session = await self._channels.session(channel_id)
        async with session.lock:
            offer = await self._offer(session)
            channel = await self._channels.channel(session)
            if offer.span.receipt_count != receipt_count:
                raise ConflictError(
                    f"the channel has {offer.span.receipt_count} receipts", "ask for the offer again"
                )
            if not offer.shares:
                raise UserError("no retrieved records are to be paid", "nothing has to be signed")
            digest = retrieval_voucher_digest(offer.voucher, self._chain_id)
            if recover_signer(digest, signature) != channel.voucher_key:
                raise ConflictError(
                    "the signature is not the voucher key's for what is offered", "ask for the offer again"
                )
            await self._vouchers.keep(channel_id, receipt_count, signature)
            return offer

    async def agreed(
        self, channel: Channel, voucher: Voucher, receipts: Sequence[StoredReceipt]
    ) -> AgreedRetrieval | None:
        """What a settlement by a voucher can carry; None where the payer has not signed for it."""
        channel_id, count = voucher.channel_id, voucher.receipt_count
        signature = await self._vouchers.signature(channel_id, count)
        if signature is None:
            return None
        unsettled = receipts[channel.settled_receipts : count]
        offer = await self._of(channel, channel_id, voucher.receipts_root, unsettled)
        digest = retrieval_voucher_digest(offer.voucher, self._chain_id)
        if not offer.shares or recover_signer(digest, signature) != channel.voucher_key:
            log.warning("what was signed for retrieved records has changed", channel=channel_id)
            return None
        return AgreedRetrieval(offer.shares, signature)

    async def _offer(self, session: ChannelSession) -> Offer:
        channel = await self._channels.channel(session, fresh=True)
        unsettled = await self._receipts.of_channel(session.channel_id, channel.settled_receipts)
        return await self._of(channel, session.channel_id, session.ledger.root, unsettled)

    async def _of(
        self, channel: Channel, channel_id: Hash32, root: Hash32, unsettled: Sequence[StoredReceipt]
    ) -> Offer:
        bought = [bought_of(each) for each in unsettled]
        first = channel.settled_receipts
        span = Span(self._chain_id, channel_id, first, first + len(bought))
        limit_wei = await self._limit_wei(channel, sum(each.fee_wei for each in bought))
        return Offer(
            span, root, limit_wei, shared_leaves(bought, limit_wei, await self._allowed(channel, bought))
        )

    async def _limit_wei(self, channel: Channel, gross_wei: int) -> int:
        version = channel.policy_version
        if version not in self._policies:
            self._policies[version] = await self._reader.policy(version)
        model = await self._reader.model(channel.model_id)
        return retrieval_limit_wei(gross_wei, self._policies[version], model.parent != 0)

    async def _allowed(self, channel: Channel, bought: Sequence[Bought]) -> set[int]:
        """Cited Datanets that the model's owner lets share; none where the provider would sign for both."""
        if channel.voucher_key == channel.provider:
            return set()
        cited = {each.cited.datanet_id for each in bought if each.cited is not None}
        ethereum = self._reader.ethereum
        return {
            datanet_id
            for datanet_id in sorted(cited)
            if await ethereum.read(MODELS, "mayRetrieve", channel.model_id, datanet_id)
        }


def bought_of(receipt: StoredReceipt) -> Bought:
    """A receipt's fee, and what its answer cited."""
    paid: Mapping[str, Any] = receipt.answer.get("x_openledger", {})
    return Bought(receipt.fee_wei, Cited.of(paid))
