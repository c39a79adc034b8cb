"""What the L1 says about disputes: challenges, lines of defence, cases and votes, as frozen records.

Source: `rollup_bridge/contracts/DisputeGame.sol`, `JuryVerifier.sol`.
"""

from dataclasses import dataclass
from enum import IntEnum

from genesis.types import Address, Hash32


class Status(IntEnum):
    """Of a challenge."""

    OPEN = 0
    SUCCEEDED = 1
    FAILED = 2
    VOID = 3


class Phase(IntEnum):
    """Of a line: whose move it is, and which."""

    CLAIM = 0
    CHOOSE = 1
    OPEN_BLOCK = 2
    JUDGE_INPUTS = 3
    WITNESS = 4
    VERDICT = 5
    HELD = 6
    BROKEN = 7
    VOID = 8


CHALLENGERS_PHASES = frozenset({Phase.CHOOSE, Phase.JUDGE_INPUTS})
DEFENDERS_PHASES = frozenset({Phase.CLAIM, Phase.OPEN_BLOCK, Phase.WITNESS})


class Verdict(IntEnum):
    PENDING = 0
    RIGHT = 1
    WRONG = 2
    DEFAULTED = 3


@dataclass(frozen=True, slots=True)
class Challenge:
    """One account's word against one output root."""

    id: int
    output_index: int
    output_root: Hash32
    challenger: Address
    proposer: Address
    submission_id: int
    created_s: int
    proposed_block: int
    proposed_s: int
    l2_number: int
    lines: int
    broken_lines: int
    l1_head: Hash32
    status: Status
    proven_wrong: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One defender's line against one challenge. `low` is agreed, `high` disputed; blocks while
    `block_number` is 0, then steps of that block."""

    id: int
    challenge_id: int
    defender: Address
    phase: Phase
    inputs_disputed: bool
    low: int
    high: int
    block_number: int
    moved_s: int
    challenger_s: int
    defender_s: int
    transaction_count: int
    witness_parts: int
    low_claim: Hash32
    high_claim: Hash32
    middle_claim: Hash32
    inputs_hash: Hash32
    witness_hash: Hash32

    @property
    def middle(self) -> int:
        """Where the next claim lies."""
        return self.low + (self.high - self.low) // 2

    @property
    def is_about_steps(self) -> bool:
        return self.block_number != 0

    @property
    def step(self) -> int:
        """The disputed step, once there is only one."""
        return 0 if self.inputs_disputed else self.high

    def deadline_s(self) -> int | None:
        """Last second of whoever's move it is; None while the verifier thinks, or the line is over."""
        if self.phase in CHALLENGERS_PHASES:
            return self.moved_s + self.challenger_s
        return self.moved_s + self.defender_s if self.phase in DEFENDERS_PHASES else None


@dataclass(frozen=True, slots=True)
class Case:
    """What a jury is doing about one line."""

    draw_block: int
    commit_until_s: int
    reveal_until_s: int
    round: int
    seats: int
    committed_seats: int
    revealed_seats: int
    right_seats: int
    verdict: Verdict
    paid: bool
    claim: Hash32

    @property
    def is_drawn(self) -> bool:
        return self.commit_until_s != 0


@dataclass(frozen=True, slots=True)
class Vote:
    """One juror's in one round; no seats if it was not drawn."""

    commitment: Hash32
    value: Hash32
    seats: int
    revealed: bool
    settled: bool
