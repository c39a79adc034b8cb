"""Buying answers, by command: over a channel with receipts and vouchers, or one without a channel."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from genesis.addresses import PERMIT2
from genesis.spec import OPEN_UNIT
from genesis.types import Hash32
from openledger_node.cli.economy.answer import show_answer
from openledger_node.cli.economy.session import DEFAULTS, Flat, Session, read_file, session
from openledger_node.cli.economy.values import Amount, Word
from openledger_node.client.answers import said_text
from openledger_node.client.economy import METERING
from openledger_node.client.errors import DishonestReceiptError
from openledger_node.client.ethereum import from_hex
from openledger_node.client.explanations import check_explanation
from openledger_node.client.metering import Purchases, Terms
from openledger_node.client.predeploys import WOPEN
from openledger_node.client.purchase_journal import PurchaseJournal, journal_path
from openledger_node.client.text import TextPurchases
from openledger_node.client.x402 import buy_once
from openledger_node.errors import UserError

Bought = TypeVar("Bought", bound=Purchases)


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
            raise UserError(f"line {number} of {file} is not an input", "write a list of integers") from None
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
