"""`openledger-node infer`: buying and selling answers, by channel and by request on the chain."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from cyclopts import App

from genesis.addresses import PERMIT2
from genesis.spec import OPEN_UNIT
from genesis.types import ZERO_ADDRESS, Address, Hash32
from openledger_node.cli.economy import retrievals
from openledger_node.cli.economy.answer import show_answer
from openledger_node.cli.economy.session import DEFAULTS, Flat, Options, Session, read_file, session
from openledger_node.cli.economy.values import Account, Amount, Word
from openledger_node.client.answers import said_text
from openledger_node.client.economy import METERING
from openledger_node.client.errors import DishonestReceiptError
from openledger_node.client.ethereum import from_hex, hex_bytes
from openledger_node.client.explanations import check_explanation
from openledger_node.client.metering import Purchases, Terms
from openledger_node.client.predeploys import CALLBACKS, WOPEN
from openledger_node.client.purchase_journal import PurchaseJournal, journal_path
from openledger_node.client.text import TextPurchases
from openledger_node.client.x402 import buy_once
from openledger_node.errors import OpenLedgerError, UserError

app = App(name="infer", help="Buy and sell inference: channels, requests, the directory of providers.")
app.command(retrievals.retrievals)
app.command(retrievals.claim_retrieval)

Bought = TypeVar("Bought", bound=Purchases)
REQUEST_STATES = ("none", "open", "fulfilled", "paid", "disputed", "refunded")
NO_CALLBACK = 0
DAY_S = 86_400


@app.command
async def models(*, options: Flat = DEFAULTS) -> None:
    """What the gateway sells, with prices."""
    async with session(options) as opened:
        opened.show(await opened.gateway.get("/v1/models"))


@app.command
async def providers(*, options: Flat = DEFAULTS) -> None:
    """Everybody in the directory, with endpoint and statistics."""
    async with session(options) as opened:
        events = await opened.l2.events(METERING, "ProviderAnnounced")
        endpoints = {event.arguments["provider"]: event.arguments["endpoint"] for event in events}
        found = []
        for place in range(await opened.read(METERING, "providerCount")):
            account = await opened.read(METERING, "providerAt", place)
            statistics = await opened.read(METERING, "statisticsOf", account)
            found.append({"provider": account, "endpoint": endpoints.get(account), **statistics})
        opened.show({"providers": found})


@app.command
async def open_channel(
    model: int,
    deposit: Amount,
    *,
    provider: Account | None = None,
    voucher_key: Account | None = None,
    options: Flat = DEFAULTS,
) -> None:
    """Open and fund a channel.

    Parameters
    ----------
    model
        What is bought.
    deposit
        What it may cost at most until it is topped up.
    provider
        Who serves; the gateway's unless named.
    voucher_key
        Whose signatures spend from it; the signer unless named.
    """
    async with session(options) as opened:
        if provider is None:
            quote = await opened.gateway.get(f"/v1/models/model-{model}/price")
            provider = Address(from_hex(quote["provider"]))
        key = await opened.whose(voucher_key)
        opened.show(await opened.write(METERING, "openChannel", provider, model, key, value_wei=deposit))


@app.command
async def top_up(channel: Word, amount: Amount, *, options: Flat = DEFAULTS) -> None:
    """Add to a channel's deposit; anybody may."""
    async with session(options) as opened:
        opened.show(await opened.write(METERING, "topUp", channel, value_wei=amount))


@app.command
async def buy(channel: Word, inputs: Path, *, journal: Path | None = None, options: Flat = DEFAULTS) -> None:
    """Buy classifications over a channel, check every receipt, and sign for what came.

    Parameters
    ----------
    channel
        The channel; the signer is its voucher key.
    inputs
        JSON lines: a list of integers each, or an object with `features`.
    journal
        Where checked receipts are kept; `$XDG_STATE_HOME/openledger-node/channels` unless given.
    """
    features = _inputs(inputs)
    async with session(options) as opened:
        purchases, kept = await _purchases(opened, channel, journal, Purchases)
        before_wei = purchases.tree.total_fee_wei
        answers = []
        for each in features:
            answer = await purchases.classify(each)
            receipt = Hash32(from_hex(answer["x_openledger"]["receipt"]["receiptHash"]))
            kept.append(receipt, purchases.bought[-1].fee_wei, purchases.opening)
            answers.append({"label": answer["data"][0]["label"], "receipt": receipt})
        await purchases.acknowledge()
        spent_wei = purchases.tree.total_fee_wei - before_wei
        opened.show({"channelId": channel, "spent": spent_wei, "answers": answers})


