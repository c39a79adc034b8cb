"""Snapshots: a restored store is the chain it was made of, and nothing wrong is ever restored."""

import hashlib
import json
from pathlib import Path

import pytest

from openledger_node.chain.chain import Chain
from openledger_node.chain.snapshot import MANIFEST, create_snapshot, read_manifest, restore_entries
from openledger_node.errors import StartError
from openledger_node.storage import keys
from openledger_node.storage.keyvalue import MemoryKeyValue
from tests.evm import world
from tests.evm.world import ALICE, ROLLUP

FINAL, HEAD = 5, 7


def _open(store: MemoryKeyValue, state_history: int | None = None) -> Chain:
    return Chain.open(ROLLUP, store, world.allocation(), world.GENESIS_TIME_S, state_history=state_history)


def _extend(chain: Chain, number: int) -> None:
    raw = ALICE.sign(ROLLUP, nonce=number, to=world.STORE_ADDRESS, data=world.word(number + 1), value=0)
    block = chain.import_block(world.inputs(chain, raw))
    if block.header.number == FINAL:
        chain.set_heads(safe=block.header.hash, finalized=block.header.hash)


def _filled(state_history: int | None = None) -> tuple[MemoryKeyValue, Chain]:
    store = MemoryKeyValue()
    chain = _open(store, state_history)
    for number in range(HEAD):
        _extend(chain, number)
    return store, chain


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create_snapshot(_filled()[0], tmp_path / "snapshot")
    return tmp_path / "snapshot"


@pytest.mark.parametrize("state_history", [None, 2])
def test_a_restored_chain_goes_on_as_the_first_one_did(tmp_path: Path, state_history: int | None) -> None:
    store, chain = _filled(state_history)
    manifest = create_snapshot(store, tmp_path / "snapshot")
    assert manifest == read_manifest(tmp_path / "snapshot")
    restored = MemoryKeyValue()
    header = restore_entries(tmp_path / "snapshot", manifest, restored, 64)
    final = chain.block_by_number(FINAL)
    assert final is not None
    assert header == final.header
    second = _open(restored)
    assert second.heads.unsafe == second.heads.safe == second.heads.finalized
    for number in range(FINAL + 1):
        assert second.block_by_number(number) == chain.block_by_number(number)
    for number in range(FINAL, HEAD):
        _extend(second, number)
    assert second.head == chain.head
    assert second.supply(HEAD) == chain.supply(HEAD)


def test_only_a_final_block_with_its_state_is_taken(tmp_path: Path) -> None:
    store, _ = _filled(2)
    with pytest.raises(StartError, match="is not final"):
        create_snapshot(store, tmp_path / "later", FINAL + 1)
    with pytest.raises(StartError, match="state of block 3 is not kept"):
        create_snapshot(store, tmp_path / "earlier", 3)
    assert not (tmp_path / "earlier" / MANIFEST).exists(), "half a snapshot is none"
    (tmp_path / "there").mkdir()
    with pytest.raises(StartError, match="File exists"):
        create_snapshot(store, tmp_path / "there")


def _refused(folder: Path, match: str) -> None:
    with pytest.raises(StartError, match=match):
        restore_entries(folder, read_manifest(folder), MemoryKeyValue(), 64)


def test_a_chunk_that_is_altered_cut_off_or_missing(folder: Path) -> None:
    chunk = folder / "000000.chunk"
    data = chunk.read_bytes()
    chunk.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    _refused(folder, "does not have the sha256")
    chunk.write_bytes(data[:-1])
    _refused(folder, f"has {len(data) - 1} bytes, not {len(data)}")
    chunk.unlink()
    _refused(folder, "cannot read")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("format", "openledger-snapshot/2"),
        ("number", -1),
        ("number", "5"),
        ("block_hash", "0x12"),
        ("chunks", [{"name": "../../etc/passwd", "sha256": "", "size_bytes": 1}]),
        ("chunks", [{"name": "000000.chunk", "sha256": "", "size_bytes": 2**40}]),
        ("surprise", 1),
    ],
)
def test_a_manifest_that_is_not_one(folder: Path, field: str, value: object) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(manifest | {field: value}))
    with pytest.raises(StartError, match="is not a snapshot's"):
        read_manifest(folder)
    (folder / MANIFEST).write_text("{")
    with pytest.raises(StartError, match="is not a snapshot's"):
        read_manifest(folder)
    (folder / MANIFEST).unlink()
    with pytest.raises(StartError, match="holds no whole snapshot"):
        read_manifest(folder)


def _rewritten(folder: Path, entries: dict[bytes, bytes]) -> None:
    """A forger's snapshot: other entries, and a manifest that fits them."""
    pairs = ((len(k).to_bytes(4, "big") + len(v).to_bytes(4, "big") + k + v) for k, v in entries.items())
    data = b"".join(pairs)
    (folder / "000000.chunk").write_bytes(data)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["chunks"] = [
        {"name": "000000.chunk", "sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}
    ]
    (folder / MANIFEST).write_text(json.dumps(manifest))


def _entries(folder: Path) -> dict[bytes, bytes]:
    data, at, found = (folder / "000000.chunk").read_bytes(), 0, {}
    while at < len(data):
        key_end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        end = key_end + int.from_bytes(data[at + 4 : at + 8], "big")
        found[data[at + 8 : key_end]] = data[key_end:end]
        at = end
    return found


def test_a_forger_cannot_take_away_or_alter_an_entry(folder: Path) -> None:
    entries = _entries(folder)
    kinds = (keys.HEADER, keys.BODY, keys.SUPPLY, keys.CANONICAL, keys.TRANSACTION, keys.NODE, keys.CODE)
    for kind in kinds:
        key = next(each for each in entries if each.startswith(kind))
        _rewritten(folder, {each: value for each, value in entries.items() if each != key})
        _refused(folder, "snapshot")
        value = entries[key]
        _rewritten(folder, {**entries, key: value[:-1] + bytes([value[-1] ^ 1])})
        _refused(folder, "snapshot")


def test_entries_that_belong_in_no_snapshot(folder: Path) -> None:
    entries = _entries(folder)
    _rewritten(folder, {**entries, keys.FINALIZED: bytes(32)})
    _refused(folder, "belongs in no snapshot")
    (folder / "000000.chunk").write_bytes(b"")
