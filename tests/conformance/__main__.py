"""Run the execution suites file by file: `make test-conformance`.

Each finished file is a line of the log; a run that was stopped goes on where it was, as long as the engine's
sources are the same.
"""

import argparse
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from tests.conformance.archives import archive_path, unpack
from tests.conformance.execution import (
    BLOCK_SUITES,
    KNOWN_FAILURES,
    MOST_KNOWN_FAILURES,
    SUITES,
    run_file,
    run_file_by_steps,
    suite_files,
)

ROOT = Path(__file__).parents[2]
LOG = ROOT / ".cache" / "conformance" / "execution.jsonl"
STEPS_LOG = LOG.with_name("steps.jsonl")
_SOURCES = ("openledger_node/evm", "genesis", "tests/conformance")
_SOURCE_SUFFIXES = (".py", ".pxd", ".so", ".txt")
_FILES_PER_REPORT = 100


def engine_digest() -> str:
    """A name for the code whose results the log holds."""
    digest = hashlib.sha256()
    for folder in _SOURCES:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in _SOURCE_SUFFIXES:
                digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def run_one(folder: Path, suite: str, path: str, *, by_steps: bool = False) -> dict[str, Any]:
    """The log's entry for one file."""
    start_s = time.process_time()
    try:
        run = run_file_by_steps if by_steps else run_file
        count, failures = run(suite, path, json.loads((folder / suite / path).read_bytes()))
    except Exception as error:  # noqa: BLE001 - a crash is a failure of its file, and the next one runs
        count, failures = 0, [f"{suite}/{path}: crashed: {type(error).__name__}: {error}"]
    return {
        "file": f"{suite}/{path}",
        "cases": count,
        "failures": failures,
        "cpu_s": round(time.process_time() - start_s, 2),
    }


def finished(log: Path, digest: str) -> dict[str, dict[str, Any]]:
    """Entries of earlier runs of the same code, by file."""
    entries = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return {entry["file"]: entry for entry in entries if entry["engine"] == digest}


def _run_all(
    folder: Path, files: list[tuple[str, str]], jobs: int, *, by_steps: bool
) -> Iterator[dict[str, Any]]:
    if jobs == 1:
        yield from (run_one(folder, suite, path, by_steps=by_steps) for suite, path in files)
        return
    with ProcessPoolExecutor(jobs) as pool:
        suites, paths = zip(*files, strict=True)
        yield from pool.map(
            partial(run_one, by_steps=by_steps), [folder] * len(files), suites, paths, chunksize=4
        )


def _summary(entries: Iterable[dict[str, Any]]) -> tuple[str, list[str]]:
    cases, cpu_s, failures = 0, 0.0, []
    for entry in entries:
        cases, cpu_s = cases + entry["cases"], cpu_s + entry["cpu_s"]
        failures += entry["failures"]
    return f"{cases} cases, {len(failures)} surprises, {cpu_s:.0f} s of CPU", failures


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--steps", action="store_true", help="run blocks step by step, each from a witness")
    parser.add_argument("--log", type=Path)
    parser.add_argument("--fresh", action="store_true", help="forget what earlier runs found")
    parser.add_argument("--only", default="", help="run files whose suite and path contain this")
    arguments = parser.parse_args()
    arguments.log = arguments.log or (STEPS_LOG if arguments.steps else LOG)
    suites = [
        suite for suite in (BLOCK_SUITES if arguments.steps else SUITES) if archive_path(suite).exists()
    ]
    if not suites:
        parser.error("the shared fixture archives are not here: set OPENLEDGER_SHARED")
    arguments.log.parent.mkdir(parents=True, exist_ok=True)
    if arguments.fresh:
        arguments.log.unlink(missing_ok=True)
    digest = engine_digest()
    results = finished(arguments.log, digest)
    with tempfile.TemporaryDirectory() as temporary, arguments.log.open("a") as log:
        folder = Path(temporary)
        files = [(suite, path) for suite in suites for path in suite_files(unpack(suite, folder))]
        files = [file for file in files if arguments.only in "/".join(file)]
        waiting = [file for file in files if "/".join(file) not in results]
        print(f"engine {digest}: {len(files) - len(waiting)} of {len(files)} files done before", flush=True)
        for count, entry in enumerate(_run_all(folder, waiting, arguments.jobs, by_steps=arguments.steps), 1):
            results[entry["file"]] = entry
            log.write(json.dumps({"engine": digest, **entry}) + "\n")
            log.flush()
            for failure in entry["failures"]:
                print(failure, flush=True)
            if not count % _FILES_PER_REPORT:
                print(f"{count} of {len(waiting)} files", file=sys.stderr, flush=True)
    line, failures = _summary(results["/".join(file)] for file in files)
    print("\n".join([*failures, f"{len(files)} files, {line}; log: {arguments.log}"]))
    sys.exit(1 if failures or len(KNOWN_FAILURES) > MOST_KNOWN_FAILURES else 0)


if __name__ == "__main__":
    main()
