"""The verdict on posts: honest ones are right; the smallest lie is found, and the law agrees."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openledger_node.client.posts import PostNotice
from openledger_node.validator.check import check_post, true_scores
from openledger_node.validator.documents import DocumentError, Documents
from openledger_node.validator.records import (
    PostInputs,
    Right,
    Unprovable,
    Verdict,
    WrongAmount,
    WrongScore,
)
from precompiles.views.attribution import BatchClaim
from tests.jobs.economy import Economy, Trained, open_economy
from tests.validator.posting import earner, right_post, send_post, settle, with_impostor, with_score
from workers.artifacts import canonical_json
from workers.attribution.post import Post, encode_post


async def inputs_of(economy: Economy, notice: PostNotice) -> PostInputs:
    post = await economy.reader.post(notice.post_id)
    return await Documents(economy.reader, [economy.store]).inputs(notice, post)


async def verdict_of(economy: Economy, notice: PostNotice) -> Verdict:
    return check_post(await inputs_of(economy, notice))


async def test_an_honest_post_is_right(economy: Economy) -> None:
    post = await right_post(economy, await settle(economy))
    inputs = await inputs_of(economy, await send_post(economy, post))
    assert check_post(inputs) == Right()
    assert true_scores(inputs, 0) == list(post.batches[0].scores)


@pytest.mark.parametrize("change", [1, -1, 10**12, -(10**12)])
@pytest.mark.parametrize("rank", [0, 1])
async def test_a_score_moved_by_one_is_found(economy: Economy, change: int, rank: int) -> None:
    post = await right_post(economy, await settle(economy))
    victim = earner(post, rank)
    true = post.batches[0].scores[victim]
    false = with_score(post, victim, true + change)
    verdict = await verdict_of(economy, await send_post(economy, false))
    assert isinstance(verdict, WrongScore)
    assert (verdict.contributor_index, verdict.posted, verdict.computed) == (victim, true + change, true)
    assert verdict.contributor == post.contributors[victim]


async def test_a_score_for_someone_without_any_is_found(economy: Economy) -> None:
    post = await right_post(economy, await settle(economy))
    worthless = next(c for c, score in enumerate(post.batches[0].scores) if score <= 0)
    verdict = await verdict_of(economy, await send_post(economy, with_score(post, worthless, 1)))
    assert isinstance(verdict, WrongScore)
    assert (verdict.contributor_index, verdict.posted) == (worthless, 1)


@pytest.mark.parametrize("change", [1, -1])
async def test_an_amount_moved_by_one_wei_is_found(economy: Economy, change: int) -> None:
    post = await right_post(economy, await settle(economy))
    amounts = list(post.amounts())
    victim = max(range(len(amounts)), key=amounts.__getitem__)
    amounts[victim] += change
    amounts[victim - 1] -= max(0, change)
    verdict = await verdict_of(economy, await send_post(economy, post, amounts=tuple(amounts)))
    assert isinstance(verdict, WrongAmount)
    assert abs(verdict.posted - verdict.computed) == 1


async def test_paying_somebody_else_in_a_contributors_place_is_found(economy: Economy) -> None:
    post = await right_post(economy, await settle(economy))
    verdict = await verdict_of(economy, await send_post(economy, with_impostor(post)))
    assert isinstance(verdict, WrongScore)
    assert verdict.contributor == post.contributors[earner(post)]


async def test_a_tree_of_another_depth_is_named(economy: Economy) -> None:
    """Four leaves make a shallower tree than five contributors need: no leaf can be proved in it."""
    post = await right_post(economy, await settle(economy))
    shorter = replace(
        post,
        contributors=post.contributors[:4],
        batches=(replace(post.batches[0], scores=post.batches[0].scores[:4]),),
    )
    verdict = await verdict_of(economy, await send_post(economy, shorter))
    assert verdict == Unprovable("the published scores of batch 0 are not the posted ones")


async def test_published_scores_that_are_not_the_posted_ones_are_named(economy: Economy) -> None:
    post = await right_post(economy, await settle(economy))
    other = encode_post(with_score(post, earner(post), 5))
    verdict = await verdict_of(economy, await send_post(economy, post, document=other))
    assert verdict == Unprovable("the published scores of batch 0 are not the posted ones")


async def test_a_false_batch_query_is_named(economy: Economy) -> None:
    post = await right_post(economy, await settle(economy))
    query = (post.batches[0].query[0] + 1, *post.batches[0].query[1:])
    false = replace(post, batches=(replace(post.batches[0], query=query),))
    verdict = await verdict_of(economy, await send_post(economy, false))
    assert isinstance(verdict, (Unprovable, WrongScore))


@pytest.mark.parametrize("document", [b"{}", b"not json", canonical_json.encode({"batches": [1]})])
async def test_a_malformed_document_is_an_error_of_its_own(economy: Economy, document: bytes) -> None:
    post = await right_post(economy, await settle(economy))
    notice = await send_post(economy, post, document=document)
    with pytest.raises(DocumentError):
        await inputs_of(economy, notice)


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory, made: Trained) -> tuple[PostInputs, Post]:
    """One honest post's inputs, for pure tampering."""
    economy = open_economy(tmp_path_factory.mktemp("honest"), made)

    async def make() -> tuple[PostInputs, Post]:
        post = await right_post(economy, await settle(economy))
        return await inputs_of(economy, await send_post(economy, post)), post

    return asyncio.run(make())


