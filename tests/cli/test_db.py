"""`openledger-node db`: what it says, and that it exits with 1 where something is wrong."""

import json
from pathlib import Path

import pytest

from openledger_node.chain.chain import Chain
from openledger_node.cli import db
from openledger_node.cli.commands import app
from openledger_node.errors import StartError
from openledger_node.storage import keys
from openledger_node.storage.leveldb import LevelDb
from tests.evm import world
from tests.evm.world import ALICE, ROLLUP

BLOCKS = 70


def _open(store: LevelDb, state_history: int | None = None) -> Chain:
    return Chain.open(ROLLUP, store, world.allocation(), world.GENESIS_TIME_S, state_history=state_history)


@pytest.fixture
def datadir(tmp_path: Path) -> Path:
    """A node's, with more blocks than the least history."""
    store = LevelDb.open(tmp_path / "chain")
    chain = _open(store)
    for nonce in range(BLOCKS):
        raw = ALICE.sign(ROLLUP, nonce=nonce, to=bytes((nonce + 1,)) * 20)
        block = chain.import_block(world.inputs(chain, raw))
        chain.set_heads(safe=block.header.hash, finalized=block.header.hash)
    store.close()
    return tmp_path


def _run(*arguments: str) -> int:
    """The exit code."""
    with pytest.raises(SystemExit) as ended:
        app(["db", *arguments], print_error=False, exit_on_error=False)
    return int(ended.value.code or 0)


def test_a_sound_database(datadir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["--full"], ["--sample", "10"]):
        assert _run("check", "--datadir", str(datadir), *arguments) == 0
        said = capsys.readouterr().out
        assert "the database is sound" in said
        assert f"[+] {BLOCKS + 1} headers linked" in said


def test_a_damaged_one(datadir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = LevelDb.open(datadir / "chain")
    block_hash = store.get(keys.by_number(keys.CANONICAL, BLOCKS))
    assert block_hash is not None
    store.write([], [keys.by_hash(keys.RECEIPTS, block_hash)])
    store.close()
    assert _run("check", "--datadir", str(datadir)) == 1
    said = capsys.readouterr().out
    assert (
        f"[!] {BLOCKS + 1} blocks with their roots, receipts and indexes\n    block {BLOCKS} is not whole"
        in said
    )
    assert "the database is damaged" in said
    assert _run("check", "--datadir", str(datadir), "--json") == 1
    steps = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [step["problems"] for step in steps if step["problems"]] == [[f"block {BLOCKS} is not whole"]]


def test_pruning_keeps_at_least_64_states_that_check(
    datadir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Exception, match="keep at least 64"):
        app(
            ["db", "prune", "--datadir", str(datadir), "--state-history", "3"],
            print_error=False,
            exit_on_error=False,
        )
    assert _run("prune", "--datadir", str(datadir), "--state-history", "64") == 0
    assert f"kept the states of blocks {BLOCKS - 64} to {BLOCKS}" in capsys.readouterr().out
    assert _run("check", "--datadir", str(datadir), "--full") == 0
    assert "[+] " in capsys.readouterr().out
    store = LevelDb.open(datadir / "chain")
    assert _open(store, 64).oldest_state == BLOCKS - 64
    store.close()
    assert _run("compact", "--datadir", str(datadir)) == 0
    assert _run("stats", "--datadir", str(datadir), "--json") == 0
    stats = json.loads(capsys.readouterr().out.partition("\n")[2])
    assert (stats["kept_states"], stats["oldest_state"], stats["heads"]["unsafe"]) == (
        64,
        BLOCKS - 64,
        BLOCKS,
    )


def test_stats_of_the_database_of_a_dev_network(datadir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (datadir / "node").mkdir()
    (datadir / "chain").rename(datadir / "node" / "chain")
    assert _run("stats", "--datadir", str(datadir)) == 0
    said = capsys.readouterr().out
    assert (
        f"head {BLOCKS}, safe {BLOCKS}, finalized {BLOCKS}; keeps all states, the oldest of block 0" in said
    )
    assert "receipts" in said


def test_what_cannot_be_opened(datadir: Path, tmp_path: Path) -> None:
    with pytest.raises(StartError, match="there is no database"), db.open_database(tmp_path / "nowhere"):
        pass
    store = LevelDb.open(datadir / "chain")
    with pytest.raises(StartError, match="in use by another process"), db.open_database(datadir):
        pass
    store.close()
