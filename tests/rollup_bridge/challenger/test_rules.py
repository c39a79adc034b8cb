"""What DisputeGame and JuryVerifier refuse, and what their clocks and windows say."""

import pytest

from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from rollup_bridge.challenger.records import Phase, Verdict
from tests.contracts.machine import Outcome, Reverted
from tests.contracts.rollup import ALICE, DISPUTES, PROPOSER_GRACE_S, parameters
from tests.rollup_bridge.challenger.test_strategies import challenge, defend, wrong
from tests.rollup_bridge.challenger.world import INTERVAL, WINDOW_S, Lies, Player, World

ZERO = bytes(32)
BOND = DISPUTES.bond_wei


@pytest.fixture
def world() -> World:
    """A right root, nobody about."""
    world = World()
    world.join(world.proposer_account)
    world.propose(world.root(0))
    return world


@pytest.fixture
def attacker(world: World) -> Player:
    return world.attester(0)


@pytest.fixture
def line(world: World, attacker: Player) -> int:
    """A challenge that the proposer defends."""
    challenge(world, attacker)
    defend(world, world.players[0])
    return 0


def refused(world: World, sender: Address, name: str, *arguments: object) -> str:
    """The error with which the game refuses a call."""
    with pytest.raises(Reverted) as caught:
        world.rollup.game.read(name, *arguments, sender=sender)
    return caught.value.error.name


def act(world: World, player: Player, name: str, *arguments: object) -> Outcome:
    return world.rollup.game.send(player.address, name, *arguments)


class TestChallenge:
    def test_it_takes_the_bond_and_fixes_the_l1_head(self, world: World, attacker: Player) -> None:
        head = world.machine.l1_block(None).hash
        before = world.rollup.balance(attacker.address)
        world.rollup.token.send(attacker.address, "approve", world.rollup.at.dispute_game, BOND)
        act(world, attacker, "challenge", 0, world.root(0))
        assert world.rollup.balance(attacker.address) == before - BOND
        fixed = world.rollup.game.read("challengeAt", 0)[11]
        assert fixed == world.machine.l1_block(None).parent_hash != head

    def test_once_for_each_account_and_root(self, world: World, attacker: Player) -> None:
        challenge(world, attacker)
        assert refused(world, attacker.address, "challenge", 0, world.root(0)) == "AlreadyChallenged"
        other = world.attester(1)
        challenge(world, other)
        assert world.rollup.oracle.read("openDisputes", 0) == 2

    def test_another_root_than_the_one_there(self, world: World, attacker: Player) -> None:
        assert refused(world, attacker.address, "challenge", 0, ZERO) == "OutputChanged"

    def test_no_bond_no_challenge(self, world: World) -> None:
        insufficient_allowance = "0xfb8f41b2"  # the token's error, which the game's interface does not know
        assert refused(world, ALICE, "challenge", 0, world.root(0)).startswith(insufficient_allowance)

    def test_not_after_the_window(self, world: World, attacker: Player) -> None:
        world.rollup.token.send(attacker.address, "approve", world.rollup.at.dispute_game, BOND)
        world.tick(WINDOW_S)
        assert refused(world, attacker.address, "challenge", 0, world.root(0))
        assert world.rollup.game.read("challengeCount") == 0

    def test_nothing_is_final_while_it_is_open(self, world: World, attacker: Player) -> None:
        world.propose(world.root(1))
        challenge(world, attacker)
        world.tick(2 * WINDOW_S)
        assert [world.rollup.oracle.read("isFinal", index) for index in (0, 1)] == [False, False]
        assert not world.rollup.portal.read("isOutputFinalized", 0)


class TestDefence:
    def test_only_the_proposer_and_signers(self, world: World, attacker: Player) -> None:
        challenge(world, attacker)
        stranger = world.attester(1)
        for account in (stranger.address, attacker.address, ALICE):
            assert refused(world, account, "defend", 0) == "MayNotDefend"

    def test_once_and_in_time(self, world: World, line: int) -> None:
        proposer = world.players[0]
        assert refused(world, proposer.address, "defend", 0) == "AlreadyDefended"
        world.tick(DISPUTES.clock_s + 1)
        assert refused(world, proposer.address, "defend", 0) == "ClockOut"

    def test_what_the_defender_waited_is_off_its_clock(self, world: World, attacker: Player) -> None:
        challenge(world, attacker)
        world.tick(100)
        defend(world, world.players[0])
        challenger_s, defender_s = world.rollup.game.read("lineAt", 0)[8:10]
        assert challenger_s == DISPUTES.clock_s
        assert DISPUTES.clock_s - 104 <= defender_s <= DISPUTES.clock_s - 100


