import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from tests.workers.influence.models import SMALL, classifier, vectors
from workers.influence import Attributor, FeatureIndex
from workers.influence.featureindex import RowPart
from workers.influence.verify import query_distance, row_distance

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
