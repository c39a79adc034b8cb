from collections.abc import Iterator

import pytest

from tests.integration.network import DevNode


@pytest.fixture(scope="package")
def demo_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevNode]:
    """A network of these tests' own: dev methods in other tests would detach a shared one from its L1."""
    with DevNode(tmp_path_factory.mktemp("demo")) as node:
        yield node
