"""How one paid answer of a language model comes about: voucher, tokens, pieces on disk, receipt, last piece.

Covered: answers at once and streamed, retries under one idempotency key, a customer that goes away, a server
that breaks off, a gateway that is killed in the middle, payments that are collected afterwards.
Not covered: settling (`settling`), free calls.

Invariants:
1. Billed is what was delivered: the prompt's tokens and those answer tokens that were handed to the customer,
   or that a retry with the same key brings back. Nothing delivered, nothing billed.
2. A piece is on disk before it is sent (`deliveries`), the receipt before the last piece.
3. Counts are the server's own, by the model's tokenizer; a channel's calls take turns.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from typing import Any

import structlog

from genesis.keccak import keccak256
from genesis.typed_data import Explanation
from genesis.types import Hash32
from openledger_node.client.errors import RemoteError
from openledger_node.client.explanations import output_of
from openledger_node.clock import Clock
from openledger_node.errors import OpenLedgerError, TemporaryError
from openledger_node.gateway import text_answers as shape
from openledger_node.gateway.backend import BackendLostError
from openledger_node.gateway.bunches import in_bunches
from openledger_node.gateway.channels import Channels, ChannelSession, Delivered, NewReceipt
from openledger_node.gateway.deliveries import DeliveryTable, Piece, joined
from openledger_node.gateway.errors import PaymentRequiredError
from openledger_node.gateway.explanations import Answered, Sign
from openledger_node.gateway.payments import Payment, Taken, UnpaidError
from openledger_node.gateway.receipts import ReceiptTable
from openledger_node.gateway.text_models import TextModel
from openledger_node.gateway.text_requests import TextRequest
from openledger_node.gateway.text_terms import CUT, Outcome, Terms, broken_off, outcome_of, paid
from openledger_node.gateway.text_upstream import Reach, Upstream, assert_within
from workers.errors import WorkerError

CUSTOMER_GONE, SERVER_LOST, RESTARTED = "customer_gone", "server_lost", "gateway_restarted"
DECIDED = "decided"
"""In a delivery's head: how an answer ended whose payment is being collected."""

log = structlog.get_logger(__name__)

Send = Callable[[Sequence[Mapping[str, Any]]], Awaitable[None]]
"""Hands chunks to the customer, all or none; raises CustomerGoneError."""
Explain = Callable[[Answered, int], Awaitable[Mapping[str, Any]]]
"""Who made an answer possible: so many contributors and records, best first."""
Credit = Callable[[Hash32, Mapping[str, Any]], Mapping[str, Any]]
"""Signs that records were looked up for the answer with this receipt."""
Restore = Callable[[Mapping[str, Any]], Awaitable[Payment]]
"""A payment from its record on disk."""


class CustomerGoneError(OpenLedgerError):
    """The customer closed the connection before the answer was complete."""

    code = "OL-1324"


@dataclass(frozen=True, slots=True)
class TextCall:
    """A paid call as it came in."""

    request: TextRequest
    model: TextModel
    reach: Reach
    payment: Payment


