"""`openledger-node attribution case`: a customer contests the query that a provider committed for an answer.

Covered: the recomputation here, the case before a jury, how it stands. Not covered: rows and preconditioners
(`challenges`).
"""

import os
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cyclopts import App

from openledger_node.cli.economy.session import DEFAULTS, Flat, Session, session
from openledger_node.cli.economy.values import Word
from openledger_node.client.economy import ATTRIBUTION
from openledger_node.client.purchase_journal import PurchaseJournal, journal_path
from openledger_node.errors import UserError
from openledger_node.jobs.ports import WorkerFailedError

if TYPE_CHECKING:
    from openledger_node.validator.query_cases import Contested, QueryCases
    from workers.protocol import JuryQueryResult

OUTCOMES = ("open", "right", "wrong", "not available", "not proven")
SUBJECTS = {1: "row", 2: "preconditioner", 3: "query", 4: "audit"}

case_app = App(name="case", help="Bring before a jury what only a recomputation can settle.")


@case_app.command
async def check(
    channel: Word,
    number: int,
    *,
    journal: Path | None = None,
    artifacts: list[str] | None = None,
    options: Flat = DEFAULTS,
) -> None:
    """Recompute what an answer asked of the model's records, and compare it with what the provider committed.

    Nothing is sent.

    Parameters
    ----------
    channel
        The channel that paid for the answer.
    number
        The answer's receipt, counted from 0.
    journal
        Where receipts are kept, if not in the state folder.
    artifacts
        Where documents are read, `…/artifacts`; the gateway's unless named.
    """
    async with session(options) as opened:
        cases, contested = await _contested(opened, channel, number, journal, artifacts)
        opened.show(_said(contested, await _recomputed(opened, cases, contested, artifacts)))


@case_app.command(name="open")
async def open_case(
    channel: Word,
    number: int,
    *,
    publish: bool = False,
    unchecked: bool = False,
    journal: Path | None = None,
    artifacts: list[str] | None = None,
    options: Flat = DEFAULTS,
) -> None:
    """Recompute as `check` does, and if the query is wrong bring it before a jury, against a bond.

    The case shows question and answer to everybody, on both chains, for good: hence `--publish`.

    Parameters
    ----------
    channel
        The channel that paid for the answer.
    number
        The answer's receipt, counted from 0.
    publish
        Show the question and the answer to everybody, for good.
    unchecked
        Open the case without recomputing: of a model whose documents are not to be had.
    journal
        Where receipts are kept, if not in the state folder.
    artifacts
        Where documents are read, `…/artifacts`; the gateway's unless named.
    """
    from openledger_node.validator.challenger import Challenger

    async with session(options) as opened:
        cases, contested = await _contested(opened, channel, number, journal, artifacts)
        found = None if unchecked else await _recomputed(opened, cases, contested, artifacts)
        if found is not None and found.is_right:
            raise UserError(
                "the committed query is right", "do not contest it: a case that fails costs its bond"
            )
        if not publish:
            raise UserError(
                "the case would show question and answer to everybody, for good", "repeat with --publish"
            )
        sender = await opened.sender()
        case_id = await cases.open(Challenger(opened.reader, sender, sender.account), contested)
        opened.show({**_said(contested, found), "caseId": case_id})


@case_app.command
async def show(number: int, *, options: Flat = DEFAULTS) -> None:
    """How a case before a jury stands.

    Parameters
    ----------
    number
        The case.
    """
    async with session(options) as opened:
        found = await opened.read(ATTRIBUTION, "getJuryCase", number)
        said = {"subject": SUBJECTS[found["subject"]], "outcome": OUTCOMES[found["outcome"]]}
        opened.show({"caseId": number, **found, **said})


async def _contested(
    opened: Session, channel: Word, number: int, journal: Path | None, artifacts: list[str] | None
) -> "tuple[QueryCases, Contested]":
    """Imported here: it needs what `pip install 'openledger-node[workers]'` brings."""
    from openledger_node.validator.by_hand import artifact_stores
    from openledger_node.validator.documents import Documents
    from openledger_node.validator.query_cases import QueryCases

    chain_id = await opened.l2.chain_id()
    kept = PurchaseJournal(journal or journal_path(chain_id, channel), chain_id, channel).receipts()
    stores = artifact_stores(_urls(opened, artifacts), _home() / "artifacts")
    cases = QueryCases(opened.reader, Documents(opened.reader, stores))
    return cases, await cases.contested(channel, number, kept)


async def _recomputed(
    opened: Session, cases: "QueryCases", contested: "Contested", artifacts: list[str] | None
) -> "JuryQueryResult":
    """By a worker of its own, which reads what the network published."""
    from openledger_node.node.worker_pool import open_checkers

    async with AsyncExitStack() as closing:
        pool = await closing.enter_async_context(open_checkers(_home(), _urls(opened, artifacts)[0]))
        try:
            return await cases.check(pool, contested)
        except WorkerFailedError as error:
            raise UserError(
                f"the query cannot be recomputed: {error}", "name a host that has the model with --artifacts"
            ) from error


def _said(contested: "Contested", found: "JuryQueryResult | None") -> dict[str, Any]:
    about = {"postId": contested.inputs.post_id, "number": contested.number}
    if found is None:
        return about | {"verdict": "unchecked"}
    return about | {
        "verdict": "right" if found.is_right else "wrong",
        "wrongCoordinates": found.beyond,
        "largestDifference": found.largest_lsb,
    }


def _urls(opened: Session, artifacts: list[str] | None) -> list[str]:
    return artifacts or [f"{opened.options.gateway.rstrip('/')}/artifacts"]


def _home() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "openledger-node"
