"""Splitting one contribution into many identities gains little: measured with real rows and the law's scores.

Scores are linear, so only two things can make parts earn more than the whole: clipping at zero, which lets an
identity hide its negative records from its positive ones, and the test of significance, which parts pass less
easily. A split that does not know the queries gains nothing; one that knows every record's score for earlier
queries (which are public once settled) sorts by it. No bound holds in general: who knows the coming queries
exactly earns the sum of its positive records.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from genesis.commitments import BATCH_QUERY_BYTES, pack_vector
from genesis.policy import DEFAULT_POLICY
from precompiles.scores import ScoreInputs, positive_score
from tests.demo.digits import WEIGHT, ask_digits
from workers.artifacts.store import ArtifactStore
from workers.attribution.commit import pack_sum
from workers.attribution.index import read_index, read_rows
from workers.attribution.queries import read_queries

CLEAN, MISLABELLED = 1, 3
"""A contributor of good data, and one of whose labels some are wrong."""
COUNTS = (2, 5, 10, 20, 50)
INFERENCES = 120
GAIN_LIMIT = 0.05
BATCH_DISTANCE = 0.1
"""Half the sum of the differences of shares."""


@dataclass(frozen=True)
class World:
    """Integer rows (N, k) of canonical records, whose they are, and two independent batch queries."""

    rows: NDArray[np.int64]
    owners: NDArray[np.int64]
    earlier: list[int]
    query: list[int]
    queries: NDArray[np.int64]
    """(R, k): the receipts' own queries that `query` sums up."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    store = ArtifactStore(Path(tmp_path_factory.mktemp("splitting")))
    asked = ask_digits(store, 1, copy_noise=0.02, inferences=INFERENCES)
    vectors = read_queries(store, asked.queries).vectors.astype(np.int64) * WEIGHT
    rows = read_rows(store, read_index(store, asked.index).rows)
    kept = rows.canonical_mask
    half = INFERENCES // 2
    halves = [[int(x) for x in part.sum(axis=0)] for part in (vectors[:half], vectors[half:])]
    return World(rows.integers()[kept], rows.owners[kept], halves[0], halves[1], vectors[half:])


def earned(world: World, groups: Sequence[NDArray[np.int64]], own: int) -> float:
    """The share of the pool that the first `own` groups of rows get together."""
    packed = pack_vector(world.query, BATCH_QUERY_BYTES)
    scores = []
    for group in groups:
        vector = group.sum(axis=0)
        norm_squared = sum(int(x) ** 2 for x in vector)
        inputs = ScoreInputs(pack_sum(vector), norm_squared, packed)
        scores.append(positive_score(inputs, world.rows.shape[1], DEFAULT_POLICY.significance_ppm) or 0)
    return sum(scores[:own]) / sum(scores)


def split(world: World, count: int, order: NDArray[np.int64], splitter: int = CLEAN) -> float:
    """What splitting the contributor's rows, in `order`, into equal parts gains over the whole, as a part."""
    own = world.rows[world.owners == splitter]
    others = [world.rows[world.owners == each] for each in np.unique(world.owners) if each != splitter]
    pieces = [own[places] for places in np.array_split(order, count)]
    whole = earned(world, [own, *others], 1)
    assert whole > 0
    return earned(world, [*pieces, *others], count) / whole - 1


@pytest.mark.parametrize("count", COUNTS)
def test_a_random_split_gains_nothing_worth_having(world: World, count: int) -> None:
    records = int((world.owners == CLEAN).sum())
    gains = [
        split(world, count, np.random.default_rng(seed).permutation(records).astype(np.int64))
        for seed in range(5)
    ]
    assert max(gains) <= GAIN_LIMIT, gains


def test_an_informed_split_is_shown(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Sorted by what each record scored for earlier queries: the figure is reported, with its limit."""
    gains = {splitter: informed_gains(world, splitter) for splitter in (CLEAN, MISLABELLED)}
    with capsys.disabled():
        for splitter, found in gains.items():
            shown = " ".join(f"{count}: {gain:+.3f}" for count, gain in found.items())
            print(f"\n  contributor {splitter}, gain of an informed split into k parts: {shown}", end="")
    assert max(gains[CLEAN].values()) <= GAIN_LIMIT


def test_batch_shares_beside_shares_by_inference(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """One vector for a batch instead of one per receipt: who gets how much differs, and by how much is told.

    By inference each receipt's pool is divided by that receipt's own positive scores and an inference that
    pays nobody leaves its part to the others. The distance is half the sum of the shares' differences.
    """
    batch = shares(world, [world.query], significance_ppm=DEFAULT_POLICY.significance_ppm)
    queries = [[int(x) for x in query] for query in world.queries]
    single = shares(world, queries, significance_ppm=DEFAULT_POLICY.significance_ppm)
    plain = shares(world, queries, significance_ppm=0)
    apart, apart_plain = (float(np.abs(batch - each).sum()) / 2 for each in (single, plain))
    with capsys.disabled():
        shown = [" ".join(f"{share:.3f}" for share in each) for each in (batch, single, plain)]
        print(
            f"\n  shares of a batch {shown[0]}; by inference {shown[1]}, without significance {shown[2]}",
            end="",
        )
        print(f"\n  distance {apart:.3f}, without significance {apart_plain:.3f}", end="")
    assert apart < BATCH_DISTANCE


def shares(world: World, queries: Sequence[Sequence[int]], significance_ppm: int) -> NDArray[np.float64]:
    """(C,): every contributor's share when each query divides an equal part of the pool."""
    total = np.zeros(len(np.unique(world.owners)))
    for query in queries:
        packed = pack_vector(query, BATCH_QUERY_BYTES)
        scores = []
        for owner in np.unique(world.owners):
            vector = world.rows[world.owners == owner].sum(axis=0)
            inputs = ScoreInputs(pack_sum(vector), sum(int(x) ** 2 for x in vector), packed)
            scores.append(positive_score(inputs, world.rows.shape[1], significance_ppm) or 0)
        if sum(scores):
            total += np.array([score / sum(scores) for score in scores])
    shared: NDArray[np.float64] = total / total.sum()
    return shared


def informed_gains(world: World, splitter: int) -> dict[int, float]:
    """Gains by number of parts, for rows sorted by their scores for earlier queries."""
    own = world.rows[world.owners == splitter]
    known = np.array([sum(int(a) * b for a, b in zip(row, world.earlier, strict=True)) for row in own])
    order = np.argsort(known, kind="stable").astype(np.int64)
    return {count: split(world, count, order, splitter) for count in COUNTS}
