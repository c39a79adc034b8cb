"""A wrong score of a language model on a running network: tallied, proved, slashed, paid by the next post.

A `dev` node in processes of its own. The adapter has more than 65,536 coordinates, so its index is as wide as
an index may be and a wrong score takes sixteen tallies. Governance lengthens the windows first, by the
commands of the voter's page. Nobody steers the validator: all is told by events and balances on chain.
"""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from genesis.addresses import TREASURY
from genesis.networks import DEV_VALIDATOR
from genesis.policy import Policy
from genesis.shares import PPM, pool_amounts
from genesis.types import Address
from openledger_node.client.account import dev_account
from openledger_node.client.economy import ATTRIBUTION, POST_FINAL, POST_VOID, STAKING
from openledger_node.client.ethereum import from_hex
from openledger_node.client.posts import posted
from openledger_node.demo import dishonest, payout
from openledger_node.demo.conservation import check_conservation
from openledger_node.demo.datanet import commit, create_datanet, publish, reveal
from openledger_node.demo.records import DemoOptions, DishonestReport
from openledger_node.demo.text.data import TextData, load_text_data
from openledger_node.demo.text.model import (
    NAME,
    RECIPE,
    PublishedText,
    make_base,
    publish_model,
    serve_base,
)
from openledger_node.demo.text.purchase import buy_answers
from openledger_node.demo.text.records import TextDemoResult
from openledger_node.demo.world import World, close_world, open_world
from tests.integration.network import COMMAND, DevNode
from workers.protocol import FinetuneRequest, FinetuneResult
from workers.protocol.codec import from_json, to_json

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3_600)]

PART_RECORDS = 20
EPOCHS = 2
PATIENCE_S = 120.0
WIDEST, TALLIES, CHUNKS = 65_536, 16, 64
EARLY_PARTS = 4
"""A commitment made with the post gets one part in so many of the challenger's share."""
VOTER = 8
WINDOWS = {
    "postWindowSeconds": 20,
    "challengeRevealSeconds": 30,
    "demandWindowSeconds": 30,
    "unbondingSeconds": 180,
}
"""As a network has to choose them whose blocks of a second hold a tally in three: docs/challenges.md."""


@asynccontextmanager
async def network(directory: Path) -> AsyncIterator[tuple[World, DevNode]]:
    """A running node and those who use it; stopped in order at the end."""
    node = DevNode(directory / "dev").start()
    try:
        urls = (node.url("rpc"), node.url("l1"), node.url("gateway"))
        world = open_world(DemoOptions(*urls, dishonest=True, as_json=True, inferences=10), directory)
        try:
            yield world, node
        finally:
            await close_world(world)
        node.stop()
    finally:
        node.close()


