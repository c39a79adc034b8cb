"""Dishonest strategies against the services that a node runs: the honest side wins each, and ends richer.

That holds while more than half of the jury's stake is honest. What a jury with a dishonest majority can take,
and what it cannot, is at the end.
"""

import pytest

from genesis.types import Address, Hash32
from rollup_bridge.challenger.contracts import OracleDisputes, calldata
from rollup_bridge.challenger.duties import Stance
from rollup_bridge.challenger.outputs import OutputWatch
from rollup_bridge.challenger.ports import BlockOpening
from rollup_bridge.challenger.records import Phase
from rollup_bridge.challenger.service import Challenger
from rollup_bridge.challenger.settled import REORG_BLOCKS
from rollup_bridge.errors import TemporaryError
from rollup_bridge.proposer.oracle import OracleReader
from tests.contracts.machine import Reverted
from tests.contracts.rollup import DISPUTES, MINIMUM_STAKE
from tests.rollup_bridge.challenger.world import INTERVAL, WINDOW_S, Denies, Lies, Player, World, lie

BOND = DISPUTES.bond_wei
PRIZE = BOND * 7 // 10
"""For a win by the clock: nobody has to pay a jury."""
REWARD = MINIMUM_STAKE // 2 * 3 // 10


PLACES = [
    (1, 0),
    (2, 3),
    *(pytest.param(number, step, marks=pytest.mark.slow) for number, step in ((4, 5), (2, 1), (3, 0))),
]
"""Blocks and steps where a lie begins: inputs, transactions, the sealing of the last block."""


def challenge(world: World, player: Player, index: int = 0) -> None:
    """A challenge without any service behind it."""
    game, root = world.rollup.at.dispute_game, world.rollup.oracle.read("getL2Output", index)[0]
    world.rollup.token.send(player.address, "approve", game, BOND)
    world.rollup.game.send(player.address, "challenge", index, root)


def defend(world: World, player: Player, challenge_id: int = 0) -> None:
    world.rollup.token.send(player.address, "approve", world.rollup.at.dispute_game, BOND)
    world.rollup.game.send(player.address, "defend", challenge_id)


def wrong(world: World, index: int = 0) -> Hash32:
    return lie(world.root(index))


def verdicts(world: World) -> list[int]:
    count = world.rollup.game.read("lineCount")
    return [world.rollup.jury.read("verdict", case) for case in range(count)]


def all_paid_out(world: World) -> bool:
    """The game holds what it owes and nothing else."""
    holders = {player.address for player in world.players}
    holders.add(Address(bytes.fromhex(world.rollup.staking.read("treasury")[2:])))
    owed = sum(world.rollup.game.read("credits", holder) for holder in holders)
    return bool(world.bonds_held_wei() == owed)


class Withholds(Lies):
    """Plays to the last step and then shows nothing."""

    async def step_witness(self, number: int, step: int) -> bytes:
        raise TemporaryError("lost")


class Garbles(Lies):
    """Posts something else for a witness."""

    async def step_witness(self, number: int, step: int) -> bytes:
        return (await super().step_witness(number, step))[:-40] + bytes(40)


class Wavers(Lies):
    """Gives another wrong answer each time."""

    async def output_root(self, number: int) -> Hash32:
        said = await super().output_root(number)
        return said if number % INTERVAL == 0 else lie(said)

    async def opening(self, number: int) -> BlockOpening:
        return await self._honest.opening(number)

    async def step_claim(self, number: int, step: int) -> Hash32:
        return lie(await super().step_claim(number, step))


