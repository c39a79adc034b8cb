"""What the demo is told and what it tells: options, steps, and the result that machines read."""

from dataclasses import asdict, dataclass, field
from typing import Any

DEFAULT_INFERENCES = 60
TEXT_ANSWERS = 10


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """URLs of a running `dev` node; `seed` decides the data; `dishonest` adds the false post."""

    rpc_url: str = "http://127.0.0.1:8545"
    l1_url: str = "http://127.0.0.1:7545"
    gateway_url: str = "http://127.0.0.1:8000"
    dishonest: bool = False
    seed: int = 1
    as_json: bool = False
    inferences: int = DEFAULT_INFERENCES
    copy_noise: float = 0.02
    part_records: int = 300


@dataclass(frozen=True, slots=True)
class SentTransaction:
    """One transaction of the demo, in order. `chain` is "L1" or "L2"; `by` is the role that sent it."""

    step: str
    chain: str
    by: str
    method: str
    hash: str


@dataclass(frozen=True, slots=True)
class StepTime:
    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ContributorRow:
    """One line of the table. `score` is the summed score; amounts are wei as decimal strings."""

    index: int
    role: str
    account: str
    records: int
    canonical_records: int
    score: str
    share_ppm: int
    earned_wei: str


@dataclass(frozen=True, slots=True)
class FeeParts:
    """The gross fee and where it went, wei as decimal strings."""

    gross_wei: str
    platform_wei: str
    provider_wei: str
    owner_wei: str
    stakers_wei: str
    contributors_wei: str
    parents_wei: str
    """What an adapter passes on to the contributors of its base."""
    sums_to_gross: bool


@dataclass(frozen=True, slots=True)
class PoolParts:
    """The contributors' pool: paid amounts and what is carried to the model's next pool."""

    pool_wei: str
    carry_in_wei: str
    paid_wei: str
    carry_out_wei: str
    sums_to_pool: bool


@dataclass(frozen=True, slots=True)
class Conservation:
    """`accounted deposits - payments = L2 balances + withdrawals initiated and not paid + burned`, in wei.

    Read at one L2 block and its L1 origin. `l2_balances_wei` leaves out what the message passer locks.
    """

    l2_block: int
    l1_block: int
    accounted_deposits_wei: str
    payments_wei: str
    l2_balances_wei: str
    withdrawals_open_wei: str
    burned_wei: str
    holds: bool


@dataclass(frozen=True, slots=True)
class WithdrawalReport:
    account: str
    amount_wei: str
    l1_balance_before_wei: str
    l1_balance_after_wei: str
    arrived: bool


@dataclass(frozen=True, slots=True)
class DishonestReport:
    """What the dishonest provider did and what became of it. `secret_seed` is shown only here, afterwards."""

    secret_seed: int
    provider: str
    victim_index: int
    victim: str
    true_score: str
    posted_score: str
    false_post_id: int
    challenger: str
    challenge_transaction: str
    slashed_wei: str
    challenger_reward_wei: str
    stake_before_wei: str
    stake_after_wei: str
    paid_from_false_post_wei: str
    correct_post_id: int


@dataclass(slots=True)
class DemoResult:
    """Everything the demo saw; `ok` is True iff every check held."""

    ok: bool = False
    seed: int = 0
    datanet_id: int = 0
    model_id: int = 0
    training: dict[str, Any] = field(default_factory=dict)
    inferences: int = 0
    answered_right: int = 0
    settlement_id: int = 0
    post_id: int = 0
    contributors: list[ContributorRow] = field(default_factory=list)
    copy_of_original: float = 0.0
    """What the copy earned, as a part of what the original earned."""
    wrong_label_of_clean: float = 0.0
    """Mean score of a mislabelled record, as a part of a clean one's in the same contribution."""
    fees: FeeParts | None = None
    pool: PoolParts | None = None
    conservation: Conservation | None = None
    withdrawal: WithdrawalReport | None = None
    dishonest: DishonestReport | None = None
    checks: dict[str, bool] = field(default_factory=dict)
    transactions: list[SentTransaction] = field(default_factory=list)
    steps: list[StepTime] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
