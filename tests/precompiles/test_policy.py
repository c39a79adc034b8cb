"""Policy: only the timelock publishes, only within the floors, and nothing published ever changes."""

from dataclasses import astuple, replace

import pytest

from genesis.addresses import POLICY
from genesis.keccak import keccak256
from genesis.policy import DEFAULT_POLICY, DEV_POLICY, Policy
from genesis.shares import PPM
from genesis.spec import OPEN_UNIT
from precompiles import policy as law
from precompiles import policy_forks
from tests.precompiles.calls import event, number, words
from tests.precompiles.scene import Scene
from tests.precompiles.world import TIMELOCK, NativeMachine, TwinMachine


@pytest.fixture(params=[NativeMachine, TwinMachine])
def scene(request: pytest.FixtureRequest) -> Scene:
    return Scene(DEV_POLICY, request.param)


@pytest.mark.parametrize("policy", [DEV_POLICY, DEFAULT_POLICY])
def test_genesis_writes_version_one(policy: Policy) -> None:
    scene = Scene(policy)
    assert scene.read(POLICY, "currentVersion") == 1
    assert tuple(scene.fields(POLICY, "getParameters", 1)) == astuple(policy)
    assert scene.read(POLICY, "timelock") == int.from_bytes(TIMELOCK, "big")


def test_a_new_version_leaves_the_old_one_alone(scene: Scene) -> None:
    changed = replace(DEV_POLICY, platform_ppm=1)
    outcome = scene.do(TIMELOCK, POLICY, "publish", changed)
    assert number(outcome) == 2
    assert tuple(scene.fields(POLICY, "getParameters", 1)) == astuple(DEV_POLICY)
    assert tuple(scene.fields(POLICY, "getParameters", 2)) == astuple(changed)
    encoded = b"".join(value.to_bytes(32, "big") for value in astuple(changed))
    _, topics, data = outcome.logs[0]
    assert topics == (event(POLICY, "PolicyPublished").topic, (2).to_bytes(32, "big"))
    assert data == keccak256(encoded)


def test_only_the_timelock_publishes(scene: Scene) -> None:
    refused = scene.refuse(scene.owner, POLICY, "publish", DEV_POLICY)
    assert refused == policy_forks.NOT_TIMELOCK(scene.owner.address).data


@pytest.mark.parametrize("unknown", [0, 2, 2**256 - 1])
def test_unknown_versions(scene: Scene, unknown: int) -> None:
    refused = scene.refuse(scene.owner, POLICY, "getParameters", unknown)
    assert refused == law.VERSION_NOT_FOUND(unknown).data


FLOORS = [
    ("contribution_bond_wei", "contributionBond"),
    ("index_window_s", "indexWindowSeconds"),
    ("post_window_s", "postWindowSeconds"),
    ("post_delay_s", "postDelaySeconds"),
    ("challenge_reveal_s", "challengeRevealSeconds"),
    ("challenge_bond_wei", "challengeBond"),
    ("slash_amount_wei", "slashAmount"),
    ("close_delay_s", "closeDelaySeconds"),
    ("unbonding_s", "unbondingSeconds"),
    ("minimum_validator_stake_wei", "minimumValidatorStake"),
    ("minimum_provider_stake_wei", "minimumProviderStake"),
    ("jury_commit_s", "juryCommitSeconds"),
    ("jury_reveal_s", "juryRevealSeconds"),
    ("juror_fee_wei", "jurorFee"),
]