class TestMoves:
    def test_it_begins_at_the_output_before(self, world: World, line: int) -> None:
        found = world.rollup.game.read("lineAt", line)
        assert found[4:6] == (0, INTERVAL)
        assert (found[12], found[13]) == (world.right_root(0), world.root(0))

    def test_each_side_in_its_turn(self, world: World, line: int, attacker: Player) -> None:
        proposer = world.players[0]
        for player, name, *arguments in (
            (attacker, "claim", line, ZERO),
            (proposer, "choose", line, True),
            (attacker, "choose", line, True),
            (proposer, "openBlock", line, ZERO, 1, ZERO),
            (proposer, "postWitness", line, b"", True, b""),
            (attacker, "settle", line),
        ):
            assert refused(world, player.address, name, *arguments) == "NotYourMove"
        act(world, proposer, "claim", line, ZERO)
        assert refused(world, proposer.address, "claim", line, ZERO) == "NotYourMove"
        assert refused(world, proposer.address, "choose", line, True) == "NotYourMove"
        act(world, attacker, "choose", line, False)
        assert Phase(world.rollup.game.read("lineAt", line)[2]) is Phase.CLAIM

    def test_the_clocks_are_chess_clocks(self, world: World, line: int, attacker: Player) -> None:
        proposer = world.players[0]
        world.tick(200)
        act(world, proposer, "claim", line, ZERO)
        assert refused(world, ALICE, "timeOut", line) == "ClockRuns"
        world.tick(DISPUTES.clock_s - 50)
        assert refused(world, ALICE, "timeOut", line) == "ClockRuns"
        act(world, attacker, "choose", line, True)
        left = world.rollup.game.read("lineAt", line)[8:10]
        assert left[0] < 50
        assert left[1] < DISPUTES.clock_s - 200
        world.tick(DISPUTES.clock_s)
        assert refused(world, proposer.address, "claim", line, ZERO) == "ClockOut"
        world.rollup.game.send(ALICE, "timeOut", line)
        assert Phase(world.rollup.game.read("lineAt", line)[2]) is Phase.BROKEN

    def test_a_line_of_one_block_opens_it_at_once(self, world: World, line: int, attacker: Player) -> None:
        proposer = world.players[0]
        for number in (2, 3):
            act(world, proposer, "claim", line, world.right_root(number))
            act(world, attacker, "choose", line, True)
        assert Phase(world.rollup.game.read("lineAt", line)[2]) is Phase.OPEN_BLOCK
        act(world, proposer, "openBlock", line, keccak256(b"inputs"), 0, keccak256(b"claim"))
        act(world, attacker, "judgeInputs", line, True)
        found = world.rollup.game.read("lineAt", line)
        assert (Phase(found[2]), found[5]) == (Phase.WITNESS, 1), "without transactions only sealing is left"

    def test_the_witness_is_bound_part_by_part(self, world: World, line: int, attacker: Player) -> None:
        proposer = world.players[0]
        self.test_a_line_of_one_block_opens_it_at_once(world, line, attacker)
        act(world, proposer, "postWitness", line, b"one", False, b"")
        act(world, proposer, "postWitness", line, b"two", True, b"")
        step = world.rollup.jury.read("stepOf", line)
        assert step[7] == keccak256(keccak256(ZERO + b"one") + b"two")
        assert (step[0], step[3], step[4]) == (INTERVAL, 0, 1)
        assert step[6] == world.root(0)
        assert len(world.rollup.game.read("witnessBlocksOf", line)) == 2

    def test_a_disputed_opening_is_step_0(self, world: World, line: int, attacker: Player) -> None:
        proposer = world.players[0]
        for number in (2, 1):
            act(world, proposer, "claim", line, keccak256(b"%d" % number))
            act(world, attacker, "choose", line, False)
        act(world, proposer, "openBlock", line, keccak256(b"inputs"), 3, keccak256(b"claim"))
        act(world, attacker, "judgeInputs", line, False)
        act(world, proposer, "postWitness", line, b"", True, b"")
        step = world.rollup.jury.read("stepOf", line)
        assert (step[0], step[4]) == (1, 0)
        assert step[5] == world.right_root(0)
        assert step[6] == keccak256(b"claim")


