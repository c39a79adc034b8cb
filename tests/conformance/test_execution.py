"""Ethereum's own tests against our engine: state tests, blockchain tests and execution-spec-tests.

The fast part runs always, the rest is marked slow. What fails is listed in `known_failures.txt`, which may
only shrink: a case that passes must leave it. Files whose cases take seconds are in `slow_files.txt`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol
from zlib import crc32

import pytest

from openledger_node.evm.fixtures.block_tests import block_cases
from openledger_node.evm.fixtures.state_tests import state_cases
from tests.conformance.archives import HERE, archive_path, files, unpack

MOST_KNOWN_FAILURES = 0
NETWORKS = ("Cancun", "Prague", "CancunToPragueAtTime15k")
STATE_FILES_IN_FAST_RUN = 4
"""One state test file in this many runs always."""


class _Case(Protocol):
    @property
    def name(self) -> str: ...

    def failure(self) -> str | None: ...


def _lines(name: str) -> list[str]:
    lines = (HERE / name).read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


SLOW_FILES = frozenset(_lines("slow_files.txt"))
KNOWN_FAILURES = dict(line.split(" : ", 1) for line in _lines("known_failures.txt"))


def _cases(suite: str, fixtures: dict[str, Any]) -> Iterator[_Case]:
    if suite.startswith("state"):
        return state_cases(fixtures, "Cancun")
    return (case for case in block_cases(fixtures) if case.fork_name in NETWORKS)


def _runs_always(suite: str, path: str) -> bool:
    if f"{suite}/{path}" in SLOW_FILES:
        return False
    return not suite.startswith("state") or crc32(path.encode()) % STATE_FILES_IN_FAST_RUN == 0


def _run(suite: str, folder: Path, *, fast: bool) -> None:
    """Fails with the cases that fail unexpectedly, or that are listed and pass."""
    count, surprises = 0, []
    for path, fixtures in files(folder):
        if _runs_always(suite, path) != fast:
            continue
        for case in _cases(suite, fixtures):
            count += 1
            name, failure = f"{suite}/{path}/{case.name}", case.failure()
            if failure is not None and name not in KNOWN_FAILURES:
                surprises.append(f"{name}: {failure}")
            elif failure is None and name in KNOWN_FAILURES:
                surprises.append(f"{name}: passes, so remove it from known_failures.txt")
    assert count, "no case was found"
    assert not surprises, "\n".join(surprises)


SUITES = ("state-tests-cancun", "blockchain-tests-cancun", "eest-prague-blockchain")


@pytest.fixture(scope="module", params=SUITES)
def suite(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    name: str = request.param
    if not archive_path(name).exists():
        pytest.skip(f"the shared archive {name} is not here")
    return name, unpack(name, tmp_path_factory.mktemp("conformance"))


@pytest.mark.timeout(900)
def test_fast_cases(suite: tuple[str, Path]) -> None:
    _run(*suite, fast=True)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_other_cases(suite: tuple[str, Path]) -> None:
    _run(*suite, fast=False)


def test_the_list_of_failures_only_shrinks() -> None:
    assert len(KNOWN_FAILURES) <= MOST_KNOWN_FAILURES
