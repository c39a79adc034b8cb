"""What tests of several folders share: one running dev network."""

from collections.abc import Iterator

import pytest

from tests.integration.network import DevNode

pytest_plugins = ["tests.resuming"]


@pytest.fixture(scope="session")
def dev_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevNode]:
    """One running dev network, shared by tests that leave it running."""
    node = DevNode(tmp_path_factory.mktemp("dev"))
    try:
        yield node.start()
    finally:
        node.close()
