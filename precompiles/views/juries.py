"""Where Attribution keeps what drawn juries decide, who has a seat, and which coordinates they recompute.

Nothing here is linear in validators: an account finds its own seats by one hash over the draw's seed.
Source: protocol, section 3 "Challenges" (jury and draws).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from genesis.addresses import ATTRIBUTION
from genesis.commitments import QUERY_BYTES, address_word, word
from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from precompiles.abi import Struct
from precompiles.host import Host
from precompiles.slots import load_struct, mapping_slot
from precompiles.views import metering, policy, staking

CASE_COUNT_SLOT = 22
CASES_SLOT = 23
DRAWS_SLOT = 24
JURORS_SLOT = 25
OPINIONS_SLOT = 26
POST_ORIGINS_SLOT = 28
AUDITS_SLOT = 29
AUDIT_FUND_SLOT = 30
SHOWN_SLOT = 34
AUDITS_TAKEN_SLOT = 35

ROW = 1
PRECONDITIONER = 2
QUERY = 3
AUDIT = 4
"""What a case is about."""

OPEN = 0
RIGHT = 1
WRONG = 2
NOT_AVAILABLE = 3
NOT_PROVEN = 4
"""How a case ended; `RIGHT` to `NOT_AVAILABLE` are also what a juror says."""

COORDINATES = 16
VALUES_BYTES = {ROW: COORDINATES, PRECONDITIONER: 0, QUERY: COORDINATES * QUERY_BYTES, AUDIT: COORDINATES}
"""How long a juror's recomputed values are, by subject: int8 of a row, int16 of a query."""
ROUNDS = 2


@dataclass(frozen=True, slots=True)
class RowLeaf:
    """A committed feature row by the root of its coordinates, with its path to the rows' root."""

    index: int
    canonical_index: int
    contributor_index: int
    exponent: int
    row_root: Hash32
    proof: Sequence[Hash32]


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    """What a receipt is of, for all to see: salted input and output as it hashes them (`docs/gateway.md`)."""

    prompt: bytes
    output: bytes


@dataclass(frozen=True, slots=True)
class JuryCase:
    """A claim that only a recomputation can settle: what is said to be wrong, the bond, and the votes so far.

    `key` is a post's id, or an index's plus `INDEX_KEY`. `position` is the row, `content` its root or the
    preconditioner's hash. Of an audit they are the number of the contributor and which of its canonical rows;
    of a query the number of the receipt of `settlement_id` (else 0) and the query's root. `accused` answers
    for what is wrong, `keeper` for what is not available. `stake_wei` is all validators' at `staked_at_s` but
    the parties'. `bond_wei` is what is held for the case: the bond, then what jurors have not claimed.
    `leader` is the opinion with most seats among `revealed` ones.
    """

    key: int
    subject: int
    position: int
    content: Hash32
    exponent: int
    settlement_id: int
    accused: Address
    challenger: Address
    policy_version: int
    staked_at_s: int
    stake_wei: int
    bond_wei: int
    share_ppm: int
    rounds: int
    revealed: int
    leader: Hash32
    leader_seats: int
    leader_verdict: int
    outcome: int
    pay_per_seat_wei: int
    keeper: Address

    @property
    def parties(self) -> frozenset[Address]:
        """Who gains or loses by the verdict, and so has no seat."""
        return frozenset((self.accused, self.challenger, self.keeper))


@dataclass(frozen=True, slots=True)
class JuryDraw:
    """One round of a case: the L1 block that draws it, its seed (0 until then), seats, windows."""

    origin: int
    seed: Hash32
    size: int
    commit_until_s: int
    reveal_until_s: int


@dataclass(frozen=True, slots=True)
class Juror:
    """One juror in one round: what it committed to, its seats, its revealed opinion. `settled` is 1 once it
    was paid or punished."""

    commitment: Hash32
    seats: int
    opinion: Hash32
    settled: int


ROW_LEAF = Struct(
    "RowLeaf",
    RowLeaf,
    "uint256 index, uint256 canonicalIndex, uint256 contributorIndex, uint256 exponent, bytes32 rowRoot, "
    "bytes32[] proof",
)
SHOWN_ANSWER = Struct("ShownAnswer", ShownAnswer, "bytes prompt, bytes output")
JURY_CASE = Struct(
    "JuryCase",
    JuryCase,
    "uint256 key, uint256 subject, uint256 position, bytes32 content, uint256 exponent, "
    "uint256 settlementId, address accused, address challenger, uint256 policyVersion, uint256 stakedAt, "
    "uint256 stake, uint256 bond, uint256 sharePpm, uint256 rounds, uint256 revealed, bytes32 leader, "
    "uint256 leaderSeats, uint256 leaderVerdict, uint256 outcome, uint256 payPerSeat, address keeper",
)
JURY_DRAW = Struct(
    "JuryDraw",
    JuryDraw,
    "uint256 origin, bytes32 seed, uint256 size, uint256 commitUntil, uint256 revealUntil",
)
JUROR = Struct("Juror", Juror, "bytes32 commitment, uint256 seats, bytes32 opinion, uint256 settled")


