"""Both stores keep the same contract."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openledger_node.errors import StartError
from openledger_node.storage.keyvalue import KeyValue, MemoryKeyValue
from openledger_node.storage.leveldb import LevelDb


@pytest.fixture(params=["memory", "leveldb"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KeyValue]:
    opened: KeyValue = MemoryKeyValue() if request.param == "memory" else LevelDb.open(tmp_path / "db")
    yield opened
    opened.close()


def test_write_puts_and_deletes(store: KeyValue) -> None:
    store.write([(b"a", b"1"), (b"b", b"2")])
    store.write([(b"c", b"3")], [b"a"])
    assert [store.get(key) for key in (b"a", b"b", b"c", b"d")] == [None, b"2", b"3", None]


def test_scan_is_by_prefix_in_order(store: KeyValue) -> None:
    store.write([(b"p\xff", b"3"), (b"p\x01", b"1"), (b"p\x02", b"2"), (b"q", b"x"), (b"o", b"x")])
    assert [value for _, value in store.scan(b"p")] == [b"1", b"2", b"3"]
    assert [value for _, value in store.scan(b"p", b"\x02")] == [b"2", b"3"]
    assert [value for _, value in store.scan(b"p", reverse=True)] == [b"3", b"2", b"1"]
    assert list(store.scan(b"\xff")) == []


def test_leveldb_remembers(tmp_path: Path) -> None:
    first = LevelDb.open(tmp_path / "db")
    first.write([(b"k", b"v")])
    first.close()
    second = LevelDb.open(tmp_path / "db")
    assert second.get(b"k") == b"v"
    second.close()


def test_leveldb_in_use_is_a_start_error(tmp_path: Path) -> None:
    first = LevelDb.open(tmp_path / "db")
    with pytest.raises(StartError, match="in use by another process"):
        LevelDb.open(tmp_path / "db")
    first.close()


def test_leveldb_in_a_file_is_a_start_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    with pytest.raises(StartError):
        LevelDb.open(tmp_path / "file")


_KEYS = st.binary(min_size=1, max_size=3)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.lists(st.tuples(_KEYS, st.binary(max_size=3))), st.lists(_KEYS)), max_size=8))
def test_leveldb_agrees_with_memory(
    tmp_path_factory: pytest.TempPathFactory, batches: list[tuple[list[tuple[bytes, bytes]], list[bytes]]]
) -> None:
    memory = MemoryKeyValue()
    disk = LevelDb.open(tmp_path_factory.mktemp("db") / "db")
    for puts, deletes in batches:
        memory.write(puts, deletes)
        disk.write(puts, deletes)
    assert list(memory.scan(b"")) == list(disk.scan(b""))
    disk.close()
