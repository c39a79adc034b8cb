"""The false post: a second provider posts one wrong score, and the running node's validator must catch it.

All misbehaviour lives here. The post is consistent in itself: sums, amounts and the published document
follow from the false score. Victim and size, down to 1, come from a seed that is shown only afterwards.
"""

import asyncio
import random
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from genesis.shares import carry_taken
from genesis.types import Address, Hash32
from openledger_node.client.contract import Event
from openledger_node.client.economy import ATTRIBUTION, POST_VOID, ROLE_PROVIDER, STAKING
from openledger_node.client.errors import RevertedError
from openledger_node.client.ethereum import hex_bytes
from openledger_node.client.posts import posted
from openledger_node.demo import payout
from openledger_node.demo.records import DishonestReport
from openledger_node.demo.world import CONTRIBUTORS, DISHONEST, World, open_text
from openledger_node.errors import OpenLedgerError
from workers.artifacts.store import ArtifactId, ArtifactStore
from workers.attribution.index import read_index
from workers.attribution.post import Post
from workers.jobs.attribution import compute_post, result_of
from workers.protocol import (
    AttributionRequest,
    AttributionResult,
    BigInt,
    FeatureIndexResult,
    SettledBatch,
)

POLL_S = 0.3
PATIENCE_S = 60.0
"""Beyond the post's windows."""
STAKE_PER_POOL = 4
HOLD_MARGIN_S = 40


class Sold(Protocol):
    """A model for sale and its feature index."""

    @property
    def model_id(self) -> int: ...
    @property
    def index_id(self) -> int: ...
    @property
    def index(self) -> FeatureIndexResult: ...


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


async def settle(world: World, channel_id: Hash32) -> str:
    """The provider settles; if another is to lie, it holds its own post back, so that the lie may come first.

    Returns the settlement's key at the gateway.
    """
    _, policy = await world.reader.current_policy()
    hold_s = policy.post_delay_s + HOLD_MARGIN_S if world.options.dishonest else 0
    key = await payout.settle(world, channel_id, hold_s)
    settlement = await payout.settlement_when(world, key, "settlementId")
    await payout.read_fees(world, channel_id, int(settlement["settlementId"]))
    return key


async def play_dishonest(world: World, published: Sold, key: str) -> None:
    """Stake, post the lie, wait for the verdict, write it all down."""
    settlement = await payout.settlement_when(world, key, "settlementId")
    pool_wei = int(settlement["pool"])
    await _stake(world, pool_wei)
    before = await world.l2.read(STAKING, "position", world.address(DISHONEST), ROLE_PROVIDER)
    waiting_wei = int(await world.l2.read(ATTRIBUTION, "carryOf", published.model_id))
    carry_wei = carry_taken(waiting_wei, pool_wei)
    honest = await _honest_post(world, published, settlement, carry_wei)
    false_post, lie = falsify(honest, secrets.randbits(64))
    post_id = await _post(world, published, false_post, carry_wei)
    world.say(f"post {post_id} is on chain, with one score that is not the data's; waiting for the validator")
    voided = await _wait_for_void(world, post_id)
    await _note_validator(world, post_id, voided)
    after = await world.l2.read(STAKING, "position", world.address(DISHONEST), ROLE_PROVIDER)
    paid_wei = await _paid_from(world, post_id, false_post)
    correct = await payout.settlement_when(world, key, "final")
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


async def _honest_post(world: World, published: Sold, settlement: Mapping[str, Any], carry_wei: int) -> Post:
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


async def _post(world: World, published: Sold, post: Post, carry_wei: int) -> int:
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


def _publish(store: ArtifactStore, published: Sold, post: Post) -> AttributionResult:
    return result_of(post, read_index(store, published.index.index), store)


async def _wait_for_void(world: World, post_id: int) -> Event:
    _, policy = await world.reader.current_policy()
    patience_s = policy.post_window_s + policy.challenge_reveal_s + PATIENCE_S
    try:
        async with asyncio.timeout(patience_s):
            while (await world.reader.post(post_id)).status != POST_VOID:
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        raise OpenLedgerError(
            f"the false post {post_id} was not challenged within {patience_s:.0f} s",
            "is a validator running?",
        ) from None
    (voided,) = await world.l2.events(ATTRIBUTION, "PostVoided", post_id)
    return voided


async def _note_validator(world: World, post_id: int, voided: Event) -> None:
    """Write down what the validator sent: a vector that fits no transaction is tallied first."""
    for event in await world.l2.events(ATTRIBUTION, "ChallengeCommitted", post_id):
        world.note("L2", "validator", "commitChallenge", hex_bytes(event.transaction_hash))
    first_block = (await posted(world.reader, post_id)).event.block_number
    tallied = await world.l2.events(ATTRIBUTION, "Tallied", first_block=first_block)
    for event in tallied:
        world.note("L2", "validator", "tallyProducts", hex_bytes(event.transaction_hash))
    method = "challengeWideScore" if tallied else "challengeScore"
    world.note("L2", "validator", method, hex_bytes(voided.transaction_hash))


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
