"""What tests of several folders share: a running dev network, and loggers without the last test's levels."""

import logging
from collections.abc import Iterator

import pytest

from openledger_node.logs import ORGANS
from tests.integration.network import DevNode

pytest_plugins = ["tests.resuming"]


@pytest.fixture(scope="session")
def dev_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevNode]:
    """One running dev network, shared by tests that leave it running."""
    with DevNode(tmp_path_factory.mktemp("dev")) as node:
        yield node


@pytest.fixture(autouse=True)
def _log_levels() -> Iterator[None]:
    """Undo what commands run in this process set by `--log.level`, which would hide later tests' warnings."""
    yield
    for organ in ORGANS:
        logging.getLogger(organ).setLevel(logging.NOTSET)
