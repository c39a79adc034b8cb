"""How disputes are played on the L1: look, ask our own chain, send what is due, and again.

Everything the service knows is on the L1, in its own chain, or follows from its key: a restart loses nothing.

Covered: attack on wrong roots, defence of right ones, clocks, bonds, slashing of signers. Juries are in
`juror`. Not covered: deriving the chain (`Claims`), what is the honest move (`moves`, `duties`).
Source: `docs/rollup.md`, disputes.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from genesis.types import Address
from rollup_bridge.challenger.contracts import (
    GameReader,
    JuryReader,
    OracleDisputes,
    TokenReader,
    calldata,
    move_calldata,
)
from rollup_bridge.challenger.duties import (
    Stance,
    in_time,
    is_interested,
    may_release,
    may_resolve,
    may_time_out,
    my_turn,
    should_challenge,
    should_defend,
)
from rollup_bridge.challenger.moves import Answer, ClaimAt, OpeningAt, OutputAt, Question, move, question
from rollup_bridge.challenger.outputs import OutputWatch
from rollup_bridge.challenger.ports import Claims
from rollup_bridge.challenger.records import Challenge, Line, Phase, Status, Verdict
from rollup_bridge.challenger.settled import Settled
from rollup_bridge.errors import TemporaryError, TransactionError
from rollup_bridge.ports import Clock, L1Contracts, L1Source, TransactionSender
from rollup_bridge.proposer.oracle import OracleReader
from rollup_bridge.validator.staking import StakingReader

_LOG = logging.getLogger(__name__)
_APPROVED_BONDS = 64
Attest = Callable[[int], Awaitable[bool]]
"""Puts our attestation to the output of an L2 block on record; False where we may not attest now."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """`won` counts challenges of ours that deleted a root."""

    challenged: int = 0
    defended: int = 0
    moves: int = 0
    won: int = 0
    failures: int = 0
    fees_wei: int = 0


@dataclass(frozen=True, slots=True)
class Terms:
    """What never changes on an L1: read once."""

    bond_wei: int
    clock_s: int
    window_s: int
    game: Address
    verifier: Address
    staking: Address
    token: Address


class Challenger:
    """Plays for one account. `attest` is None for an account that only attacks."""

    def __init__(
        self,
        oracle: Address,
        *,
        claims: Claims,
        contracts: L1Contracts,
        l1: L1Source,
        sender: TransactionSender,
        clock: Clock,
        attest: Attest | None = None,
        poll_interval_s: float = 2.0,
    ) -> None:
        self._oracle = OracleReader(oracle, contracts)
        self._disputes = OracleDisputes(oracle, contracts)
        self._claims = claims
        self._contracts = contracts
        self._l1 = l1
        self._sender = sender
        self._clock = clock
        self._attest = attest
        self._poll_interval_s = poll_interval_s
        self._outputs = OutputWatch(self._oracle, self._disputes, claims)
        self._terms: Terms | None = None
        self._over = Settled()
        """Challenges that owe us nothing and that we owe nothing."""
        self._block = 0
        self._statistics = Statistics()

    async def run(self) -> None:
        """Play until cancelled."""
        while True:
            try:
                while await self.look():
                    pass
            except (TemporaryError, TransactionError) as error:
                _LOG.warning("challenger waits: %s", error)
                self._count(failures=1)
            await self._clock.sleep(self._poll_interval_s)

    def statistics(self) -> Statistics:
        return self._statistics

    async def look(self) -> bool:
        """Do everything that is due now; False if that was nothing."""
        terms = await self._known_terms()
        game = GameReader(terms.game, self._contracts)
        stance = await self._stance(terms)
        challenges = await self._open_challenges(game)
        lines = await self._lines(game, challenges)
        acts = [
            *await self._challenges_due(stance, challenges, terms),
            *await self._acts_in(stance, challenges, lines, terms),
            *await self._cashing(game),
        ]
        done = await asyncio.gather(*(self._do(label, to, data) for label, to, data in acts))
        return any(done)

    # -- what is there

    async def _known_terms(self) -> Terms:
        if self._terms is None:
            game = GameReader(await self._disputes.dispute_game(), self._contracts)
            self._terms = Terms(
                bond_wei=await game.bond_wei(),
                clock_s=await game.clock_s(),
                window_s=await self._oracle.finalization_period_s(),
                game=game.address,
                verifier=await game.verifier(),
                staking=await game.staking(),
                token=await game.token(),
            )
        return self._terms

    async def _stance(self, terms: Terms) -> Stance:
        head = await self._l1.block_by_tag("latest")
        if head is None:
            raise TemporaryError("the L1 has no head")
        self._block = head.number
        return Stance(self._sender.address, head.timestamp_s, terms.window_s, terms.clock_s)

    async def _open_challenges(self, game: GameReader) -> list[Challenge]:
        """Challenges that are not over for us."""
        numbers = range(await game.challenge_count())
        return [await game.challenge(n) for n in numbers if not self._over.stands(n, self._block)]

    async def _lines(self, game: GameReader, challenges: Sequence[Challenge]) -> dict[int, list[Line]]:
        found: dict[int, list[Line]] = {challenge.id: [] for challenge in challenges}
        if challenges:
            for number in range(await game.line_count()):
                line = await game.line(number)
                if line.challenge_id in found:
                    found[line.challenge_id].append(line)
        return found

    # -- attack

    async def _challenges_due(
        self, stance: Stance, challenges: Sequence[Challenge], terms: Terms
    ) -> list["_Act"]:
        staking = StakingReader(terms.staking, self._contracts)
        young = await self._outputs.young(stance, self._block)
        for output, l1_block in in_time([found for found in young if found[0].is_wrong], stance):
            judges = await staking.judges(stance.me, l1_block)
            if should_challenge(output, stance, challenges, judges=judges) and await self._can_pay(terms):
                _LOG.error("output %d is wrong: 0x%s", output.index, output.root.hex())
                data = calldata("challenge", ["uint256", "bytes32"], [output.index, output.root])
                return [("challenge", terms.game, data)]
            return []  # later ones fall with this one, or stand on wrong ground
        return []

    # -- in the game

    async def _acts_in(
        self,
        stance: Stance,
        challenges: Sequence[Challenge],
        lines: dict[int, list[Line]],
        terms: Terms,
    ) -> list["_Act"]:
        acts: list[_Act] = []
        for challenge in challenges:
            own = lines[challenge.id]
            stands = await self._stands(challenge)
            found = await self._acts_for(stance, challenge, own, terms, stands=stands)
            acts += found
            if found or (challenge.status is Status.OPEN and stands):
                self._over.reopen(challenge.id)
            elif self._over.finish(challenge.id, self._block):
                is_won = challenge.status is Status.SUCCEEDED and challenge.challenger == stance.me
                self._count(won=int(is_won))
        return acts

    async def _acts_for(
        self, stance: Stance, challenge: Challenge, lines: list[Line], terms: Terms, *, stands: bool
    ) -> list["_Act"]:
        if challenge.status is Status.OPEN and stands:
            acts = [act for line in lines for act in await self._line_acts(stance, challenge, line, terms)]
            acts += await self._defence(stance, challenge, lines, terms)
        else:
            acts = await self._aftermath(stance, challenge, lines, terms, stands=stands)
        if may_resolve(challenge, stance, stands=stands) and is_interested(challenge, lines, stance.me):
            acts.append(("resolve", terms.game, calldata("resolve", ["uint256"], [challenge.id])))
        return acts

    async def _line_acts(
        self, stance: Stance, challenge: Challenge, line: Line, terms: Terms
    ) -> list["_Act"]:
        if not is_interested(challenge, [line], stance.me):
            return []
        if may_time_out(line, stance.now_s):
            return [("time out", terms.game, calldata("timeOut", ["uint256"], [line.id]))]
        if line.phase is Phase.VERDICT:
            verifier = JuryReader(terms.verifier, self._contracts)
            if await verifier.verdict(line.id) is Verdict.PENDING:
                return []
            return [("settle", terms.game, calldata("settle", ["uint256"], [line.id]))]
        asked = question(line)
        if asked is None or not my_turn(challenge, line, stance.me):
            return []
        try:
            answer = await self._answer(asked)
        except TemporaryError as error:
            _LOG.warning("line %d waits: %s", line.id, error)
            return []
        return [("move", terms.game, move_calldata(line.id, move(line, answer)))]

    async def _answer(self, asked: Question) -> Answer:
        match asked:
            case OutputAt(number):
                return await self._claims.output_root(number)
            case OpeningAt(number):
                return await self._claims.opening(number)
            case ClaimAt(number, step):
                return await self._claims.step_claim(number, step)
            case _:
                return await self._claims.step_witness(asked.number, asked.step)

    async def _defence(
        self, stance: Stance, challenge: Challenge, lines: list[Line], terms: Terms
    ) -> list["_Act"]:
        """Open a line for a right root, once we are known to stand behind it."""
        try:
            is_right = await self._claims.output_root(challenge.l2_number) == challenge.output_root
        except TemporaryError:
            return []
        if not should_defend(challenge, lines, stance, is_right=is_right):
            return []
        if not await self._stands_behind(challenge, stance, terms) or not await self._can_pay(terms):
            return []
        return [("defend", terms.game, calldata("defend", ["uint256"], [challenge.id]))]

    async def _stands_behind(self, challenge: Challenge, stance: Stance, terms: Terms) -> bool:
        if challenge.proposer == stance.me:
            return True
        staking = StakingReader(terms.staking, self._contracts)
        if await staking.has_attested(challenge.l2_number, challenge.output_root, stance.me):
            return True
        if self._attest is None or await staking.judges(stance.me, challenge.proposed_block):
            return False
        return await self._attest(challenge.l2_number)

    async def _aftermath(
        self, stance: Stance, challenge: Challenge, lines: list[Line], terms: Terms, *, stands: bool
    ) -> list["_Act"]:
        """Bonds back, and those who signed a root that was proven wrong."""
        acts: list[_Act] = [
            ("release", terms.game, calldata("release", ["uint256"], [line.id]))
            for line in lines
            if line.defender == stance.me and may_release(challenge, line, stands=stands)
        ]
        if (
            challenge.proven_wrong
            and challenge.status is Status.SUCCEEDED
            and challenge.challenger == stance.me
        ):
            for signer in await self._unpunished(challenge, terms):
                data = calldata("slashAttester", ["uint256", "address"], [challenge.id, signer])
                acts.append(("slash", terms.game, data))
        return acts

    async def _unpunished(self, challenge: Challenge, terms: Terms) -> list[Address]:
        staking, game = StakingReader(terms.staking, self._contracts), GameReader(terms.game, self._contracts)
        return [
            account
            for account in await staking.candidates()
            if account != challenge.proposer
            and await staking.has_attested(challenge.l2_number, challenge.output_root, account)
            and not await game.attester_slashed(challenge.submission_id, account)
        ]

    async def _stands(self, challenge: Challenge) -> bool:
        if challenge.output_index >= await self._disputes.output_count():
            return False
        return (await self._disputes.submission(challenge.output_index))[1] == challenge.submission_id

    # -- money

    async def _cashing(self, game: GameReader) -> list["_Act"]:
        if not await game.credit_wei(self._sender.address):
            return []
        return [("withdraw", game.address, calldata("withdraw", ["address"], [self._sender.address]))]

    async def _can_pay(self, terms: Terms) -> bool:
        """Whether a bond is there; lets the game take it."""
        me, token = self._sender.address, TokenReader(terms.token, self._contracts)
        if await token.balance_wei(me) < terms.bond_wei:
            _LOG.error("a bond of %d wei of OPEN is needed, and not there", terms.bond_wei)
            return False
        if await token.allowance_wei(me, terms.game) < terms.bond_wei:
            most = terms.bond_wei * _APPROVED_BONDS
            data = calldata("approve", ["address", "uint256"], [terms.game, most])
            return await self._do("approve", terms.token, data)
        return True

    async def _do(self, label: str, to: Address, data: bytes) -> bool:
        """Send; False if somebody was faster, or it would fail for another reason that the L1 knows."""
        try:
            inclusion = await self._sender.send(to, data)
        except TransactionError as error:
            _LOG.info("%s not sent: %s", label, error)
            return False
        self._count(fees_wei=inclusion.fee_wei)
        if inclusion.succeeded:
            _LOG.info("%s done", label)
            self._count(
                challenged=int(label == "challenge"),
                defended=int(label == "defend"),
                moves=int(label == "move"),
            )
        return inclusion.succeeded

    def _count(self, **more: int) -> None:
        before = self._statistics
        self._statistics = replace(before, **{name: getattr(before, name) + by for name, by in more.items()})


_Act = tuple[str, Address, bytes]
"""What it is called in the log, to whom, and the calldata."""
