"""Which outputs can still be challenged, and what our own chain says of them.

An output that agrees is read until no reorganisation can change it, and then left alone: a window may hold
hundreds. Every deletion moves the identities of later outputs against their indexes, so that one look at the
newest tells whether any index has come to mean another output.
"""

from rollup_bridge.challenger.contracts import OracleDisputes
from rollup_bridge.challenger.duties import Output, Stance
from rollup_bridge.challenger.ports import Claims
from rollup_bridge.challenger.settled import Settled
from rollup_bridge.errors import TemporaryError
from rollup_bridge.proposer.oracle import OracleReader


class OutputWatch:
    """One per challenger."""

    def __init__(self, oracle: OracleReader, disputes: OracleDisputes, claims: Claims) -> None:
        self._oracle = oracle
        self._disputes = disputes
        self._claims = claims
        self._agreed = Settled()
        self._proposed_s: dict[int, int] = {}
        self._shift: int | None = None

    async def young(self, stance: Stance, l1_block: int) -> list[tuple[Output, int]]:
        """Outputs that can be challenged and have not agreed for long, oldest first, with the L1 blocks they
        were proposed in."""
        count = await self._disputes.output_count()
        if not count:
            return []
        await self._notice_deletions(count)
        found: list[tuple[Output, int]] = []
        for index in range(count - 1, -1, -1):
            settled = self._agreed.stands(index, l1_block)
            proposed_s = self._proposed_s[index] if settled else (await self._oracle.output(index)).proposed_s
            if stance.now_s >= proposed_s + stance.window_s:
                break
            if not settled:
                found.append(await self._read(index, l1_block))
        return found[::-1]

    async def _notice_deletions(self, count: int) -> None:
        shift = (await self._disputes.submission(count - 1))[1] - count
        if shift != self._shift:
            self._agreed, self._shift = Settled(), shift

    async def _read(self, index: int, l1_block: int) -> tuple[Output, int]:
        proposal = await self._oracle.output(index)
        proposer, identity, proposed_block = await self._disputes.submission(index)
        try:
            own = await self._claims.output_root(proposal.l2_number)
        except TemporaryError:
            own = None
        if own == proposal.root:
            self._agreed.finish(index, l1_block)
            self._proposed_s[index] = proposal.proposed_s
        else:
            self._agreed.reopen(index)
        return Output(index, proposal.root, own, proposal.proposed_s, identity, proposer), proposed_block
