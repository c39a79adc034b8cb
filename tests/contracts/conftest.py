"""One rollup deployed for all tests; every test gets it fresh, because what a test does is rolled back."""

from collections.abc import Iterator

import pytest

from genesis.alloc import l1_dev_allocation, l2_allocation
from genesis.spec import OPEN_UNIT
from genesis.types import Wei
from tests.contracts.machine import Machine
from tests.contracts.rollup import ALICE, BOB, Rollup, deploy


@pytest.fixture(scope="session")
def deployed() -> Rollup:
    return deploy(Machine(l1_dev_allocation({})))


@pytest.fixture
def rollup(deployed: Rollup) -> Iterator[Rollup]:
    with deployed.machine.rolled_back():
        yield deployed


def new_l2() -> Machine:
    return Machine(l2_allocation({ALICE: Wei(1_000 * OPEN_UNIT), BOB: Wei(1_000 * OPEN_UNIT)}))


@pytest.fixture(scope="session")
def l2_machine() -> Machine:
    return new_l2()


@pytest.fixture
def own_l2() -> Machine:
    """Not shared: for tests that ask for state roots, which cannot be rolled back."""
    return new_l2()


@pytest.fixture
def l2(l2_machine: Machine) -> Iterator[Machine]:
    """An L2's genesis state."""
    with l2_machine.rolled_back():
        yield l2_machine
