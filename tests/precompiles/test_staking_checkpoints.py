"""Checkpoints of validators' stake: what it was at any second past, found in few reads."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.addresses import STAKING
from genesis.types import Address
from precompiles import gas
from precompiles.checks import INVALID_ARGUMENT
from precompiles.views import staking as view
from tests.precompiles.scene import Scene
from tests.precompiles.world import Call, MachineType, MemoryHost, NativeMachine, TwinMachine

VALIDATOR, PROVIDER = 1, 2


def test_history_is_kept_by_the_second() -> None:
    scene = Scene()
    start_s = scene.machine.moment.timestamp_s
    scene.do(scene.validator, STAKING, "stake", VALIDATOR, value_wei=5)
    scene.do(scene.validator, STAKING, "stake", VALIDATOR, value_wei=6)
    scene.wait(10)
    scene.do(scene.owner, STAKING, "stake", VALIDATOR, value_wei=100)
    scene.do(scene.validator, STAKING, "requestUnstake", VALIDATOR, 4)
    scene.wait(1)
    who = scene.validator.address
    at = {start_s - 1: (0, 0), start_s: (11, 11), start_s + 9: (11, 11), start_s + 10: (7, 107)}
    for time_s, (own, total) in at.items():
        assert scene.read(STAKING, "stakeAt", who, time_s) == own
        assert scene.read(STAKING, "totalStakeAt", time_s) == total


def test_what_an_account_delegated_is_kept_too() -> None:
    """By validator and for all of them; an operator's own stake and what is with providers is not."""
    scene = Scene()
    for operator, role in ((scene.validator, VALIDATOR), (scene.owner, VALIDATOR), (scene.owner, PROVIDER)):
        scene.do(operator, STAKING, "stake", role, value_wei=1_000)
    start_s = scene.machine.moment.timestamp_s
    who = scene.payer
    for operator, role, amount_wei in ((scene.validator, 1, 50), (scene.owner, 1, 7), (scene.owner, 2, 9)):
        scene.do(who, STAKING, "delegate", operator.address, role, value_wei=amount_wei)
    scene.wait(5)
    scene.do(who, STAKING, "undelegate", scene.validator.address, VALIDATOR, 20)
    scene.wait(1)
    host = MemoryHost(scene.native, Call(who.address, STAKING, b""), 0)

    def held(operator: Address, time_s: int) -> int:
        return view.delegated_at(host, operator, who.address, time_s)

    for whom, before_wei, after_wei in (
        (scene.validator.address, 50, 30),
        (scene.owner.address, 7, 7),
        (view.TOTAL, 57, 37),
    ):
        seen = [held(whom, start_s + later) for later in (-1, 0, 4, 5)]
        assert seen == [0, before_wei, before_wei, after_wei]
    assert view.delegated_at(host, scene.owner.address, scene.owner.address, start_s) == 0


@pytest.mark.parametrize("machine_type", [NativeMachine, TwinMachine])
def test_what_is_nobodys_pool_changes_no_history(machine_type: MachineType) -> None:
    """All validators' history is address zero's, a delegation's a hash's; anybody may touch them."""
    scene = Scene(machine_type=machine_type)
    scene.do(scene.validator, STAKING, "stake", VALIDATOR, value_wei=1_000)
    scene.do(scene.payer, STAKING, "delegate", scene.validator.address, VALIDATOR, value_wei=50)
    scene.wait(1)
    trace = view.delegation_trace(scene.validator.address, scene.payer.address)
    for nobody in (view.TOTAL, trace):
        scene.do(scene.stranger, STAKING, "checkpoint", nobody, VALIDATOR)
        scene.do(scene.stranger, STAKING, "collectRewards", nobody, VALIDATOR)
    scene.wait(1)
    now_s = scene.machine.moment.timestamp_s
    assert scene.read(STAKING, "totalStakeAt", now_s - 1) == 1_050
    assert scene.read(STAKING, "stakeAt", trace, now_s - 1) == 50


def test_a_second_that_is_not_over_has_no_checkpoint_yet() -> None:
    scene = Scene()
    now_s = scene.machine.moment.timestamp_s
    refused = INVALID_ARGUMENT(b"timestamp").data
    for time_s in (now_s, now_s + 1, 2**256 - 1):
        assert scene.refuse(scene.owner, STAKING, "stakeAt", scene.owner.address, time_s) == refused
        assert scene.refuse(scene.owner, STAKING, "totalStakeAt", time_s) == refused


def test_providers_have_no_weight() -> None:
    scene = Scene()
    scene.do(scene.provider, STAKING, "stake", PROVIDER, value_wei=5)
    scene.wait(1)
    now_s = scene.machine.moment.timestamp_s
    assert scene.read(STAKING, "stakeAt", scene.provider.address, now_s - 1) == 0
    assert scene.read(STAKING, "totalStakeAt", now_s - 1) == 0


Step = tuple[int, bool, int, int]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.booleans(), st.integers(1, 50), st.integers(0, 3)), max_size=30)
)
def test_every_second_is_found_again(steps: list[Step]) -> None:
    scene = Scene()
    accounts = (scene.validator, scene.owner)
    start_s = scene.machine.moment.timestamp_s
    history = {start_s - 1: (0, 0)}
    for who, leaves, amount, seconds in steps:
        if leaves:
            scene.attempt(accounts[who], STAKING, "requestUnstake", VALIDATOR, amount)
        else:
            scene.do(accounts[who], STAKING, "stake", VALIDATOR, value_wei=amount)
        first, second = (scene.read(STAKING, "stakeOf", each.address, VALIDATOR) for each in accounts)
        for time_s in range(scene.machine.moment.timestamp_s, scene.machine.moment.timestamp_s + seconds + 1):
            history[time_s] = (first, second)
        scene.wait(seconds)
    scene.wait(1)
    for time_s, stakes in history.items():
        found = [scene.read(STAKING, "stakeAt", each.address, time_s) for each in accounts]
        assert (*found, scene.read(STAKING, "totalStakeAt", time_s)) == (*stakes, sum(stakes))


def test_a_search_reads_no_more_than_its_price() -> None:
    scene = Scene()
    words = scene.native.words[STAKING]
    account = scene.validator.address
    for count in (2**32 - 1, 2**32):
        words[view.checkpoint_count_slot(account)] = count
        host = MemoryHost(scene.native, Call(account, STAKING, b""), 0)
        view.validator_weight_at(host, account, 7)
        assert host.touched["load"] <= gas.CHECKPOINT_READS
