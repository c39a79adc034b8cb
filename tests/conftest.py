"""What tests of several folders share: one running dev network."""

from collections.abc import Iterator

import pytest

from tests.integration.network import DevNode

pytest_plugins = ["tests.resuming"]

SHARING = {"dev_node", "network"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What stays in one process under `--dist loadgroup`: tests that share the network, so that only one
    starts, and the tests of a file, whose fixtures are made once."""
    for item in items:
        shares = isinstance(item, pytest.Function) and SHARING.intersection(item.fixturenames)
        item.add_marker(pytest.mark.xdist_group("network" if shares else str(item.path)))


@pytest.fixture(scope="session")
def dev_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevNode]:
    """One running dev network, shared by tests that leave it running."""
    node = DevNode(tmp_path_factory.mktemp("dev"))
    try:
        yield node.start()
    finally:
        node.close()