RELATED: dict[str, dict[str, int]] = {
    "minimum_provider_stake_wei": {"slash_amount_wei": DEV_POLICY.minimum_provider_stake_wei // 2},
    "challenge_bond_wei": {"juror_fee_wei": DEV_POLICY.juror_fee_wei // 2},
    "unbonding_s": {"jury_commit_s": 3, "jury_reveal_s": 2, "post_window_s": 4},
}
"""What must go down with a floor, because one covers the other."""


@pytest.mark.parametrize(("field", "name"), FLOORS)
def test_floors_are_half_of_genesis(scene: Scene, field: str, name: str) -> None:
    floor = getattr(DEV_POLICY, field) // 2
    refused = scene.refuse(TIMELOCK, POLICY, "publish", replace(DEV_POLICY, **{field: floor - 1}))
    assert refused == law.INVALID_PARAMETER(name.encode()).data
    related = RELATED.get(field, {})
    scene.do(TIMELOCK, POLICY, "publish", replace(DEV_POLICY, **{field: floor, **related}))


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"platform_ppm": 200_001}, "platformPpm"),
        ({"provider_ppm": PPM + 1}, "providerPpm"),
        ({"challenger_ppm": 300_001}, "challengerPpm"),
        ({"similarity_ppm": 0}, "similarityPpm"),
        ({"maximum_share_ppm": 0}, "maximumSharePpm"),
        ({"maximum_share_ppm": PPM + 1}, "maximumSharePpm"),
        ({"significance_ppm": 100 * PPM + 1}, "significancePpm"),
        ({"close_delay_s": 315_360_001}, "closeDelaySeconds"),
        ({"contribution_bond_wei": 10**27 + 1}, "contributionBond"),
        ({"provider_ppm": 425_001}, "contributorsPpm"),
        ({"provider_ppm": PPM}, "contributorsPpm"),
        ({"slash_amount_wei": 101 * OPEN_UNIT}, "slashAmount"),
        ({"post_window_s": 50}, "unbondingSeconds"),
        ({"challenge_reveal_s": 7}, "demandWindowSeconds"),
        ({"minimum_claim_wei": OPEN_UNIT + 1}, "minimumClaim"),
        ({"rollover_limit": 0}, "rolloverLimit"),
        ({"retrieval_ppm": 500_001}, "retrievalPpm"),
        ({"audit_ppm": PPM + 1}, "auditPpm"),
        ({"jury_seats": 1}, "jurySeats"),
        ({"jury_seats": 1_001}, "jurySeats"),
        ({"jury_delay_blocks": 6_001}, "juryDelayBlocks"),
        ({"jury_delay_blocks": DEV_POLICY.jury_delay_blocks - 1}, "juryDelayBlocks"),
        ({"jury_seats": 4}, "jurorFee"),
        ({"juror_fee_wei": 2 * OPEN_UNIT}, "jurorFee"),
        ({"absence_slash_wei": 101 * OPEN_UNIT}, "absenceSlash"),
        ({"audit_fund_ppm": PPM + 1}, "auditFundPpm"),
        ({"self_stake_ppm": 0}, "selfStakePpm"),
        ({"jury_commit_s": 40}, "unbondingSeconds"),
    ],
)
def test_bounds_and_relations(scene: Scene, changes: dict[str, int], name: str) -> None:
    refused = scene.refuse(TIMELOCK, POLICY, "publish", replace(DEV_POLICY, **changes))
    assert refused == law.INVALID_PARAMETER(name.encode()).data


def test_the_default_policy_could_be_published_again() -> None:
    scene = Scene(DEFAULT_POLICY)
    assert words(scene.do(TIMELOCK, POLICY, "publish", DEFAULT_POLICY)) == [2]


# --- Scheduled forks --------------------------------------------------------------------------------------

NAME = b"osaka".ljust(32, b"\0")
WEEK_S = 7 * 86_400


def test_a_fork_is_announced_a_week_ahead(scene: Scene) -> None:
    now = scene.machine.moment.timestamp_s
    refused = scene.refuse(TIMELOCK, POLICY, "scheduleFork", NAME, now + WEEK_S - 1)
    assert refused == policy_forks.INVALID_FORK(now + WEEK_S).data
    assert number(scene.do(TIMELOCK, POLICY, "scheduleFork", NAME, now + WEEK_S)) == 1
    assert scene.read(POLICY, "forkCount") == 1
    assert scene.fields(POLICY, "getFork", 1) == [int.from_bytes(NAME, "big"), now + WEEK_S]


def test_forks_come_one_after_the_other(scene: Scene) -> None:
    time = scene.machine.moment.timestamp_s + 2 * WEEK_S
    scene.do(TIMELOCK, POLICY, "scheduleFork", NAME, time)
    refused = scene.refuse(TIMELOCK, POLICY, "scheduleFork", NAME, time)
    assert refused == policy_forks.INVALID_FORK(time + 1).data
    refused = scene.refuse(TIMELOCK, POLICY, "scheduleFork", bytes(32), time + 1)
    assert refused == policy_forks.INVALID_FORK(time + 1).data
    scene.do(TIMELOCK, POLICY, "scheduleFork", NAME, time + 1)


def test_a_fork_is_cancelled_before_its_time_only(scene: Scene) -> None:
    time = scene.machine.moment.timestamp_s + WEEK_S
    scene.do(TIMELOCK, POLICY, "scheduleFork", NAME, time)
    scene.do(TIMELOCK, POLICY, "scheduleFork", NAME, time + 1)
    scene.do(TIMELOCK, POLICY, "cancelFork", 2)
    assert scene.fields(POLICY, "getFork", 2) == [0, time + 1]
    absent = policy_forks.FORK_NOT_FOUND
    assert scene.refuse(TIMELOCK, POLICY, "cancelFork", 2) == absent(2).data
    scene.wait(WEEK_S)
    assert scene.refuse(TIMELOCK, POLICY, "cancelFork", 1) == absent(1).data
    assert scene.refuse(TIMELOCK, POLICY, "cancelFork", 3) == absent(3).data
    assert scene.refuse(scene.owner, POLICY, "getFork", 0) == absent(0).data


@pytest.mark.parametrize("name", ["scheduleFork", "cancelFork"])
def test_only_the_timelock_schedules(scene: Scene, name: str) -> None:
    arguments = (NAME, 2**40) if name == "scheduleFork" else (1,)
    refused = scene.refuse(scene.owner, POLICY, name, *arguments)
    assert refused == policy_forks.NOT_TIMELOCK(scene.owner.address).data
