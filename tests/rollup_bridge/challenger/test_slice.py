"""The whole way once: wrong root, game, bisection, one step, a jury's verdict, the root deleted."""

from genesis.spec import OPEN_UNIT
from tests.contracts.rollup import DISPUTES, MINIMUM_STAKE
from tests.rollup_bridge.challenger.world import Lies, World, lie


async def test_a_wrong_root_falls() -> None:
    world = World()
    world.seat_jurors(4)
    lies = Lies(world.claims, 2, 3)
    proposer = world.proposer(lies)
    honest = world.attester()
    world.challenger(honest)
    world.propose(lie(world.root(0)), lie(world.root(1)))
    blocks = await world.play()
    assert not world.stands(0, lie(world.root(0)))
    assert world.rollup.oracle.read("nextOutputIndex") == 0
    assert world.gain_wei(honest) > 0
    assert world.gain_wei(proposer) == -DISPUTES.bond_wei
    assert world.stake_wei(proposer) == MINIMUM_STAKE // 2
    print(blocks, world.gain_wei(honest) / OPEN_UNIT)
