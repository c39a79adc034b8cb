"""Batch queries: a wrong one is bisected to one receipt, one beyond its norm falls in one transaction."""

from dataclasses import replace

import numpy as np
import pytest

from genesis.commitments import merkle_root
from genesis.policy import DEV_POLICY
from genesis.shares import query_weight
from openledger_node.client.account import dev_account
from openledger_node.client.economy import ATTRIBUTION, POST_VOID, ROLE_PROVIDER, STAKING
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.sender import Sender
from openledger_node.validator.query_games import query_partial_sums
from openledger_node.validator.records import PostInputs
from precompiles.views.attribution import ANSWER
from tests.jobs.economy import CHAIN_ID, DIMENSIONS, PROVIDER, Economy, paid_plan
from tests.validator.posting import right_post, send_post, send_settlement, settle
from tests.validator.test_service import validator
from workers.artifacts.tensors import encode_tensors
from workers.attribution.commit import query_leaves
from workers.attribution.index import read_index
from workers.attribution.numerics import weighted_query
from workers.attribution.post import Post, PostBatch
from workers.attribution.scoring import batch_scores


def with_query(economy: Economy, post: Post, coordinate: int, change: int) -> Post:
    """One coordinate of the batch query moved; scores follow, so that only a game finds it."""
    query = list(post.batches[0].query)
    query[coordinate] += change
    index = read_index(economy.store, economy.trained.index.index)
    scores = tuple(batch_scores(index, query, DEV_POLICY.significance_ppm))
    return replace(post, batches=(replace(post.batches[0], query=tuple(query), scores=scores),))


async def answer(economy: Economy, inputs: PostInputs, lie: int) -> None:
    """The poster's move: right partial sums, the lie hidden in the last part."""
    ethereum = Ethereum(economy.node)
    for event in await ethereum.events(ATTRIBUTION, "QueryGameOpened"):
        game_id = event.arguments["gameId"]
        game = await ethereum.read(ATTRIBUTION, "getSumGame", game_id)
        if game["turn"] == ANSWER:
            place = (game["coordinate"], game["first"], game["count"])
            partials = list(query_partial_sums(inputs.batches[0], *place))
            partials[-1] += lie
            said = [value % 2**256 for value in partials]
            await Sender(ethereum, dev_account(PROVIDER)).transact(
                ATTRIBUTION, "answerSumGame", game_id, said
            )


@pytest.mark.parametrize("is_answering", [True, False])
async def test_a_false_batch_query_loses_its_game_and_the_stake(economy: Economy, is_answering: bool) -> None:
    post = await right_post(economy, await settle(economy, 20))
    notice = await send_post(economy, with_query(economy, post, 5, 1_000))
    one = validator(economy)
    inputs = await one._documents.inputs(notice, await economy.reader.post(notice.post_id))
    for _ in range(24):
        await one.look()
        if is_answering:
            await answer(economy, inputs, 1_000)
        economy.node.advance(1)
    assert (await economy.reader.post(notice.post_id)).status == POST_VOID
    position = await Ethereum(economy.node).read(STAKING, "position", economy.provider, ROLE_PROVIDER)
    assert position["slashed"] == DEV_POLICY.slash_amount_wei
    assert one.challenged == 1


async def post_with_long_query(economy: Economy) -> Post:
    """Settle three receipts, one of whose queries is beyond the norm's bound; the post about it."""
    plan = paid_plan(economy, 3)
    vectors = np.full((3, DIMENSIONS), 10, np.int16)
    vectors[1, :2] = 32_000
    numbers = tuple(receipt.number for receipt in plan.receipts)
    weights = tuple(query_weight(r.fee_wei, DEV_POLICY.platform_ppm) for r in plan.receipts)
    columns = {"numbers": np.array(numbers, np.int64), "weights": np.array(weights, np.int64)}
    name = economy.store.put(encode_tensors({"queries": vectors, **columns}))
    await send_settlement(economy, plan, name, merkle_root(query_leaves(numbers, weights, vectors)))
    index = read_index(economy.store, economy.trained.index.index)
    query = weighted_query(vectors, weights)
    scores = tuple(batch_scores(index, query, DEV_POLICY.significance_ppm))
    pool_wei = (await economy.reader.settlement(1)).pool_wei
    batch = PostBatch(1, pool_wei, name, tuple(query), scores)
    share_ppm = DEV_POLICY.maximum_share_ppm
    return Post(
        economy.trained.index.index,
        CHAIN_ID,
        1,
        economy.provider,
        share_ppm,
        index.sums.contributors,
        (batch,),
    )


async def test_a_query_beyond_its_norm_voids_the_post(economy: Economy) -> None:
    notice = await send_post(economy, await post_with_long_query(economy))
    one = validator(economy)
    for _ in range(10):
        await one.look()
        economy.node.advance(1)
    assert (await economy.reader.post(notice.post_id)).status == POST_VOID
    assert one.challenged == 1
