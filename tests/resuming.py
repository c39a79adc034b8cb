"""Long runs that are stopped go on where they were: `pytest --resume`.

Every test that passed is a line of a log named after the state of the tree; with `--resume`, tests in it are
left out. Any change of a file that git knows starts a new log.
"""

import hashlib
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".cache" / "tests"


def tree_digest() -> str:
    """A name for the commit and all that differs from it."""
    digest = hashlib.sha256()
    for command in (("rev-parse", "HEAD"), ("diff", "HEAD")):
        digest.update(subprocess.run(["git", *command], cwd=ROOT, capture_output=True, check=True).stdout)
    return digest.hexdigest()[:16]


class PassedLog:
    """The tests that have passed on this tree."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._passed = set(path.read_text().splitlines()) if path.exists() else set[str]()
        self._failed: set[str] = set()

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        done = [item for item in items if item.nodeid in self._passed]
        items[:] = [item for item in items if item.nodeid not in self._passed]
        config.hook.pytest_deselected(items=done)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed.add(report.nodeid)
        if report.when == "teardown" and report.nodeid not in self._failed:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a") as log:
                log.write(report.nodeid + "\n")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--resume", action="store_true", help="leave out what passed on the same tree before")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--resume"):
        config.pluginmanager.register(PassedLog(FOLDER / f"{tree_digest()}.passed"))
