"""`openledger-node attribution check|challenge|demand|answer`: what a validator does, by hand.

Covered: posts (scores, debts, amounts, queries' norms, batch queries) and feature indexes (rows, counts,
norms, owners, sketches, duplicates, sums), each found by recomputing it; demands and their answers; bonds
taken back. Not covered: what a person names (`challenges`); serving on juries (the validator's process does).
"""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from openledger_node.cli.economy.session import DEFAULTS, Flat, Session, refusal, session
from openledger_node.cli.economy.values import Data
from openledger_node.client.economy import ATTRIBUTION
from openledger_node.client.posts import posted
from openledger_node.errors import UserError
from openledger_node.logs import configure

if TYPE_CHECKING:
    from openledger_node.validator.by_hand import Accuser, Checker

Subject = Literal["post", "index"]
DryRun = Annotated[bool, Parameter(negative=(), help="Say what would be proved; send nothing.")]
PostTree = Literal["amounts", "scores", "debts", "query", "queries", "receipts"]
IndexTree = Literal["rows", "sums"]
POST_TREES: dict[PostTree, int] = {"scores": 1, "debts": 2, "query": 3, "queries": 4, "receipts": 5}
INDEX_TREES: dict[IndexTree, int] = {"rows": 0, "sums": 1}
"""Numbers of trees within a batch or an index. Source: `IAttribution.DemandPath`."""
SHOWN = (
    "batch",
    "place",
    "contributor_index",
    "contributor",
    "coordinate",
    "records",
    "posted",
    "computed",
    "credited",
    "reason",
)
"""Members of a verdict that tell a person what is wrong."""

check_app = App(name="check", help="Recompute a post or feature index from what is published.")
challenge_app = App(name="challenge", help="Prove a wrong post or feature index wrong, against a bond.")
demand_app = App(name="demand", help="Make the signer of a post or index show what stands at a place.")


def checker(opened: Session, artifacts: list[str] | None) -> "Checker":
    """Imported here: it needs what `pip install 'openledger-node[workers]'` brings."""
    from openledger_node.validator.by_hand import Checker

    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    urls = artifacts or [f"{opened.options.gateway.rstrip('/')}/artifacts"]
    return Checker(opened.reader, urls, home / "openledger-node" / "artifacts")


def _said(subject: Subject, number: int, verdict: object) -> dict[str, Any]:
    name = type(verdict).__name__
    found = {"verdict": "".join(f"-{each.lower()}" if each.isupper() else each for each in name).lstrip("-")}
    shown = {each: getattr(verdict, each) for each in SHOWN if hasattr(verdict, each)}
    return {f"{subject}Id": number, **found, **shown}


@check_app.command(name="post")
async def check_post(number: int, *, artifacts: list[str] | None = None, options: Flat = DEFAULTS) -> None:
    """Recompute every score and amount of a post.

    Parameters
    ----------
    number
        The post.
    artifacts
        Where documents are read, `…/artifacts`; the gateway's unless named.
    """
    async with session(options) as opened:
        _, verdict = await checker(opened, artifacts).post(number)
        opened.show(_said("post", number, verdict))


@check_app.command(name="index")
async def check_index(number: int, *, artifacts: list[str] | None = None, options: Flat = DEFAULTS) -> None:
    """Recompute the sums of a feature index, its duplicates and whose rows are whose.

    Parameters
    ----------
    number
        The feature index.
    artifacts
        Where documents are read, `…/artifacts`; the gateway's unless named.
    """
    async with session(options) as opened:
        _, verdict = await checker(opened, artifacts).index(number)
        opened.show(_said("index", number, verdict))


@challenge_app.command(name="post")
async def challenge_post(
    number: int, *, artifacts: list[str] | None = None, dry_run: DryRun = False, options: Flat = DEFAULTS
) -> None:
    """Find what is wrong with a post, commit, and prove it; a game over its query is played to its end.

    Parameters
    ----------
    number
        The post.
    artifacts
        Where documents are read, `…/artifacts`; the gateway's unless named.
    """
    async with session(options) as opened:
        checking = checker(opened, artifacts)
        inputs, verdict = await checking.post(number)
        if dry_run:
            opened.show({**_said("post", number, verdict), "bond": await bond_wei(opened), "void": False})
            return
        accusing = await accuser(opened)
        await _until_void(opened, lambda: accusing.against_post(inputs, verdict))
        opened.show({**_said("post", number, verdict), "void": True})


@challenge_app.command(name="index")
async def challenge_index(
    number: int, *, artifacts: list[str] | None = None, dry_run: DryRun = False, options: Flat = DEFAULTS
) -> None:
    """Find what is wrong with a feature index and prove it; a game over a sum is played to its end.

    Parameters
    ----------
    number
        The feature index.
    artifacts
        Where documents are read, `…/artifacts`; the gateway's unless named.
    """
    async with session(options) as opened:
        checking = checker(opened, artifacts)
        inputs, verdict = await checking.index(number)
        if dry_run:
            opened.show({**_said("index", number, verdict), "bond": await bond_wei(opened), "void": False})
            return
        accusing = await accuser(opened)
        await _until_void(opened, lambda: accusing.against_index(inputs, verdict))
        opened.show({**_said("index", number, verdict), "void": True})