@app.command
async def ask(
    channel: Word,
    question: str,
    *,
    max_tokens: int = 128,
    top: int = 3,
    records: int = 0,
    most_records: int = 4,
    journal: Path | None = None,
    options: Flat = DEFAULTS,
) -> None:
    """Ask a language model, and see whose data made the answer possible and what stands in it word for word.

    Parameters
    ----------
    channel
        The channel that pays; its model answers.
    question
        What is asked.
    max_tokens
        Most tokens of the answer.
    top
        So many contributors and records, best first; 0 asks for the answer alone.
    records
        A Datanet whose records are looked up for the answer; 0 is none.
    most_records
        So many of them, at most 16; each adds to the prompt.
    journal
        Where checked receipts are kept, if not in the state folder.
    """
    async with session(options) as opened:
        purchases, kept = await _purchases(opened, channel, journal, TextPurchases)
        body = _chat(purchases.model, question, max_tokens, (records, most_records))
        answer = await purchases.ask(body | ({"attribution": {"top_k": top}} if top else {}))
        paid = answer["x_openledger"]
        receipt = Hash32(from_hex(paid["receipt"]["receiptHash"]))
        newest = purchases.bought[-1]
        kept.append(receipt, newest.fee_wei, purchases.opening, newest.cited)
        await purchases.acknowledge()
        show_answer(answer, as_json=options.json, passages=await _passages(opened, channel, answer))


async def _passages(opened: Session, channel: Hash32, answer: Mapping[str, Any]) -> str:
    """What there is to say of the provider's word for the passages it shows; it is paid all the same."""
    text = said_text(answer["choices"][0])
    provider = (await opened.reader.channel(channel)).provider
    try:
        signed = check_explanation(answer["x_openledger"], text, provider, await opened.l2.chain_id())
    except DishonestReceiptError as error:
        return f"do not trust the passages: {error}"
    if signed is None:
        return ""
    return f"{signed} passages signed by the provider; contest them with `attribution challenge span`"


@app.command
async def once(
    model: int,
    question: str,
    *,
    max_tokens: int = 128,
    most: Amount = OPEN_UNIT,
    records: int = 0,
    most_records: int = 4,
    options: Flat = DEFAULTS,
) -> None:
    """Ask a language model without a channel: the signer pays this one answer by x402.

    Parameters
    ----------
    model
        The model that answers.
    question
        What is asked.
    max_tokens
        Most tokens of the answer.
    most
        Most that it may cost; what is missing in WOPEN is wrapped, and Permit2 may move so much of it.
    records
        A Datanet whose records are looked up for the answer; 0 is none.
    most_records
        So many of them, at most 16; each adds to the prompt.
    """
    body = _chat(f"model-{model}", question, max_tokens, (records, most_records))
    async with session(options) as opened:
        sender = await opened.sender()
        quote = await opened.gateway.post("/v1/quotes", body)
        needed_wei = int(quote["maximumFee"])
        if needed_wei <= most:
            has_wei = await opened.read(WOPEN, "balanceOf", sender.address)
            if has_wei < needed_wei:
                await opened.send(WOPEN, "deposit", value_wei=needed_wei - has_wei)
            if await opened.read(WOPEN, "allowance", sender.address, PERMIT2) < needed_wei:
                await opened.send(WOPEN, "approve", PERMIT2, needed_wei)
        show_answer(await buy_once(opened.gateway, body, sender.account, most), as_json=options.json)


def _chat(model: str, question: str, max_tokens: int, looked_up: tuple[int, int]) -> dict[str, Any]:
    """The body of a question; `looked_up` are a Datanet, or 0, and how many of its records at most."""
    datanet, most = looked_up
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": "user", "content": question}],
        "max_tokens": max_tokens,
    }
    return body | ({"retrieval": {"datanet": datanet, "top_k": most}} if datanet else {})


def _inputs(file: Path) -> list[list[int]]:
    found = []
    for number, line in enumerate(read_file(file).decode().splitlines(), start=1):
        try:
            value = json.loads(line)
            found.append([int(each) for each in (value["features"] if isinstance(value, dict) else value)])
        except (ValueError, TypeError, KeyError):
            raise UserError(f"line {number} of {file} is no input", "write a list of integers") from None
    return found


