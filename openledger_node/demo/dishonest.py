"""The false post: a second provider posts one wrong score, and the running node's validator must catch it.

All misbehaviour lives here. The post is consistent in itself: sums, amounts and the published document
follow from the false score. Victim and size, down to 1, come from a seed that is shown only afterwards.
"""

import asyncio
import random
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from genesis.types import Address
from openledger_node.client.contract import Event
from openledger_node.client.economy import ATTRIBUTION, POST_VOID, ROLE_PROVIDER, STAKING
from openledger_node.client.errors import RevertedError
from openledger_node.client.ethereum import hex_bytes
from openledger_node.demo.model import Published
from openledger_node.demo.payout import settlement_when
from openledger_node.demo.records import DishonestReport
from openledger_node.demo.world import CONTRIBUTORS, DISHONEST, World, open_text
from openledger_node.errors import OpenLedgerError
from workers.artifacts.store import ArtifactId, ArtifactStore
from workers.attribution.index import read_index
from workers.attribution.post import Post
from workers.jobs.attribution import compute_post, result_of
from workers.protocol import AttributionRequest, AttributionResult, BigInt, SettledBatch

POLL_S = 0.3
PATIENCE_S = 60.0
STAKE_PER_POOL = 4
HOLD_MARGIN_S = 40


@dataclass(frozen=True, slots=True)
class Lie:
    """One false score in one batch."""

    secret_seed: int
    victim: int
    true_score: int
    posted_score: int


def falsify(post: Post, secret_seed: int) -> tuple[Post, Lie]:
    """The post with one contributor's score moved by 1 up to its own size, so that its leaf changes."""
    draw = random.Random(secret_seed)  # noqa: S311 - a dice for a story; secrecy comes from the seed
    scores = list(post.batches[0].scores)
    victim = draw.randrange(len(scores))
    size = 2 ** draw.randint(0, max(1, abs(scores[victim])).bit_length() - 1)
    down = scores[victim] - size
    moved = down if draw.random() < 0.5 and max(0, down) != max(0, scores[victim]) else scores[victim] + size
    if max(0, moved) == max(0, scores[victim]):
        moved = size
    lie = Lie(secret_seed, victim, scores[victim], moved)
    scores[victim] = moved
    batch = replace(post.batches[0], scores=tuple(scores))
    return replace(post, batches=(batch, *post.batches[1:])), lie


async def hold_s(world: World) -> int:
    """Seconds the honest provider must hold back its post, so that another one may come first."""
    _, policy = await world.reader.current_policy()
    return policy.post_delay_s + HOLD_MARGIN_S


async def play_dishonest(world: World, published: Published, key: str) -> None:
    """Stake, post the lie, wait for the verdict, write it all down."""
    settlement = await settlement_when(world, key, "settlementId")
    pool_wei = int(settlement["pool"])
    await _stake(world, pool_wei)
    before = await world.l2.read(STAKING, "position", world.address(DISHONEST), ROLE_PROVIDER)
    carry_wei = int(await world.l2.read(ATTRIBUTION, "carryOf", published.model_id))
    honest = await _honest_post(world, published, settlement, carry_wei)
    false_post, lie = falsify(honest, secrets.randbits(64))
    post_id = await _post(world, published, false_post, carry_wei)
    world.say(f"post {post_id} is on chain, with one score that is not the data's; waiting for the validator")
    voided = await _wait_for_void(world, post_id)
    after = await world.l2.read(STAKING, "position", world.address(DISHONEST), ROLE_PROVIDER)
    paid_wei = await _paid_from(world, post_id, false_post)
    correct = await settlement_when(world, key, "final")
    _report(world, lie, false_post, post_id, voided)
    report = world.result.dishonest
    assert report is not None
    world.result.dishonest = replace(
        report,
        stake_before_wei=str(before["active"]),
        stake_after_wei=str(after["active"]),
        paid_from_false_post_wei=str(paid_wei),
        correct_post_id=int(correct["postId"]),
    )


async def _stake(world: World, pool_wei: int) -> None:
    _, policy = await world.reader.current_policy()
    needed = max(2 * policy.minimum_provider_stake_wei, STAKE_PER_POOL * pool_wei)
    staked = await world.reader.stake_wei(world.address(DISHONEST), ROLE_PROVIDER)
    if staked < needed:
        await world.send(DISHONEST, STAKING, "stake", ROLE_PROVIDER, value_wei=needed - staked)


