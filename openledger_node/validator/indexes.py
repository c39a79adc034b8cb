"""How a validator watches feature indexes: each is checked before it can be used, a wrong one is voided.

Rows left out or out of their rules, norms, owners, sketches and duplicates fall in one transaction after a
commitment; a wrong sum is disputed in a game, whose moves are read from the chain, so that a restart goes on
with it; what only recomputation shows, and records that are not published as they were committed, are brought
before a jury (`cases`).

Covered: what `index_check`, `record_check` and `features` find; games to their end; bonds and rewards taken
back. Not covered: answering games as the index's signer (`answers`).
"""

import asyncio
from dataclasses import dataclass
from functools import partial

import structlog

from openledger_node.client.economy import ATTRIBUTION, MODELS, EconomyReader
from openledger_node.client.errors import RevertedError
from openledger_node.client.patience import Patience
from openledger_node.validator.arguments import (
    ONE_TRANSACTION,
    OneTransaction,
    index_challenge,
)
from openledger_node.validator.cases import Accusation, Cases
from openledger_node.validator.challenger import Challenger
from openledger_node.validator.documents import REFUSALS, DocumentError, Documents
from openledger_node.validator.features import FeatureChecks
from openledger_node.validator.games import Games
from openledger_node.validator.index_check import (
    BrokenRow,
    IndexInputs,
    IndexVerdict,
    WrongCount,
    WrongNorm,
    WrongSum,
    check_index,
    is_named_right,
)
from openledger_node.validator.record_check import (
    NotCommitted,
    RecordVerdict,
    WrongDuplicate,
    WrongOwner,
    WrongSketch,
    check_records,
)
from openledger_node.validator.records import Right, Unprovable
from openledger_node.validator.sources import Sources
from openledger_node.validator.sum_games import SumGames
from openledger_node.validator.tallies import commit_and_tally
from openledger_node.validator.windows import warn_of_short_windows
from precompiles.views.attribution import INDEX_KEY, INDEX_VOID
from workers.errors import InvalidInputError

UNCONTESTED = 0

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Watched:
    """One index until it is usable and right, or void and paid for."""

    index_id: int
    usable_at_s: int
    inputs: IndexInputs | None = None
    verdict: IndexVerdict | RecordVerdict | None = None
    found_s: int = 0
    compared: frozenset[int] = frozenset()
    """Contributions whose records were compared and are right; the others were not to be had."""
    is_accused: bool = False


