"""Whatever write the process dies at, the store holds the block before or the block after, whole.

Real processes that are killed: `tests/integration/test_kill_points.py`.
"""

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import pytest

from genesis.types import Hash32
from openledger_node.chain import state_pruning
from openledger_node.chain.chain import Chain
from openledger_node.chain.integrity import check_store
from openledger_node.errors import StartError
from openledger_node.storage import keys
from openledger_node.storage.keyvalue import KeyValue, MemoryKeyValue
from openledger_node.storage.leveldb import LevelDb
from tests.evm import world
from tests.evm.world import ALICE, ROLLUP

CUTS = 60
LOG_BLOCK_BYTES = 32 * 1024
"""LevelDB leaves out the rest of such a block after damage, and reads on in the next."""


class _PowerFailureError(Exception):
    pass


class _Failing(MemoryKeyValue):
    """Loses power at one write: before any of it, or when all of it is on disk."""

    def __init__(self, fails_at: int = 10**9, *, after: bool = False) -> None:
        super().__init__()
        self.writes = 0
        self._fails_at = fails_at
        self._after = after

    def write(
        self, puts: Sequence[tuple[bytes, bytes]], deletes: Sequence[bytes] = (), *, sync: bool = True
    ) -> None:
        fails = self.writes == self._fails_at
        self.writes += 1
        if not fails or self._after:
            super().write(puts, deletes, sync=sync)
        if fails:
            raise _PowerFailureError


def _open(store: KeyValue) -> Chain:
    return Chain.open(ROLLUP, store, world.allocation(), world.GENESIS_TIME_S, state_history=2)


def _grow(chain: Chain) -> None:
    nonce = chain.snapshot().account(ALICE.address).nonce
    raw = ALICE.sign(ROLLUP, nonce=nonce, to=world.STORE_ADDRESS, data=world.word(nonce), value=0)
    chain.import_block(world.inputs(chain, raw))


def _go_back(chain: Chain) -> None:
    chain.rewind_to(chain.head.header.parent_hash)


LIFE: tuple[Callable[[Chain], None], ...] = (
    _grow,
    _grow,
    lambda chain: chain.set_heads(safe=chain.head.header.hash),
    _grow,
    lambda chain: chain.set_heads(finalized=chain.head.header.parent_hash),
    _grow,
    _go_back,
    _grow,
    _grow,
    lambda chain: chain.set_heads(safe=chain.head.header.hash),
    lambda chain: chain.set_heads(finalized=chain.head.header.hash),
    _grow,
    _grow,
)
"""What a chain goes through; from the eighth step on states are pruned."""


def _live(store: _Failing) -> list[Hash32]:
    """The heads that readers saw, each as soon as they could."""
    seen: list[Hash32] = []
    try:
        chain = _open(store)
        seen.append(chain.head.header.hash)
        chain.subscribe(lambda _: seen.append(chain.heads.unsafe.hash))
        for step in LIFE:
            step(chain)
    except _PowerFailureError:
        pass
    return seen


def _problems(store: KeyValue) -> list[str]:
    reports = check_store(store, sample=None, random=Random(1))
    return [problem for report in reports for problem in report.problems]


def test_stopped_at_each_write() -> None:
    heads = _live(whole := _Failing())
    assert whole.writes == len(LIFE) + 3  # schema, genesis, and the counts of its state
    for write in range(whole.writes):
        for after in (False, True):
            seen = _live(store := _Failing(write, after=after))
            again = _open(store)
            at = len(seen) - 1
            assert again.head.header.hash in (heads[max(at, 0)], heads[at + after]), (write, after)
            assert _problems(store) == []
            _grow(again)
            assert _problems(store) == []


def test_each_block_and_each_rewind_is_one_write() -> None:
    chain = _open(store := _Failing())
    for step in LIFE:
        before = store.writes
        step(chain)
        assert store.writes == before + 1


def test_pruning_by_hand_stopped_at_each_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_pruning, "SWEEP_BATCH", 10)
    whole = MemoryKeyValue()
    chain = Chain.open(ROLLUP, whole, world.allocation(), world.GENESIS_TIME_S)
    for _ in range(6):
        _grow(chain)
        chain.set_heads(finalized=chain.head.header.hash)
    stops = 0
    for write in range(100):
        store = _Failing(write)
        MemoryKeyValue.write(store, list(whole.scan(b"")))
        try:
            state_pruning.prune_store(store, 2)
            break
        except _PowerFailureError:
            stops += 1
        assert Chain.open(ROLLUP, store, world.allocation(), world.GENESIS_TIME_S).head == chain.head
        state_pruning.prune_store(store, 2)
        again = _open(store)
        _grow(again)
        assert again.oldest_state == 5
        assert {key[1:] for key, _ in store.scan(keys.NODE)} == _kept_nodes(again, store)
    assert stops > 3


def _kept_nodes(chain: Chain, store: KeyValue) -> set[bytes]:
    headers = (chain.header_by_number(number) for number in range(5, chain.heads.unsafe.number + 1))
    places, _ = state_pruning.count_places(
        store, [(h.number, h.state_root) for h in headers if h is not None]
    )
    return set(places)


def test_a_log_cut_anywhere_ends_at_a_whole_block(tmp_path: Path) -> None:
    store = LevelDb.open(tmp_path / "db")
    chain = _open(store)
    hashes = [chain.genesis.header.hash]
    for _ in range(10):
        _grow(chain)
        chain.set_heads(safe=chain.head.header.hash, finalized=chain.head.header.hash)
        hashes.append(chain.head.header.hash)
    shutil.copytree(tmp_path / "db", tmp_path / "crashed")
    store.close()
    (log,) = (tmp_path / "crashed").glob("*.log")
    dice, heights = Random(3), []
    for length in sorted(dice.randrange(log.stat().st_size + 1) for _ in range(CUTS)):
        copy = tmp_path / "copy"
        shutil.copytree(tmp_path / "crashed", copy)
        with (copy / log.name).open("r+b") as file:
            file.truncate(length)
            file.seek(0, os.SEEK_END)
            file.write(b"\0" * dice.choice((0, 0, 4_096)))  # space that the file system had reserved
        store = LevelDb.open(copy)
        head = _open(store).head.header
        assert head.hash == hashes[head.number]
        assert _problems(store) == []
        heights.append(head.number)
        store.close()
        shutil.rmtree(copy)
    assert heights == sorted(heights)
    assert len(set(heights)) > 5


def test_a_log_damaged_in_the_middle_is_refused(tmp_path: Path) -> None:
    store = LevelDb.open(tmp_path / "db")
    chain = _open(store)
    for _ in range(40):
        _grow(chain)
    shutil.copytree(tmp_path / "db", tmp_path / "damaged")
    store.close()
    (log,) = (tmp_path / "damaged").glob("*.log")
    with log.open("r+b") as file:
        assert log.stat().st_size > 4 * LOG_BLOCK_BYTES
        file.seek(LOG_BLOCK_BYTES * 3 // 2)
        file.write(b"damage")
    damaged = LevelDb.open(tmp_path / "damaged")
    with pytest.raises(StartError, match="the database is damaged: it lacks block"):
        _open(damaged)
    damaged.close()
