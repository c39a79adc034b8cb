"""What an operator asks a stopped node's database, and the answers on a screen."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from random import Random

from rich.console import Console
from rich.table import Table

from openledger_node.chain.integrity import StepReport, check_store
from openledger_node.chain.state_pruning import prune_store
from openledger_node.chain.statistics import StoreStatistics, store_statistics
from openledger_node.errors import StartError
from openledger_node.storage.leveldb import LevelDb

PLACES = ("chain", "node/chain", "verifier/chain")
"""Where a data directory has its database: a node's own, or that of `dev`, whose parts have one each."""


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


def check(datadir: Path, *, sample: int | None, as_json: bool) -> bool:
    """Print one line for each step; whether all is well."""
    sound = True
    with open_database(datadir) as (store, path):
        if not as_json:
            print(f"checking {path}, {'everything' if sample is None else f'{sample} samples'}")
        for report in check_store(store, sample=sample, random=Random()):  # noqa: S311 - a sample
            sound = sound and not report.problems
            print(json.dumps(asdict(report)) if as_json else _lines(report), flush=True)
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


def stats(datadir: Path, *, as_json: bool) -> None:
    """Print whose chain it is, its heads, and entries and bytes by kind."""
    with open_database(datadir) as (store, path):
        found = store_statistics(store)
        size_bytes = _size_bytes(path)
    if as_json:
        print(json.dumps(_plain(found) | {"disk_bytes": size_bytes}, indent=2))
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


def prune(datadir: Path, history: int) -> None:
    """Delete the states older than `history` blocks, for good, and give the space back."""
    with open_database(datadir) as (store, path):
        before = _size_bytes(path)
        pruned = prune_store(store, history)
        print(f"kept the states of blocks {pruned.first} to {pruned.last}")
        print(f"deleted {pruned.deleted_nodes:,} nodes")
        store.compact()
    print(f"{path}: {before / 1e6:,.1f} MB before, {_size_bytes(path) / 1e6:,.1f} MB now")


def compact(datadir: Path) -> None:
    """Give back the space of what was deleted."""
    with open_database(datadir) as (store, path):
        before = _size_bytes(path)
        store.compact()
    print(f"{path}: {before / 1e6:,.1f} MB before, {_size_bytes(path) / 1e6:,.1f} MB now")


def _plain(found: StoreStatistics) -> dict[str, object]:
    heads = {name: getattr(found.heads, name).number for name in ("unsafe", "safe", "finalized")}
    return asdict(found) | {"genesis_hash": "0x" + found.genesis_hash.hex(), "heads": heads}


def _size_bytes(directory: Path) -> int:
    return sum(file.stat().st_size for file in directory.iterdir())