@challenge_app.command
async def bond(subject: Subject, number: int, *, options: Flat = DEFAULTS) -> None:
    """Take back the bond of a decided challenge; the reward comes with `stake claim-slash-reward`.

    Parameters
    ----------
    subject
        What was challenged.
    number
        Its number.
    """
    async with session(options) as opened:
        method = "withdrawBond" if subject == "post" else "settleIndexCase"
        opened.show(await opened.write(ATTRIBUTION, method, number))


async def accuser(opened: Session) -> "Accuser":
    """Who challenges; what is logged on the way goes to standard error, beside the result."""
    from openledger_node.validator.by_hand import Accuser

    configure("error", "console")
    return Accuser(opened.reader, await opened.sender())


async def bond_wei(opened: Session) -> int:
    """What a challenge costs until it is proved."""
    return (await opened.reader.current_policy())[1].challenge_bond_wei


async def _until_void(opened: Session, move: Callable[[], Awaitable[bool]]) -> None:
    """Move after move; all but games over sums take one."""
    await opened.until("the end of the challenge", lambda: refusal(move))


# --- Demands ----------------------------------------------------------------------------------------------


@demand_app.command(name="post")
async def demand_of_post(
    number: int,
    *,
    tree: PostTree = "amounts",
    position: int = 0,
    batch: int = 0,
    chunk: int = 0,
    opened_above: list[Data] | None = None,
    options: Flat = DEFAULTS,
) -> None:
    """Demand what stands under a post's root; a post whose signer stays silent is void.

    Parameters
    ----------
    number
        The post.
    tree
        Which of its trees; all but `amounts` are a batch's.
    position
        The leaf's place.
    batch
        Which batch of the post.
    chunk
        Which 1,024 coordinates of the vector under the leaf.
    opened_above
        What earlier answers showed, from the root down; nothing asks for the root's children.
    """
    async with session(options) as opened:
        batches = (await posted(opened.reader, number)).batches
        settlement = await opened.reader.settlement(batches[batch]["settlementId"])
        fee_wei = (await opened.reader.policy(settlement.policy_version)).demand_fee_wei
        which = 0 if tree == "amounts" else 5 * batch + POST_TREES[tree]
        path = (which, position, chunk, opened_above or [])
        terms = (number, batches, path)
        opened.show(await opened.write(ATTRIBUTION, "demandOfPost", *terms, value_wei=fee_wei))


@demand_app.command(name="index")
async def demand_of_index(
    number: int,
    *,
    tree: IndexTree = "rows",
    position: int = 0,
    chunk: int = 0,
    opened_above: list[Data] | None = None,
    options: Flat = DEFAULTS,
) -> None:
    """Demand what stands under a feature index's root; an index whose signer stays silent is void.

    Parameters
    ----------
    number
        The feature index.
    tree
        Its rows, or its contributors' sums.
    position
        The leaf's place.
    chunk
        Which 1,024 coordinates of the vector under the leaf.
    opened_above
        What earlier answers showed, from the root down; nothing asks for the root's children.
    """
    async with session(options) as opened:
        index = await opened.reader.feature_index(number)
        fee_wei = (await opened.reader.policy(index.policy_version)).demand_fee_wei
        path = (INDEX_TREES[tree], position, chunk, opened_above or [])
        opened.show(await opened.write(ATTRIBUTION, "demandOfIndex", number, path, value_wei=fee_wei))


@demand_app.command
async def show(number: int, *, options: Flat = DEFAULTS) -> None:
    """A demand: of whom, until when, and what was shown."""
    async with session(options) as opened:
        found = await opened.read(ATTRIBUTION, "getDemand", number)
        answers = await opened.l2.events(ATTRIBUTION, "DemandAnswered", number)
        shown = [event.arguments["content"] for event in answers]
        opened.show({"demandId": number, **found, "isOpen": bool(found["until"]), "shown": shown})


@demand_app.command
async def expire(number: int, *, options: Flat = DEFAULTS) -> None:
    """End a demand that nobody answered in time: its subject is void and its signer slashed."""
    async with session(options) as opened:
        opened.show(await opened.write(ATTRIBUTION, "expireDemand", number))


async def answer(
    number: int,
    *,
    content: Data | None = None,
    artifacts: list[str] | None = None,
    options: Flat = DEFAULTS,
) -> None:
    """Show what a demand asks for and take its fee; anybody may.

    Parameters
    ----------
    number
        The demand.
    content
        What is asked for; looked up in the published documents unless given.
    artifacts
        Where documents are read, `…/artifacts`; the gateway's unless named.
    """
    async with session(options) as opened:
        asked = await opened.read(ATTRIBUTION, "getDemand", number)
        if not asked["until"]:
            raise UserError(f"demand {number} is not open", "see `attribution demand show`")
        found = content
        if found is None:
            found = await checker(opened, artifacts).content(asked["key"], asked["contentHash"])
        opened.show(await opened.write(ATTRIBUTION, "answerDemand", number, found))
