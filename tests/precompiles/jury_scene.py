"""Validators with stakes and their moves on juries; an index contested before one."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from genesis.addresses import ATTRIBUTION, STAKING
from genesis.commitments import ROW_BYTES, vector_root
from genesis.policy import Policy
from genesis.types import Hash32
from precompiles.views import juries
from precompiles.views.juries import RowLeaf
from tests.precompiles.calls import UNIT, Account, number
from tests.precompiles.evidence import Row
from tests.precompiles.index_scene import INDEX_POLICY, IndexScene
from tests.precompiles.scene import HASH, Scene
from tests.precompiles.world import L1_BLOCK_TIME_S

JURY_POLICY = replace(INDEX_POLICY, index_window_s=20, unbonding_s=100)
ROWS = (Row(0, 0, 0, (100, -3, 7)), Row(1, 1, 2, (-64, 20, 5)), Row(2, 2, 7, (64, 0, -127)))
VALUES = bytes(range(16))
OTHER_VALUES = bytes(range(1, 17))
SALT = Hash32(b"\x77" * 32)
STAKE_WEI = 1_000 * UNIT


class JuryMoves(Scene):
    """What jurors and whoever drives a case do; `jurors` are those with stake."""

    jurors: Sequence[Account]

    def stake_jurors(self, stakes_wei: Sequence[int]) -> None:
        """Validators 31, 32, … with these stakes."""
        self.jurors = [Account(31 + i) for i in range(len(stakes_wei))]
        for juror, stake_wei in zip(self.jurors, stakes_wei, strict=True):
            self.machine.fund(juror.address, stake_wei + UNIT)
            if stake_wei:
                self.do(juror, STAKING, "stake", 1, value_wei=stake_wei)
        self.wait(1)

    def await_draw(self) -> None:
        """Until the L1 block that draws a round asked for now is the origin."""
        self.wait((self.policy.jury_delay_blocks + 1) * L1_BLOCK_TIME_S)

    def draw(self, case_id: int) -> None:
        self.await_draw()
        self.do(self.stranger, ATTRIBUTION, "drawJury", case_id)

    def commitment(
        self, case_id: int, juror: Account, verdict: int, values: bytes = VALUES, round_: int = 1
    ) -> Hash32:
        return juries.commitment_of(case_id, round_, juror.address, verdict, values, SALT)

    def vote(self, case_id: int, votes: dict[Account, tuple[int, bytes]], round_: int = 1) -> None:
        """All of a round's commits, then all its reveals, then the end of its windows."""
        for juror, (verdict, values) in votes.items():
            commitment = self.commitment(case_id, juror, verdict, values, round_)
            self.do(juror, ATTRIBUTION, "commitVerdict", case_id, commitment)
        self.wait(self.policy.jury_commit_s + 1)
        for juror, (verdict, values) in votes.items():
            self.do(juror, ATTRIBUTION, "revealVerdict", case_id, verdict, values, SALT)
        self.wait(self.policy.jury_reveal_s)

    def decide(self, case_id: int, votes: dict[Account, tuple[int, bytes]]) -> list[int]:
        """One round from draw to close; the case as it is then."""
        self.draw(case_id)
        self.vote(case_id, votes)
        self.do(self.stranger, ATTRIBUTION, "closeJuryCase", case_id)
        return self.case(case_id)

    def all_say(self, verdict: int, values: bytes = VALUES) -> dict[Account, tuple[int, bytes]]:
        return dict.fromkeys(self.jurors, (verdict, values))

    def case(self, case_id: int) -> list[int]:
        return self.fields(ATTRIBUTION, "getJuryCase", case_id)

    def drawn(self, case_id: int, round_: int = 1) -> list[int]:
        return self.fields(ATTRIBUTION, "getJuryDraw", case_id, round_)

    def seats(self, case_id: int, juror: Account, round_: int = 1) -> int:
        return self.read(ATTRIBUTION, "seatsOf", case_id, round_, juror.address)


class JuryScene(JuryMoves, IndexScene):
    """A contested index and validators 31, 32, … with these stakes, staked before it."""

    def __init__(
        self,
        machine_type: Any,
        stakes_wei: Sequence[int] = (STAKE_WEI,) * 3,
        policy: Policy = JURY_POLICY,
    ) -> None:
        super().__init__(machine_type, ROWS, policy)
        self.stake_jurors(stakes_wei)
        self.commit_rows()
        self.commit_to()

    def row_leaf(self, place: int) -> RowLeaf:
        row = self.index.row(place)
        root = vector_root(row.row, ROW_BYTES)
        return RowLeaf(row.index, row.canonical_index, row.contributor_index, row.exponent, root, row.proof)

    def open(self, place: int = 0) -> int:
        """A case of the validator's about a row."""
        arguments = (self.index_id, HASH, self.row_leaf(place))
        return number(self.do(self.validator, ATTRIBUTION, "openRowCase", *arguments))
