"""How a validator watches attribution: every post is checked, a wrong one is challenged in one transaction.

Feature indexes are watched alike (`indexes`), and it serves on juries (`jurors`). A validator has an RPC URL,
artefact URLs and a key of its own, and on disk its ballots on juries (`ballots`): all else that it did is
read from the chain (`challenger`).

Covered: wrong scores, debts and amounts; restart at any point; bonds and rewards taken back. Not covered:
staking (the operator does that), posts that are wrong in a way no challenge covers yet (logged as warnings).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from genesis.spec import OPEN_UNIT
from openledger_node.client.account import Account
from openledger_node.client.economy import POST_FINAL, POST_PENDING, POST_VOID, EconomyReader
from openledger_node.client.errors import RemoteError, RevertedError
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.patience import Patience
from openledger_node.client.posts import PostFeed, PostNotice
from openledger_node.client.rpc import Rpc
from openledger_node.client.sender import Sender
from openledger_node.clock import Clock, SystemClock
from openledger_node.errors import TemporaryError
from openledger_node.validator.answers import Answers
from openledger_node.validator.arguments import challenge_of
from openledger_node.validator.audits import Audits
from openledger_node.validator.ballots import Ballots
from openledger_node.validator.challenger import Challenger
from openledger_node.validator.check import check_post
from openledger_node.validator.demands import Demands
from openledger_node.validator.documents import REFUSALS, DocumentError, Documents
from openledger_node.validator.draws import Draws
from openledger_node.validator.features import FeatureChecks
from openledger_node.validator.games import Games
from openledger_node.validator.indexes import IndexWatch
from openledger_node.validator.jurors import Jurors
from openledger_node.validator.query_games import QueryGames
from openledger_node.validator.recomputation import Recomputation
from openledger_node.validator.records import (
    LongQuery,
    PostInputs,
    Right,
    Unprovable,
    Verdict,
    WrongAmount,
    WrongQuery,
    WrongScore,
)
from openledger_node.validator.tallies import commit_and_tally
from precompiles.views.attribution import Post
from workers.artifacts.store import ArtifactStore

POLL_S = 0.5

Duty = Callable[[], Awaitable[None]]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ValidatorOptions:
    """`artifact_urls` are hosts' `…/artifacts`; `directory` keeps copies of what was fetched."""

    artifact_urls: tuple[str, ...]
    directory: Path


