"""Vectors of any width: tallied chunk by chunk, a wrong score, debt, norm or sum is proved wrong by them."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.addresses import ATTRIBUTION
from genesis.commitments import (
    BATCH_QUERY_BYTES,
    SUM_BYTES,
    pack_vector,
    unpack_vector,
    vector_root,
)
from genesis.types import ZERO_HASH
from precompiles import attribution_interface as interface
from precompiles.checks import INVALID_ARGUMENT
from precompiles.views.disputes import WideSum
from tests.precompiles.batch_scene import BatchScene
from tests.precompiles.batches import chunk_hashes, chunk_of
from tests.precompiles.calls import number
from tests.precompiles.evidence import Row
from tests.precompiles.index_scene import IndexScene
from tests.precompiles.scene import HASH, Scene
from tests.precompiles.world import NativeMachine, TwinMachine

WIDE = 2_060
VOID = 3
PIECE = 1_024


@pytest.fixture(params=[NativeMachine, TwinMachine])
def machine_type(request: pytest.FixtureRequest) -> Any:
    return request.param


def tally(scene: Scene, vector: bytes, query: bytes, chunks_at_once: int = 1) -> None:
    """Tally two vectors from the first chunk to the last."""
    hashes = (chunk_hashes(vector, SUM_BYTES), chunk_hashes(query, BATCH_QUERY_BYTES))
    step = PIECE * chunks_at_once
    for start in range(0, len(vector) // SUM_BYTES, step):
        part = vector[start * SUM_BYTES : (start + step) * SUM_BYTES]
        asked = query[start * BATCH_QUERY_BYTES : (start + step) * BATCH_QUERY_BYTES]
        scene.do(scene.stranger, ATTRIBUTION, "tallyProducts", *hashes, part, asked)


def read_tally(scene: Scene, vector: bytes, query: bytes) -> list[int]:
    query_root = vector_root(query, BATCH_QUERY_BYTES) if query else ZERO_HASH
    return scene.fields(ATTRIBUTION, "getTally", vector_root(vector, SUM_BYTES), query_root)


def wide_scene(machine_type: Any) -> BatchScene:
    vectors = [[(i * 7 + c) % 23 - 9 - c for i in range(WIDE)] for c in range(3)]
    return BatchScene(machine_type, vectors, [[i % 11 - 4 for i in range(WIDE)], [2] * WIDE])


def wide_sum(scene: Scene, place: int) -> WideSum:
    found = scene.index.evidence(place)
    root = vector_root(found.vector, SUM_BYTES)
    return WideSum(found.records, found.norm_squared, root, found.proof)


def test_a_wrong_score_of_a_wide_model_is_proved(machine_type: Any) -> None:
    scene = wide_scene(machine_type)
    scene.settle_batch()
    scene.query = unpack_vector(scene.batch.batch_query(WIDE), BATCH_QUERY_BYTES)
    posted = scene.prepare_post([scene.settlement_id])
    place = next(i for i, (_, amount) in enumerate(posted.scores[0].leaves) if amount > 0)
    key, amount = posted.scores[0].leaves[place]
    lied = replace(posted.scores[0], leaves=[*posted.scores[0].leaves])
    lied.leaves[place] = (key, amount + 1)
    lied.__post_init__()
    posted.scores = (lied,)
    scene.reclaim(posted)
    post_id = scene.send_post(posted)
    scene.commit(post_id)
    head = (post_id, HASH, posted.claims, 0)
    tail = (place, scene.contributors[place], wide_sum(scene, place), lied.opened(place), False)
    refused = scene.refuse(scene.validator, ATTRIBUTION, "challengeWideScore", *head, *tail)
    assert refused == interface.INVALID_PROOF(b"tally").data
    tally(scene, scene.index.vectors[place], posted.queries[0])
    scene.do(scene.validator, ATTRIBUTION, "challengeWideScore", *head, *tail)
    assert scene.status(post_id) == VOID


def test_right_scores_and_debts_of_a_wide_model_stand(machine_type: Any) -> None:
    scene = wide_scene(machine_type)
    scene.settle_batch()
    scene.query = unpack_vector(scene.batch.batch_query(WIDE), BATCH_QUERY_BYTES)
    posted = scene.prepare_post([scene.settlement_id])
    post_id = scene.send_post(posted)
    scene.commit(post_id)
    for place in range(3):
        tally(scene, scene.index.vectors[place], posted.queries[0], chunks_at_once=2)
        for tree, is_debt in ((posted.scores[0], False), (posted.debts[0], True)):
            amount = tree.leaves[place][1]
            tail = (place, scene.contributors[place], wide_sum(scene, place), tree.opened(place), is_debt)
            refused = scene.refuse(
                scene.validator, ATTRIBUTION, "challengeWideScore", post_id, HASH, posted.claims, 0, *tail
            )
            assert refused == interface.CHALLENGE_FAILED(amount, amount).data


@settings(max_examples=8, deadline=None)
@given(st.data())
def test_a_tally_is_the_products_whatever_its_pieces(data: st.DataObject) -> None:
    width = data.draw(st.sampled_from([1, 5, 1_023, 1_024, 1_025, 2_048, 2_500]))
    random = data.draw(st.randoms(use_true_random=False))
    top, most = data.draw(st.sampled_from([(10, 10), (2**62, 2**127 - 1), (2**40, 2**70)]))
    values = [random.randint(-top, top) for _ in range(width)]
    queries = [random.randint(-most, most) for _ in range(width)]
    vector, query = pack_vector(values, SUM_BYTES), pack_vector(queries, BATCH_QUERY_BYTES)
    at_once = data.draw(st.integers(1, 3))
    told = []
    for machine_type in (NativeMachine, TwinMachine):
        scene = Scene(machine_type=machine_type)
        tally(scene, vector, query, at_once)
        told.append(read_tally(scene, vector, query))
    norm = sum(q * q for q in queries)
    product = sum(a * b for a, b in zip(values, queries, strict=True)) % 2**256
    is_wide = norm > 2**149
    expected = [0 if is_wide else product, sum(v * v for v in values), 2**149 + 1 if is_wide else norm]
    assert told[0] == told[1]
    assert told[0] == [-(-width // PIECE), width, *expected]


def test_what_a_tally_refuses(machine_type: Any) -> None:
    scene = Scene(machine_type=machine_type)
    vector, query = pack_vector([1] * WIDE, SUM_BYTES), pack_vector([2] * WIDE, BATCH_QUERY_BYTES)
    hashes = (chunk_hashes(vector, SUM_BYTES), chunk_hashes(query, BATCH_QUERY_BYTES))
    whole = (vector[: PIECE * SUM_BYTES], query[: PIECE * BATCH_QUERY_BYTES])

    def refused(*arguments: Any) -> bytes:
        return scene.refuse(scene.stranger, ATTRIBUTION, "tallyProducts", *arguments)

    assert refused((), (), *whole) == INVALID_ARGUMENT(b"vectorChunks").data
    assert refused(hashes[0] * 22, (), whole[0], b"") == INVALID_ARGUMENT(b"vectorChunks").data
    assert refused(hashes[0], hashes[1][:2], *whole) == INVALID_ARGUMENT(b"queryChunks").data
    assert refused(*hashes, b"", b"") == INVALID_ARGUMENT(b"vector").data
    assert refused(*hashes, whole[0], whole[1][16:]) == INVALID_ARGUMENT(b"query").data
    assert refused(*hashes, whole[0][8:], whole[1][16:]) == INVALID_ARGUMENT(b"chunks").data
    forged = b"\1" * len(whole[0])
    assert refused(*hashes, forged, whole[1]) == interface.INVALID_PROOF(b"vector").data
    forged = b"\1" * len(whole[1])
    assert refused(*hashes, whole[0], forged) == interface.INVALID_PROOF(b"query").data
    tally(scene, vector, query)
    assert refused(*hashes, *whole) == INVALID_ARGUMENT(b"chunks").data


def wide_rows() -> list[Row]:
    return [
        Row(i % 3, i, 0, tuple((100, -90, 80)[(i + k) % 3] // 10 or 64 for k in range(1_030)))
        for i in range(4)
    ]


def test_a_wrong_norm_of_a_wide_sum_is_proved(machine_type: Any) -> None:
    scene = IndexScene(machine_type, wide_rows())
    norms = list(scene.index.norms)
    norms[1] += 1
    scene.commit_rows(replace(scene.index, norms=tuple(norms)))
    scene.commit_to()
    arguments = (scene.index_id, HASH, 1, scene.contributors[1], wide_sum(scene, 1))
    refused = scene.refuse(scene.validator, ATTRIBUTION, "challengeWideNorm", *arguments)
    assert refused == interface.INVALID_PROOF(b"tally").data
    for place in (0, 1):
        tally(scene, scene.index.vectors[place], b"")
    right = (scene.index_id, HASH, 0, scene.contributors[0], wide_sum(scene, 0))
    refused = scene.refuse(scene.validator, ATTRIBUTION, "challengeWideNorm", *right)
    assert refused == interface.CHALLENGE_FAILED(norms[0], norms[0]).data
    scene.do(scene.validator, ATTRIBUTION, "challengeWideNorm", *arguments)
    assert scene.status() == 2


def test_a_wide_sum_is_disputed_by_one_chunk(machine_type: Any) -> None:
    scene = IndexScene(machine_type, wide_rows())
    scene.commit_rows(scene.with_sum(2, 1_027, 5))
    chunk = chunk_of(scene.index.vectors[2], SUM_BYTES, 1_027)
    arguments = (scene.index_id, 2, scene.contributors[2], 1_027, wide_sum(scene, 2), chunk)
    bond = scene.policy.challenge_bond_wei
    outcome = scene.do(scene.validator, ATTRIBUTION, "openWideSumGame", *arguments, value_wei=bond)
    game_id = number(outcome)
    partials = scene.true_partials(game_id)
    partials[2] += 5
    scene.do(scene.owner, ATTRIBUTION, "answerSumGame", game_id, partials)
    scene.do(scene.validator, ATTRIBUTION, "chooseSumGame", game_id, partials, 2)
    scene.do(scene.stranger, ATTRIBUTION, "proveSumGame", game_id, scene.index.row(2))
    assert scene.status() == 2
    forged = replace(chunk, chunk=bytes(len(chunk.chunk)))
    refused = scene.refuse(
        scene.validator, ATTRIBUTION, "openWideSumGame", *arguments[:-1], forged, value_wei=bond
    )
    assert refused[:4] == interface.WINDOW_CLOSED.selector
