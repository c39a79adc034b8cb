"""Votes, governor and timelock: who decides, how long it takes, and that they own Policy and the treasury."""

from collections.abc import Iterator
from typing import Any

import pytest

from genesis.addresses import GOVERNANCE_TIMELOCK, GOVERNOR, GRANTS, POLICY, TREASURY, VOTES_TOKEN
from genesis.keccak import keccak256
from genesis.policy import DEV_POLICY
from genesis.predeploys import ARTIFACTS, CONSTRUCTED, GOVERNANCE
from genesis.spec import OPEN_UNIT
from genesis.types import Address
from precompiles.views.policy import PARAMETERS
from tests.contracts.construct import constructed, text
from tests.contracts.machine import Contract, Machine, Outcome, Reverted
from tests.contracts.rollup import ALICE, BOB
from tests.contracts.twins import CAROL, machine_with_twins, precompile
from tests.precompiles.calls import calldata

DEV = GOVERNANCE["dev"]
NOBODY = "0x" + bytes(20).hex()
AGAINST, FOR = 0, 1
ACTIVE, DEFEATED, SUCCEEDED, QUEUED, EXECUTED = 1, 3, 4, 5, 7


@pytest.fixture(scope="module")
def world() -> Machine:
    return machine_with_twins()


@pytest.fixture
def l2(world: Machine) -> Iterator[Machine]:
    with world.rolled_back():
        yield world


