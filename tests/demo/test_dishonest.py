"""The lie of the dishonest provider: always one leaf, always changed, of any size from 1 up."""

from hypothesis import given
from hypothesis import strategies as st

from genesis.types import Address
from openledger_node.demo.dishonest import falsify
from workers.artifacts.store import ArtifactId
from workers.attribution.post import Post, PostBatch

NAME = ArtifactId("0" * 64)


def post(scores: list[int]) -> Post:
    contributors = tuple(Address(bytes([number]) * 20) for number in range(len(scores)))
    batch = PostBatch(1, 10**18, NAME, (1,), tuple(scores))
    return Post(NAME, 31338, 1, Address(b"\x10" * 20), 10**6, contributors, (batch,))


@given(st.lists(st.integers(-(2**70), 2**70), min_size=2, max_size=8), st.integers(0, 2**64))
def test_exactly_one_leaf_is_false(scores: list[int], seed: int) -> None:
    honest = post(scores)
    false, lie = falsify(honest, seed)
    true_leaves = honest.scores_tree(0).amounts
    false_leaves = false.scores_tree(0).amounts
    changed = [place for place in range(len(scores)) if true_leaves[place] != false_leaves[place]]
    assert changed == [lie.victim]
    assert lie.true_score == scores[lie.victim]
    assert lie.posted_score == false.batches[0].scores[lie.victim]


@given(st.integers(0, 2**64))
def test_the_seed_decides_everything(seed: int) -> None:
    honest = post([5, 10**18, 7])
    assert falsify(honest, seed) == falsify(honest, seed)


def test_small_and_large_lies_and_every_victim_occur() -> None:
    honest = post([10**18, 2 * 10**18, 3 * 10**18])
    lies = [falsify(honest, seed)[1] for seed in range(400)]
    moves = {abs(lie.posted_score - lie.true_score) for lie in lies}
    assert 1 in moves
    assert max(moves) > 10**17
    assert {lie.victim for lie in lies} == {0, 1, 2}
    assert {lie.posted_score > lie.true_score for lie in lies} == {True, False}
