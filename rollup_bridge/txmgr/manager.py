"""How one L1 account gets its transactions mined, several at a time, in the order they were asked for.

Covered: nonces, EIP-1559 bids, replacement at higher bids, confirmations, reorgs that undo an inclusion or
what came before it, a node that forgets, nonces that someone else used, restarts (the nonce is read from the
L1, so what an earlier process left in the pool is replaced or mined, never left to block).
Nonces are handed out in order while transactions are in flight. When one is given up, those behind it are
too, because they cannot be mined before its nonce is used.
Not covered: one key used by several processes at a time.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
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
    blobs: tuple[bytes, ...]


@dataclass(slots=True, eq=False)
class _Ticket:
    """A nonce in use. `fallen` once it or an earlier one was given up."""

    nonce: int
    fallen: bool = False


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
        self._numbering = asyncio.Lock()
        self._in_flight: list[_Ticket] = []

    @property
    def address(self) -> Address:
        return self._signer.address

    async def send(
        self,
        to: Address,
        data: bytes,
        *,
        value_wei: int = 0,
        gas: int | None = None,
        blobs: tuple[bytes, ...] = (),
    ) -> L1Inclusion:
        """Mined and confirmed, reverted or not.

        `TransactionError` if it would revert (when `gas` is left to be estimated), was refused, lost its
        nonce, is cut off by a reorg (it may still be mined then), or an earlier one in flight was given up.
        `TemporaryError` only before anything was published; later the L1 is simply asked again.
        """
        if gas is None:
            estimate = await self._network.estimate_gas(self.address, to, value_wei, data)
            gas = estimate * _GAS_MARGIN_PERCENT // 100
        content = _Content(to, data, value_wei, gas, blobs)
        async with self._numbering:
            bid = first_bid(await self._network.fees(), self._fees, blobs=bool(blobs))
            ticket = _Ticket(await self._next_nonce())
            self._in_flight.append(ticket)
            with self._falling_with(ticket):
                attempt = await self._publish(content, Attempt(ticket.nonce, bid), raise_bid=False)
        with self._falling_with(ticket):
            inclusion = await self._see_through(content, attempt, ticket)
        self._in_flight = [other for other in self._in_flight if other is not ticket]
        return inclusion

    async def _next_nonce(self) -> int:
        if self._in_flight:
            return max(ticket.nonce for ticket in self._in_flight) + 1
        return await self._network.next_nonce(self.address, "latest")

    @contextlib.contextmanager
    def _falling_with(self, ticket: _Ticket) -> Iterator[None]:
        """Whatever ends this transaction without an inclusion ends those behind it."""
        try:
            yield
        except BaseException:
            for other in self._in_flight:
                other.fallen = other.fallen or other.nonce >= ticket.nonce
            self._in_flight = [other for other in self._in_flight if not other.fallen]
            raise

    async def _see_through(self, content: _Content, attempt: Attempt, ticket: _Ticket) -> L1Inclusion:
        while True:
            await self._clock.sleep(self._receipt_poll_s)
            try:
                inclusion = await self._inclusion(attempt)
                behind = any(other.nonce < ticket.nonce for other in self._in_flight)
                if inclusion is None and ticket.fallen:
                    raise TransactionError(f"nonce {attempt.nonce} waits behind one that was given up")
                if inclusion is None and not behind:
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
                blobs=content.blobs,
                max_blob_fee_wei=bid.max_blob_fee_wei,
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
