"""The validator against vectors that fit no transaction: tallied, or disputed by the chunk that is wrong."""

import asyncio

import pytest

from genesis.commitments import BATCH_QUERY_BYTES, SUM_BYTES, pack_vector, vector_root
from openledger_node.client.account import dev_account
from openledger_node.client.disputes import tally_calls
from openledger_node.client.economy import ATTRIBUTION, POST_VOID
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.posts import PostNotice
from openledger_node.client.sender import Sender
from precompiles.scores import MAXIMUM_DIMENSIONS_ON_CHAIN
from precompiles.views.attribution import INDEX_VOID
from tests.jobs.economy import PROVIDER, Economy, Trained, trained
from tests.validator.conftest import Run
from tests.validator.indexing import commit, published, with_norm, with_sum
from tests.validator.posting import earner, right_post, send_post, settle, with_score
from tests.validator.test_indexes import rounds, status
from tests.validator.test_service import validator
from workers.attribution.post import Post

WIDE = MAXIMUM_DIMENSIONS_ON_CHAIN + 700
CHUNKS = 5


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A model and an index of more coordinates than one transaction holds."""
    return trained(str(tmp_path_factory.mktemp("wide")), WIDE)


async def false_post(economy: Economy) -> tuple[Post, PostNotice]:
    """A post whose best score is off by one."""
    post = await right_post(economy, await settle(economy))
    false = with_score(post, earner(post), post.batches[0].scores[earner(post)] + 1)
    return false, await send_post(economy, false)


async def tallies(economy: Economy) -> int:
    return len(await Ethereum(economy.node).events(ATTRIBUTION, "Tallied"))


async def test_a_wrong_score_is_tallied_and_voids_the_post(economy: Economy) -> None:
    _, notice = await false_post(economy)
    await rounds(validator(economy), economy, 2)
    assert (await economy.reader.post(notice.post_id)).status == POST_VOID
    assert await tallies(economy) == 2


async def test_amounts_that_do_not_follow_need_no_tally(economy: Economy) -> None:
    post = await right_post(economy, await settle(economy))
    false = with_score(post, earner(post), 2 * post.batches[0].scores[earner(post)])
    notice = await send_post(economy, false, amounts=post.amounts())
    await rounds(validator(economy), economy, 2)
    assert (await economy.reader.post(notice.post_id)).status == POST_VOID
    assert await tallies(economy) == 0


async def test_a_tally_that_somebody_began_is_gone_on_with(economy: Economy) -> None:
    false, notice = await false_post(economy)
    place = earner(false)
    vector = published(economy)[1].vectors[place].tolist()
    packed = pack_vector(vector, SUM_BYTES), pack_vector(false.batches[0].query, BATCH_QUERY_BYTES)
    first, second = tally_calls(*packed)
    stranger = Sender(Ethereum(economy.node), dev_account(PROVIDER))
    await stranger.transact(ATTRIBUTION, "tallyProducts", *first)
    await rounds(validator(economy), economy, 2)
    assert (await economy.reader.post(notice.post_id)).status == POST_VOID
    assert await tallies(economy) == 2
    roots = vector_root(packed[0], SUM_BYTES), vector_root(packed[1], BATCH_QUERY_BYTES)
    assert (await Ethereum(economy.node).read(ATTRIBUTION, "getTally", *roots))["chunks"] == CHUNKS
    assert len(second[2]) == (WIDE - MAXIMUM_DIMENSIONS_ON_CHAIN) * SUM_BYTES


def test_a_wrong_score_is_proved_by_hand(economy: Economy, run: Run) -> None:
    _, notice = asyncio.run(false_post(economy))
    assert run("challenge", "post", str(notice.post_id))["void"] is True


@pytest.mark.parametrize("fault", ["norm", "sum"])
async def test_a_wrong_norm_or_sum_voids_the_index(economy: Economy, fault: str) -> None:
    rows, sums = published(economy)
    changed = with_norm(sums, 1, 1) if fault == "norm" else with_sum(sums, 1, WIDE - 1, 1)
    index_id = await commit(economy, rows, changed)
    await rounds(validator(economy), economy, 24)
    assert await status(economy, index_id) == INDEX_VOID


def test_a_wrong_norm_is_named_by_hand(economy: Economy, run: Run) -> None:
    rows, sums = published(economy)
    number = str(asyncio.run(commit(economy, rows, with_norm(sums, 1, 1))))
    assert run("challenge", "norm", number, "1")["proved"] is True
