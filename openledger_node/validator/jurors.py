"""How a validator serves on juries: it sees its seats, recomputes, commits, reveals, collects, and punishes
who stayed away.

Cases, draws and what this account did are read from the chain at every look; a ballot is on disk before its
commitment is sent (`ballots`). So a restart at any point goes on, and nothing is said twice.

Covered: both rounds; draws and closings that nobody else sends; pay; absent jurors, and that their loss is in
the weight they are drawn by. Not covered: what a case is about (`recomputation`); opening cases (`cases`).
Source: protocol, section 3 "Challenges" (jury and draws).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import structlog

from genesis.commitments import word
from genesis.types import Address, Hash32
from openledger_node.client.economy import ATTRIBUTION, ROLE_VALIDATOR, STAKING, EconomyReader
from openledger_node.client.errors import RemoteError, RevertedError
from openledger_node.client.patience import Patience
from openledger_node.jobs.ports import WorkerFailedError, WorkerLostError, WorkerPool
from openledger_node.validator.ballots import Ballot, Ballots
from openledger_node.validator.challenger import Challenger
from openledger_node.validator.duties import CaseView, Duty, has_time_to_try, next_duty
from openledger_node.validator.recomputation import (
    UNAVAILABLE,
    NotAvailableError,
    Opinion,
    Recomputation,
    can_judge,
)
from precompiles.views.juries import (
    NOT_AVAILABLE,
    OPEN,
    Juror,
    JuryCase,
    JuryDraw,
    commitment_of,
)

SALT_TEXT = b"OpenLedger jury"
QUIET = {"NotDueYet", "WrongStatus", "WindowOpen", "WindowClosed", "NotParty", "NothingToClaim"}
"""Somebody else was faster, or time has not come: nothing to tell anybody."""

OpenBallots = Callable[[int, Address], Ballots]

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class JuryStatistics:
    """What this account did, for metrics."""

    cases: int = 0
    committed: int = 0
    revealed: int = 0
    not_available: int = 0
    paid_wei: int = 0
    punished: int = 0


class Jurors:
    """One account's duties. `look` repeats; `pool` is where workers are, None while there are none."""

    def __init__(
        self,
        reader: EconomyReader,
        sender: Challenger,
        recomputation: Recomputation,
        open_ballots: OpenBallots,
    ) -> None:
        self._reader = reader
        self._sender = sender
        self._recomputation = recomputation
        self._open_ballots = open_ballots
        self._ballots: Ballots | None = None
        self._next_block = 0
        self._open: set[int] = set()
        self._work: dict[tuple[int, int], asyncio.Task[Opinion]] = {}
        self._patience = Patience()
        self.pool: WorkerPool | None = None
        self.statistics = JuryStatistics()

    @property
    def is_needed(self) -> bool:
        """Whether there are cases that may need workers."""
        return bool(self._open)

    async def look(self) -> None:
        """One round over new and open cases."""
        await self._discover()
        now_s = await self._reader.ethereum.timestamp_s() if self._open else 0
        for case_id in sorted(self._open):
            attend = partial(self._attend, case_id)
            failure = await self._patience.attempt(case_id, now_s, attend, (RevertedError, RemoteError))
            if failure is not None and failure.is_news and not _is_quiet(failure.error):
                log.warning("jury duty refused", case=case_id, reason=str(failure.error))

    async def _discover(self) -> None:
        head = await self._reader.ethereum.block_number()
        if head < self._next_block:
            return
        events = await self._reader.ethereum.events(
            ATTRIBUTION, "JuryCaseOpened", first_block=self._next_block, last_block=head
        )
        self._next_block = head + 1
        for event in events:
            self._open.add(int(event.arguments["caseId"]))
            self.statistics.cases += 1

    async def _attend(self, case_id: int) -> None:
        view = await self._view(case_id)
        match next_duty(view):
            case Duty.DRAW:
                await self._sender.send("drawJury", case_id)
                log.info("jury drawn", case=case_id, round=view.case.rounds, seats=view.draw.size)
            case Duty.COMMIT:
                await self._commit(case_id, view)
            case Duty.REVEAL:
                await self._reveal(case_id, view)
            case Duty.CLOSE:
                await self._sender.send("closeJuryCase", case_id)
                log.info("jury case closed or drawn again", case=case_id, round=view.case.rounds)
            case Duty.COLLECT:
                await self._collect(case_id)
            case Duty.DONE:
                await self._punish(case_id, view.case)
                self._open.discard(case_id)
                for number in range(1, view.case.rounds + 1):
                    self._patience.forget((case_id, number))
            case Duty.WAIT:
                pass

    async def _view(self, case_id: int) -> CaseView:
        read, account = self._reader.ethereum.read, self._sender.address_bytes
        case = JuryCase(*(await read(ATTRIBUTION, "getJuryCase", case_id)).values())
        draw = JuryDraw(*(await read(ATTRIBUTION, "getJuryDraw", case_id, case.rounds)).values())
        own = [
            Juror(*(await read(ATTRIBUTION, "getJuror", case_id, number, account)).values())
            for number in range(1, case.rounds + 1)
        ]
        seats = int(await read(ATTRIBUTION, "seatsOf", case_id, case.rounds, account))
        now_s = await self._reader.ethereum.timestamp_s()
        return CaseView(now_s, case, draw, seats, tuple(own))

    # --- Commit and reveal --------------------------------------------------------------------------------

    async def _commit(self, case_id: int, view: CaseView) -> None:
        number = view.case.rounds
        ballot = await self._ballot(case_id, view)
        if ballot is None:
            return
        await self._sender.send("commitVerdict", case_id, self._commitment(ballot))
        self.statistics.committed += 1
        self.statistics.not_available += ballot.verdict == NOT_AVAILABLE
        log.info("verdict committed", case=case_id, round=number, verdict=ballot.verdict, seats=view.seats)

    async def _ballot(self, case_id: int, view: CaseView) -> Ballot | None:
        """What is on disk for the newest round, or the own finding once it is there and on disk."""
        number, file = view.case.rounds, await self._file()
        kept = await asyncio.to_thread(file.get, case_id, number)
        if kept is not None:
            return kept
        opinion = await self._opinion(case_id, view)
        if opinion is None:
            return None
        salt = Hash32(await self._sender.secret(SALT_TEXT + word(case_id) + word(number)))
        ballot = Ballot(case_id, number, opinion.verdict, opinion.values, salt)
        return await asyncio.to_thread(file.keep, ballot)

    async def _opinion(self, case_id: int, view: CaseView) -> Opinion | None:
        """The own finding, once it is there; None while it is worked on or nothing can be said."""
        number = view.case.rounds
        if self.pool is None or not can_judge(view.case):
            return None
        key = (case_id, number)
        if key not in self._work:
            if not self._patience.is_due(key, view.now_s):
                return None
            coordinates = await self._reader.ethereum.read(ATTRIBUTION, "coordinatesOf", case_id)
            work = self._recomputation.opinion(self.pool, case_id, view.case, list(coordinates))
            self._work[key] = asyncio.create_task(work)
            await asyncio.sleep(0)
        if not self._work[key].done():
            return None
        return await self._finished(case_id, view, self._work.pop(key))

    async def _finished(self, case_id: int, view: CaseView, work: asyncio.Task[Opinion]) -> Opinion | None:
        try:
            return work.result()
        except NotAvailableError as error:
            policy = await self._reader.policy(view.case.policy_version)
            if has_time_to_try(view, policy.jury_commit_s):
                if self._patience.failed((case_id, view.case.rounds), str(error), view.now_s):
                    log.info("looked for what a case is about", case=case_id, missing=str(error))
                return None
            log.warning("what a case is about is not available", case=case_id, missing=str(error))
            return UNAVAILABLE
        except (WorkerFailedError, WorkerLostError) as error:
            if self._patience.failed((case_id, view.case.rounds), str(error), view.now_s):
                log.error("a case could not be recomputed", case=case_id, reason=str(error))
            return None

    async def _reveal(self, case_id: int, view: CaseView) -> None:
        number, committed = view.case.rounds, view.own[-1].commitment
        ballot = await self._ballot(case_id, view)
        if ballot is None:
            return
        if self._commitment(ballot) != committed:
            log.error("what was committed is not what is on disk", case=case_id, round=number)
            return
        await self._sender.send("revealVerdict", case_id, ballot.verdict, ballot.values, ballot.salt)
        self.statistics.revealed += 1
        log.info("verdict revealed", case=case_id, round=number, verdict=ballot.verdict)

    def _commitment(self, ballot: Ballot) -> Hash32:
        juror = Address(self._sender.address_bytes)
        said = (ballot.verdict, ballot.values, ballot.salt)
        return commitment_of(ballot.case_id, ballot.round, juror, *said)

    async def _file(self) -> Ballots:
        if self._ballots is None:
            chain_id = await self._reader.ethereum.chain_id()
            self._ballots = self._open_ballots(chain_id, Address(self._sender.address_bytes))
        return self._ballots

    # --- After the case -----------------------------------------------------------------------------------

    async def _collect(self, case_id: int) -> None:
        mined = await self._sender.send("claimJurorPay", case_id)
        paid_wei = int(mined.event("JurorPaid").arguments["amount"])
        self.statistics.paid_wei += paid_wei
        log.info("jury pay collected", case=case_id, wei=paid_wei)

    async def _punish(self, case_id: int, case: JuryCase) -> None:
        """Show every absent juror; who is one is found among those that ever staked as validators."""
        assert case.outcome != OPEN
        staked = await self._reader.ethereum.events(STAKING, "Staked", None, ROLE_VALIDATOR)
        accounts = {bytes(event.arguments["account"]) for event in staked}
        for account in sorted(accounts - case.parties - {self._sender.address_bytes}):
            absences = [
                number
                for number in range(1, case.rounds + 1)
                if await self._was_absent(case_id, number, account)
            ]
            for number in absences:
                await self._punish_one(case_id, number, account)
            if absences:
                await self._weigh_again(account)

    async def _was_absent(self, case_id: int, number: int, account: bytes) -> bool:
        """Whether an account was drawn for a round and did not reveal, punished or not."""
        read = self._reader.ethereum.read
        if not await read(ATTRIBUTION, "seatsOf", case_id, number, account):
            return False
        juror = Juror(*(await read(ATTRIBUTION, "getJuror", case_id, number, account)).values())
        return juror.opinion == bytes(32)

    async def _punish_one(self, case_id: int, number: int, account: bytes) -> None:
        juror = await self._reader.ethereum.read(ATTRIBUTION, "getJuror", case_id, number, account)
        if Juror(*juror.values()).settled:
            return
        try:
            await self._sender.send("punishAbsence", case_id, number, account)
        except RevertedError as error:
            log.info("absence not punished", case=case_id, juror=account.hex(), reason=str(error))
            return
        self.statistics.punished += 1
        log.info("absent juror punished", case=case_id, round=number, juror=account.hex())

    async def _weigh_again(self, account: bytes) -> None:
        """What slashes took from a validator reaches its weight in draws when its pool is touched: touch it,
        whoever showed the absence."""
        read = self._reader.ethereum.read
        before_s = await self._reader.ethereum.timestamp_s() - 1
        weight_wei = int(await read(STAKING, "stakeAt", account, before_s))
        if weight_wei > int(await read(STAKING, "stakeOf", account, ROLE_VALIDATOR)):
            await self._sender.settle_weight(account)
            log.info("weight in draws lowered", juror=account.hex(), weight=weight_wei)


def _is_quiet(error: Exception) -> bool:
    return isinstance(error, RevertedError) and error.name in QUIET
