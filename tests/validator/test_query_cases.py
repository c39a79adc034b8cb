"""A customer contests its provider's queries: honest ones pass, forged ones fall before a jury."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from genesis.policy import DEV_POLICY
from openledger_node.cli.commands import run_command
from openledger_node.cli.economy import session
from openledger_node.client.account import dev_account
from openledger_node.client.economy import ATTRIBUTION, POST_PENDING, POST_VOID
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.openings import receipt_input
from openledger_node.client.purchase_journal import PurchaseJournal
from openledger_node.client.sender import Sender
from openledger_node.errors import UserError
from openledger_node.node import worker_pool
from precompiles.views.attribution import VOID_SETTLEMENT
from precompiles.views.juries import QUERY, RIGHT, WRONG
from tests.jobs.economy import CUSTOMER, PROVIDER, VALIDATOR, Economy, InlinePool, opening, paid_plan
from tests.validator.contesting import COUNT, FORGED, kept, of_customer, posted
from tests.validator.test_jurors import JURORS, balance, case_of, events, member, rounds, with_stakes
from workers.errors import InvalidInputError
from workers.protocol import ReceiptInput


async def judged(economy: Economy, tmp_path: Path) -> Any:
    """The case, after validators sat on it."""
    members = [member(economy, index, tmp_path) for index in (VALIDATOR, *JURORS)]
    await rounds(members, economy, 14)
    for one in members:
        await one.stop()
    paid_wei = sum(one.validator.jurors.statistics.paid_wei for one in members)
    assert paid_wei >= DEV_POLICY.juror_fee_wei
    return await case_of(economy), paid_wei


async def test_all_queries_of_an_honest_provider_pass(economy: Economy) -> None:
    plan, _ = await posted(economy, forges=False)
    cases, _ = of_customer(economy)
    for number in range(COUNT):
        contested = await cases.contested(economy.channel_id, number, kept(plan))
        found = await cases.check(InlinePool(economy.store), contested)
        assert (found.is_right, found.beyond) == (True, 0)


async def test_a_forged_query_is_found_and_its_provider_pays(economy: Economy, tmp_path: Path) -> None:
    with_stakes(economy)
    plan, notice = await posted(economy, forges=True)
    cases, challenger = of_customer(economy)
    contested = await cases.contested(economy.channel_id, FORGED, kept(plan))
    found = await cases.check(InlinePool(economy.store), contested)
    assert not found.is_right
    assert found.beyond > 1
    before_wei = balance(economy, CUSTOMER)
    assert await cases.open(challenger, contested) == 1
    case, cost_wei = await judged(economy, tmp_path)
    assert (case["subject"], case["outcome"], case["position"]) == (QUERY, WRONG, FORGED)
    assert case["accused"] == dev_account(PROVIDER).address
    read = Ethereum(economy.node).read
    assert await read(ATTRIBUTION, "slashedOf", case["accused"]) == DEV_POLICY.slash_amount_wei
    assert (await economy.reader.post(notice.post_id)).status == POST_VOID
    assert await economy.reader.post_of(1) == VOID_SETTLEMENT
    await challenger.take_reward()
    share_wei = (DEV_POLICY.slash_amount_wei - cost_wei) * case["sharePpm"] // 10**6
    assert balance(economy, CUSTOMER) == before_wei + share_wei
    assert await events(economy, "AnswerShown", 1) == 1


async def test_an_honest_provider_is_acquitted_and_compensated(economy: Economy, tmp_path: Path) -> None:
    with_stakes(economy)
    plan, notice = await posted(economy, forges=False)
    cases, challenger = of_customer(economy)
    before = {index: balance(economy, index) for index in (CUSTOMER, PROVIDER)}
    await cases.open(challenger, await cases.contested(economy.channel_id, FORGED, kept(plan)))
    case, paid_wei = await judged(economy, tmp_path)
    assert case["outcome"] == RIGHT
    bond_wei = DEV_POLICY.challenge_bond_wei
    assert balance(economy, CUSTOMER) == before[CUSTOMER] - bond_wei
    assert balance(economy, PROVIDER) == before[PROVIDER] + bond_wei - paid_wei
    assert (await economy.reader.post(notice.post_id)).status == POST_PENDING


async def test_what_cannot_be_contested_is_said(economy: Economy) -> None:
    plan = paid_plan(economy, COUNT)
    cases, challenger = of_customer(economy)
    with pytest.raises(UserError, match="not settled"):
        await cases.contested(economy.channel_id, 0, kept(plan))
    plan, notice = await posted(economy, forges=False)
    receipts = kept(plan)
    with pytest.raises(UserError, match="none is number 3"):
        await cases.contested(economy.channel_id, COUNT, receipts)
    for changed, said in (
        (replace(receipts[0], opening=None), "without what opens it"),
        (replace(receipts[0], fee_wei=1), "does not open it"),
    ):
        with pytest.raises(UserError, match=said):
            await cases.contested(economy.channel_id, 0, [changed, *receipts[1:]])
    with pytest.raises(UserError, match="not those that were settled"):
        await cases.contested(economy.channel_id, 0, [*receipts[:2], receipts[0]])
    contested = await cases.contested(economy.channel_id, 0, receipts)
    with pytest.raises(UserError, match="no validator"):
        await cases.open(challenger, contested)
    assert not await challenger.has_committed(notice.post_id)
    economy.node.advance(2 * DEV_POLICY.post_window_s)
    await Sender(Ethereum(economy.node), dev_account(CUSTOMER)).transact(ATTRIBUTION, "finalize", 1)
    with pytest.raises(UserError, match="no longer be contested"):
        await cases.open(challenger, contested)
    assert (await cases.check(InlinePool(economy.store), contested)).is_right


def test_an_opening_that_no_model_can_be_asked_is_refused() -> None:
    good = opening((1, 2))
    assert receipt_input(4, good.prompt, good.output) == ReceiptInput(4, 0, (1, 2))
    salt = bytes(32)
    answer = salt + b'{"text":"ab","tokens":[5,6]}'
    assert receipt_input(4, salt + b"[3]", answer).response == (5, 6)
    for prompt, output in (
        (salt + b"[1,true]", answer),
        (salt + b"[1.5]", answer),
        (salt + b"[99999999999]", answer),
        (salt + b"{}", answer),
        (salt + b"[1", answer),
        (b"", answer),
        (salt + b"[1]", salt + b"[]"),
        (salt + b"[1]", salt + b'{"tokens":"a"}'),
    ):
        with pytest.raises(InvalidInputError):
            receipt_input(4, prompt, output)


def test_the_commands_check_warn_and_open(
    economy: Economy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Connection:
        """Every command closes its connection; the node lives on."""

        def __init__(self, _url: str) -> None:
            self.call = economy.node.call

        async def close(self) -> None:
            """See `HttpRpc`."""

    @contextlib.asynccontextmanager
    async def here(_directory: Path, _url: str) -> AsyncIterator[InlinePool]:
        yield InlinePool(economy.store)

    def run(*words: str) -> None:
        arguments = ["openledger-node", "attribution", "case", *words, "--json", "--account", str(CUSTOMER)]
        monkeypatch.setattr(sys, "argv", arguments)
        with contextlib.suppress(SystemExit):
            run_command()

    monkeypatch.setattr(session, "HttpRpc", Connection)
    monkeypatch.setattr(worker_pool, "open_checkers", here)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "cache" / "openledger-node"
    folder.mkdir(parents=True)
    (folder / "artifacts").symlink_to(economy.store.directory)
    with_stakes(economy)
    plan, notice = asyncio.run(posted(economy, forges=True))
    journal = PurchaseJournal(tmp_path / "journal", 31338, economy.channel_id)
    for each in kept(plan):
        journal.append(each.hash, each.fee_wei, each.opening)
    assert journal.receipts() == kept(plan)
    where = (f"0x{economy.channel_id.hex()}", "--journal", str(tmp_path / "journal"))

    run("check", where[0], "0", *where[1:])
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["wrongCoordinates"]) == ("right", "0")
    assert found["postId"] == str(notice.post_id)
    run("open", where[0], "0", *where[1:], "--publish")
    assert "the committed query is right" in capsys.readouterr().err
    run("open", where[0], str(FORGED), *where[1:])
    assert "to everybody, for good" in capsys.readouterr().err
    assert asyncio.run(events(economy, "JuryCaseOpened")) == 0
    run("open", where[0], str(FORGED), *where[1:], "--publish")
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["caseId"]) == ("wrong", "1")
    run("show", "1")
    found = json.loads(capsys.readouterr().out)
    assert (found["subject"], found["outcome"]) == ("query", "open")
