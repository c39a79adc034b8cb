"""The whole loop on text: contribute, fine-tune, publish, buy with OpenAI's client, attribute, pay.

Every step is an ordinary use of public surfaces: JSON-RPC and the gateway's HTTP.
"""

import tempfile
from pathlib import Path

from openledger_node.demo import dishonest, payout
from openledger_node.demo.conservation import check_conservation
from openledger_node.demo.datanet import commit, create_datanet, publish, reveal
from openledger_node.demo.reachable import assert_reachable
from openledger_node.demo.records import DemoOptions
from openledger_node.demo.text.data import load_text_data
from openledger_node.demo.text.model import SEEDS, fine_tune, make_base, publish_model, serve_base
from openledger_node.demo.text.purchase import buy_answers
from openledger_node.demo.text.records import TextDemoResult
from openledger_node.demo.text.report import judge_text, show_text
from openledger_node.demo.world import World, close_world, open_world
from openledger_node.errors import OpenLedgerError

DATANET_NAME, SOURCE = "Python by subject", "docstrings of Python's standard library"
PSF_LICENCE = b"psf-2.0"
PART_RECORDS = 20


async def run_text_demo(options: DemoOptions, preset: str = "small") -> TextDemoResult:
    """Walk the loop and show the result. Raises OpenLedgerError when a step or a check fails."""
    result = TextDemoResult(seed=options.seed)
    with tempfile.TemporaryDirectory(prefix="openledger-demo-") as temporary:
        world = open_world(options, Path(temporary))
        world.result = result
        try:
            await assert_reachable(world)
            await walk(world, result, preset)
        finally:
            await close_world(world)
    show_text(world, result)
    if not result.ok:
        failed = ", ".join(name for name, holds in result.checks.items() if not holds)
        raise OpenLedgerError(f"the demo ran, but a check does not hold: {failed}")
    return result


async def walk(world: World, result: TextDemoResult, preset: str) -> None:
    """All steps in order; fills `result`."""
    with world.step("A base model of the project's own"):
        base = await make_base(world, result, preset)
    with world.step("Five contributors prepare real text"):
        data = await load_text_data(world.directory / "data", PART_RECORDS)
    everyone = range(len(data.subjects))
    with world.step("They commit and reveal their records in a Datanet"):
        datanet_id = await create_datanet(world, DATANET_NAME, SOURCE, PSF_LICENCE)
        contributed = await commit(world, datanet_id, data.parts, everyone)
        await reveal(world, everyone, contributed)
    with world.step("A curator accepts everything, a version is published"):
        version = await publish(world, datanet_id, contributed)
    with world.step(f"The Model Factory fine-tunes an adapter, on {SEEDS} seeds"):
        trained = await fine_tune(world, result, base, version, data.holdout_file)
    with world.step("Base, adapter and feature index go on chain"):
        published = await publish_model(world, base, version, trained)
    with world.step("The provider serves the base and every adapter of it"):
        await serve_base(world, base)
    with world.step("A customer buys answers with OpenAI's client, attribution included"):
        channel_id = await buy_answers(world, result, published, data)
    with world.step("The provider settles the receipts"):
        key = await dishonest.settle(world, channel_id)
    if world.options.dishonest:
        with world.step("A dishonest provider posts one false score"):
            await dishonest.play_dishonest(world, published, key)
    with world.step("Influence scores are posted; the challenge window passes"):
        settlement = await payout.settlement_when(world, key, "final", "attribution")
        payout.note_provider(world, settlement)
    with world.step("Contributors claim"):
        await payout.claim_amounts(world, settlement, data.subjects)
    with world.step("Every unit of OPEN is counted"):
        await check_conservation(world)
    judge_text(result)