class House:
    """The governance contracts of a machine, and one proposal on its way."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.votes = Contract.at(machine, VOTES_TOKEN, ARTIFACTS, "OpenVotes")
        self.governor = Contract.at(machine, GOVERNOR, ARTIFACTS, "OpenGovernor")
        self.timelock = Contract.at(machine, GOVERNANCE_TIMELOCK, ARTIFACTS, "OpenTimelock")
        self.treasury = Contract.at(machine, TREASURY, ARTIFACTS, "Treasury")
        self.proposal: tuple[Any, ...] = ()
        self.id = 0

    def join(self, voter: Address, amount_wei: int) -> None:
        assert self.machine.transact(voter, VOTES_TOKEN, b"", amount_wei).ok

    def propose(
        self, *actions: tuple[Address, int, bytes], by: Address = ALICE, description: str = "a proposal"
    ) -> None:
        targets = [target for target, _, _ in actions]
        values = [value for _, value, _ in actions]
        calls = [call for _, _, call in actions]
        addresses = ["0x" + each.hex() for each in targets]
        self.governor.send(by, "propose", addresses, values, calls, description)
        self.proposal = (addresses, values, calls, keccak256(description.encode()))
        self.id = self.governor.read("hashProposal", *self.proposal)
        self.machine.advance(DEV.voting_delay_s + 1)

    def vote(self, voter: Address, support: int = FOR) -> Outcome:
        return self.governor.send(voter, "castVote", self.id, support)

    def pass_and_carry_out(self) -> None:
        self.machine.advance(DEV.voting_period_s + 1)
        self.governor.send(CAROL, "queue", *self.proposal)
        self.machine.advance(DEV.timelock_delay_s + 1)
        self.governor.send(CAROL, "execute", *self.proposal)

    @property
    def state(self) -> int:
        return int(self.governor.read("state", self.id))


@pytest.fixture
def house(l2: Machine) -> House:
    house = House(l2)
    house.join(ALICE, 100 * OPEN_UNIT)
    house.join(BOB, 40 * OPEN_UNIT)
    l2.advance(1)
    return house


def new_policy(**changes: int) -> bytes:
    values = {**{name: getattr(DEV_POLICY, name) for name in DEV_POLICY.__dataclass_fields__}, **changes}
    return calldata(POLICY, "publish", PARAMETERS.record(**values))


def pay(recipient: Address, amount_wei: int) -> bytes:
    return keccak256(b"pay(address,uint256)")[:4] + bytes(12) + recipient + amount_wei.to_bytes(32, "big")


@pytest.mark.parametrize("name", GOVERNANCE)
def test_constructing_again_gives_the_same_accounts(name: str) -> None:
    assert (CONSTRUCTED / f"{name}.json").read_text() == text(constructed(GOVERNANCE[name]))


def test_a_proposal_publishes_a_policy_version(house: House) -> None:
    policy = precompile(house.machine, POLICY)
    house.propose((POLICY, 0, new_policy(platform_ppm=30_000)))
    assert house.state == ACTIVE
    house.vote(ALICE)
    house.pass_and_carry_out()
    assert house.state == EXECUTED
    assert policy.read("currentVersion") == 2
    assert policy.read("getParameters", 2)[0] == 30_000


def test_nobody_else_publishes_or_pays(house: House) -> None:
    for sender in (ALICE, GOVERNOR):
        assert not house.machine.transact(sender, POLICY, new_policy()).ok
        assert not house.machine.transact(sender, TREASURY, pay(sender, 1)).ok


def test_the_treasury_pays_what_was_decided(house: House) -> None:
    assert house.machine.transact(BOB, TREASURY, b"", 5 * OPEN_UNIT).ok
    before = house.machine.balance(CAROL)
    house.propose((TREASURY, 0, pay(CAROL, 3 * OPEN_UNIT)))
    house.vote(ALICE)
    house.pass_and_carry_out()
    assert house.machine.balance(CAROL) == before + 3 * OPEN_UNIT


def test_a_policy_beyond_the_floors_is_not_carried_out(house: House) -> None:
    house.propose((POLICY, 0, new_policy(challenge_bond_wei=0)))
    house.vote(ALICE)
    with pytest.raises(Reverted):
        house.pass_and_carry_out()
    assert house.state == QUEUED


def test_more_votes_against_or_too_few_defeat(house: House) -> None:
    house.propose((POLICY, 0, new_policy()))
    house.vote(ALICE, AGAINST)
    house.vote(BOB)
    house.machine.advance(DEV.voting_period_s + 1)
    assert house.state == DEFEATED
    with pytest.raises(Reverted):
        house.governor.send(CAROL, "queue", *house.proposal)


def test_the_quorum_is_never_below_its_minimum(house: House) -> None:
    assert house.governor.read("quorum", house.machine.now_s - 1) == DEV.minimum_quorum_wei
    house.votes.send(ALICE, "withdrawTo", "0x" + ALICE.hex(), 95 * OPEN_UNIT)
    house.votes.send(BOB, "withdrawTo", "0x" + BOB.hex(), 36 * OPEN_UNIT)
    house.machine.advance(1)
    house.propose((POLICY, 0, new_policy()))
    house.vote(ALICE)
    house.vote(BOB)
    house.machine.advance(DEV.voting_period_s + 1)
    assert house.state == DEFEATED


def test_the_timelock_waits_and_belongs_to_nobody_else(house: House) -> None:
    house.propose((POLICY, 0, new_policy()))
    house.vote(ALICE)
    house.machine.advance(DEV.voting_period_s + 1)
    assert house.state == SUCCEEDED
    house.governor.send(CAROL, "queue", *house.proposal)
    with pytest.raises(Reverted):
        house.governor.send(CAROL, "execute", *house.proposal)
    assert house.timelock.read("getMinDelay") == DEV.timelock_delay_s
    administrator = bytes(32)
    for account in (ALICE, GOVERNOR):
        assert not house.timelock.read("hasRole", administrator, "0x" + account.hex())
    assert house.timelock.read("hasRole", administrator, "0x" + GOVERNANCE_TIMELOCK.hex())


def test_votes_are_locked_while_they_vote(house: House) -> None:
    votes, me = house.votes, "0x" + ALICE.hex()
    house.propose((POLICY, 0, new_policy()))
    deadline = house.governor.read("proposalDeadline", house.id)
    house.vote(ALICE)
    for name, arguments in (
        ("withdrawTo", (me, 1)),
        ("transfer", ("0x" + BOB.hex(), 1)),
    ):
        with pytest.raises(Reverted) as refused:
            votes.send(ALICE, name, *arguments)
        assert refused.value.error.name == "StillVoting"
        assert refused.value.error.arguments["until"] == deadline
    votes.send(BOB, "withdrawTo", "0x" + BOB.hex(), OPEN_UNIT)
    house.machine.advance(DEV.voting_period_s + 1)
    before = house.machine.balance(ALICE)
    votes.send(ALICE, "withdrawTo", me, 100 * OPEN_UNIT)
    assert house.machine.balance(ALICE) == before + 100 * OPEN_UNIT


def test_a_delegates_vote_locks_what_it_votes_with(house: House) -> None:
    house.votes.send(BOB, "delegate", "0x" + ALICE.hex())
    house.machine.advance(1)
    house.propose((POLICY, 0, new_policy()))
    assert house.votes.read("getVotes", "0x" + ALICE.hex()) == 140 * OPEN_UNIT
    house.vote(ALICE)
    with pytest.raises(Reverted):
        house.votes.send(BOB, "withdrawTo", "0x" + BOB.hex(), 1)


def test_a_delegate_that_always_votes_keeps_nobody(house: House) -> None:
    house.votes.send(BOB, "delegate", "0x" + ALICE.hex())
    house.machine.advance(1)
    house.propose((POLICY, 0, new_policy()))
    house.vote(ALICE)
    deadline = house.governor.read("proposalDeadline", house.id)
    with pytest.raises(Reverted):
        house.votes.send(BOB, "delegate", "0x" + BOB.hex())
    house.votes.send(BOB, "delegate", NOBODY)
    assert house.votes.read("lockedUntil", "0x" + BOB.hex()) == deadline
    house.propose((POLICY, 0, new_policy()), description="another")
    house.vote(ALICE)
    assert house.governor.read("proposalDeadline", house.id) > deadline
    with pytest.raises(Reverted):
        house.votes.send(BOB, "withdrawTo", "0x" + BOB.hex(), 1)
    house.machine.advance(max(0, deadline + 1 - house.machine.now_s))
    house.votes.send(BOB, "withdrawTo", "0x" + BOB.hex(), 1)
    with pytest.raises(Reverted):
        house.votes.send(ALICE, "withdrawTo", "0x" + ALICE.hex(), 1)


def test_votes_that_left_before_they_voted_do_not_count(house: House) -> None:
    """Borrowed over the snapshot and given back: what is not here cannot be locked, so it does not vote."""
    house.propose((POLICY, 0, new_policy()))
    house.votes.send(ALICE, "withdrawTo", "0x" + ALICE.hex(), 99 * OPEN_UNIT)
    house.vote(ALICE)
    assert house.governor.read("proposalVotes", house.id)[1] == OPEN_UNIT
    with pytest.raises(Reverted):
        house.votes.send(ALICE, "withdrawTo", "0x" + ALICE.hex(), 1)


def test_locked_votes_do_not_stand_in_for_votes_that_left(house: House) -> None:
    house.propose((POLICY, 0, new_policy()))
    house.votes.send(BOB, "withdrawTo", "0x" + BOB.hex(), 40 * OPEN_UNIT)
    house.vote(ALICE)
    with pytest.raises(Reverted) as refused:
        house.votes.send(ALICE, "delegate", "0x" + BOB.hex())
    assert refused.value.error.name == "StillVoting"
    house.votes.send(ALICE, "delegate", NOBODY)
    house.join(ALICE, OPEN_UNIT)
    assert house.votes.read("delegates", "0x" + ALICE.hex()) == NOBODY
    house.vote(BOB)
    assert house.governor.read("proposalVotes", house.id)[1] == 100 * OPEN_UNIT


def test_only_the_governor_locks(house: House) -> None:
    with pytest.raises(Reverted) as refused:
        house.votes.send(BOB, "lock", "0x" + ALICE.hex(), 2**64)
    assert refused.value.error.name == "NotGovernor"


# --- Grants -----------------------------------------------------------------------------------------------


def granted(house: House, amounts: tuple[int, ...]) -> Contract:
    """A proposal that funds and creates a grant of `amounts` for Carol."""
    grants = Contract.at(house.machine, GRANTS, ARTIFACTS, "Grants")
    total = sum(amounts)
    assert house.machine.transact(BOB, TREASURY, b"", total).ok
    create = grants.abi.call_data("create", "0x" + CAROL.hex(), list(amounts), "uri")
    house.propose((TREASURY, 0, pay(GRANTS, total)), (GRANTS, 0, create))
    house.vote(ALICE)
    house.pass_and_carry_out()
    return grants


def test_milestones_are_paid_one_by_one_unless_voters_object(house: House) -> None:
    grants = granted(house, (3 * OPEN_UNIT, 4 * OPEN_UNIT, 5 * OPEN_UNIT))
    window = grants.read("OBJECTION_WINDOW")
    with pytest.raises(Reverted):
        grants.send(BOB, "report", 1, "uri")
    before = house.machine.balance(CAROL)
    grants.send(CAROL, "report", 1, "uri")
    with pytest.raises(Reverted) as refused:
        grants.send(BOB, "release", 1)
    assert refused.value.error.name == "WindowOpen"
    house.machine.advance(window + 1)
    grants.send(BOB, "release", 1)
    assert house.machine.balance(CAROL) == before + 3 * OPEN_UNIT
    grants.send(CAROL, "report", 1, "uri")
    grants.send(BOB, "object", 1)
    with pytest.raises(Reverted) as refused:
        grants.send(BOB, "object", 1)
    assert refused.value.error.name == "AlreadyObjected"
    house.machine.advance(window + 1)
    with pytest.raises(Reverted) as refused:
        grants.send(BOB, "release", 1)
    assert refused.value.error.name == "TooManyObjections"
    grants.send(GOVERNANCE_TIMELOCK, "approve", 1)
    assert house.machine.balance(CAROL) == before + 7 * OPEN_UNIT
    treasury = house.machine.balance(TREASURY)
    grants.send(GOVERNANCE_TIMELOCK, "end", 1)
    assert house.machine.balance(TREASURY) == treasury + 5 * OPEN_UNIT
    assert house.machine.balance(GRANTS) == grants.read("committed") == 0
    with pytest.raises(Reverted):
        grants.send(CAROL, "report", 1, "uri")


def test_a_grant_promises_only_what_is_there(house: House) -> None:
    grants = granted(house, (3 * OPEN_UNIT,))
    with pytest.raises(Reverted) as refused:
        grants.send(GOVERNANCE_TIMELOCK, "create", "0x" + BOB.hex(), [1], "uri")
    assert refused.value.error.name == "NotFunded"
    with pytest.raises(Reverted) as refused:
        grants.send(ALICE, "create", "0x" + BOB.hex(), [1], "uri")
    assert refused.value.error.name == "NotTimelock"
