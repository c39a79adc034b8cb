"""A minute of `make soak`: every kind of fault at least twice, and everything comes out whole."""

import os
import secrets
from pathlib import Path
from random import Random

import pytest

from benchmarks.soak.soak import Settings, soak
from tests.clients.programs import require_npm

pytestmark = [pytest.mark.npm, pytest.mark.slow]


@pytest.mark.timeout(1200)
async def test_a_minute_of_faults(tmp_path: Path) -> None:
    """Set OPENLEDGER_SOAK_SEED to draw the same plan again."""
    require_npm()
    seed = int(os.environ.get("OPENLEDGER_SOAK_SEED") or secrets.randbits(32))
    print(f"OPENLEDGER_SOAK_SEED={seed}")
    report = await soak(Settings(seconds=60, rounds=2, least=10, least_each=2), Random(seed), tmp_path)
    print(report.numbers())
    assert report.wrong == []
