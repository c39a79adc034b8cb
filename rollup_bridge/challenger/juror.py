"""How an account does its duty in juries: draw, compute, commit, reveal, conclude, be paid.

Everything it knows is on the L1 or follows from its key (`jury.salt_of`), so a restart in the middle of a
case loses nothing.

Covered: every case of the verifier; fines for the silent. Not covered: what the step leads to (`Claims`).
"""

import logging
from collections.abc import Awaitable, Callable

from genesis.types import Address, Hash32
from rollup_bridge.challenger.contracts import GameReader, JuryReader, OracleDisputes, calldata
from rollup_bridge.challenger.jury import (
    Act,
    Now,
    commitment_of,
    is_due_fine,
    is_due_pay,
    juror_act,
    public_act,
    salt_of,
)
from rollup_bridge.challenger.ports import Claims
from rollup_bridge.challenger.records import Case, Phase, Verdict
from rollup_bridge.challenger.settled import Settled
from rollup_bridge.challenger.witnesses import posted_witness
from rollup_bridge.errors import TemporaryError, TransactionError
from rollup_bridge.ports import Clock, L1Contracts, L1Source, TransactionSender

_LOG = logging.getLogger(__name__)


class Juror:
    """`secret` is 32 bytes that only this key's holder knows; with None the account does not vote, and only
    brings cases on (draws, concludes). `header_rlp` gives an L1 block's header."""

    def __init__(
        self,
        oracle: Address,
        *,
        claims: Claims,
        contracts: L1Contracts,
        l1: L1Source,
        sender: TransactionSender,
        header_rlp: Callable[[int], Awaitable[bytes]],
        secret: bytes | None,
        clock: Clock,
        poll_interval_s: float = 2.0,
    ) -> None:
        self._disputes = OracleDisputes(oracle, contracts)
        self._claims = claims
        self._contracts = contracts
        self._l1 = l1
        self._sender = sender
        self._header_rlp = header_rlp
        self._secret = secret
        self._clock = clock
        self._poll_interval_s = poll_interval_s
        self._done = Settled()
        self._now = Now(0, 0)
        self.votes = 0
        """Values revealed by this process."""

    async def run(self) -> None:
        """Judge until cancelled."""
        while True:
            try:
                while await self.look():
                    pass
            except (TemporaryError, TransactionError) as error:
                _LOG.warning("juror waits: %s", error)
            await self._clock.sleep(self._poll_interval_s)

    async def look(self) -> bool:
        """Do everything that is due now; False if that was nothing."""
        game = GameReader(await self._disputes.dispute_game(), self._contracts)
        jury = JuryReader(await game.verifier(), self._contracts)
        head = await self._l1.block_by_tag("latest")
        if head is None:
            raise TemporaryError("the L1 has no head")
        self._now, acted = Now(head.number, head.timestamp_s), False
        for line_id in range(await game.line_count()):
            if self._done.stands(line_id, head.number):
                continue
            if (await game.line(line_id)).phase < Phase.VERDICT:
                self._done.reopen(line_id)
            else:
                acted |= await self._attend(game, jury, line_id, await jury.case(line_id))
        return acted

    async def _attend(self, game: GameReader, jury: JuryReader, case_id: int, case: Case) -> bool:
        if not case.draw_block:  # the line ended before there was a step
            self._done.finish(case_id, self._now.block)
            return False
        if case.verdict is not Verdict.PENDING:
            return await self._settle(game, jury, case_id, case)
        vote = await jury.vote(case_id, case.round, self._sender.address)
        own = None if self._secret is None else juror_act(case, vote, self._now)
        act = own or public_act(case, self._now)
        if act is None:
            return False
        return await self._do(jury.address, await self._calldata(act, game, jury, case_id, case))

    async def _calldata(
        self, act: Act, game: GameReader, jury: JuryReader, case_id: int, case: Case
    ) -> bytes:
        match act:
            case Act.DRAW:
                header = await self._header_rlp(case.draw_block)
                return calldata("draw", ["uint256", "bytes"], [case_id, header])
            case Act.DRAW_AGAIN | Act.CONCLUDE:
                name = "conclude" if act is Act.CONCLUDE else "drawAgain"
                return calldata(name, ["uint256"], [case_id])
            case Act.COMMIT:
                value, salt = await self._value(game, jury, case_id), self._salt(case_id, case)
                promise = commitment_of(case_id, case.round, self._sender.address, value, salt)
                return calldata("commit", ["uint256", "bytes32"], [case_id, promise])
            case Act.REVEAL:
                value, salt = await self._value(game, jury, case_id), self._salt(case_id, case)
                self.votes += 1
                return calldata("reveal", ["uint256", "bytes32", "bytes32"], [case_id, value, salt])

    async def _value(self, game: GameReader, jury: JuryReader, case_id: int) -> Hash32:
        """What the step leads to, by our own computation."""
        step = await jury.step(case_id)
        witness = await posted_witness(game, self._l1, case_id, step.witness_hash)
        return await self._claims.replay(step, witness)

    def _salt(self, case_id: int, case: Case) -> Hash32:
        assert self._secret is not None, "who does not vote needs no salt"
        return salt_of(self._secret, case_id, case.round)

    async def _settle(self, game: GameReader, jury: JuryReader, case_id: int, case: Case) -> bool:
        """Our own pay, and the fines of those who kept silent; nothing is left when nothing is due."""
        acted, is_settled = False, (await game.line(case_id)).phase is not Phase.VERDICT
        for round_ in range(case.round + 1):
            for juror in await jury.jurors(case_id, round_):
                vote = await jury.vote(case_id, round_, juror)
                pays = juror == self._sender.address and is_due_pay(case, vote)
                if pays or is_due_fine(case, vote):
                    arguments = [case_id, round_, juror]
                    data = calldata("settle", ["uint256", "uint256", "address"], arguments)
                    acted |= await self._do(jury.address, data)
        if is_settled and not acted:
            self._done.finish(case_id, self._now.block)
        return acted

    async def _do(self, to: Address, data: bytes) -> bool:
        try:
            return (await self._sender.send(to, data)).succeeded
        except TransactionError as error:
            _LOG.info("not sent: %s", error)
            return False
