from genesis.shares import PPM
from tests.workers.attribution.vectors import CONTRIBUTORS, NO_NAME, make_queries, make_rows
from workers.attribution.index import FeatureIndex, sums_of
from workers.attribution.scoring import batch_scores, record_scores

SUMS = sums_of(make_rows(), CONTRIBUTORS)
INDEX = FeatureIndex(NO_NAME, NO_NAME, NO_NAME, NO_NAME, make_rows().root(), SUMS.root(), 12, SUMS)
QUERY = make_queries(1).batch_query()


def test_scores_are_sums_of_records_and_linear_in_queries() -> None:
    per_record = record_scores(make_rows(), QUERY)
    raw = batch_scores(INDEX, QUERY, 0)
    assert raw == [sum(per_record[0:4]), sum(per_record[4:8]), sum(per_record[8:10]), 0]
    other = make_queries(2).batch_query()
    both = [a + b for a, b in zip(QUERY, other, strict=True)]
    assert batch_scores(INDEX, both, 0) == [
        a + b for a, b in zip(raw, batch_scores(INDEX, other, 0), strict=True)
    ]


def test_insignificant_scores_count_nothing() -> None:
    raw = batch_scores(INDEX, QUERY, 0)
    norm = sum(value * value for value in QUERY)
    z_squared = [16 * s * s / (n * norm) if n else 0 for s, n in zip(raw, SUMS.norms_squared, strict=True)]
    threshold = sorted(z_squared)[2]
    kept = batch_scores(INDEX, QUERY, int(threshold * PPM) + 1)
    assert kept == [s if z > threshold else 0 for s, z in zip(raw, z_squared, strict=True)]


def test_a_batch_of_nothing_scores_nothing() -> None:
    assert batch_scores(INDEX, [0] * 16, 4 * PPM) == [0, 0, 0, 0]
