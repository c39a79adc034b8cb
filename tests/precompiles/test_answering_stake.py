"""What a provider's stake counts for its posts: its pool, at most so many times what it staked itself.

What counts is read from what `post` refuses: nobody without the minimum, no pools above half of it.
Source: `docs/decisions/0012-stake.md` (`selfStakePpm`).
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.addresses import ATTRIBUTION, POLICY, STAKING
from genesis.policy import Policy
from genesis.shares import PPM
from precompiles import attribution_interface as interface
from tests.precompiles.calls import UNIT, Account
from tests.precompiles.compiled_twins import CompiledTwinMachine
from tests.precompiles.scene import SCENE_POLICY, Scene
from tests.precompiles.stakes import slash
from tests.precompiles.test_attribution_challenges import dishonest
from tests.precompiles.world import TIMELOCK, MachineType, NativeMachine, Outcome, TwinMachine

PROVIDER = 2
TIMES = PPM // SCENE_POLICY.self_stake_ppm
MINIMUM_WEI = SCENE_POLICY.minimum_provider_stake_wei
OWN_MINIMUM_WEI = MINIMUM_WEI // TIMES
"""So much of its own lets a provider post, if others delegate the rest."""


class PostScene(Scene):
    """A provider with little stake of its own and much of the stranger's, and a settlement to post."""

    def __init__(
        self,
        machine_type: MachineType,
        own_wei: int,
        delegated_wei: int = 1_000 * UNIT,
        policy: Policy = SCENE_POLICY,
        fees_wei: tuple[int, ...] = (7 * UNIT, 5 * UNIT),
    ) -> None:
        super().__init__(policy, machine_type)
        self.model_id = self.model()
        self.stake(self.provider, own_wei)
        self.delegate(delegated_wei)
        self.settlement_id = self.settle(self.open_channel(sum(fees_wei)), fees_wei)

    def delegate(self, amount_wei: int, by: Account | None = None) -> None:
        operator = self.provider.address
        self.do(by or self.stranger, STAKING, "delegate", operator, PROVIDER, value_wei=amount_wei)

    def unstake(self, amount_wei: int) -> None:
        self.do(self.provider, STAKING, "requestUnstake", PROVIDER, amount_wei)

    def try_to_post(self) -> Outcome:
        arguments = self.post_arguments(self.prepare_post([self.settlement_id]))
        return self.attempt(self.provider, ATTRIBUTION, "post", *arguments)

    def assert_refused(self) -> None:
        """For a stake that counts less than the minimum."""
        assert self.try_to_post().data == interface.SIGNER_NOT_STAKED(self.provider.address).data

    @property
    def own_wei(self) -> int:
        found = self.fields(STAKING, "delegation", self.provider.address, PROVIDER, self.provider.address)
        return found[0]

    @property
    def pool_wei(self) -> int:
        return self.read(STAKING, "stakeOf", self.provider.address, PROVIDER)


@pytest.fixture(params=[NativeMachine, TwinMachine])
def machine_type(request: pytest.FixtureRequest) -> MachineType:
    found: MachineType = request.param
    return found


# --- At the limit -----------------------------------------------------------------------------------------


def test_own_stake_times_the_policys_number_is_the_minimum_exactly(machine_type: MachineType) -> None:
    scene = PostScene(machine_type, OWN_MINIMUM_WEI - 1)
    scene.assert_refused()
    scene.stake(scene.provider, 1)
    assert scene.try_to_post().succeeded


