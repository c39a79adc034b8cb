"""Posts for validator tests: a settlement made, and a right or false post about it, on the law node."""

from dataclasses import astuple, replace
from typing import Any

from genesis.policy import DEV_POLICY
from genesis.shares import carry_taken, query_weight
from genesis.types import Address, Hash32
from openledger_node.client.account import dev_account
from openledger_node.client.economy import ATTRIBUTION, METERING
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.posts import PostFeed, PostNotice
from openledger_node.client.sender import Sender
from openledger_node.jobs.settlement import SettlementPlan, receipts_root_children, settlement_document
from tests.jobs.economy import CHAIN_ID, PROVIDER, Economy, paid_plan
from workers.artifacts import canonical_json
from workers.artifacts.store import ArtifactId
from workers.attribution.index import read_index
from workers.attribution.post import Post, encode_post
from workers.jobs.attribution import compute_post
from workers.jobs.queries import queries
from workers.protocol import AttributionRequest, BigInt, QueriesRequest, ReceiptInput, SettledBatch


async def settle(economy: Economy, count: int = 6) -> ArtifactId:
    """Settle `count` receipts as the provider; returns the queries artefact."""
    plan = paid_plan(economy, count)
    asked = queries(
        economy.store,
        QueriesRequest(
            ArtifactId(economy.trained.index.index),
            tuple(
                ReceiptInput(r.number, query_weight(r.fee_wei, DEV_POLICY.platform_ppm), r.features or ())
                for r in plan.receipts
            ),
        ),
    )
    await send_settlement(economy, plan, asked.queries, asked.queries_root)
    return asked.queries


async def send_settlement(
    economy: Economy,
    plan: SettlementPlan,
    queries_name: ArtifactId,
    queries_root: Hash32,
    provider: int = PROVIDER,
) -> int:
    """Settle a plan under whatever queries the provider commits; returns the settlement's id."""
    document = economy.store.put(canonical_json.encode(settlement_document(plan, CHAIN_ID, queries_name)))
    left, right = receipts_root_children(plan, CHAIN_ID)
    mined = await Sender(Ethereum(economy.node), dev_account(provider)).transact(
        METERING,
        "settle",
        plan.channel_id,
        plan.receipt_count,
        plan.cumulative_fee_wei,
        plan.receipts_root,
        plan.signature,
        left.hash,
        left.sum,
        right.hash,
        right.sum,
        queries_root,
        f"sha256:{document}",
    )
    return int(mined.event("Settled").arguments["settlementId"])


async def right_post(
    economy: Economy, queries_name: ArtifactId, poster: int = PROVIDER, settlement_id: int = 1
) -> Post:
    """What a post about one settlement must say."""
    settlement = await economy.reader.settlement(settlement_id)
    pool_wei = settlement.pool_wei + await carry(economy, settlement_id)
    request = AttributionRequest(
        index=ArtifactId(economy.trained.index.index),
        chain_id=CHAIN_ID,
        feature_index_id=economy.index_id,
        poster=dev_account(poster).address,
        batches=(SettledBatch(settlement_id, BigInt(pool_wei), queries_name),),
        significance_ppm=DEV_POLICY.significance_ppm,
        maximum_share_ppm=DEV_POLICY.maximum_share_ppm,
    )
    return compute_post(economy.store, read_index(economy.store, request.index), request)


async def carry(economy: Economy, settlement_id: int = 1) -> int:
    """Wei that a post of a settlement takes of what waits for the model."""
    waiting_wei = int(await economy.reader.ethereum.read(ATTRIBUTION, "carryOf", economy.model_id))
    return carry_taken(waiting_wei, (await economy.reader.settlement(settlement_id)).pool_wei)


def earner(post: Post, rank: int = 0) -> int:
    """The contributor with the highest score; higher ranks count from the lowest positive one."""
    order = sorted(range(len(post.contributors)), key=post.batches[0].scores.__getitem__)
    positive = [place for place in order if post.batches[0].scores[place] > 0]
    return positive[-1] if rank == 0 else positive[rank - 1]


def with_score(post: Post, contributor: int, score: int) -> Post:
    """The post with one score replaced; sums, amounts and document follow."""
    scores = list(post.batches[0].scores)
    scores[contributor] = score
    return replace(post, batches=(replace(post.batches[0], scores=tuple(scores)),))


def with_impostor(post: Post) -> Post:
    """The best contributor's leaf under another address."""
    contributors = list(post.contributors)
    contributors[earner(post)] = Address(b"\x66" * 20)
    return replace(post, contributors=tuple(contributors))


async def send_post(
    economy: Economy,
    post: Post,
    poster: int = PROVIDER,
    *,
    amounts: tuple[int, ...] | None = None,
    document: bytes | None = None,
) -> PostNotice:
    """Publish and post; `amounts` replaces the post's own, `document` what is published."""
    tree = post.amounts_tree()
    if amounts is not None:
        tree = replace(tree, amounts=amounts)
    published = document or _document(post, tree.amounts)
    name = economy.store.put(published)
    claims, root = [astuple(claim) for claim in post.claims()], tree.root()
    carried = await carry(economy, post.claims()[0].settlement_id)
    said = (economy.index_id, claims, carried, root.hash, root.sum, f"sha256:{name}")
    await Sender(Ethereum(economy.node), dev_account(poster)).transact(ATTRIBUTION, "post", *said)
    return (await PostFeed(economy.reader).new_posts())[-1]


def _document(post: Post, amounts: tuple[int, ...]) -> bytes:
    data: dict[str, Any] = canonical_json.decode(encode_post(post))
    data["amounts_wei"] = [str(amount) for amount in amounts]
    return canonical_json.encode(data)
