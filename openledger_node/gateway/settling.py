"""When a channel's receipts are turned into a settlement, and what it consists of.

Covered: plans from the newest voucher, settlement on demand, on a threshold, by age, and at once when the
payer closes the channel. Not covered: the transactions (`jobs.attestor`).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from genesis.types import Hash32
from openledger_node.client.errors import RemoteError, RevertedError
from openledger_node.client.patience import Patience
from openledger_node.client.vouchers import SignedVoucher
from openledger_node.clock import Clock
from openledger_node.errors import TemporaryError, UserError
from openledger_node.gateway.channels import Channels
from openledger_node.gateway.errors import NotFoundError
from openledger_node.gateway.receipts import ReceiptTable, StoredReceipt
from openledger_node.gateway.retrieval_pay import RetrievalPay
from openledger_node.jobs.attestor import Attestor
from openledger_node.jobs.settlement import AgreedRetrieval, PaidReceipt, SettlementPlan
from precompiles.views.metering import Channel

REFUSALS = (UserError, RevertedError, RemoteError)
"""What keeps a channel from being settled now; it is tried again."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SettlingRule:
    """When to settle without being asked; ages and the pause between looks are seconds."""

    receipts: int = 1_000
    age_s: float = 3_600.0
    look_every_s: float = 5.0


DEFAULT_RULE = SettlingRule()


def is_due(rule: SettlingRule, channel: Channel, unsettled: Sequence[StoredReceipt], now_s: float) -> bool:
    """True when acknowledged receipts are too many, too old, or their channel is being closed."""
    if not unsettled:
        return False
    old = now_s - unsettled[0].created_s >= rule.age_s
    return channel.closable_at_s != 0 or len(unsettled) >= rule.receipts or old


def plan_settlement(
    channel: Channel,
    signed: SignedVoucher,
    receipts: Sequence[StoredReceipt],
    hold_post_s: int,
    retrieval: AgreedRetrieval | None = None,
) -> SettlementPlan:
    """Everything the voucher acknowledges and the chain has not settled. `receipts` start at number 0."""
    voucher = signed.voucher
    return SettlementPlan(
        channel_id=voucher.channel_id,
        model_id=channel.model_id,
        feature_index=channel.feature_index,
        policy_version=channel.policy_version,
        first_receipt=channel.settled_receipts,
        receipt_count=voucher.receipt_count,
        cumulative_fee_wei=voucher.cumulative_fee_wei,
        receipts_root=voucher.receipts_root,
        signature=signed.signature,
        receipts=tuple(
            PaidReceipt(
                r.number,
                r.receipt_hash,
                r.fee_wei,
                r.features if r.number >= channel.settled_receipts else None,
                r.response if r.number >= channel.settled_receipts else (),
            )
            for r in receipts[: voucher.receipt_count]
        ),
        hold_post_s=hold_post_s,
        retrieval=retrieval,
    )


class Settling:
    """Settles channels of one provider."""

    def __init__(
        self,
        *,
        channels: Channels,
        receipts: ReceiptTable,
        retrieval_pay: RetrievalPay,
        attestor: Attestor,
        clock: Clock,
        rule: SettlingRule,
    ) -> None:
        self._channels = channels
        self._receipts = receipts
        self._retrieval_pay = retrieval_pay
        self._attestor = attestor
        self._clock = clock
        self._rule = rule
        self._planning = asyncio.Lock()
        self._patience = Patience()

    async def settle(self, channel_id: Hash32, hold_post_s: int = 0, again: bool = False) -> SettlementPlan:
        """Start settling what is acknowledged; the same again while it runs. `again`: also if it had stopped.

        Receipts that come while a settlement is on its way to the chain are the next one's: two that begin at
        the same receipt could not both be settled.
        Raises NotFoundError, UserError.
        """
        if await self._receipts.newest_voucher(channel_id) is None:
            raise NotFoundError(f"nothing was bought through channel 0x{channel_id.hex()}")
        session = await self._channels.session(channel_id)
        async with self._planning:
            while True:
                async with session.lock:
                    channel = await self._channels.channel(session, fresh=True)
                    signed = await self._receipts.newest_voucher(channel_id)
                    receipts = await self._receipts.of_channel(channel_id)
                settled = channel.settled_receipts
                under_way = await self._attestor.of_channel(channel_id, settled, again=again)
                if under_way is not None:
                    return under_way
                # What landed since the channel was read is under way no longer, and not in it yet.
                if (await self._channels.channel(session, fresh=True)).settled_receipts == settled:
                    break
            if signed is None or signed.voucher.receipt_count <= settled:
                raise UserError(
                    "every acknowledged receipt is settled",
                    "sign a voucher for the newest receipts first (POST /v1/channels/{id}/voucher)",
                )
            retrieval = await self._retrieval_pay.agreed(channel, signed.voucher, receipts)
            plan = plan_settlement(channel, signed, receipts, hold_post_s, retrieval)
            await self._attestor.submit(plan, again)
            return plan

    async def run(self) -> None:
        """Settle what is due, until cancelled."""
        while True:
            try:
                await self._settle_due()
            except (TemporaryError, RemoteError) as error:
                log.warning("automatic settlement delayed", reason=str(error))
            await self._clock.sleep(self._rule.look_every_s)

    async def _settle_due(self) -> None:
        """What one channel's payer did keeps no other from being settled."""
        now_s = int(self._clock.now_s())
        for channel_id in await self._receipts.channels():
            settle = partial(self._settle_if_due, channel_id)
            failure = await self._patience.attempt(channel_id, now_s, settle, REFUSALS)
            if failure is not None and failure.is_news:
                log.warning("a channel is not settled yet", channel=channel_id, reason=str(failure.error))

    async def _settle_if_due(self, channel_id: Hash32) -> None:
        session = await self._channels.session(channel_id)
        channel = await self._channels.channel(session)
        signed = await self._receipts.newest_voucher(channel_id)
        if signed is None or signed.voucher.receipt_count <= channel.settled_receipts:
            return
        receipts = await self._receipts.of_channel(channel_id)
        unsettled = receipts[channel.settled_receipts : signed.voucher.receipt_count]
        if is_due(self._rule, channel, unsettled, self._clock.now_s()):
            plan = await self.settle(channel_id)
            log.info("settling", channel=channel_id, receipts=plan.receipt_count - plan.first_receipt)
