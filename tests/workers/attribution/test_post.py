import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis.commitments import EMPTY_SUM_NODE, SumNode, sum_leaf, sum_root_from_proof
from genesis.shares import PPM, pool_amounts
from genesis.types import Address
from tests.workers.attribution.vectors import (
    CONTRIBUTORS,
    NO_NAME,
    PATH,
    POSTER,
    build,
    falsify,
    make_post,
    make_rows,
)
from workers.artifacts.canonical_json import decode, encode
from workers.artifacts.store import ArtifactStore
from workers.attribution.commit import SumTree
from workers.attribution.index import sums_of
from workers.attribution.post import Post, PostBatch, differences, encode_post, read_post
from workers.errors import InvalidInputError

SCORES = st.integers(-(2**120), 2**120)


def right_post() -> Post:
    return make_post(sums_of(make_rows(), CONTRIBUTORS))


def test_committed_vectors_are_reproduced() -> None:
    assert json.loads(PATH.read_text()) == build()


@st.composite
def posts(draw: st.DrawFn) -> Post:
    count = draw(st.integers(1, 9))
    scores = st.lists(SCORES, min_size=count, max_size=count).map(tuple)
    batches = [
        PostBatch(number + 1, draw(st.integers(0, 10**20)), NO_NAME, (0,), draw(scores))
        for number in range(draw(st.integers(1, 3)))
    ]
    contributors = tuple(Address(bytes([i + 1]) * 20) for i in range(count))
    return Post(NO_NAME, 31338, 1, POSTER, draw(st.integers(1, PPM)), contributors, tuple(batches))


def prove(tree: SumTree, index: int) -> SumNode:
    evidence = tree.evidence(index)
    leaf = sum_leaf(tree.tree_id, index, evidence.key, evidence.amount)
    siblings = [SumNode(*pair) for pair in zip(evidence.siblings, evidence.sibling_sums, strict=True)]
    return sum_root_from_proof(leaf, index, siblings)


@given(posts())
def test_every_leaf_is_provable_and_pools_are_never_exceeded(post: Post) -> None:
    trees = [post.amounts_tree()]
    for number in range(len(post.batches)):
        trees += [post.scores_tree(number), post.debts_tree(number)]
    for tree in trees:
        assert all(prove(tree, index) == tree.root() for index in range(len(post.contributors)))
        assert tree.root().sum == sum(tree.amounts)
    assert sum(post.amounts()) <= sum(batch.pool_wei for batch in post.batches)
    expected = [pool_amounts(b.pool_wei, b.scores, post.maximum_share_ppm) for b in post.batches]
    assert list(post.amounts()) == [sum(column) for column in zip(*expected, strict=True)]


@given(posts())
def test_document_round_trip(post: Post) -> None:
    document = decode(encode_post(post))
    assert encode(document) == encode_post(post)
    assert [int(amount) for amount in document["amounts_wei"]] == list(post.amounts())


def test_trees_are_apart_and_padding_is_worthless() -> None:
    post = right_post()
    ids = [post.amounts_tree().tree_id, post.scores_tree(0).tree_id, post.scores_tree(1).tree_id]
    ids += [post.debts_tree(0).tree_id, replace(post, poster=CONTRIBUTORS[0]).scores_tree(0).tree_id]
    assert len(set(ids)) == 5
    three = replace(post.amounts_tree(), contributors=CONTRIBUTORS[:3], amounts=(1, 2, 3))
    assert three.layers()[0][3] == EMPTY_SUM_NODE


def test_a_post_is_read_back_as_it_was_written(store: ArtifactStore) -> None:
    post = right_post()
    assert read_post(store, store.put(encode_post(post))) == post


def test_one_off_by_one_is_found() -> None:
    post = right_post()
    assert differences(post, post) == []
    assert differences(falsify(post), post) == [(0, 1)]
    with pytest.raises(InvalidInputError):
        differences(replace(post, chain_id=1), post)
    with pytest.raises(InvalidInputError):
        differences(replace(post, batches=post.batches[:1]), post)


@pytest.mark.parametrize(
    "changes",
    [{"format": "x"}, {"batches": []}, {"contributors": []}, {"poster": 1}, {"batches": [{}]}],
)
def test_malformed_documents_are_refused(store: ArtifactStore, changes: dict[str, object]) -> None:
    document = {**decode(encode_post(right_post())), **changes}
    with pytest.raises(InvalidInputError):
        read_post(store, store.put(encode(document)))