def govern(node: DevNode, *words: str) -> str:
    """`openledger-node governance WORDS` as the voter."""
    command = [str(COMMAND), "governance", *words, "--account", str(VOTER), "--rpc", node.url("rpc")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def lengthen_windows(node: DevNode) -> None:
    """From an idea to a deed, in twenty seconds."""
    govern(node, "join", "100")
    govern(node, "delegate", f"dev:{VOTER}")
    changes = [word for name, value in WINDOWS.items() for word in ("--parameter", f"{name}={value}")]
    proposal = govern(node, "propose", "Time to tally", *changes, "--field", "proposalId")
    govern(node, "vote", proposal, "for", "--wait")
    govern(node, "queue", proposal, "--wait")
    govern(node, "execute", proposal, "--wait")


async def sell(world: World, result: TextDemoResult) -> tuple[PublishedText, TextData]:
    """An adapter made from five people's text, with its index usable."""
    base = await make_base(world, result, "small")
    data = await load_text_data(world.directory / "text", PART_RECORDS)
    everyone = range(len(data.subjects))
    datanet_id = await create_datanet(world, "Python by subject", "docstrings", b"psf-2.0")
    contributed = await commit(world, datanet_id, data.parts, everyone)
    await reveal(world, everyone, contributed)
    version = await publish(world, datanet_id, contributed)
    request = FinetuneRequest(NAME, base, (version,), replace(RECIPE, epochs=EPOCHS))
    trained = from_json(FinetuneResult, await world.gateway.job("finetune", to_json(request)))
    published = await publish_model(world, base, version, trained)
    await serve_base(world, base)
    return published, data


async def test_a_wrong_score_of_a_language_model_is_convicted(tmp_path: Path) -> None:
    result = TextDemoResult()
    async with network(tmp_path) as (world, node):
        world.result = result
        lengthen_windows(node)
        _, policy = await world.reader.current_policy()
        assert policy.challenge_reveal_s == WINDOWS["challengeRevealSeconds"]
        published, data = await sell(world, result)
        assert published.index.dimensions == WIDEST
        channel_id = await buy_answers(world, result, published, data)
        key = await dishonest.settle(world, channel_id)
        await dishonest.play_dishonest(world, published, key)
        assert result.dishonest is not None
        await the_liar_pays(world, policy, result.dishonest)
        await it_was_tallied(world, result.dishonest)
        await contributors_are_paid(world, policy, key, data)
        await check_conservation(world)
        assert result.conservation is not None
        assert result.conservation.holds
        log = (node.datadir / "logs" / "validator.log").read_text()
        assert "windows are too short" not in log


async def the_liar_pays(world: World, policy: Policy, lie: DishonestReport) -> None:
    """The post is void, its signer slashed; the validator has its bond and the share of when it committed."""
    validator = dev_account(DEV_VALIDATOR).address
    post = await world.reader.post(lie.false_post_id)
    assert (post.status, post.challenger) == (POST_VOID, validator)
    (voided,) = await world.l2.events(ATTRIBUTION, "PostVoided", lie.false_post_id)
    slashed_wei, reward_wei = (voided.arguments[name] for name in ("slashed", "reward"))
    assert slashed_wei == policy.slash_amount_wei == int(lie.slashed_wei)
    assert int(lie.stake_before_wei) - int(lie.stake_after_wei) == slashed_wei

    (committed,) = await world.l2.events(ATTRIBUTION, "ChallengeCommitted", lie.false_post_id)
    posted_s = post.contestable_until_s - policy.post_window_s
    elapsed_s = await time_of(world, committed) - posted_s
    window_s, most_ppm = policy.post_window_s, policy.challenger_ppm
    share_ppm = most_ppm * (window_s + (EARLY_PARTS - 1) * elapsed_s) // (EARLY_PARTS * window_s)
    assert reward_wei == slashed_wei * share_ppm // PPM
    assert await world.l2.read(ATTRIBUTION, "rewardOf", TREASURY) == slashed_wei - reward_wei

    async with asyncio.timeout(PATIENCE_S):
        while not (payments := await world.l2.events(STAKING, "SlashRewardPaid", validator)):
            await asyncio.sleep(0.5)
    (paid,) = payments
    assert paid.arguments["amount"] == reward_wei
    (returned,) = await world.l2.events(ATTRIBUTION, "BondReturned", lie.false_post_id, validator)
    assert returned.arguments["amount"] == policy.challenge_bond_wei


async def it_was_tallied(world: World, lie: DishonestReport) -> None:
    """Sixteen transactions in all; says what they cost, and how long after the post each step came."""
    tallied = await world.l2.events(ATTRIBUTION, "Tallied")
    assert len(tallied) == TALLIES
    assert (tallied[-1].arguments["chunks"], tallied[-1].arguments["coordinates"]) == (CHUNKS, WIDEST)
    (committed,) = await world.l2.events(ATTRIBUTION, "ChallengeCommitted", lie.false_post_id)
    (voided,) = await world.l2.events(ATTRIBUTION, "PostVoided", lie.false_post_id)
    used = [int((await receipt_of(world, event))["gasUsed"], 16) for event in tallied]
    post = (await posted(world.reader, lie.false_post_id)).event
    steps = (committed, tallied[0], tallied[-1], voided)
    after_s = [await time_of(world, event) - await time_of(world, post) for event in steps]
    world.say(f"commitment, first tally, last tally, verdict {after_s} s after the post; {sum(used):,} gas")


async def contributors_are_paid(world: World, policy: Policy, key: str, data: TextData) -> None:
    """By the honest provider's post, exactly what its scores say, the victim's among them."""
    settlement = await payout.settlement_when(world, key, "final", "attribution")
    post, paid = await payout.claim_amounts(world, settlement, data.subjects)
    on_chain = await world.reader.post(int(settlement["postId"]))
    assert on_chain.status == POST_FINAL
    (batch,) = post.batches
    amounts = pool_amounts(on_chain.pool_wei, batch.scores, policy.maximum_share_ppm)
    assert dict(zip(post.contributors, amounts, strict=True)) == dict(paid)
    assert sum(amounts) == on_chain.amount_sum_wei > 0
    lie = world.result.dishonest
    assert lie is not None
    assert batch.scores[lie.victim_index] == int(lie.true_score) != int(lie.posted_score)
    assert post.contributors[lie.victim_index] == Address(from_hex(lie.victim))
    assert not await world.l2.events(ATTRIBUTION, "Claimed", lie.false_post_id)


async def time_of(world: World, event: Any) -> int:
    return int((await world.l2.block(event.block_number))["timestamp"], 16)


async def receipt_of(world: World, event: Any) -> dict[str, Any]:
    receipt = await world.l2.receipt(event.transaction_hash)
    assert receipt is not None
    return dict(receipt)