async def _purchases(
    opened: Session, channel: Hash32, journal: Path | None, kind: type[Bought]
) -> tuple[Bought, PurchaseJournal]:
    chain_id = await opened.l2.chain_id()
    found = await opened.read(METERING, "getChannel", channel)
    sender = await opened.sender()
    if sender.address != found["voucherKey"]:
        raise UserError("the signer is not the channel's voucher key", "use the account that signs for it")
    name = f"model-{found['modelId']}"
    terms = Terms(channel, chain_id, name, found["inputPrice"], found["outputPrice"])
    purchases = kind(opened.gateway, sender.account, terms)
    kept = PurchaseJournal(journal or journal_path(chain_id, channel), chain_id, channel)
    purchases.tree, purchases.bought = kept.tree(), kept.bought()
    if purchases.tree.count < found["settledReceipts"]:
        raise UserError(
            f"receipts of this channel are not in {journal or 'the journal'}", "give --journal, or close it"
        )
    return purchases, kept


@app.command
async def settle(channel: Word, *, wait: bool = False, options: Flat = DEFAULTS) -> None:
    """Ask the gateway to settle a channel and attribute it; `--wait` until contributors may claim."""
    async with session(options) as opened:
        found: dict[str, Any] = await opened.gateway.post(f"/api/channels/{hex_bytes(channel)}/settle", {})
        if wait:
            found = await _settled(opened, found["key"])
        opened.show(found)


async def _settled(opened: Session, key: str) -> dict[str, Any]:
    found: dict[str, Any] = {}

    async def is_final() -> bool:
        found.update(await opened.gateway.get(f"/api/settlements/{key}"))
        if found["error"]:
            raise OpenLedgerError(f"the settlement stopped: {found['error']}", "see the gateway's log")
        return bool(found["final"])

    await opened.until("a final post", is_final)
    return found


@app.command
async def close(channel: Word, *, options: Flat = DEFAULTS) -> None:
    """Ask for a channel's end; the provider may settle until the delay is over."""
    await _write(options, "requestClose", channel)


@app.command
async def withdraw(channel: Word, *, wait: bool = False, options: Flat = DEFAULTS) -> None:
    """Take back what a closed channel did not spend; `--wait` until that is allowed."""
    async with session(options) as opened:
        if wait:
            closable_s = (await opened.read(METERING, "getChannel", channel))["closableAt"]
            if not closable_s:
                raise UserError("the channel is open", "ask for its end with `infer close`")

            async def is_over() -> bool:
                return bool(await opened.l2.timestamp_s() >= closable_s)

            await opened.until("the end of the channel's delay", is_over)
        opened.show(await opened.write(METERING, "withdraw", channel))


@app.command
async def channel(channel: Word, *, options: Flat = DEFAULTS) -> None:
    """A channel on the chain."""
    async with session(options) as opened:
        opened.show({"channelId": channel, **await opened.read(METERING, "getChannel", channel)})


@app.command
async def receipt(channel: Word, number: int, *, options: Flat = DEFAULTS) -> None:
    """A receipt and the proof that it stands under the channel's root."""
    async with session(options) as opened:
        arguments = hex_bytes(channel), hex(number)
        found = await opened.l2.rpc.call("openledger_getReceipt", *arguments)
        if found is None:
            raise UserError(f"the gateway has no receipt {number} of this channel", "count from 0")
        proof = await opened.l2.rpc.call("openledger_getReceiptProof", *arguments)
        opened.show({"receipt": found, "proof": proof})


@app.command
async def settlement(number: int, *, options: Flat = DEFAULTS) -> None:
    """A settlement on the chain."""
    async with session(options) as opened:
        opened.show({"settlementId": number, **await opened.read(METERING, "getSettlement", number)})


@app.command
async def earnings(
    *, withdraw: bool = False, recipient: Account | None = None, options: Flat = DEFAULTS
) -> None:
    """What provider or model owner has earned, and what is held while receipts can be contested.

    Parameters
    ----------
    withdraw
        Take what is not held.
    recipient
        To whom; without `--withdraw` whose. The signer unless named.
    """
    async with session(options) as opened:
        if withdraw:
            to = await opened.whose(recipient)
            opened.show(await opened.write(METERING, "withdrawEarnings", to))
            return
        whose = await opened.whose(recipient)
        earned, held = [await opened.read(METERING, name, whose) for name in ("earningsOf", "heldOf")]
        opened.show({"account": whose, "earnings": earned, "held": held})


