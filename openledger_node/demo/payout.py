"""Steps 6 to 8: the provider settles, the worker attributes, the window passes, contributors claim."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from genesis.shares import PPM
from genesis.types import Address, Hash32
from openledger_node.client.economy import ATTRIBUTION, METERING
from openledger_node.demo.data import COPY, MISLABELLED, ORIGINAL, ROLES, DemoData
from openledger_node.demo.records import ContributorRow, FeeParts, PoolParts
from openledger_node.demo.world import CONTRIBUTORS, World, open_text
from openledger_node.errors import OpenLedgerError
from workers.artifacts.store import parse_id
from workers.attribution.index import read_index, read_rows
from workers.attribution.post import Post, read_post
from workers.attribution.scoring import record_scores
from workers.protocol import AttributionResult
from workers.protocol.codec import from_json

POLL_S = 0.3
PATIENCE_S = 240.0
PROVIDER = "provider"


async def settle(world: World, channel_id: Hash32, hold_post_s: int = 0) -> str:
    """Ask the provider to settle; returns the settlement's key at the gateway."""
    path = f"/api/channels/0x{channel_id.hex()}/settle"
    return str((await world.gateway.post(path, {"hold_post_s": hold_post_s}))["key"])


async def settlement_when(world: World, key: str, *members: str) -> Mapping[str, Any]:
    """The settlement once all `members` are true; raises OpenLedgerError when it stops or takes too long."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found: Mapping[str, Any] = await world.gateway.get(f"/api/settlements/{key}")
                if found["error"]:
                    raise OpenLedgerError(f"the provider's settlement stopped: {found['error']}")
                if all(found[member] for member in members):
                    return found
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        raise OpenLedgerError(
            f"the settlement is not {' and '.join(members)} after {PATIENCE_S:.0f} s", "see the node's log"
        ) from None


async def read_fees(world: World, channel_id: Hash32, settlement_id: int) -> None:
    """The fee split as the chain recorded it."""
    (event,) = await world.l2.events(METERING, "Settled", channel_id, settlement_id)
    parts = [event.arguments[name] for name in ("platform", "provider", "owner", "stakers", "pool")]
    gross = event.arguments["gross"]
    passed = await world.l2.events(METERING, "PoolPassed", channel_id)
    parents = sum(int(each.arguments["amount"]) for each in passed if each.block_number == event.block_number)
    world.result.settlement_id = settlement_id
    platform, provider, owner, stakers, pool = (str(part) for part in parts)
    world.result.fees = FeeParts(
        str(gross),
        platform,
        provider,
        owner,
        stakers,
        pool,
        str(parents),
        sums_to_gross=sum(parts) + parents == gross,
    )
    world.say(f"gross {open_text(gross, 4)}, of which {open_text(parts[-1], 4)} for contributors")


async def claim_all(world: World, settlement: Mapping[str, Any], data: DemoData) -> None:
    """Everybody with an amount claims it, and the table is filled."""
    post, paid = await claim_amounts(world, settlement, ROLES)
    _compare_copy(world, paid)
    await _compare_labels(world, post, data)


async def claim_amounts(
    world: World, settlement: Mapping[str, Any], brought: Sequence[str]
) -> tuple[Post, Mapping[Address, int]]:
    """Claim every amount with a proof from the published post; `brought` says who contributed what."""
    result = from_json(AttributionResult, settlement["attribution"])
    post = await asyncio.to_thread(read_post, world.published, result.post)
    post_id = int(settlement["postId"])
    world.result.post_id = post_id
    claims = [_claim(world, post, post_id, each.index) for each in result.contributors if each.amount_wei > 0]
    await asyncio.gather(*claims)
    paid = {
        each.contributor: await _claimed(world, post_id, each.contributor) for each in result.contributors
    }
    total = sum(paid.values())
    roles = {world.address(name): place for place, name in enumerate(CONTRIBUTORS)}
    world.result.contributors = [
        ContributorRow(
            index=each.index,
            role=brought[roles[each.contributor]],
            account=f"0x{each.contributor.hex()}",
            records=each.records,
            canonical_records=each.canonical_records,
            score=str(each.score),
            share_ppm=paid[each.contributor] * PPM // total if total else 0,
            earned_wei=str(paid[each.contributor]),
        )
        for each in result.contributors
    ]
    await _read_pool(world, post_id)
    return post, paid


async def _claim(world: World, post: Post, post_id: int, index: int) -> None:
    evidence = post.amount_evidence(index)
    role = next(name for name in CONTRIBUTORS if world.address(name) == post.contributors[index])
    await world.send(
        role,
        ATTRIBUTION,
        "claim",
        post_id,
        index,
        post.contributors[index],
        evidence.amount,
        list(evidence.siblings),
        list(evidence.sibling_sums),
        post.contributors[index],
    )


async def _claimed(world: World, post_id: int, contributor: Address) -> int:
    events = await world.l2.events(ATTRIBUTION, "Claimed", post_id, None, contributor)
    return sum(int(event.arguments["amount"]) for event in events)


def _compare_copy(world: World, paid: Mapping[Address, int]) -> None:
    original = paid[world.address(CONTRIBUTORS[ORIGINAL])]
    copied = paid[world.address(CONTRIBUTORS[COPY])]
    world.result.copy_of_original = copied / original if original else 0.0


async def _compare_labels(world: World, post: Post, data: DemoData) -> None:
    """Mean score of the mislabelled records against the clean ones beside them, from the published rows."""
    index = await asyncio.to_thread(read_index, world.published, post.index)
    rows = await asyncio.to_thread(read_rows, world.published, parse_id(index.rows))
    owner = index.sums.contributors.index(world.address(CONTRIBUTORS[MISLABELLED]))
    scores = record_scores(rows, post.batches[0].query)
    own = [i for i in range(len(scores)) if int(rows.owners[i]) == owner]
    wrong = set(data.wrong_indices)
    groups: tuple[list[int], list[int]] = ([], [])
    for place, record in enumerate(own):
        if rows.canonical_mask[record]:
            groups[place in wrong].append(scores[record])
    clean_mean, wrong_mean = (sum(group) / max(1, len(group)) for group in groups)
    world.result.wrong_label_of_clean = wrong_mean / clean_mean if clean_mean else 0.0


async def _read_pool(world: World, post_id: int) -> None:
    (event,) = await world.l2.events(ATTRIBUTION, "PostFinalized", post_id)
    post = await world.reader.post(post_id)
    paid, carry_out = event.arguments["paid"], event.arguments["carryOut"]
    world.result.pool = PoolParts(
        pool_wei=str(post.pool_wei),
        carry_in_wei=str(post.carry_in_wei),
        paid_wei=str(paid),
        carry_out_wei=str(carry_out),
        sums_to_pool=paid + carry_out == post.pool_wei,
    )


def note_provider(world: World, settlement: Mapping[str, Any]) -> None:
    """Write down the provider's own transactions."""
    for method, transaction_hash in settlement["transactions"].items():
        world.note("L2", PROVIDER, method, transaction_hash)