class TestWrongRoot:
    """The proposer's chain is right up to a step and wrong from there; the honest one attacks."""

    @pytest.mark.parametrize(("number", "step"), PLACES, ids=str)
    async def test_it_falls_by_a_verdict_wherever_the_lie_is(self, number: int, step: int) -> None:
        world = World()
        jurors = world.seat_jurors(4)
        proposer = world.proposer(Lies(world.claims, number, step))
        honest = world.attester()
        world.challenger(honest)
        world.propose(wrong(world, 0), wrong(world, 1))
        await world.play()
        assert world.rollup.oracle.read("nextOutputIndex") == 0, "the later output falls too"
        assert verdicts(world) == [2]
        line = world.rollup.game.read("lineAt", 0)
        assert (line[6], line[5] if not line[3] else 0) == (number, step)
        assert world.gain_wei(honest) == (BOND - 7 * DISPUTES.jury_seat_fee_wei) * 7 // 10 + REWARD
        assert world.gain_wei(proposer) == -BOND
        assert world.stake_wei(proposer) == MINIMUM_STAKE // 2, "once, though two outputs fell"
        assert sum(world.gain_wei(juror) for juror in jurors) == 7 * DISPUTES.jury_seat_fee_wei
        assert all_paid_out(world)

    async def test_signers_lose_stake_by_a_verdict(self) -> None:
        world = World()
        world.seat_jurors(4)
        world.proposer(Lies(world.claims, 2, 3))
        signer, honest = world.attester(0), world.attester(1)
        world.challenger(honest)
        world.propose(wrong(world))
        await world.attest(signer, 0, wrong(world))
        await world.play()
        assert world.stake_wei(signer) == MINIMUM_STAKE // 2
        assert world.gain_wei(honest) > 2 * REWARD

    async def test_another_challenger_gets_its_bond_back(self) -> None:
        world = World()
        world.seat_jurors(4)
        world.proposer(Lies(world.claims, 2, 3))
        first, second = world.attester(0), world.attester(1)
        world.challenger(first)
        world.challenger(second)
        world.propose(wrong(world))
        await world.play()
        assert not world.stands(0, wrong(world))
        gains = sorted(world.gain_wei(player) for player in (first, second))
        assert gains[0] >= 0
        assert gains[1] > REWARD
        assert all_paid_out(world)


class TestStalling:
    async def test_a_silent_proposer_loses_root_and_stake(self) -> None:
        world = World()
        proposer = world.join(world.proposer_account)
        signer, honest = world.attester(0), world.attester(1)
        world.challenger(honest)
        world.propose(wrong(world))
        await world.attest(signer, 0, wrong(world))
        await world.play()
        assert not world.stands(0, wrong(world))
        assert world.stake_wei(proposer) == MINIMUM_STAKE // 2
        assert world.gain_wei(honest) == REWARD
        assert world.stake_wei(signer) == MINIMUM_STAKE, "a lost clock is the proposer's alone"

    async def test_a_defender_that_stops_in_the_middle_loses_by_its_clock(self) -> None:
        world = World()
        proposer, honest = world.join(world.proposer_account), world.attester()
        world.challenger(honest)
        world.propose(wrong(world))
        await world.play(until=lambda: world.rollup.game.read("challengeCount") == 1)
        defend(world, proposer)
        await world.play()
        assert not world.stands(0, wrong(world))
        assert world.gain_wei(honest) == PRIZE + REWARD

    async def test_a_challenger_that_never_moves_pays_the_proposer(self) -> None:
        world = World()
        proposer, staller = world.proposer(), world.attester()
        world.propose(world.root(0))
        challenge(world, staller)
        await world.play()
        assert world.stands(0, world.root(0))
        assert world.gain_wei(proposer) == PRIZE
        assert world.gain_wei(staller) == -BOND
        assert world.stake_wei(proposer) == MINIMUM_STAKE

    async def test_many_stallers_pay_each(self) -> None:
        world = World()
        proposer = world.proposer()
        stallers = [world.attester(number) for number in range(4)]
        world.propose(world.root(0))
        for staller in stallers:
            challenge(world, staller)
        await world.play()
        assert world.stands(0, world.root(0))
        assert world.gain_wei(proposer) == 4 * PRIZE
        world.tick(WINDOW_S)
        assert world.rollup.oracle.read("isFinal", 0)


