import pytest

from tests.contracts.machine import Machine
from tests.contracts.rollup import Rollup, deploy


@pytest.fixture
def rollup() -> Rollup:
    """The L1 contracts, freshly deployed."""
    return deploy(Machine())
