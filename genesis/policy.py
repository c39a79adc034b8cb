"""Which parameters AI work runs under: the record behind the Policy precompile and its genesis version.

Field order is the Solidity struct's (`precompiles/solidity/interfaces/IPolicy.sol`).
"""

from dataclasses import dataclass

from genesis.spec import OPEN_UNIT


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy version. Units are in the names; `significance_ppm` is z² in parts per million.

    `rollover_limit` counts posts of a model in a row that pay nobody, after which its pool is the treasury's.
    `retrieval_ppm` is what retrieved records get of a settlement's contributors' pool that has any. A post is
    audited with probability `audit_ppm`. A jury has `jury_seats` seats, twice as many when it is drawn again;
    the draw is from the L1 block `jury_delay_blocks` after the request, which nobody knows at the request.
    `audit_fund_ppm` is what the audits' fund gets of the platform's part of a settlement. A provider's stake
    counts for posts as far as its own is `self_stake_ppm` of it.
    """

    platform_ppm: int
    provider_ppm: int
    owner_ppm: int
    stakers_ppm: int
    contribution_bond_wei: int
    reveal_delay_blocks: int
    index_window_s: int
    post_window_s: int
    post_delay_s: int
    challenge_reveal_s: int
    challenge_bond_wei: int
    slash_amount_wei: int
    challenger_ppm: int
    close_delay_s: int
    unbonding_s: int
    minimum_validator_stake_wei: int
    minimum_provider_stake_wei: int
    similarity_ppm: int
    significance_ppm: int
    maximum_share_ppm: int
    minimum_claim_wei: int
    rollover_limit: int
    demand_window_s: int
    demand_fee_wei: int
    request_window_s: int
    parent_share_ppm: int
    retrieval_ppm: int
    audit_ppm: int
    jury_seats: int
    jury_delay_blocks: int
    jury_commit_s: int
    jury_reveal_s: int
    juror_fee_wei: int
    absence_slash_wei: int
    audit_fund_ppm: int
    self_stake_ppm: int


DAY_S = 86_400

DEFAULT_POLICY = Policy(
    platform_ppm=20_000,
    provider_ppm=200_000,
    owner_ppm=250_000,
    stakers_ppm=100_000,
    contribution_bond_wei=OPEN_UNIT,
    reveal_delay_blocks=30,
    index_window_s=3 * DAY_S,
    post_window_s=3 * DAY_S,
    post_delay_s=2 * DAY_S,
    challenge_reveal_s=DAY_S + 3_600,
    challenge_bond_wei=100 * OPEN_UNIT,
    slash_amount_wei=1_000 * OPEN_UNIT,
    challenger_ppm=300_000,
    close_delay_s=3 * DAY_S,
    unbonding_s=14 * DAY_S,
    minimum_validator_stake_wei=10_000 * OPEN_UNIT,
    minimum_provider_stake_wei=2_000 * OPEN_UNIT,
    similarity_ppm=990_000,
    significance_ppm=4_000_000,
    maximum_share_ppm=1_000_000,
    minimum_claim_wei=OPEN_UNIT // 100,
    rollover_limit=8,
    demand_window_s=2 * DAY_S,
    demand_fee_wei=OPEN_UNIT,
    request_window_s=DAY_S + 3_600,
    parent_share_ppm=100_000,
    retrieval_ppm=100_000,
    audit_ppm=50_000,
    jury_seats=24,
    jury_delay_blocks=3_900,
    jury_commit_s=DAY_S + 3_600,
    jury_reveal_s=DAY_S + 3_600,
    juror_fee_wei=OPEN_UNIT,
    absence_slash_wei=10 * OPEN_UNIT,
    audit_fund_ppm=250_000,
    self_stake_ppm=50_000,
)

DEV_POLICY = Policy(
    platform_ppm=20_000,
    provider_ppm=200_000,
    owner_ppm=250_000,
    stakers_ppm=100_000,
    contribution_bond_wei=OPEN_UNIT,
    reveal_delay_blocks=1,
    index_window_s=8,
    post_window_s=8,
    post_delay_s=5,
    challenge_reveal_s=5,
    challenge_bond_wei=10 * OPEN_UNIT,
    slash_amount_wei=100 * OPEN_UNIT,
    challenger_ppm=300_000,
    close_delay_s=10,
    unbonding_s=60,
    minimum_validator_stake_wei=100 * OPEN_UNIT,
    minimum_provider_stake_wei=100 * OPEN_UNIT,
    similarity_ppm=990_000,
    significance_ppm=4_000_000,
    maximum_share_ppm=1_000_000,
    minimum_claim_wei=OPEN_UNIT // 10_000,
    rollover_limit=4,
    demand_window_s=6,
    demand_fee_wei=OPEN_UNIT // 10,
    request_window_s=3,
    parent_share_ppm=100_000,
    retrieval_ppm=100_000,
    audit_ppm=50_000,
    jury_seats=3,
    jury_delay_blocks=2,
    jury_commit_s=6,
    jury_reveal_s=4,
    juror_fee_wei=OPEN_UNIT,
    absence_slash_wei=OPEN_UNIT,
    audit_fund_ppm=250_000,
    self_stake_ppm=50_000,
)
"""Windows of seconds, so that the whole loop fits into a coffee."""

DEADLINES = (
    "index_window_s",
    "post_window_s",
    "post_delay_s",
    "challenge_reveal_s",
    "close_delay_s",
    "unbonding_s",
    "demand_window_s",
    "request_window_s",
    "jury_commit_s",
    "jury_reveal_s",
)
"""Windows in which silence costs money."""


def short_deadlines(policy: Policy, least_s: int) -> list[str]:
    """Names of the deadlines below `least_s`, with their values."""
    values = {name: getattr(policy, name) for name in DEADLINES}
    return [f"{name} = {value}" for name, value in values.items() if value < least_s]