class Validator:
    """Runs until cancelled; `figures` are for metrics."""

    def __init__(
        self,
        rpc: Rpc,
        account: Account,
        options: ValidatorOptions,
        features: FeatureChecks | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._reader = EconomyReader(Ethereum(rpc))
        self._clock = clock or SystemClock()
        sender = Sender(self._reader.ethereum, account, self._clock)
        self._challenger = Challenger(self._reader, sender, account)
        stores = [ArtifactStore(options.directory, url) for url in options.artifact_urls]
        self._documents = Documents(self._reader, stores)
        self._features = features
        self._feed = PostFeed(self._reader)
        self.indexes = IndexWatch(self._reader, self._documents, self._challenger, features)
        self.answers = Answers(self._reader, self._documents, self._challenger, self._clock)
        self.audits = Audits(self._reader, self._challenger)
        self.demands = Demands(self._reader, self._challenger)
        self.draws = Draws(self._reader, self._documents, sender)
        self.jurors = Jurors(
            self._reader,
            self._challenger,
            Recomputation(self._reader, self._documents),
            lambda chain_id, juror: Ballots(options.directory.parent, chain_id, juror),
        )
        self._open: dict[int, PostNotice] = {}
        self._judged: dict[int, tuple[PostInputs, Verdict]] = {}
        self._query_games = QueryGames(Games(self._reader, self._challenger), self._challenger)
        self._patience = Patience()
        self.checked = 0
        self.challenged = 0

    async def run(self) -> None:
        """Watch, check, challenge; no duty waits for another's."""
        async with asyncio.TaskGroup() as group:
            for duty in self._duties():
                group.create_task(self._repeat(duty))

    async def _repeat(self, duty: Duty) -> None:
        while True:
            try:
                await duty()
            except (TemporaryError, RemoteError, RevertedError) as error:
                log.warning("validator delayed", reason=str(error))
            await self._clock.sleep(POLL_S)

    def _duties(self) -> tuple[Duty, ...]:
        return (
            self.answers.look,
            self.indexes.look,
            self.draws.look,
            self._serve_on_juries,
            self._look_at_posts,
        )

    def figures(self) -> Iterator[tuple[str, str, Callable[[], float]]]:
        """What a monitor may watch: name, meaning, reader."""
        jury, cases, features = self.jurors.statistics, self.indexes.cases, self._features
        yield "posts_checked", "Attribution posts checked.", lambda: self.checked
        yield "posts_challenged", "Attribution posts challenged.", lambda: self.challenged
        yield "indexes_checked", "Feature indexes checked.", lambda: self.indexes.checked
        yield "indexes_challenged", "Feature indexes challenged.", lambda: self.indexes.challenged
        yield "demands_answered", "Demands and moves of games answered.", lambda: self.answers.answered
        yield "draws_kept", "Draws for derived records kept.", lambda: self.draws.kept
        yield "cases_opened", "Cases brought before a jury.", lambda: cases.opened
        yield "audits_opened", "Drawn audits opened.", lambda: self.audits.opened
        yield "verdicts_committed", "Verdicts committed as a juror.", lambda: jury.committed
        yield "verdicts_revealed", "Verdicts revealed as a juror.", lambda: jury.revealed
        yield (
            "verdicts_not_available",
            "Verdicts that something is not available.",
            lambda: jury.not_available,
        )
        yield "jury_pay_open", "OPEN collected as a juror.", lambda: jury.paid_wei / OPEN_UNIT
        yield "absences_punished", "Absent jurors punished.", lambda: jury.punished
        if features is not None:
            yield "rows_recomputed", "Feature rows recomputed.", lambda: features.rows_checked
            yield (
                "preconditioners_tested",
                "Preconditioners tested.",
                lambda: features.preconditioners_checked,
            )

    async def look(self) -> None:
        """One round over new and open feature indexes, posts and demands."""
        for duty in self._duties():
            await duty()

    async def _look_at_posts(self) -> None:
        for notice in await self._feed.new_posts():
            self._open[notice.post_id] = notice
        now_s = await self._reader.ethereum.timestamp_s() if self._open else 0
        for notice in list(self._open.values()):
            attend = partial(self._attend, notice)
            failure = await self._patience.attempt(notice.post_id, now_s, attend, REFUSALS)
            if failure is not None and failure.is_news:
                reason = str(failure.error)
                log.warning("post cannot be dealt with yet", post=notice.post_id, reason=reason)

    async def _serve_on_juries(self) -> None:
        if self._features is not None:
            if self.jurors.is_needed:
                self._features.call_workers()
            self.jurors.pool = self._features.pool
        await self.jurors.look()

    async def _attend(self, notice: PostNotice) -> None:
        post = await self._reader.post(notice.post_id)
        if post.status == POST_PENDING:
            await self._judge(notice, post)
            return
        if post.status == POST_FINAL or (post.status == POST_VOID and await self._is_paid(notice, post)):
            del self._open[notice.post_id]
            self._judged.pop(notice.post_id, None)

    async def _judge(self, notice: PostNotice, post: Post) -> None:
        if notice.post_id not in self._judged:
            try:
                inputs = await self._documents.published(notice, post)
                verdict = await asyncio.to_thread(check_post, inputs)
                if isinstance(verdict, Unprovable) and inputs.missing:
                    raise DocumentError(inputs.missing)
            except DocumentError:
                await self.demands.press(notice.post_id, post, notice.batches)
                raise
            self._judged[notice.post_id] = inputs, verdict
            self.checked += 1
            _report(notice.post_id, inputs, verdict)
            if self._features is not None and isinstance(verdict, Right):
                datasets = await self._documents.datasets(inputs.post.model_id)
                self._features.ask_about_post(inputs, datasets)
        inputs, verdict = self._judged[notice.post_id]
        await self.audits.look(inputs)
        if isinstance(verdict, WrongQuery):
            self.challenged += await self._query_games.play(inputs, notice.batches, verdict)
        elif isinstance(verdict, (WrongScore, WrongAmount, LongQuery)):
            await self._challenge(notice, inputs, verdict)

    # --- Challenging --------------------------------------------------------------------------------------

    async def _challenge(
        self, notice: PostNotice, inputs: PostInputs, verdict: WrongScore | WrongAmount | LongQuery
    ) -> None:
        await commit_and_tally(self._reader, self._challenger, notice.post_id, verdict)
        salt = await self._challenger.salt(notice.post_id)
        method, arguments = challenge_of(inputs, salt, notice.batches, verdict)
        mined = await self._challenger.send(method, *arguments)
        self.challenged += 1
        log.info("post voided", post=notice.post_id, signer=inputs.post.signer, transaction=mined.hash)

    # --- Bond and reward ----------------------------------------------------------------------------------

    async def _is_paid(self, notice: PostNotice, post: Post) -> bool:
        """Take back the bond and the reward of a void post; True when there is nothing left to take."""
        if not await self._challenger.has_committed(notice.post_id):
            if post.challenger == self._challenger.address_bytes:  # by a game or a demand
                await self._challenger.take_reward()
            return True
        returned = await self._challenger.has_event(
            "BondReturned", notice.post_id, self._challenger.address_bytes
        )
        if not returned:
            try:
                await self._challenger.send("withdrawBond", notice.post_id)
            except RevertedError as error:
                if error.name == "WindowOpen":
                    return False
                log.warning("bond not returned", post=notice.post_id, reason=str(error))
                return True
        await self._challenger.take_reward()
        return True


def _report(post_id: int, inputs: PostInputs, verdict: Verdict) -> None:
    match verdict:
        case Right():
            log.info("post is right", post=post_id, settlements=len(inputs.batches))
        case Unprovable(reason):
            log.warning("post is wrong in a way no challenge covers", post=post_id, reason=reason)
        case WrongQuery() | LongQuery():
            log.warning("post has a wrong query", post=post_id, kind=type(verdict).__name__)
        case WrongScore() | WrongAmount():
            log.warning(
                "post is wrong",
                post=post_id,
                kind=type(verdict).__name__,
                contributor=verdict.contributor,
                posted=verdict.posted,
                computed=verdict.computed,
            )