class TestEnds:
    def test_not_before_the_time_to_defend_is_over(self, world: World, line: int, attacker: Player) -> None:
        assert refused(world, ALICE, "resolve", 0) == "NotOver"
        world.tick(DISPUTES.clock_s + 1)
        assert refused(world, ALICE, "resolve", 0) == "NotOver", "a line is open"
        world.rollup.game.send(ALICE, "timeOut", line)
        world.rollup.game.send(ALICE, "resolve", 0)
        assert world.rollup.oracle.read("nextOutputIndex") == 0

    def test_a_line_that_holds_ends_the_challenge(self, world: World, line: int, attacker: Player) -> None:
        proposer = world.players[0]
        act(world, proposer, "claim", line, ZERO)
        world.tick(DISPUTES.clock_s + 2)
        world.rollup.game.send(ALICE, "timeOut", line)
        assert world.rollup.oracle.read("openDisputes", 0) == 0
        assert refused(world, ALICE, "resolve", 0) == "NotOver"
        assert world.rollup.game.read("credits", attacker.address) == 0
        assert world.rollup.game.read("credits", proposer.address) == BOND + BOND * 7 // 10

    def test_a_root_proposed_again_is_not_the_one_challenged(self, world: World, attacker: Player) -> None:
        second = world.attester(1)
        challenge(world, attacker)
        challenge(world, second)
        world.tick(DISPUTES.clock_s + 1)
        world.rollup.game.send(ALICE, "resolve", 0)
        third = world.join(world.account_that(False, 5), stake_wei=parameters().minimum_validator_stake_wei)
        world.tick(PROPOSER_GRACE_S)
        number = world.rollup.oracle.read("nextBlockNumber")
        world.rollup.oracle.send(third.address, "proposeL2Output", world.root(0), number, ZERO, 0)
        assert refused(world, attacker.address, "defend", 1) == "OutputChanged"
        world.rollup.game.send(ALICE, "resolve", 1)
        assert world.rollup.game.read("credits", second.address) == BOND
        assert world.stands(0, world.root(0))

    def test_credits_are_paid_once(self, world: World, attacker: Player) -> None:
        challenge(world, attacker)
        world.tick(DISPUTES.clock_s + 1)
        world.rollup.game.send(ALICE, "resolve", 0)
        before = world.rollup.balance(attacker.address)
        world.rollup.game.send(ALICE, "withdraw", attacker.address)
        assert world.rollup.balance(attacker.address) == before + BOND
        assert refused(world, ALICE, "withdraw", attacker.address) == "NothingDue"

    def test_only_the_game_slashes_and_only_the_jury_fines(self, world: World) -> None:
        for name, arguments in (("slash", (ALICE, ALICE, 1)), ("fine", (ALICE, 1))):
            with pytest.raises(Reverted, match="NotAllowed"):
                world.rollup.staking.read(name, *arguments, sender=world.players[0].address)

    def test_no_signer_is_slashed_without_a_verdict(self, world: World, attacker: Player) -> None:
        challenge(world, attacker)
        world.tick(DISPUTES.clock_s + 1)
        world.rollup.game.send(ALICE, "resolve", 0)
        assert refused(world, ALICE, "slashAttester", 0, attacker.address) == "NotProvenWrong"