class TestFreeloading:
    async def test_an_accomplice_that_challenges_in_order_to_lose_saves_nothing(self) -> None:
        """The proposer's friend challenges first and lets its clock run out; that ends its challenge only."""
        world = World()
        world.seat_jurors(4)
        proposer, friend, honest = (
            world.proposer(Lies(world.claims, 2, 3)),
            world.attester(0),
            world.attester(1),
        )
        world.propose(wrong(world))
        challenge(world, friend)
        defend(world, proposer)
        world.challenger(honest)
        await world.play()
        assert not world.stands(0, wrong(world))
        assert world.gain_wei(honest) > REWARD
        assert world.gain_wei(proposer) + world.gain_wei(friend) < -BOND, "losing to oneself costs, too"

    async def test_a_copied_challenge_takes_nothing_from_the_first(self) -> None:
        world = World()
        world.seat_jurors(4)
        world.proposer(Lies(world.claims, 2, 3))
        honest, copycat = world.attester(0), world.attester(1)
        world.challenger(honest)
        world.propose(wrong(world))
        await world.play(until=lambda: world.rollup.game.read("challengeCount") == 1)
        challenge(world, copycat)
        await world.play()
        assert world.gain_wei(honest) >= REWARD
        assert not world.stands(0, wrong(world))

    async def test_a_saboteur_that_defends_a_right_root_badly_costs_itself_only(self) -> None:
        """A signer of the right root, in league with the challenger, defends it with wrong claims."""
        world = World()
        world.seat_jurors(4)
        saboteur, liar = world.attester(0), world.attester(1)
        proposer = world.proposer()
        world.propose(world.root(0))
        await world.attest(saboteur, 0, world.root(0))
        challenge(world, liar)
        defend(world, saboteur)
        world.challenger(liar, Lies(world.claims, 1, 2))
        world.challenger(saboteur, Wavers(world.claims, 1, 1))
        await world.play()
        assert world.stands(0, world.root(0))
        assert world.gain_wei(proposer) > 0
        assert world.gain_wei(saboteur) <= 0
        assert world.stake_wei(proposer) == MINIMUM_STAKE
        assert all_paid_out(world)


class TestWrongBisection:
    @pytest.mark.parametrize("liar_class", [Lies, Wavers])
    @pytest.mark.parametrize(("number", "step"), PLACES)
    async def test_a_right_root_cannot_be_beaten(
        self, liar_class: type[Lies], number: int, step: int
    ) -> None:
        world = World()
        world.seat_jurors(4)
        proposer, liar = world.proposer(), world.attester()
        world.propose(world.root(0), world.root(1))
        challenge(world, liar)
        world.challenger(liar, liar_class(world.claims, number, step))
        await world.play()
        assert world.stands(0, world.root(0))
        assert world.stands(1, world.root(1))
        assert world.gain_wei(proposer) >= (BOND - 7 * DISPUTES.jury_seat_fee_wei) * 7 // 10
        assert world.gain_wei(liar) == -BOND
        assert all_paid_out(world)

    async def test_a_wavering_defender_of_a_wrong_root_loses(self) -> None:
        world = World()
        world.seat_jurors(4)
        proposer, honest = world.proposer(Wavers(world.claims, 1, 1)), world.attester()
        world.challenger(honest)
        world.propose(wrong(world))
        await world.play()
        assert not world.stands(0, wrong(world))
        assert world.gain_wei(honest) > 0 > world.gain_wei(proposer)


