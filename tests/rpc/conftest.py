from collections.abc import Iterator

import pytest

from tests.rpc.running_node import RunningNode


@pytest.fixture(scope="module")
def node() -> Iterator[RunningNode]:
    running = RunningNode().start()
    yield running
    running.stop()