@app.command
async def release(*settlements: int, options: Flat = DEFAULTS) -> None:
    """Let providers have what was held of settlements whose receipts nobody can contest any more.

    Parameters
    ----------
    settlements
        Their numbers. A provider's node does this by itself when a post is final.
    """
    if not settlements:
        raise UserError("no settlement is named", "give the numbers that `settle` gave")
    await _write(options, "releaseEarnings", list(settlements))


@app.command
async def announce(endpoint: str, document: Word, *, options: Flat = DEFAULTS) -> None:
    """Enter the directory of providers with an endpoint and the hash of what describes it."""
    await _write(options, "announceProvider", endpoint, document)


@app.command
async def offer(model: int, *, offered: bool = True, options: Flat = DEFAULTS) -> None:
    """Offer a model in the directory, or with `--no-offered` no longer."""
    await _write(options, "setOffer", model, offered)


@app.command
async def statistics(who: Account, *, options: Flat = DEFAULTS) -> None:
    """What an account bought and served, ever."""
    async with session(options) as opened:
        opened.show({"account": who, **await opened.read(METERING, "statisticsOf", who)})


@app.command
async def request(
    model: int,
    provider: Account,
    prompt: Word,
    most: Amount,
    *,
    uri: str = "",
    lifetime: int = DAY_S,
    callback_gas: int = NO_CALLBACK,
    callback_tip: Amount = 0,
    options: Flat = DEFAULTS,
) -> None:
    """Ask a provider for one answer on the chain.

    Parameters
    ----------
    model
        Which model.
    provider
        Who is to answer.
    prompt
        The salted hash of the question.
    most
        What it may cost at most.
    uri
        Where the provider finds the question.
    lifetime
        Seconds in which the answer must come.
    callback_gas
        Gas of the call to the asking contract; 0 asks for none.
    callback_tip
        What whoever delivers that call is paid.
    """
    async with session(options) as opened:
        arguments = (model, provider, prompt, lifetime, callback_gas, callback_tip, uri)
        value_wei = most + callback_tip
        opened.show(await opened.write(METERING, "requestInference", *arguments, value_wei=value_wei))


@app.command
async def fulfil(
    request: int,
    output: Word,
    *,
    tokens_in: int,
    tokens_out: int,
    queries: Word,
    uri: str = "",
    options: Flat = DEFAULTS,
) -> None:
    """Answer a request as its provider: the hash of the answer, what it took, the root of its query."""
    await _write(options, "fulfil", request, output, tokens_in, tokens_out, queries, uri)


@app.command
async def settle_request(request: int, *, options: Flat = DEFAULTS) -> None:
    """Split an undisputed answer's fee after its window; anybody may."""
    await _write(options, "settleRequest", request)


@app.command
async def dispute_request(request: int, *, options: Flat = DEFAULTS) -> None:
    """Refuse an answer within its window: its fee goes to the treasury, to neither side."""
    await _write(options, "disputeRequest", request)


@app.command
async def refund_request(request: int, *, options: Flat = DEFAULTS) -> None:
    """Send everything back when no answer came in time; anybody may."""
    await _write(options, "refundRequest", request)


@app.command
async def deliver(request: int, *, options: Flat = DEFAULTS) -> None:
    """Make the call that a requesting contract paid for, for the tip."""
    async with session(options) as opened:
        opened.show(await opened.write(CALLBACKS, "deliver", request))


@app.command
async def show_request(request: int, *, options: Flat = DEFAULTS) -> None:
    """A request on the chain and where it stands."""
    async with session(options) as opened:
        found = await opened.read(METERING, "getRequest", request)
        if found["requester"] == ZERO_ADDRESS:
            raise UserError(f"there is no request {request}", "check its id")
        opened.show({"requestId": request, **found, "status": REQUEST_STATES[found["status"]]})


async def _write(options: Options, method: str, *arguments: Any) -> None:
    async with session(options) as opened:
        opened.show(await opened.write(METERING, method, *arguments))
