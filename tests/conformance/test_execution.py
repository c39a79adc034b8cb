"""Ethereum's own tests against our engine: state tests, blockchain tests and execution-spec-tests.

The fast part runs always, the rest is marked slow; `python -m tests.conformance` runs all of it, goes on
where it was stopped and keeps a log. What fails is listed in `known_failures.txt`, which may only shrink: a
case that passes must leave it. Files whose cases take seconds are in `slow_files.txt`.
"""

from pathlib import Path
from zlib import crc32

import pytest

from tests.conformance.__main__ import finished, run_one
from tests.conformance.archives import archive_path, files, unpack
from tests.conformance.execution import KNOWN_FAILURES, MOST_KNOWN_FAILURES, SLOW_FILES, SUITES, run_file

STATE_FILES_IN_FAST_RUN = 4
"""One state test file in this many runs always."""


def _runs_always(suite: str, path: str) -> bool:
    if f"{suite}/{path}" in SLOW_FILES:
        return False
    return not suite.startswith("state") or crc32(path.encode()) % STATE_FILES_IN_FAST_RUN == 0


def _run(suite: str, folder: Path, *, fast: bool) -> None:
    count, surprises = 0, []
    for path, fixtures in files(folder):
        if _runs_always(suite, path) == fast:
            cases, found = run_file(suite, path, fixtures)
            count += cases
            surprises += found
    assert count, "no case was found"
    assert not surprises, "\n".join(surprises)


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


def test_a_file_that_crashes_is_a_failure_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "state-x").mkdir()
    (tmp_path / "state-x" / "bad.json").write_text("{")
    entry = run_one(tmp_path, "state-x", "bad.json")
    assert entry["cases"] == 0
    assert "crashed" in entry["failures"][0]


def test_only_results_of_the_same_engine_count(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text('{"engine": "a", "file": "x"}\n{"engine": "b", "file": "y"}\n')
    assert list(finished(log, "b")) == ["y"]
    assert finished(tmp_path / "none", "b") == {}
