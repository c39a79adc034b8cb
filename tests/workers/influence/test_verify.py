import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from tests.workers.influence.models import SMALL, classifier, language_task, tokens, vectors
from workers.influence import Attributor, FeatureIndex
from workers.influence.featureindex import RowPart
from workers.influence.verify import preconditioner_residual, query_distance, row_distance

DATA = vectors(30)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_honest_integers_are_within_tolerance(dtype: str) -> None:
    fitted = Attributor(classifier(), SMALL)
    index = fitted.fit(DATA)
    checker = Attributor.load(classifier(), fitted.committed, replace(SMALL, dtype=dtype, batch=7))
    assert row_distance(index, checker, DATA).is_within
    found = query_distance(fitted.query(DATA), checker, DATA)
    assert found.is_within
    assert found.coordinates == 30 * 16


def test_one_forged_coordinate_is_beyond() -> None:
    fitted = Attributor(classifier(), SMALL)
    index = fitted.fit(DATA)
    mantissas = index.mantissas()
    mantissas[7, 3] += 1 if mantissas[7, 3] <= 0 else -1
    forged = FeatureIndex((RowPart(mantissas, index.exponents(), index.self_influence),), fitted.committed)
    assert row_distance(forged, fitted, DATA).beyond == 1
    queries = fitted.query(DATA)
    queries[2, 5] += 2
    assert query_distance(queries, fitted, DATA).beyond == 1
    assert np.array_equal(fitted.query(DATA)[3:], queries[3:])


def test_a_preconditioner_of_other_data_has_a_large_residual() -> None:
    for task in (classifier(), language_task()):
        data = vectors(40) if task.__class__.__name__ == "ClassificationTask" else tokens(40, words=11)
        other = vectors(50) if isinstance(data, tuple) else tokens(50, words=11)
        honest = Attributor(task, SMALL)
        honest.fit(data)
        for dtype, bound in (("float64", 1e-10), ("float32", 1e-4)):
            checker = Attributor.load(task, honest.committed, replace(SMALL, dtype=dtype, batch=9))
            assert preconditioner_residual(checker, data) < bound
        rigged = Attributor(task, SMALL)
        few = tuple(t[40:] for t in other) if isinstance(other, tuple) else other[40:]
        rigged.fit(few)
        checker = Attributor.load(task, rigged.committed, SMALL)
        assert preconditioner_residual(checker, data) > 0.01


@pytest.mark.slow
def test_the_command_compares_machines() -> None:
    """Other threads, instruction sets and precisions of this machine, in processes of their own."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "workers.influence.verify"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert len(lines) >= 6
    assert all(line.endswith("within") for line in lines)