class TextCalls:
    """Serves paid answers of language models for one provider."""

    def __init__(
        self,
        *,
        channels: Channels,
        receipts: ReceiptTable,
        deliveries: DeliveryTable,
        clock: Clock,
        explain: Explain,
        sign: Sign,
        restore: Restore,
        credit: Credit,
    ) -> None:
        self._credit = credit
        self._restore = restore
        self._channels = channels
        self._receipts = receipts
        self._deliveries = deliveries
        self._clock = clock
        self._explain = explain
        self._sign = sign

    async def answer(self, call: TextCall, gone: Callable[[], Awaitable[None]]) -> Mapping[str, Any]:
        """The whole answer; `gone` returns when the customer goes away, which ends the work unbilled.

        Raises PaymentRequiredError, ConflictError, UserError, BackendLostError, CustomerGoneError.
        """
        session = await call.payment.session()
        async with session.lock:
            earlier = await self._earlier(session, call)
            if earlier is not None:
                return earlier
            upstream = await call.reach()
            terms = await self._admit(session, call, upstream)
            outcome = await _unless(gone, self._complete(call, upstream, terms))
            return await self._record(session, terms, outcome, call.payment)

    async def stream(self, call: TextCall, send: Send) -> None:
        """Send the answer's chunks; raises like `answer` before the first chunk, nothing but OSError later.

        A stream that breaks off at the server ends with its receipt and BackendLostError.
        """
        session = await call.payment.session()
        async with session.lock:
            earlier = await self._earlier(session, call)
            if earlier is not None:
                await send(list(shape.replay(earlier, wants_usage=call.request.wants_usage)))
                return
            upstream = await call.reach()
            terms = await self._admit(session, call, upstream)
            await self._deliver(session, call, upstream, terms, send)

    async def recover(self) -> int:
        """Turn what an earlier process left into receipts; returns how many answers were broken off."""
        unfinished = await self._deliveries.unfinished()
        for channel_id, head, pieces in unfinished:
            session = await self._channels.session(channel_id)
            async with session.lock:
                try:
                    await self._finish_later(session, head, pieces)
                except (TemporaryError, RemoteError) as error:
                    log.warning("payment not collected yet", channel=channel_id, reason=str(error))
        return len(unfinished)

    async def _finish_later(
        self, session: ChannelSession, head: Mapping[str, Any], pieces: list[Piece]
    ) -> None:
        """Bill what is on disk of a channel; raises TemporaryError where its payment cannot be had yet."""
        decided = head.get(DECIDED)
        fields = {name: value for name, value in head.items() if name != DECIDED}
        terms = Terms(**{**fields, "prompt": tuple(head["prompt"])})
        outcome = broken_off(terms, pieces, RESTARTED)
        if decided is not None:
            outcome = replace(outcome, choice=decided["choice"], interrupted=decided["interrupted"])
        try:
            await self._record(session, terms, outcome, await self._restore(terms.payment))
        except PaymentRequiredError as error:
            log.warning("answer is not paid", channel=session.channel_id, reason=str(error))
            return
        log.warning("answer broken off is billed", channel=session.channel_id, pieces=len(pieces))

    async def _earlier(self, session: ChannelSession, call: TextCall) -> Mapping[str, Any] | None:
        """The answer of an earlier attempt, after what is left over of the channel is billed."""
        if session.left_over:
            for channel_id, head, pieces in await self._deliveries.unfinished():
                if channel_id == session.channel_id:
                    await self._finish_later(session, head, pieces)
        found = await call.payment.earlier(session, call.request.hash)
        return None if found is None else found.answer

    async def _admit(self, session: ChannelSession, call: TextCall, upstream: Upstream) -> Terms:
        """Count the prompt and check the voucher for the most the call can cost."""
        channel = await self._channels.channel(session)
        request = call.request
        prompt, max_tokens = await upstream.measure(request)
        terms = Terms(
            path=request.path,
            model=request.model,
            prompt=prompt,
            max_tokens=max_tokens,
            input_price=channel.input_price_wei,
            output_price=channel.output_price_wei,
            created_s=int(self._clock.now_s()),
            request_hash=request.hash.hex(),
            idempotency_key=call.payment.key,
            payment=call.payment.record(),
            retrieval=request.retrieval,
        )
        await call.payment.admit(session, call.model.entry.model_id, terms.fee_wei(max_tokens))
        return terms

    async def _complete(self, call: TextCall, upstream: Upstream, terms: Terms) -> Outcome:
        part = await upstream.complete(call.request, terms)
        return await self._explained(call, terms, Outcome(part.piece.tokens, part.choice))

    async def _deliver(
        self, session: ChannelSession, call: TextCall, upstream: Upstream, terms: Terms, send: Send
    ) -> None:
        """Pass pieces on until the last, which waits for the receipt; what waits together goes together."""
        frame, kept, sent, made = terms.frame(session), list[Piece](), 0, 0
        last: shape.Part | None = None
        try:
            async with aclosing(in_bunches(upstream.stream(call.request, terms))) as bunches:
                async for bunch in bunches:
                    parts = [shape.read_part(received, is_chat=terms.is_chat) for received in bunch]
                    found = [part for part in parts if part is not None]
                    made += sum(len(part.piece.tokens) for part in found)
                    assert_within(made, terms)
                    last = next((part for part in found if part.finish), last)
                    going = [part for part in found if not part.finish]
                    await self._keep(session, terms, kept, joined(part.piece for part in going))
                    await send([shape.chunk(frame, part.choice) for part in going])
                    sent = len(kept)
            if last is None:
                raise BackendLostError(f"{upstream.url} ended its answer without a reason", "try again")
        except CustomerGoneError:
            await self._bill_gone(session, terms, kept[:sent], call)
            return
        except BackendLostError as error:
            answer = await self._break_off(session, terms, broken_off(terms, kept, SERVER_LOST), call)
            if answer is not None:
                ending = shape.end_choice(CUT, is_chat=terms.is_chat)
                await send([shape.chunk(frame, ending, answer["x_openledger"])])
            raise error
        await self._finish(session, call, terms, (kept, last), send)

    async def _keep(self, session: ChannelSession, terms: Terms, kept: list[Piece], piece: Piece) -> None:
        """A piece is on disk before it goes out; empty ones need not be."""
        if piece:
            await self._deliveries.keep(session.channel_id, len(kept), piece, asdict(terms))
            kept.append(piece)

    async def _finish(
        self,
        session: ChannelSession,
        call: TextCall,
        terms: Terms,
        pieces: tuple[list[Piece], shape.Part],
        send: Send,
    ) -> None:
        kept, last = pieces
        frame = terms.frame(session)
        said = outcome_of(terms, [*kept, last.piece], last.finish)
        outcome = await self._explained(call, terms, said)
        answer = await self._record(session, terms, outcome, call.payment)
        ending = [shape.chunk(frame, last.choice, answer["x_openledger"])]
        if call.request.wants_usage:
            ending.append(shape.usage_chunk(frame, answer["usage"]))
        await send(ending)

    async def _explained(self, call: TextCall, terms: Terms, said: Outcome) -> Outcome:
        """With what `attribution` asked for; an explanation that fails does not take the answer with it."""
        top = call.request.attribution_top_k
        if not top:
            return said
        entry = call.model.entry
        answered = Answered(entry.model_id, entry.model.feature_index, terms.prompt, said.tokens, said.text)
        try:
            explained = await self._explain(answered, top)
            return replace(said, attribution={"featureIndex": answered.feature_index, **explained})
        except (OpenLedgerError, WorkerError, LookupError, TimeoutError) as error:
            log.warning("answer goes without its attribution", model=entry.model_id, reason=repr(error))
            return replace(said, attribution={"error": str(error) or "no worker computed it in time"})

    async def _bill_gone(
        self, session: ChannelSession, terms: Terms, sent: list[Piece], call: TextCall
    ) -> None:
        """Bill a customer that is gone; nobody is left to be told that it cannot be."""
        try:
            await self._break_off(session, terms, broken_off(terms, sent, CUSTOMER_GONE), call)
        except (PaymentRequiredError, TemporaryError, RemoteError) as error:
            log.warning("answer is not paid", channel=session.channel_id, reason=str(error))

    async def _break_off(
        self, session: ChannelSession, terms: Terms, outcome: Outcome, call: TextCall
    ) -> Mapping[str, Any] | None:
        """Bill what went out; None and no receipt when nothing did."""
        if not outcome.tokens:
            await self._receipts.without_receipt(session.channel_id, self._deliveries.forget)
            return None
        log.info("answer broken off", channel=session.channel_id, why=outcome.interrupted)
        return await self._record(session, terms, outcome, call.payment)

    async def _record(
        self, session: ChannelSession, terms: Terms, outcome: Outcome, payment: Payment
    ) -> Mapping[str, Any]:
        """Take the fee; then receipt, voucher and answer are stored and the delivery forgotten, all in one.

        Raises PaymentRequiredError where the fee cannot be had: then there is no receipt either.
        """
        delivered = Delivered(
            prompt=terms.prompt,
            response=outcome.tokens,
            output={"text": outcome.text, "tokens": list(outcome.tokens)},
            tokens_in=len(terms.prompt),
            tokens_out=len(outcome.tokens),
            fee_wei=terms.fee_wei(len(outcome.tokens)),
        )
        receipt = self._channels.receipt(session, delivered)
        outcome = self._signed(session, outcome, receipt)
        taken = await self._take(session, terms, outcome, payment, receipt)
        answer = shape.whole(
            terms.frame(session),
            outcome.choice,
            shape.usage(delivered.tokens_in, delivered.tokens_out),
            paid(receipt.paid, delivered, outcome) | dict(taken.told) | self._cited(terms, receipt),
        )
        stored = self._channels.stored(
            session,
            delivered,
            receipt,
            answer=answer,
            request_hash=bytes.fromhex(terms.request_hash),
            key=terms.idempotency_key,
        )
        await self._receipts.add(stored, taken.voucher, self._deliveries.forget)
        session.tree, session.left_over = receipt.tree, False
        return answer

    def _signed(self, session: ChannelSession, outcome: Outcome, receipt: NewReceipt) -> Outcome:
        """The outcome with the provider's word for the passages it shows."""
        found = outcome.attribution or {}
        if not found.get("spans"):
            return outcome
        output = output_of(receipt.output_salt, outcome.text, outcome.tokens)
        number = receipt.tree.count - 1
        about = Explanation(session.channel_id, number, int(found["featureIndex"]), keccak256(output))
        return replace(outcome, attribution={**found, **self._sign(about, found, outcome.text)})

    def _cited(self, terms: Terms, receipt: NewReceipt) -> dict[str, Any]:
        """What was looked up for an answer, signed."""
        if terms.retrieval is None:
            return {}
        return {
            "citations": terms.retrieval["citations"],
            "retrieval": self._credit(receipt.hash, terms.retrieval),
        }

    async def _take(
        self,
        session: ChannelSession,
        terms: Terms,
        outcome: Outcome,
        payment: Payment,
        receipt: NewReceipt,
    ) -> Taken:
        """Take the fee; what it is for is on disk before, if that takes a transaction."""
        if payment.collects_later:
            said = Piece(outcome.tokens, outcome.text)
            decided = {"choice": dict(outcome.choice), "interrupted": outcome.interrupted}
            head = asdict(terms) | {DECIDED: decided}
            await self._deliveries.replace(session.channel_id, said, head)
            session.left_over = True
        try:
            taken = await payment.take(session, receipt.tree, terms.fee_wei(len(outcome.tokens)))
        except UnpaidError as error:
            await self._receipts.without_receipt(session.channel_id, self._deliveries.forget)
            session.left_over = False
            raise PaymentRequiredError("payment_failed", str(error)) from error
        return taken


async def _unless(gone: Callable[[], Awaitable[None]], work: Awaitable[Outcome]) -> Outcome:
    """The work's result, unless the customer goes first: then the work is cancelled."""
    working, watching = asyncio.ensure_future(work), asyncio.ensure_future(gone())
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise CustomerGoneError("the customer went away")
        return working.result()
    finally:
        for task in (working, watching):
            task.cancel()
        await asyncio.gather(working, watching, return_exceptions=True)
