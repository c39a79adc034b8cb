"""How one L1 account gets its transactions mined, one after the other.

Covered: nonces, EIP-1559 bids, replacement at higher bids, confirmations, reorgs that undo an inclusion or
what came before it, a node that forgets, nonces that someone else used, restarts (the nonce is read from the
L1, so what an earlier process left in the pool is replaced or mined, never left to block).
Not covered: several transactions in flight at once; one key used by several processes at a time.
"""

import asyncio
import logging
from dataclasses import dataclass

from genesis.types import Address, Hash32
from rollup_bridge.errors import TemporaryError, TransactionError
from rollup_bridge.ports import Clock, L1Inclusion, L1Network, Signer, UnsignedTransaction
from rollup_bridge.txmgr.attempt import (
    Attempt,
    AttemptPolicy,
    Done,
    GiveUp,
    Publish,
    accepted,
    decide,
    looked_up,
    refused,
)
from rollup_bridge.txmgr.fees import Bid, FeePolicy, first_bid, next_bid
from rollup_bridge.txmgr.refusals import Refusal, classify

_LOG = logging.getLogger(__name__)
_GAS_MARGIN_PERCENT = 120


@dataclass(frozen=True, slots=True)
class _Content:
    to: Address
    data: bytes
    value_wei: int
    gas: int


class TransactionManager:
    """Implements `ports.TransactionSender`."""

    def __init__(
        self,
        network: L1Network,
        signer: Signer,
        clock: Clock,
        *,
        chain_id: int,
        attempts: AttemptPolicy | None = None,
        fees: FeePolicy | None = None,
        receipt_poll_s: float = 1.0,
    ) -> None:
        self._network = network
        self._signer = signer
        self._clock = clock
        self._chain_id = chain_id
        self._attempts = attempts or AttemptPolicy()
        self._fees = fees or FeePolicy()
        self._receipt_poll_s = receipt_poll_s
        self._one_at_a_time = asyncio.Lock()

    @property
    def address(self) -> Address:
        return self._signer.address

    async def send(
        self, to: Address, data: bytes, *, value_wei: int = 0, gas: int | None = None
    ) -> L1Inclusion:
        """Mined and confirmed, reverted or not.

        `TransactionError` if it would revert (when `gas` is left to be estimated), was refused, lost its
        nonce, or is cut off by a reorg (it may still be mined then). `TemporaryError` only before anything
        was published; later the L1 is simply asked again.
        """
        async with self._one_at_a_time:
            if gas is None:
                estimate = await self._network.estimate_gas(self.address, to, value_wei, data)
                gas = estimate * _GAS_MARGIN_PERCENT // 100
            nonce = await self._network.next_nonce(self.address, "latest")
            bid = first_bid(await self._network.fees(), self._fees)
            return await self._see_through(_Content(to, data, value_wei, gas), Attempt(nonce, bid))

    async def _see_through(self, content: _Content, attempt: Attempt) -> L1Inclusion:
        while True:
            try:
                inclusion = await self._inclusion(attempt)
                if inclusion is None:
                    next_nonce = await self._network.next_nonce(self.address, "latest")
                    attempt = looked_up(attempt, next_nonce, self._clock.now_s())
                head_number = await self._network.head_number()
                decision = decide(attempt, inclusion, head_number, self._clock.now_s(), self._attempts)
                if isinstance(decision, Done):
                    return decision.inclusion
                if isinstance(decision, GiveUp):
                    raise TransactionError(decision.reason)
                if isinstance(decision, Publish):
                    attempt = await self._publish(content, attempt, decision.raise_bid)
            except TemporaryError as error:
                if not attempt.variants:
                    raise
                _LOG.warning("transaction with nonce %d waits: %s", attempt.nonce, error)
            await self._clock.sleep(self._receipt_poll_s)

    async def _inclusion(self, attempt: Attempt) -> L1Inclusion | None:
        for variant in reversed(attempt.variants):
            inclusion = await self._network.inclusion(variant)
            if inclusion is not None:
                return inclusion
        return None

    async def _publish(self, content: _Content, attempt: Attempt, raise_bid: bool) -> Attempt:
        bid = await self._bid(attempt) if raise_bid else attempt.bid
        signed = await self._signer.sign(
            UnsignedTransaction(
                chain_id=self._chain_id,
                nonce=attempt.nonce,
                to=content.to,
                value_wei=content.value_wei,
                data=content.data,
                gas=content.gas,
                max_fee_wei=bid.max_fee_wei,
                max_priority_fee_wei=bid.tip_wei,
            )
        )
        return await self._hand_over(signed.raw, signed.hash, attempt, bid)

    async def _hand_over(self, raw: bytes, transaction_hash: Hash32, attempt: Attempt, bid: Bid) -> Attempt:
        try:
            await self._network.send_raw(raw)
        except TransactionError as error:
            refusal = classify(str(error))
            if refusal is not Refusal.KNOWN:
                _LOG.warning("L1 refuses nonce %d: %s", attempt.nonce, error)
                if not attempt.variants and refusal in (Refusal.FUNDS, Refusal.OTHER):
                    raise
                return refused(attempt, refusal, bid, self._clock.now_s())
        return accepted(attempt, transaction_hash, bid, self._clock.now_s())

    async def _bid(self, attempt: Attempt) -> Bid:
        """A higher bid, or the same again while the limit forbids one."""
        raised = next_bid(attempt.bid, await self._network.fees(), self._fees)
        if raised is None:
            _LOG.warning("bid for nonce %d is at its limit", attempt.nonce)
        return raised or attempt.bid
