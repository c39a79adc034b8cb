"""The whole loop on real data against a running node: data in, model out, inference paid, people paid.

Every step is an ordinary use of public surfaces: JSON-RPC of both chains and the gateway's HTTP.
"""

import tempfile
from pathlib import Path

from openledger_node.demo import dishonest, payout
from openledger_node.demo.conservation import check_conservation
from openledger_node.demo.data import load_data
from openledger_node.demo.datanet import contribute_all, create_datanet, publish
from openledger_node.demo.model import register, train
from openledger_node.demo.purchase import buy
from openledger_node.demo.reachable import assert_reachable
from openledger_node.demo.records import DemoOptions, DemoResult
from openledger_node.demo.report import judge, show
from openledger_node.demo.withdrawal import withdraw
from openledger_node.demo.world import World, close_world, open_world
from openledger_node.errors import OpenLedgerError

__all__ = ["DemoOptions", "DemoResult", "run_demo"]


async def run_demo(options: DemoOptions) -> DemoResult:
    """Walk the loop and show the result. Raises OpenLedgerError when a step or a check fails."""
    with tempfile.TemporaryDirectory(prefix="openledger-demo-") as temporary:
        world = open_world(options, Path(temporary))
        try:
            await assert_reachable(world)
            await walk(world)
        finally:
            await close_world(world)
    show(world)
    if not world.result.ok:
        failed = ", ".join(name for name, holds in world.result.checks.items() if not holds)
        raise OpenLedgerError(f"the demo ran, but a check does not hold: {failed}")
    return world.result


async def walk(world: World) -> None:
    """All steps in order; fills `world.result`."""
    options = world.options
    with world.step("Five contributors prepare real digits"):
        data = await load_data(
            world.directory / "data", options.seed, options.copy_noise, options.part_records
        )
    with world.step("They commit and reveal their records in a Datanet"):
        datanet_id = await create_datanet(world)
        contributed = await contribute_all(world, datanet_id, data)
    with world.step("A curator accepts everything, a version is published"):
        version = await publish(world, datanet_id, contributed)
    with world.step("The Model Factory trains a classifier"):
        training = await train(world, version, data)
    with world.step("The model and its feature index go on chain"):
        published = await register(world, version, training)
    with world.step(f"A customer buys {options.inferences} inferences with signed vouchers"):
        channel_id = await buy(world, published, data)
    with world.step("The provider settles the receipts"):
        key = await dishonest.settle(world, channel_id)
    if options.dishonest:
        with world.step("A dishonest provider posts one false score"):
            await dishonest.play_dishonest(world, published, key)
    with world.step("Influence scores are posted; the challenge window passes"):
        settlement = await payout.settlement_when(world, key, "final", "attribution")
        payout.note_provider(world, settlement)
    with world.step("Contributors claim"):
        await payout.claim_all(world, settlement, data)
    with world.step("One contributor brings the earnings to the L1"):
        await withdraw(world)
    with world.step("Every unit of OPEN is counted"):
        await check_conservation(world)
    judge(world.result)
