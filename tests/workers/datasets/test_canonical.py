import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.datasets import canonical
from workers.datasets.canonical import canonical_indices
from workers.datasets.digits import add_noise, load_records
from workers.datasets.records import Record
from workers.datasets.sketch import Sketch, similar, sketches_of
from workers.datasets.version import feature_matrix

TAU = 990_000


def by_definition(sketches: Sketch, order: list[int], similarity_ppm: int) -> list[int]:
    """The rule, word for word, in Python integers."""
    rows = [[int(value) for value in sketch] for sketch in sketches]
    result, kept = [0] * len(order), list[int]()
    for index in order:
        for earlier in kept:
            dot = sum(a * b for a, b in zip(rows[index], rows[earlier], strict=True))
            norms = [sum(a * a for a in rows[i]) for i in (index, earlier)]
            if similar(dot, norms[0], norms[1], similarity_ppm):
                result[index] = earlier
                break
        else:
            result[index] = index
            kept.append(index)
    return result


@settings(deadline=None)
@given(
    st.lists(st.binary(min_size=3, max_size=3), min_size=1, max_size=12), st.randoms(), st.integers(0, 10**6)
)
def test_as_defined(contents: list[bytes], random: object, similarity_ppm: int) -> None:
    sketches = sketches_of(np.frombuffer(b"".join(contents), dtype=np.uint8).reshape(len(contents), 3))
    order = list(range(len(contents)))
    random.shuffle(order)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    assert canonical_indices(sketches, order, similarity_ppm) == by_definition(
        sketches, order, similarity_ppm
    )


def test_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    records = load_records(3)[:60]
    random = np.random.default_rng(1)
    sketches = sketches_of(feature_matrix(records + [add_noise(record, 0.02, random) for record in records]))
    whole = canonical_indices(sketches, range(120), TAU)
    monkeypatch.setattr(canonical, "BLOCK_ROWS", 7)
    assert canonical_indices(sketches, range(120), TAU) == whole


def test_order_decides_who_is_canonical() -> None:
    sketches = sketches_of(np.array([[0, 50, 255], [0, 51, 255]], dtype=np.uint8))
    assert canonical_indices(sketches, [0, 1], TAU) == [0, 0]
    assert canonical_indices(sketches, [1, 0], TAU) == [1, 1]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_noisy_copies_are_caught_and_honest_digits_kept(seed: int) -> None:
    records = load_records(seed)
    honest = canonical_indices(sketches_of(feature_matrix(records)), range(len(records)), TAU)
    assert sum(index != other for index, other in enumerate(honest)) <= 1
    originals = records[:300]
    random = np.random.default_rng(seed)
    copies = [add_noise(record, 0.02, random) for record in originals]
    found = canonical_indices(sketches_of(feature_matrix(originals + copies)), range(600), TAU)
    assert found[300:] == found[:300]


def test_scaling_and_relabelling_do_not_hide_a_copy() -> None:
    record = load_records(1)[0]
    darker = Record(bytes(value // 2 for value in record.features), (record.label + 1) % 10)
    assert canonical_indices(sketches_of(feature_matrix([record, darker])), [0, 1], TAU) == [0, 0]
