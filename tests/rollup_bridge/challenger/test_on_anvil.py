"""The five dishonest strategies once more, with anvil as the L1: another EVM, RPC's headers, real blocks."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from genesis.spec import DEV_L1_CHAIN_ID
from openledger_node.cli.disputes import show_disputes
from openledger_node.node.network_files import rollup_to_json, write_json
from tests.clients.programs import require_npm
from tests.contracts.anvil_machine import AnvilMachine, running_anvil
from tests.contracts.rollup import MINIMUM_STAKE
from tests.rollup_bridge.challenger.test_strategies import (
    BOND,
    PRIZE,
    REWARD,
    Garbles,
    Wavers,
    Withholds,
    challenge,
    defend,
    verdicts,
    wrong,
)
from tests.rollup_bridge.challenger.world import Lies, World
from tests.rollup_bridge.fakes import FakeL1, rollup_config

pytestmark = [pytest.mark.npm, pytest.mark.slow]


@pytest.fixture
def world() -> Iterator[World]:
    require_npm()
    with running_anvil() as machine:
        yield World(machine)


async def test_a_wrong_root_falls_and_is_slashed(world: World) -> None:
    world.seat_jurors(4)
    proposer, honest = world.proposer(Lies(world.claims, 2, 3)), world.attester()
    world.challenger(honest)
    world.propose(wrong(world))
    await world.play()
    assert verdicts(world) == [2]
    assert not world.stands(0, wrong(world))
    assert world.gain_wei(honest) > REWARD
    assert world.stake_wei(proposer) == MINIMUM_STAKE // 2


async def test_who_stalls_loses_its_bond(world: World) -> None:
    proposer, staller = world.proposer(), world.attester()
    world.propose(world.root(0))
    challenge(world, staller)
    await world.play()
    assert world.stands(0, world.root(0))
    assert (world.gain_wei(proposer), world.gain_wei(staller)) == (PRIZE, -BOND)


async def test_a_friends_lost_challenge_saves_no_lie(world: World) -> None:
    """A friend challenges in order to lose, so that the lie had survived a challenge."""
    world.seat_jurors(4)
    proposer, friend = world.proposer(Lies(world.claims, 2, 3)), world.attester(0)
    honest = world.attester(1)
    world.propose(wrong(world))
    challenge(world, friend)
    defend(world, proposer)
    world.challenger(honest)
    await world.play()
    assert not world.stands(0, wrong(world))
    assert world.gain_wei(honest) > REWARD


async def test_wrong_bisection(world: World) -> None:
    world.seat_jurors(4)
    proposer, liar = world.proposer(), world.attester()
    world.propose(world.root(0))
    challenge(world, liar)
    world.challenger(liar, Wavers(world.claims, 2, 3))
    await world.play()
    assert world.stands(0, world.root(0))
    assert world.gain_wei(proposer) > 0 > world.gain_wei(liar)


@pytest.mark.parametrize("liar", [Withholds, Garbles])
async def test_a_lie_without_its_witness_falls(world: World, liar: type[Lies]) -> None:
    world.seat_jurors(4)
    world.proposer(liar(world.claims, 2, 3))
    honest = world.attester()
    world.challenger(honest)
    world.propose(wrong(world))
    await world.play()
    assert not world.stands(0, wrong(world))
    assert world.gain_wei(honest) > REWARD


async def test_a_dispute_is_shown_to_people(
    world: World, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    world.proposer()
    staller = world.attester()
    world.propose(world.root(0))
    challenge(world, staller)
    file = tmp_path / "rollup.json"
    config = replace(
        rollup_config(FakeL1()), l1_chain_id=DEV_L1_CHAIN_ID, output_oracle=world.rollup.at.output_oracle
    )
    write_json(file, rollup_to_json(config))
    assert isinstance(world.machine, AnvilMachine)
    await show_disputes(world.machine.url, file, only_open=True)
    [shown] = json.loads(capfdbinary.readouterr().out)["challenges"]
    assert (shown["status"], shown["challenger"]) == ("open", "0x" + staller.address.hex())
    assert shown["outputRoot"] == "0x" + world.root(0).hex()
    await world.play()
    await show_disputes(world.machine.url, file, only_open=True)
    assert json.loads(capfdbinary.readouterr().out)["challenges"] == []
    await show_disputes(world.machine.url, file, only_open=False)
    [shown] = json.loads(capfdbinary.readouterr().out)["challenges"]
    assert shown["status"] == "failed"
    assert [line["phase"] for line in shown["lines"]] == ["held"]