def case_slot(case_id: int) -> int:
    """Base slot of a case."""
    return mapping_slot(CASES_SLOT, case_id)


def case_count(host: Host) -> int:
    """How many cases were ever opened; ids count from 1."""
    return host.load(ATTRIBUTION, CASE_COUNT_SLOT)


def case(host: Host, case_id: int) -> JuryCase:
    """A case; zeros when it does not exist."""
    return load_struct(host, ATTRIBUTION, case_slot(case_id), JURY_CASE)


def draw_slot(case_id: int, number: int) -> int:
    """Base slot of a case's draw; rounds count from 1."""
    return mapping_slot(DRAWS_SLOT, case_id, number)


def draw(host: Host, case_id: int, number: int) -> JuryDraw:
    """A case's draw; zeros when there is none."""
    return load_struct(host, ATTRIBUTION, draw_slot(case_id, number), JURY_DRAW)


def juror_slot(case_id: int, number: int, account: Address) -> int:
    """Base slot of what an account did in a round of a case."""
    return mapping_slot(JURORS_SLOT, case_id, number, account)


def juror(host: Host, case_id: int, number: int, account: Address) -> Juror:
    """What an account did in a round of a case."""
    return load_struct(host, ATTRIBUTION, juror_slot(case_id, number, account), JUROR)


def opinion_slot(case_id: int, opinion: Hash32) -> int:
    """Slot of how many seats revealed an opinion."""
    return mapping_slot(OPINIONS_SLOT, case_id, opinion)


def opinion_of(verdict: int, values: bytes) -> Hash32:
    """What two jurors must have in common to agree: the verdict and all recomputed values."""
    return keccak256(word(verdict) + keccak256(values))


def commitment_of(  # noqa: PLR0917 - what is hashed
    case_id: int, number: int, account: Address, verdict: int, values: bytes, salt: Hash32
) -> Hash32:
    """What a juror commits to, so that nobody can vote with another's work."""
    said = word(verdict) + keccak256(values) + salt
    return keccak256(word(case_id) + word(number) + address_word(account) + said)


def seats(host: Host, found: JuryCase, drawn: JuryDraw, account: Address) -> int:
    """An account's seats in a round: its part of all seats, the fraction by lot. Parties have none, nor has a
    stake below the minimum; what parties delegated to the account gives it none. None are known before the
    draw. Reads at most four times `gas.CHECKPOINT_READS` words."""
    if drawn.seed == bytes(32) or account in found.parties:
        return 0
    weight_wei = staking.validator_weight_at(host, account, found.staked_at_s)
    if weight_wei < policy.parameter(host, found.policy_version, "minimum_validator_stake_wei"):
        return 0
    theirs_wei = sum(staking.delegated_at(host, account, party, found.staked_at_s) for party in found.parties)
    return seats_by_lot(drawn.seed, drawn.size, account, max(weight_wei - theirs_wei, 0), found.stake_wei)


def seats_by_lot(seed: Hash32, size: int, account: Address, weight_wei: int, stake_wei: int) -> int:
    """`size · weight / stake` seats: the whole part surely, one more with the fraction's probability."""
    whole, rest = divmod(size * weight_wei, stake_wei)
    lot = int.from_bytes(keccak256(seed + address_word(account)), "big") % stake_wei
    return whole + (lot < rest)


def coordinates(seed: Hash32, dimensions: int) -> list[int]:
    """The coordinates whose values a juror reveals; they may repeat."""
    numbers = (keccak256(seed + word(i)) for i in range(COORDINATES))
    return [int.from_bytes(number, "big") % dimensions for number in numbers]


def shown_slot(query_root: Hash32) -> int:
    """Slot of how many coordinates of a query were shown, from the first on."""
    return mapping_slot(SHOWN_SLOT, query_root)


def post_origin_slot(post_id: int) -> int:
    """Slot of the L1 block that a post was made on."""
    return mapping_slot(POST_ORIGINS_SLOT, post_id)


def audit_slot(post_id: int) -> int:
    """Slot of the case that audits a post, 0 when there is none."""
    return mapping_slot(AUDITS_SLOT, post_id)


def audit_fund(host: Host) -> int:
    """What waits for audits' juries: what was given and not spent, and what settlements brought since."""
    given_wei = host.load(ATTRIBUTION, AUDIT_FUND_SLOT)
    return given_wei + metering.audits_total(host) - host.load(ATTRIBUTION, AUDITS_TAKEN_SLOT)