class IndexWatch:
    """One round of `look` at a time; `checked` and `challenged` are for metrics."""

    def __init__(
        self,
        reader: EconomyReader,
        documents: Documents,
        challenger: Challenger,
        features: FeatureChecks | None = None,
    ) -> None:
        self._reader = reader
        self._documents = documents
        self._challenger = challenger
        self._games = Games(reader, challenger)
        self._sum_games = SumGames(self._games, challenger)
        self._features = features
        self.cases = Cases(reader, challenger)
        self._patience = Patience()
        self._next_block = 0
        self._open: dict[int, Watched] = {}
        self.checked = 0
        self.challenged = 0

    async def look(self) -> None:
        """One round over new and open indexes."""
        await self._discover()
        now_s = await self._reader.ethereum.timestamp_s() if self._open else 0
        for one in list(self._open.values()):
            attend = partial(self._attend, one)
            failure = await self._patience.attempt(one.index_id, now_s, attend, REFUSALS)
            if failure is not None:
                if failure.is_news:
                    reason = str(failure.error)
                    log.warning("feature index is not done yet", index=one.index_id, reason=reason)
                self._give_up(one, failure.error, now_s)

    def _give_up(self, one: Watched, error: Exception, now_s: int) -> None:
        """What nobody published while it could be contested is not looked for any more."""
        if isinstance(error, DocumentError) and one.verdict is None and now_s >= one.usable_at_s:
            log.warning("feature index became usable unread", index=one.index_id, reason=str(error))
            self._open.pop(one.index_id, None)
            self._patience.forget(one.index_id)

    async def _discover(self) -> None:
        head = await self._reader.ethereum.block_number()
        if head < self._next_block:
            return
        events = await self._reader.ethereum.events(
            MODELS, "FeatureIndexCommitted", first_block=self._next_block, last_block=head
        )
        self._next_block = head + 1
        for event in events:
            index_id = int(event.arguments["indexId"])
            self._open[index_id] = Watched(index_id, int(event.arguments["usableAt"]))

    async def _attend(self, one: Watched) -> None:
        status = int(await self._reader.ethereum.read(ATTRIBUTION, "indexStatus", one.index_id))
        if status == INDEX_VOID:
            if await self._is_paid(one.index_id):
                del self._open[one.index_id]
            return
        if one.verdict is None:
            await self._judge(one)
        if isinstance(one.verdict, ONE_TRANSACTION):
            await self._challenge(one.index_id, one.verdict)
        elif isinstance(one.verdict, WrongSum) and one.inputs is not None:
            self.challenged += await self._sum_games.play(one.inputs, one.verdict)
        elif isinstance(one.verdict, Right | NotCommitted) and await self._accuse(one):
            return
        is_left_alone = status == UNCONTESTED and isinstance(one.verdict, (Right, NotCommitted, Unprovable))
        if is_left_alone and await self._reader.ethereum.timestamp_s() >= one.usable_at_s:
            del self._open[one.index_id]

    async def _judge(self, one: Watched) -> None:
        one.verdict = await self._verdict(one)
        self.checked += 1
        _report(one.index_id, one.verdict)
        if self._features is not None and isinstance(one.verdict, Right) and one.inputs is not None:
            datasets = await self._documents.datasets(one.inputs.index.model_id)
            self._features.ask_about_index(one.index_id, one.inputs.document, datasets)

    async def _accuse(self, one: Watched) -> bool:
        """Bring before a jury what is its to decide; True if that was done now, or waits for its turn."""
        accusation = self._accusation(one)
        if accusation is None or one.inputs is None or one.is_accused:
            return False
        one.found_s = one.found_s or await self._reader.ethereum.timestamp_s()
        if not await self.cases.is_turn(one.inputs, one.found_s):
            return True
        try:
            await self.cases.accuse(one.inputs, accusation)
        except RevertedError:
            one.is_accused = True  # the window is over: nothing will change that
            raise
        one.is_accused = True
        return True

    def _accusation(self, one: Watched) -> Accusation | None:
        """Records that are not published as committed, or what recomputation found."""
        if isinstance(one.verdict, NotCommitted):
            return Accusation(one.verdict.place)
        if self._features is None or one.inputs is None:
            return None
        found = self._features.findings(one.index_id)
        if found.wrong:
            return Accusation(min(found.wrong))
        is_preconditioner_wrong = found.is_preconditioner_wrong or not is_named_right(one.inputs)
        return Accusation(None) if is_preconditioner_wrong else None

    async def _verdict(self, one: Watched) -> IndexVerdict | RecordVerdict:
        """By the rules of rows and sums first; by the records behind them where those are kept."""
        if one.inputs is None:
            inputs = await self._documents.index_inputs(one.index_id)
            await warn_of_short_windows(self._reader, one.index_id, inputs.index.dimensions)
            verdict = await asyncio.to_thread(check_index, inputs)
            one.inputs = inputs
            if not isinstance(verdict, Right):
                return verdict
        index = one.inputs.index
        sources = await self._documents.served_sources(index.model_id)
        served = frozenset(each.source.contribution_id for each in sources.served)
        if served == one.compared:
            _assert_all_served(sources)
        policy = await self._reader.policy(index.policy_version)
        try:
            found = await asyncio.to_thread(check_records, one.inputs, sources, policy.similarity_ppm)
        except InvalidInputError as error:
            return Unprovable(str(error))
        if isinstance(found, Right):
            one.compared = served
            _assert_all_served(sources)
        return found

    # --- Challenges of one transaction --------------------------------------------------------------------

    async def _challenge(self, index_id: int, verdict: OneTransaction) -> None:
        key = INDEX_KEY + index_id
        await commit_and_tally(self._reader, self._challenger, key, verdict)
        method, evidence = index_challenge(verdict)
        salt = await self._challenger.salt(key)
        mined = await self._challenger.send(method, index_id, salt, *evidence)
        self.challenged += 1
        log.info("feature index voided", index=index_id, by=method, transaction=mined.hash)

    # --- Bond and reward ----------------------------------------------------------------------------------

    async def _is_paid(self, index_id: int) -> bool:
        """Take back bond and reward of a void index; True when there is nothing left to take."""
        key = INDEX_KEY + index_id
        if await self._challenger.has_committed(key):
            settled = await self._challenger.has_event(
                "IndexCaseSettled", index_id, self._challenger.address_bytes
            )
            if not settled:
                try:
                    await self._challenger.send("settleIndexCase", index_id)
                except RevertedError as error:
                    if error.name == "WindowOpen":
                        return False
                    log.info("no bond to return", index=index_id, reason=str(error))
        elif await self._games.opened("SumGameOpened", index_id) is None:
            return True
        await self._challenger.take_reward()
        return True


def _assert_all_served(sources: Sources) -> None:
    """Raises DocumentError: what is not served may come, and may be wrong."""
    try:
        sources.assert_served()
    except InvalidInputError as error:
        raise DocumentError(str(error)) from error


def _report(index_id: int, verdict: IndexVerdict | RecordVerdict) -> None:
    match verdict:
        case Unprovable(reason):
            log.warning("feature index is wrong in a way no challenge covers", index=index_id, reason=reason)
        case WrongCount(records):
            log.warning("feature index leaves records out", index=index_id, records=records)
        case BrokenRow(row):
            log.warning("feature index has a row out of its rules", index=index_id, row=row.index)
        case NotCommitted(_, reason):
            log.warning("records behind a feature index are not published", index=index_id, reason=reason)
        case WrongOwner(record) | WrongSketch(record) | WrongDuplicate(record):
            log.warning(
                "feature index names a wrong owner, sketch or duplicate",
                index=index_id,
                kind=type(verdict).__name__,
                contribution=record.contribution_id,
                record=record.record_index,
            )
        case WrongNorm() | WrongSum():
            log.warning(
                "feature index has a wrong sum",
                index=index_id,
                kind=type(verdict).__name__,
                contributor=verdict.contributor_index,
                computed=verdict.computed,
            )
        case _:
            log.info("feature index keeps its rules", index=index_id)
