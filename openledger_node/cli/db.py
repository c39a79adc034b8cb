"""`openledger-node db`: what an operator asks a stopped node's database, and the answers on a screen."""

import contextlib
import json as json_format
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from openledger_node.chain.integrity import StepReport, check_store
from openledger_node.chain.state_pruning import prune_store
from openledger_node.chain.statistics import StoreStatistics, store_statistics
from openledger_node.cli.process import EXIT_FAILED
from openledger_node.config.model import LEAST_STATES
from openledger_node.errors import StartError
from openledger_node.storage.leveldb import LevelDb

app = App(name="db")

PLACES = ("chain", "node/chain", "verifier/chain")
"""Where a data directory has its database: a node's own, or that of `dev`, whose parts have one each."""


def _enough_states(_kind: Any, value: int) -> None:
    if value < LEAST_STATES:
        raise ValueError(f"keep at least {LEAST_STATES}")


StateHistory = Annotated[int, Parameter(validator=_enough_states)]


@contextlib.contextmanager
def open_database(datadir: Path) -> Iterator[tuple[LevelDb, Path]]:
    """Raises `StartError` if there is none, or a node uses it."""
    found = next((datadir / place for place in PLACES if (datadir / place / "CURRENT").exists()), None)
    if found is None:
        raise StartError(f"there is no database in {datadir}", "correct --datadir")
    store = LevelDb.open(found, create=False)
    try:
        yield store, found
    finally:
        store.close()


@app.command
def check(*, datadir: Path, full: bool = False, sample: int = 1_000, json: bool = False) -> None:
    """Compare links, roots, indexes and state with each other; the exit code is 1 if anything is wrong.

    Parameters
    ----------
    datadir
        The node's data directory.
    full
        Look at every block and every node of the state instead of samples. All headers are looked at always.
    sample
        How many blocks and paths of the state to look at otherwise.
    json
        Print one JSON object for each step.
    """
    if not _is_sound(datadir, sample=None if full else sample, as_json=json):
        sys.exit(EXIT_FAILED)


def _is_sound(datadir: Path, *, sample: int | None, as_json: bool) -> bool:
    """Print one line for each step; whether all is well."""
    sound = True
    with open_database(datadir) as (store, path):
        if not as_json:
            print(f"checking {path}, {'everything' if sample is None else f'{sample} samples'}")
        for report in check_store(store, sample=sample, random=Random()):  # noqa: S311 - a sample
            sound = sound and not report.problems
            print(json_format.dumps(asdict(report)) if as_json else _lines(report), flush=True)
    if not as_json:
        print(
            "the database is sound"
            if sound
            else "the database is damaged: restore a backup, or derive it anew"
        )
    return sound


def _lines(report: StepReport) -> str:
    mark = "[!]" if report.problems else "[+]"
    return "\n    ".join((f"{mark} {report.checked:,} {report.subject}", *report.problems))


@app.command
def stats(*, datadir: Path, json: bool = False) -> None:
    """Show which chain it is, its heads, which states it keeps, and what takes how much space."""
    with open_database(datadir) as (store, path):
        found = store_statistics(store)
        size_bytes = _size_bytes(path)
    if json:
        print(json_format.dumps(_plain(found) | {"disk_bytes": size_bytes}, indent=2))
        return
    states = "all states" if found.kept_states is None else f"{found.kept_states} states behind the head"
    heads = found.heads
    print(f"{path}: {size_bytes / 1e6:,.1f} MB, schema {found.schema}, chain {found.chain_id}")
    print(f"genesis 0x{found.genesis_hash.hex()}")
    print(
        f"head {heads.unsafe.number}, safe {heads.safe.number}, finalized {heads.finalized.number}; ", end=""
    )
    print(f"keeps {states}, the oldest of block {found.oldest_state}")
    table = Table("", "entries", "MB uncompressed")
    for kind in found.kinds:
        table.add_row(kind.kind, f"{kind.entries:,}", f"{kind.bytes / 1e6:,.1f}")
    Console().print(table)


@app.command
def prune(*, datadir: Path, state_history: StateHistory) -> None:
    """Delete older states for good, so that the node may run with `--state-history`.

    Parameters
    ----------
    datadir
        The node's data directory.
    state_history
        How many states behind the head to keep.
    """
    with open_database(datadir) as (store, path):
        before = _size_bytes(path)
        pruned = prune_store(store, state_history)
        print(f"kept the states of blocks {pruned.first} to {pruned.last}")
        print(f"deleted {pruned.deleted_nodes:,} nodes")
        store.compact()
    print(f"{path}: {before / 1e6:,.1f} MB before, {_size_bytes(path) / 1e6:,.1f} MB now")


@app.command
def compact(*, datadir: Path) -> None:
    """Free the disk space of deleted entries."""
    with open_database(datadir) as (store, path):
        before = _size_bytes(path)
        store.compact()
    print(f"{path}: {before / 1e6:,.1f} MB before, {_size_bytes(path) / 1e6:,.1f} MB now")


def _plain(found: StoreStatistics) -> dict[str, object]:
    heads = {name: getattr(found.heads, name).number for name in ("unsafe", "safe", "finalized")}
    return asdict(found) | {"genesis_hash": "0x" + found.genesis_hash.hex(), "heads": heads}


def _size_bytes(directory: Path) -> int:
    return sum(file.stat().st_size for file in directory.iterdir())