def test_pools_are_at_most_half_of_what_counts_exactly(machine_type: MachineType) -> None:
    fees_wei = (150 * UNIT, 3)
    scene = PostScene(machine_type, OWN_MINIMUM_WEI, fees_wei=fees_wei)
    pool_wei = scene.pool_of(scene.settlement_id)
    enough_wei = -(-2 * pool_wei // TIMES)
    scene.stake(scene.provider, enough_wei - 1 - OWN_MINIMUM_WEI)
    limit_wei = (enough_wei - 1) * TIMES // 2
    assert limit_wei < pool_wei < scene.pool_wei // 2, "the whole pool would do"
    assert scene.try_to_post().data == interface.LIABILITY_ABOVE_STAKE(pool_wei, limit_wei).data
    scene.stake(scene.provider, 1)
    assert scene.try_to_post().succeeded


def test_more_own_stake_than_that_counts_no_further_than_the_pool(machine_type: MachineType) -> None:
    scene = PostScene(machine_type, MINIMUM_WEI - 1, delegated_wei=1)
    scene.unstake(1)
    scene.assert_refused()
    scene.delegate(1)
    assert scene.try_to_post().succeeded


# --- Own stake that goes ----------------------------------------------------------------------------------


def test_who_takes_all_of_its_own_out_answers_with_nothing(machine_type: MachineType) -> None:
    scene = PostScene(machine_type, 10 * OWN_MINIMUM_WEI)
    scene.unstake(10 * OWN_MINIMUM_WEI)
    assert scene.pool_wei >= 10 * MINIMUM_WEI
    scene.assert_refused()


def test_unbonding_own_stake_does_not_count(machine_type: MachineType) -> None:
    scene = PostScene(machine_type, 10 * OWN_MINIMUM_WEI)
    scene.unstake(9 * OWN_MINIMUM_WEI + 1)
    scene.assert_refused()
    scene.stake(scene.provider, 1)
    assert scene.try_to_post().succeeded


def test_delegated_stake_of_its_own_other_account_is_not_own(machine_type: MachineType) -> None:
    """Whoever it belongs to: only what the operator's account put in itself."""
    scene = PostScene(machine_type, OWN_MINIMUM_WEI - 1)
    scene.delegate(500 * UNIT, scene.owner)
    scene.assert_refused()


def test_a_slash_takes_own_stake_too_and_with_it_what_counts(machine_type: MachineType) -> None:
    """A tenth of the pool is lost, so of the operator's part, which was just a tenth above the least."""
    own_wei = OWN_MINIMUM_WEI * 11 // 10
    scene = PostScene(machine_type, own_wei, delegated_wei=MINIMUM_WEI * 10 - own_wei)
    post_id, posted = dishonest(scene)
    scene.commit(post_id)
    scene.do(scene.validator, ATTRIBUTION, "challengeScore", *scene.score_challenge(post_id, posted, 0))
    assert scene.own_wei == own_wei * 9 // 10 < OWN_MINIMUM_WEI
    assert scene.pool_wei == MINIMUM_WEI * 9
    scene.assert_refused()
    scene.stake(scene.provider, OWN_MINIMUM_WEI - scene.own_wei + 1)
    assert scene.try_to_post().succeeded


# --- Policy -----------------------------------------------------------------------------------------------


def publish(scene: Scene, ppm: int) -> None:
    scene.do(TIMELOCK, POLICY, "publish", replace(scene.policy, self_stake_ppm=ppm))


@pytest.mark.parametrize(
    ("ppm", "may_post"), [(SCENE_POLICY.self_stake_ppm + 1, False), (PPM, False), (1, True)], ids=str
)
def test_a_new_version_holds_from_the_next_post_on(
    machine_type: MachineType, ppm: int, may_post: bool
) -> None:
    scene = PostScene(machine_type, OWN_MINIMUM_WEI)
    publish(scene, ppm)
    assert scene.try_to_post().succeeded == may_post
    publish(scene, SCENE_POLICY.self_stake_ppm)
    assert scene.try_to_post().succeeded != may_post, "posted, or may post again"


def test_a_post_that_stands_is_not_undone_by_a_new_version(machine_type: MachineType) -> None:
    scene = PostScene(machine_type, OWN_MINIMUM_WEI)
    post_id = scene.send_post(scene.prepare_post([scene.settlement_id]))
    publish(scene, PPM)
    scene.wait(scene.policy.post_window_s + 1)
    scene.do(scene.stranger, ATTRIBUTION, "finalize", post_id)
    assert scene.fields(ATTRIBUTION, "getPost", post_id)[9] == 2


# --- Whatever happens to the pool -------------------------------------------------------------------------

MOVES = ("stake", "unstake", "delegate", "undelegate", "slash")
RICH_FEES_WEI = (90_000 * UNIT, 3)
"""A pool of 39,690 OPEN, which no stake here answers for: every refusal says what counts."""


def move(scene: PostScene, name: str, part_ppm: int) -> None:
    """One change of the pool, if there is something to change."""
    moves: dict[str, Callable[[], object]] = {
        "stake": lambda: scene.stake(scene.provider, 1 + part_ppm * UNIT // PPM),
        "delegate": lambda: scene.attempt(
            scene.stranger,
            STAKING,
            "delegate",
            scene.provider.address,
            PROVIDER,
            value_wei=1 + 20 * part_ppm * UNIT // PPM,
        ),
        "unstake": lambda: scene.attempt(
            scene.provider, STAKING, "requestUnstake", PROVIDER, scene.own_wei * part_ppm // PPM
        ),
        "undelegate": lambda: scene.attempt(
            scene.stranger, STAKING, "undelegate", scene.provider.address, PROVIDER, part_ppm * UNIT // PPM
        ),
        "slash": lambda: slash(scene, scene.provider, scene.pool_wei * part_ppm // PPM),
    }
    moves[name]()


def assert_counts(scene: PostScene) -> None:
    """The refusal of a post names half of the least of both, or that it is below the minimum."""
    counted_wei = min(scene.pool_wei, scene.own_wei * PPM // scene.policy.self_stake_ppm)
    if counted_wei < scene.policy.minimum_provider_stake_wei:
        scene.assert_refused()
        return
    pool_wei = scene.pool_of(scene.settlement_id)
    expected = interface.LIABILITY_ABOVE_STAKE(pool_wei, counted_wei // 2).data
    assert scene.try_to_post().data == expected


@settings(max_examples=25, deadline=None)
@given(
    ppm=st.sampled_from([1, 49_999, 50_000, 333_333, PPM - 1, PPM]),
    steps=st.lists(st.tuples(st.sampled_from(MOVES), st.integers(1, PPM)), min_size=4, max_size=10),
)
def test_what_counts_is_the_least_of_both(ppm: int, steps: list[tuple[str, int]]) -> None:
    policy = replace(SCENE_POLICY, self_stake_ppm=ppm)
    scene = PostScene(NativeMachine, 150 * UNIT, policy=policy, fees_wei=RICH_FEES_WEI)
    assert_counts(scene)
    for name, part_ppm in steps:
        move(scene, name, part_ppm)
        assert_counts(scene)


@settings(max_examples=3, deadline=None)
@given(
    ppm=st.sampled_from([49_999, 333_333, PPM]),
    steps=st.lists(st.tuples(st.sampled_from(MOVES[:-1]), st.integers(1, PPM)), min_size=4, max_size=8),
)
def test_twins_count_alike(ppm: int, steps: list[tuple[str, int]]) -> None:
    policy = replace(SCENE_POLICY, self_stake_ppm=ppm)
    scenes = [
        PostScene(machine_type, 150 * UNIT, policy=policy, fees_wei=RICH_FEES_WEI)
        for machine_type in (NativeMachine, CompiledTwinMachine)
    ]
    for name, part_ppm in steps:
        for scene in scenes:
            move(scene, name, part_ppm)
            assert_counts(scene)
        told = [scene.try_to_post().data for scene in scenes]
        assert told[0] == told[1]