def posted_instead(inputs: PostInputs, post: Post) -> PostInputs:
    """The same case, had `post` been posted and published."""
    (claim,) = post.claims()
    root = post.amounts_tree().root()
    on_chain = replace(inputs.post, amounts_root=root.hash, amount_sum_wei=root.sum)
    said = BatchClaim(*(getattr(claim, name) for name in claim.__dataclass_fields__))
    batch = replace(inputs.batches[0], claim=said, scores=post.batches[0].scores)
    return replace(inputs, post=on_chain, batches=(batch,), posted_amounts=post.amounts())


@given(victim=st.integers(0, 4), change=st.integers(-(2**70), 2**70).filter(bool))
def test_any_false_score_or_debt_is_found(honest: tuple[PostInputs, Post], victim: int, change: int) -> None:
    inputs, post = honest
    true = post.batches[0].scores[victim]
    verdict = check_post(posted_instead(inputs, with_score(post, victim, true + change)))
    assert isinstance(verdict, WrongScore)
    assert verdict.contributor_index == victim
    assert verdict.is_debt == (max(0, true + change) == max(0, true))


@given(st.permutations(range(5)).filter(lambda order: list(order) != sorted(order)))
def test_scores_in_another_order_are_found(honest: tuple[PostInputs, Post], order: list[int]) -> None:
    inputs, post = honest
    scores = tuple(post.batches[0].scores[place] for place in order)
    shuffled = replace(post, batches=(replace(post.batches[0], scores=scores),))
    expected = Right if scores == post.batches[0].scores else WrongScore
    assert isinstance(check_post(posted_instead(inputs, shuffled)), expected)


def test_a_wrong_weight_is_named(honest: tuple[PostInputs, Post]) -> None:
    inputs, _ = honest
    batch = inputs.batches[0]
    queries = (replace(batch.queries[0], weight=1), *batch.queries[1:])
    verdict = check_post(replace(inputs, batches=(replace(batch, queries=queries),)))
    assert verdict == Unprovable("batch 0: the published queries are not the committed ones")


def test_receipts_that_were_not_settled_are_named(honest: tuple[PostInputs, Post]) -> None:
    inputs, _ = honest
    batch = inputs.batches[0]
    receipts = (replace(batch.receipts[0], fee_wei=1), *batch.receipts[1:])
    verdict = check_post(replace(inputs, batches=(replace(batch, receipts=receipts),)))
    assert verdict == Unprovable("batch 0: the published receipts are not the settled ones")