class TestWithheldWitness:
    async def test_no_witness_is_a_lost_clock(self) -> None:
        world = World()
        proposer, honest = world.proposer(Withholds(world.claims, 2, 3)), world.attester()
        world.challenger(honest)
        world.propose(wrong(world))
        await world.play()
        assert Phase(world.rollup.game.read("lineAt", 0)[2]) is Phase.BROKEN
        assert world.rollup.game.read("witnessBlocksOf", 0) == ()
        assert world.gain_wei(honest) == PRIZE + REWARD
        assert world.gain_wei(proposer) == -BOND

    async def test_a_useless_witness_is_a_wrong_step(self) -> None:
        world = World()
        world.seat_jurors(4)
        world.proposer(Garbles(world.claims, 2, 3))
        honest = world.attester()
        world.challenger(honest)
        world.propose(wrong(world))
        await world.play()
        assert verdicts(world) == [2]
        assert world.gain_wei(honest) > REWARD


class TestAbsence:
    async def test_a_signer_answers_for_a_silent_proposer(self) -> None:
        world = World()
        world.seat_jurors(4)
        liar, signer = world.attester(0), world.attester(1)
        world.join(world.proposer_account)
        world.propose(world.root(0))
        challenge(world, liar)
        world.challenger(liar, Lies(world.claims, 2, 3))

        async def attest(l2_number: int) -> bool:
            await world.attest(signer, l2_number // INTERVAL - 1, world.right_root(l2_number))
            return True

        world.challenger(signer, attest=attest)
        await world.play()
        assert world.stands(0, world.root(0))
        assert world.gain_wei(signer) > 0 > world.gain_wei(liar)

    async def test_a_juror_challenges_when_nobody_else_does(self) -> None:
        world = World()
        world.join(world.proposer_account)
        [juror] = world.seat_jurors(1)
        world.rollup.give_open(juror.address, BOND)
        world.challenger(juror)
        world.propose(wrong(world))
        assert not await juror.services[1].look()
        world.tick(WINDOW_S // 2)
        await world.play()
        assert not world.stands(0, wrong(world))
        assert world.gain_wei(juror) == BOND + REWARD, "its purse was empty before"

    async def test_a_service_that_is_restarted_before_every_look_wins_all_the_same(self) -> None:
        world = World()
        world.seat_jurors(4)
        world.proposer(Lies(world.claims, 3, 2))
        honest = world.attester()
        world.propose(wrong(world))

        class Forgetful(Challenger):
            async def look(self) -> bool:
                honest.services.clear()
                fresh = world.challenger(honest)
                honest.services[:] = [self]
                return await fresh.look()

        first = world.challenger(honest)
        first.__class__ = Forgetful
        await world.play()
        assert not world.stands(0, wrong(world))
        assert world.gain_wei(honest) > REWARD

    async def test_silent_jurors_are_fined_and_the_rest_decide(self) -> None:
        world = World()
        jurors = world.seat_jurors(5)
        for silent in jurors[:2]:
            silent.services.clear()
        world.proposer(Lies(world.claims, 2, 3))
        honest = world.attester()
        world.challenger(honest)
        world.propose(wrong(world))
        await world.play()
        assert not world.stands(0, wrong(world))
        assert world.gain_wei(honest) > 0
        seats = {
            juror.address: sum(
                world.rollup.jury.read("voteOf", 0, round_, juror.address)[2]
                for round_ in range(world.rollup.jury.read("caseOf", 0)[3] + 1)
            )
            for juror in jurors
        }
        assert sum(seats[silent.address] for silent in jurors[:2]) > 0, "the draw should reach them"
        for silent in jurors[:2]:
            fine = seats[silent.address] * DISPUTES.jury_seat_fee_wei
            assert world.stake_wei(silent) == MINIMUM_STAKE - fine

    async def test_without_any_juror_a_wrong_root_falls_and_no_signer_is_slashed(self) -> None:
        world = World()
        world.proposer(Lies(world.claims, 2, 3))
        signer, honest = world.attester(0), world.attester(1)
        world.propose(wrong(world))
        await world.attest(signer, 0, wrong(world))
        world.challenger(honest)
        world.juror(honest)
        await world.play()
        assert verdicts(world) == [3]
        assert not world.stands(0, wrong(world))
        assert world.stake_wei(signer) == MINIMUM_STAKE


class TestWatch:
    """What agreed for long is not read again, and a deletion is noticed whenever it came."""

    async def test_outputs_that_agreed_are_left_alone_until_one_is_deleted(self) -> None:
        world = World()
        player = world.join(world.proposer_account)
        world.propose(world.root(0))
        oracle = OracleReader(world.rollup.at.output_oracle, player.l1)
        disputes = OracleDisputes(world.rollup.at.output_oracle, player.l1)
        watch = OutputWatch(oracle, disputes, world.claims)

        async def young(block: int) -> list[bool]:
            stance = Stance(player.address, world.machine.now_s, WINDOW_S, DISPUTES.clock_s)
            return [output.is_wrong for output, _ in await watch.young(stance, block)]

        assert await young(100) == [False]
        assert await young(100 + REORG_BLOCKS - 1) == [False]
        assert await young(100 + REORG_BLOCKS) == []
        world.rollup.delete_from(0)
        world.propose(wrong(world))
        assert await young(100 + REORG_BLOCKS) == [True]
        assert await young(1_000) == [True], "what differs is read for ever"
        world.tick(WINDOW_S)
        assert await young(1_000) == []


class TestColludingJury:
    """Seven in nine jurors lie."""

    def world(self, verdict: type[Lies]) -> World:
        world = World()
        world.seat_jurors(7, verdict(world.claims, 1, 0))
        world.seat_jurors(2, first=7)
        return world

    async def test_it_lets_a_wrong_root_stand_and_takes_the_bond(self) -> None:
        world = self.world(Lies)
        world.proposer(Lies(world.claims, 2, 3))
        honest = world.attester()
        world.challenger(honest)
        world.propose(wrong(world))
        await world.play()
        assert world.stands(0, wrong(world))
        assert world.gain_wei(honest) == -BOND, "no more than its bond"
        assert world.stake_wei(honest) == MINIMUM_STAKE

    async def test_it_brings_down_a_right_root_and_takes_half_the_stakes(self) -> None:
        world = self.world(Denies)
        proposer, signer, liar = world.proposer(), world.attester(0), world.attester(1)
        world.propose(world.root(0), world.root(1))
        await world.attest(signer, 0, world.root(0))
        challenge(world, liar)
        world.challenger(liar, Lies(world.claims, 2, 3))
        await world.play()
        assert world.rollup.oracle.read("nextOutputIndex") == 0
        assert world.stake_wei(proposer) == MINIMUM_STAKE // 2
        assert world.stake_wei(signer) == MINIMUM_STAKE // 2
        assert world.gain_wei(proposer) == -BOND
        with pytest.raises(Reverted, match="NotAttester"):
            world.rollup.game.read("slashAttester", 0, signer.address)

    async def test_it_cannot_touch_what_is_final_nor_the_vault(self) -> None:
        world = self.world(Denies)
        world.proposer()
        liar = world.attester()
        world.propose(world.root(0))
        world.tick(WINDOW_S + 1)
        before = world.rollup.balance(world.rollup.at.open_vault)
        game, root = world.rollup.at.dispute_game, world.root(0)
        world.rollup.token.send(liar.address, "approve", game, BOND)
        data = calldata("challenge", ["uint256", "bytes32"], [0, root])
        assert not world.machine.transact(liar.address, game, data).ok
        assert world.rollup.oracle.read("isFinal", 0)
        assert world.rollup.balance(world.rollup.at.open_vault) == before


def test_moves_are_sized_for_the_l1s_pools() -> None:
    from rollup_bridge.challenger.moves import PART_BYTES, next_part  # noqa: PLC0415

    witness = bytes(2 * PART_BYTES + 5)
    parts = [next_part(witness, posted) for posted in range(3)]
    assert [len(part.part) for part in parts] == [PART_BYTES, PART_BYTES, 5]
    assert [part.is_last for part in parts] == [False, False, True]
    assert next_part(b"", 0).is_last
