"""`openledger-node evm`: Ethereum's test fixtures, run on this engine, one JSON line per case."""

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from cyclopts import App

from openledger_node.cli.process import EXIT_FAILED
from openledger_node.evm.fixtures.block_tests import block_cases
from openledger_node.evm.fixtures.reading import read_files
from openledger_node.evm.fixtures.state_tests import state_cases

app = App(name="evm")


class Case(Protocol):
    """One test of a fixture file."""

    @property
    def name(self) -> str: ...

    @property
    def fork_name(self) -> str: ...

    def failure(self) -> str | None: ...


CasesOf = Callable[[dict[str, Any], str | None], Iterator[Case]]


@app.command
def statetest(file: Path, *more: Path, fork: str | None = None) -> None:
    """Run `state_test` fixtures; the exit code is 0 if every case passes, else 1.

    Parameters
    ----------
    file
        A fixture file, or a folder of them.
    more
        Further ones.
    fork
        Only the cases of this fork, as the fixtures name it.
    """
    if not _run_fixtures((file, *more), state_cases, fork):
        sys.exit(EXIT_FAILED)


@app.command
def blocktest(file: Path, *more: Path, fork: str | None = None) -> None:
    """Run `blockchain_test` fixtures; the exit code is 0 if every case passes, else 1.

    Parameters
    ----------
    file
        A fixture file, or a folder of them.
    more
        Further ones.
    fork
        Only the cases of this network, as the fixtures name it.
    """
    if not _run_fixtures((file, *more), block_cases, fork):
        sys.exit(EXIT_FAILED)


def _run_fixtures(paths: Sequence[Path], cases_of: CasesOf, fork_name: str | None) -> bool:
    """Run every case and print its line; whether all passed. Raises `UserError` for unreadable files."""
    failed = 0
    for line in _lines(paths, cases_of, fork_name):
        failed += not line["pass"]
        print(json.dumps(line), flush=True)
    return not failed


def _lines(paths: Iterable[Path], cases_of: CasesOf, fork_name: str | None) -> Iterator[dict[str, Any]]:
    for path, fixtures in read_files(paths):
        for case in cases_of(fixtures, fork_name):
            start_s = time.perf_counter()
            error = _failure(case)
            yield {
                "name": case.name,
                "fork": case.fork_name,
                "pass": error is None,
                "error": error,
                "file": str(path),
                "seconds": round(time.perf_counter() - start_s, 3),
            }


def _failure(case: Case) -> str | None:
    try:
        return case.failure()
    except Exception as error:  # noqa: BLE001 - a crash of the engine is a failed case, and the next one runs
        return f"crashed: {type(error).__name__}: {error}"
