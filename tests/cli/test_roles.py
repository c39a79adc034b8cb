"""The worked pages of `docs/roles`: every command runs, in order, against one network."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.l1_token import deploy_token
from tests.cli.pages import Shell
from tests.integration.network import DevNode

ROLES = Path(__file__).parents[2] / "docs" / "roles"
INDEX = ROLES / "README.md"
PAGES = [INDEX, *(ROLES / name for name in re.findall(r"\]\((\w+\.md)\)", INDEX.read_text()))]
PATIENCE_S = 280
TOKEN_OWNER = 6


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    node = DevNode(tmp_path_factory.mktemp("roles"))
    folder = tmp_path_factory.mktemp("reader")
    try:
        node.start()
        yield Shell(
            folder,
            {
                "OPENLEDGER_RPC": node.url("rpc"),
                "OPENLEDGER_L1": node.url("l1"),
                "OPENLEDGER_GATEWAY": node.url("gateway"),
                "XDG_STATE_HOME": str(folder / "state"),
                "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
                "OMP_NUM_THREADS": "1",
            },
            {"L1_TOKEN": deploy_token(node.url("l1"), TOKEN_OWNER)},
        )
    finally:
        node.close()


def test_every_page_is_listed() -> None:
    assert sorted(PAGES) == sorted(ROLES.glob("*.md"))


@pytest.mark.timeout(PATIENCE_S)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_of_a_page_run(shell: Shell, page: Path) -> None:
    assert shell.run_page(page) >= 4