async def _honest_post(
    world: World, published: Published, settlement: Mapping[str, Any], carry_wei: int
) -> Post:
    """What the right post of this signer would be, from published artefacts."""
    settlement_id = int(settlement["settlementId"])
    on_chain = await world.reader.settlement(settlement_id)
    policy = await world.reader.policy(on_chain.policy_version)
    request = AttributionRequest(
        index=published.index.index,
        chain_id=await world.l2.chain_id(),
        feature_index_id=published.index_id,
        poster=world.address(DISHONEST),
        batches=(
            SettledBatch(
                settlement_id, BigInt(on_chain.pool_wei + carry_wei), ArtifactId(settlement["queries"])
            ),
        ),
        significance_ppm=policy.significance_ppm,
        maximum_share_ppm=policy.maximum_share_ppm,
    )
    return await asyncio.to_thread(_compute, world.published, request)


def _compute(store: ArtifactStore, request: AttributionRequest) -> Post:
    return compute_post(store, read_index(store, request.index), request)


async def _post(world: World, published: Published, post: Post, carry_wei: int) -> int:
    """Publish the document and post, as soon as the settling provider's own time is over."""
    result = await asyncio.to_thread(_publish, world.published, published, post)
    await world.gateway.put_artifact(await asyncio.to_thread(world.published.get, result.post))
    settled_at_s = (await world.reader.settlement(post.batches[0].settlement_id)).settled_at_s
    _, policy = await world.reader.current_policy()
    while await world.l2.timestamp_s() < settled_at_s + policy.post_delay_s:
        await asyncio.sleep(POLL_S)
    mined = await world.send(
        DISHONEST,
        ATTRIBUTION,
        "post",
        published.index_id,
        [
            (c.settlement_id, c.query_root, c.scores_root, c.score_sum, c.debts_root, c.debt_sum)
            for c in result.batches
        ],
        carry_wei,
        result.amounts_root,
        result.amount_sum,
        f"sha256:{result.post}",
    )
    return int(mined.event("AttributionPosted").arguments["postId"])


def _publish(store: ArtifactStore, published: Published, post: Post) -> AttributionResult:
    return result_of(post, read_index(store, published.index.index), store)


async def _wait_for_void(world: World, post_id: int) -> Event:
    try:
        async with asyncio.timeout(PATIENCE_S):
            while (await world.reader.post(post_id)).status != POST_VOID:
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        raise OpenLedgerError(
            f"the false post {post_id} was not challenged within {PATIENCE_S:.0f} s",
            "is a validator running?",
        ) from None
    (voided,) = await world.l2.events(ATTRIBUTION, "PostVoided", post_id)
    for event in await world.l2.events(ATTRIBUTION, "ChallengeCommitted", post_id):
        world.note("L2", "validator", "commitChallenge", hex_bytes(event.transaction_hash))
    world.note("L2", "validator", "challengeScore", hex_bytes(voided.transaction_hash))
    return voided


async def _paid_from(world: World, post_id: int, post: Post) -> int:
    """Try to claim every amount of the false post; returns what was paid, which must be nothing."""
    for index, contributor in enumerate(post.contributors):
        evidence = post.amount_evidence(index)
        siblings, sums = list(evidence.siblings), list(evidence.sibling_sums)
        arguments = (post_id, index, contributor, evidence.amount, siblings, sums, contributor)
        try:
            await world.l2.read(ATTRIBUTION, "claim", *arguments, sender=contributor)
        except RevertedError:
            continue
        raise OpenLedgerError(f"the voided post {post_id} still pays {hex_bytes(contributor)}")
    events = await world.l2.events(ATTRIBUTION, "Claimed", post_id)
    return sum(int(event.arguments["amount"]) for event in events)


def _report(world: World, lie: Lie, post: Post, post_id: int, voided: Event) -> None:
    victim = post.contributors[lie.victim]
    slashed = int(voided.arguments["slashed"])
    world.result.dishonest = DishonestReport(
        secret_seed=lie.secret_seed,
        provider=hex_bytes(world.address(DISHONEST)),
        victim_index=lie.victim,
        victim=hex_bytes(victim),
        true_score=str(lie.true_score),
        posted_score=str(lie.posted_score),
        false_post_id=post_id,
        challenger=hex_bytes(voided.arguments["challenger"]),
        challenge_transaction=hex_bytes(voided.transaction_hash),
        slashed_wei=str(slashed),
        challenger_reward_wei=str(voided.arguments["reward"]),
        stake_before_wei="0",
        stake_after_wei="0",
        paid_from_false_post_wei="0",
        correct_post_id=0,
    )
    world.say(f"caught: seed {lie.secret_seed}, {_name(world, victim)}'s score was moved")
    world.say(f"from {lie.true_score} to {lie.posted_score} ({lie.posted_score - lie.true_score:+d})")
    world.say(f"slashed {open_text(slashed, 2)}; nobody was paid from post {post_id}")


def _name(world: World, account: Address) -> str:
    return next(name for name in CONTRIBUTORS if world.address(name) == account)
