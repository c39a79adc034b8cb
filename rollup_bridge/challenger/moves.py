"""What an honest side of a line does next: first what it has to know, then the move. Pure.

Both sides ask their own chain the same question; the defender says the answer, the challenger compares.

Covered: every phase of a line, for attack and defence. Not covered: whether to challenge or defend at all
(`duties`), how long a move may take (the contract's clocks).
"""

from dataclasses import dataclass

from genesis.types import Hash32
from rollup_bridge.challenger.ports import BlockOpening
from rollup_bridge.challenger.records import Line, Phase

PART_BYTES = 90_000
"""Of a witness in one L1 transaction: pools take up to 128 KiB."""


@dataclass(frozen=True, slots=True)
class OutputAt:
    """The output root of block `number`."""

    number: int


@dataclass(frozen=True, slots=True)
class OpeningAt:
    """The inputs of block `number`: its header's fields and the root of its transactions."""

    number: int


@dataclass(frozen=True, slots=True)
class ClaimAt:
    """What is so after `step` of block `number`: keccak256(state root ‖ cumulative gas ‖ receipts root)."""

    number: int
    step: int


@dataclass(frozen=True, slots=True)
class WitnessFor:
    """What `step` of block `number` reads, in bytes."""

    number: int
    step: int


Question = OutputAt | OpeningAt | ClaimAt | WitnessFor
Answer = Hash32 | BlockOpening | bytes


@dataclass(frozen=True, slots=True)
class SayMiddle:
    """The defender claims the middle of the disputed range."""

    claim: Hash32


@dataclass(frozen=True, slots=True)
class Choose:
    """The challenger says which half is wrong: the later one if the middle is right."""

    middle_is_right: bool


@dataclass(frozen=True, slots=True)
class SayOpening:
    """The defender commits to the last block's inputs."""

    opening: BlockOpening


@dataclass(frozen=True, slots=True)
class JudgeInputs:
    """The challenger agrees with these inputs, or disputes them at once."""

    are_right: bool


@dataclass(frozen=True, slots=True)
class PostPart:
    """The defender posts the next part of the witness, at most `PART_BYTES`."""

    part: bytes
    is_last: bool


Move = SayMiddle | Choose | SayOpening | JudgeInputs | PostPart


def question(line: Line) -> Question | None:
    """What whoever moves next has to know; None where no side moves."""
    if line.phase in (Phase.CLAIM, Phase.CHOOSE):
        if line.is_about_steps:
            return ClaimAt(line.block_number, line.middle)
        return OutputAt(line.middle)
    if line.phase in (Phase.OPEN_BLOCK, Phase.JUDGE_INPUTS):
        return OpeningAt(line.high)
    if line.phase is Phase.WITNESS:
        return WitnessFor(line.block_number, line.step)
    return None


def move(line: Line, answer: Answer) -> Move:
    """The honest move of whoever's turn it is, given its own chain's answer to `question(line)`."""
    match line.phase:
        case Phase.CLAIM:
            return SayMiddle(Hash32(_bytes(answer)))
        case Phase.CHOOSE:
            return Choose(answer == line.middle_claim)
        case Phase.OPEN_BLOCK:
            assert isinstance(answer, BlockOpening)
            return SayOpening(answer)
        case Phase.JUDGE_INPUTS:
            said = BlockOpening(line.inputs_hash, line.transaction_count, line.middle_claim)
            return JudgeInputs(answer == said)
        case Phase.WITNESS:
            return next_part(_bytes(answer), line.witness_parts)
        case _:
            raise AssertionError("nobody moves in this phase")


def next_part(witness: bytes, posted: int) -> PostPart:
    """The part of a witness that follows those on the L1."""
    start = posted * PART_BYTES
    return PostPart(witness[start : start + PART_BYTES], start + PART_BYTES >= len(witness))


def _bytes(answer: Answer) -> bytes:
    assert isinstance(answer, bytes)
    return answer