class TestJury:
    async def case(self, jurors: int) -> World:
        """A case about a wrong step, not drawn yet; nobody's juror services run."""
        world = World()
        for player in world.seat_jurors(jurors):
            player.services.clear()
        world.proposer(Lies(world.claims, 2, 3))
        world.challenger(world.attester())
        world.propose(wrong(world))
        await world.play(
            until=lambda: bool(
                world.rollup.game.read("lineCount")
                and world.rollup.game.read("lineAt", 0)[2] == Phase.VERDICT
            )
        )
        return world

    def draw(self, world: World) -> dict[Address, int]:
        jury, block = world.rollup.jury, world.rollup.jury.read("caseOf", 0)[0]
        while world.machine.block_number <= block + 1:
            world.tick()
        jury.send(ALICE, "draw", 0, world.machine.header_rlp(block))
        round_ = jury.read("caseOf", 0)[3]
        jurors = [Address(bytes.fromhex(found[2:])) for found in jury.read("jurorsOf", 0, round_)]
        return {juror: jury.read("voteOf", 0, round_, juror)[2] for juror in jurors}

    def vote(self, world: World, juror: Address, value: Hash32, *, reveal: bool) -> None:
        jury, round_ = world.rollup.jury, world.rollup.jury.read("caseOf", 0)[3]
        if reveal:
            jury.send(juror, "reveal", 0, value, ZERO)
            return
        arguments = (0).to_bytes(32, "big") + round_.to_bytes(32, "big") + bytes(12) + juror + value + ZERO
        jury.send(juror, "commit", 0, keccak256(arguments))

    async def test_parties_and_attesters_of_the_epoch_are_never_drawn(self) -> None:
        world = await self.case(6)
        allowed = {player.address for player in world.players[:6]}
        seats = self.draw(world)
        assert sum(seats.values()) == 7
        assert set(seats) <= allowed

    async def test_the_draw_takes_the_header_of_its_block_only(self) -> None:
        world = await self.case(3)
        block = world.rollup.jury.read("caseOf", 0)[0]
        while world.machine.block_number <= block + 2:
            world.tick()
        with pytest.raises(Reverted, match="WrongHeader"):
            world.rollup.jury.read("draw", 0, world.machine.header_rlp(block + 1))
        with pytest.raises(Reverted, match="NotNow"):
            world.rollup.jury.read("drawAgain", 0)

    async def test_commit_then_reveal_then_a_majority(self) -> None:
        world = await self.case(5)
        seats, jury = self.draw(world), world.rollup.jury
        value = Hash32(keccak256(b"computed"))
        first = next(iter(seats))
        with pytest.raises(Reverted, match="NotNow"):
            jury.read("reveal", 0, value, ZERO, sender=first)
        with pytest.raises(Reverted, match="NotDrawn"):
            jury.read("commit", 0, value, sender=ALICE)
        for juror in seats:
            self.vote(world, juror, value, reveal=False)
        with pytest.raises(Reverted, match="AlreadyCommitted"):
            jury.read("commit", 0, value, sender=first)
        with pytest.raises(Reverted, match="CommitmentMismatch"):
            jury.read("reveal", 0, keccak256(b"other"), ZERO, sender=first)
        for juror in seats:
            self.vote(world, juror, value, reveal=True)
        jury.send(ALICE, "conclude", 0)
        assert jury.read("verdict", 0) == Verdict.WRONG
        assert jury.read("fee", 0) == 7 * DISPUTES.jury_seat_fee_wei

    async def test_too_few_words_draw_twice_as_many_and_at_last_the_larger_half_decides(self) -> None:
        world = await self.case(5)
        jury, right = world.rollup.jury, world.rollup.jury.read("stepOf", 0)[6]
        for round_ in range(3):
            seats = self.draw(world)
            assert sum(seats.values()) == 7 << round_
            speaker = min(seats, key=lambda juror: seats[juror])
            assert 2 * seats[speaker] <= 7 << round_
            self.vote(world, speaker, right, reveal=False)
            world.tick(DISPUTES.jury_commit_s)
            self.vote(world, speaker, right, reveal=True)
            with pytest.raises(Reverted, match="NotNow"):
                jury.read("conclude", 0)
            world.tick(DISPUTES.jury_reveal_s)
            jury.send(ALICE, "conclude", 0)
        assert jury.read("verdict", 0) == Verdict.RIGHT

    async def test_stake_that_came_after_the_proposal_does_not_count(self) -> None:
        world = await self.case(1)
        late = world.join(
            world.account_that(True, 3), stake_wei=100 * parameters().minimum_validator_stake_wei
        )
        assert late.address not in self.draw(world)

    async def test_only_the_game_opens_cases(self) -> None:
        world = World()
        step = (1, ZERO, ZERO, 1, 1, ZERO, ZERO, ZERO)
        for name in ("verifyInputs", "verifyTransaction", "verifySealing"):
            with pytest.raises(Reverted, match="OnlyGame"):
                world.rollup.jury.read(name, 0, step, b"")
