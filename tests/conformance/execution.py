"""Which cases of the execution suites count, which files are slow, and which cases are known to fail."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from openledger_node.evm.fixtures.block_tests import BlockCase, block_cases
from openledger_node.evm.fixtures.state_tests import state_cases
from tests.conformance.archives import HERE
from tests.conformance.steps import objections

SUITES = ("state-tests-cancun", "blockchain-tests-cancun", "eest-prague-blockchain")
BLOCK_SUITES = ("blockchain-tests-cancun", "eest-prague-blockchain")
NETWORKS = ("Cancun", "Prague", "Osaka", "CancunToPragueAtTime15k", "PragueToOsakaAtTime15k")
MOST_KNOWN_FAILURES = 0


class Case(Protocol):
    @property
    def name(self) -> str: ...

    def failure(self) -> str | None: ...


def _lines(name: str) -> list[str]:
    lines = (HERE / name).read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


SLOW_FILES = frozenset(_lines("slow_files.txt"))
KNOWN_FAILURES = dict(line.split(" : ", 1) for line in _lines("known_failures.txt"))


def suite_cases(suite: str, fixtures: dict[str, Any]) -> Iterator[Case]:
    """The cases of one file that apply to the forks the node serves."""
    if suite.startswith("state"):
        return state_cases(fixtures, "Cancun")
    return (case for case in block_cases(fixtures) if case.fork_name in NETWORKS)


def suite_files(folder: Path) -> list[str]:
    """Paths of the fixture files below a suite's folder, in order."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.json"))


def step_cases(fixtures: dict[str, Any]) -> Iterator[BlockCase]:
    """The block tests whose blocks are run step by step."""
    return (case for case in block_cases(fixtures) if case.fork_name in NETWORKS)


def run_file_by_steps(suite: str, path: str, fixtures: dict[str, Any]) -> tuple[int, list[str]]:
    """How many cases the file has, and where steps and whole blocks differ."""
    count, differing = 0, []
    for case in step_cases(fixtures):
        count += 1
        failure = case.failure(objections)
        if failure is not None:
            differing.append(f"{suite}/{path}/{case.name}: {failure}")
    return count, differing


def run_file(suite: str, path: str, fixtures: dict[str, Any]) -> tuple[int, list[str]]:
    """How many cases the file has, and those that fail unexpectedly, or that are listed and pass."""
    count, surprises = 0, []
    for case in suite_cases(suite, fixtures):
        count += 1
        name, failure = f"{suite}/{path}/{case.name}", case.failure()
        if failure is not None and name not in KNOWN_FAILURES:
            surprises.append(f"{name}: {failure}")
        elif failure is None and name in KNOWN_FAILURES:
            surprises.append(f"{name}: passes, so remove it from known_failures.txt")
    return count, surprises
