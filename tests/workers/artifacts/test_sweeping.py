"""Only what nothing names goes, also when the sweeper is killed or a file is put again meanwhile."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from workers.artifacts import sweeping
from workers.artifacts.store import ArtifactStore

LONG_AGO_S = 1_000.0
SWEEP = """
import sys
from pathlib import Path
from workers.artifacts import sweeping
directory, root = Path(sys.argv[1]), sys.argv[2]
here = sweeping.artefacts(directory)
print("looked", flush=True)
sweeping.remove(sweeping.unneeded(here, {root}, 2000.0), lambda name: False)
"""


def old(store: ArtifactStore, data: bytes) -> str:
    """An artefact that nobody touched for long."""
    name = store.put(data)
    os.utime(store.path(name), (LONG_AGO_S, LONG_AGO_S))
    return name


def document(*names: str) -> bytes:
    return json.dumps({"files": names}).encode()


def gone(store: ArtifactStore, roots: set[str]) -> set[str]:
    found = sweeping.unneeded(sweeping.artefacts(store.directory), roots, 2_000.0)
    return {each.path.name for each in sweeping.remove(found, lambda _name: False)}


def test_what_is_named_through_documents_stays(store: ArtifactStore) -> None:
    weights = old(store, b"\x08\0\0\0\0\0\0\0weights")
    folder = old(store, document(weights))
    manifest = old(store, document(f"sha256:{folder}"))
    unnamed, alone = old(store, b"unnamed"), old(store, document("ab" * 32))
    young = store.put(b"young")
    assert gone(store, {manifest, "cd" * 32}) == {unnamed, alone}
    assert all(store.has(name) for name in (weights, folder, manifest, young))


def test_names_across_blocks_and_beside_other_digits_are_found(
    store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "BLOCK_BYTES", 100)
    named = [old(store, bytes([number])) for number in range(20)]
    text = document(*named).replace(b'"', b"a")
    root = old(store, b"{" + text)
    assert gone(store, {root}) == set()


def test_what_is_put_again_meanwhile_stays(store: ArtifactStore) -> None:
    name = old(store, b"again")
    found = sweeping.unneeded(sweeping.artefacts(store.directory), set(), 2_000.0)
    store.put(b"again")
    assert sweeping.remove(found, lambda _name: False) == []
    assert store.get(name) == b"again"
    assert [path.name for path in store.directory.iterdir()] == [name]


def test_what_is_needed_by_now_stays(store: ArtifactStore) -> None:
    name = old(store, b"needed")
    found = sweeping.unneeded(sweeping.artefacts(store.directory), set(), 2_000.0)
    assert sweeping.remove(found, lambda each: each == name) == []
    assert store.has(name)


def test_half_made_files_go_when_nobody_writes_to_them(store: ArtifactStore) -> None:
    (store.directory / ".writing-1").write_bytes(b"half")
    folder = store.directory / ".fitting-2"
    folder.mkdir()
    (folder / "part").write_bytes(b"fresh")
    os.utime(store.directory / ".writing-1", (LONG_AGO_S, LONG_AGO_S))
    os.utime(folder, (LONG_AGO_S, LONG_AGO_S))
    found = sweeping.temporaries(store.directory, 2_000.0)
    assert [each.path.name for each in found] == [".writing-1"], "the folder's file is fresh"
    os.utime(folder / "part", (LONG_AGO_S, LONG_AGO_S))
    os.utime(folder, (LONG_AGO_S, LONG_AGO_S))
    assert len(sweeping.remove(sweeping.temporaries(store.directory, 2_000.0), lambda _name: False)) == 2
    assert list(store.directory.iterdir()) == []


def test_a_killed_sweep_takes_nothing_that_is_needed(store: ArtifactStore) -> None:
    """kill -9 at random moments; at the end everything needed is whole and nothing else is left."""
    draw = random.Random(7)
    needed = [old(store, b"needed %d" % number) for number in range(50)]
    root = old(store, document(*needed))
    for number in range(3_000):
        path = store.directory / f"{number:064x}"
        path.write_bytes(b"unnamed")
        os.utime(path, (LONG_AGO_S, LONG_AGO_S))
    for _ in range(3):
        killed = subprocess.Popen(
            [sys.executable, "-c", SWEEP, str(store.directory), root], stdout=subprocess.PIPE
        )
        assert killed.stdout is not None
        assert killed.stdout.readline() == b"looked\n"
        time.sleep(draw.uniform(0, 0.05))
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
        killed.stdout.close()
        assert all(store.get(name) for name in (*needed, root))
    left = len(sweeping.artefacts(store.directory))
    assert 51 < left < 3_051, "the kills came while files went"
    gone(store, {root})
    assert {path.name for path in store.directory.iterdir()} == {*needed, root}


def test_a_file_that_a_kill_left_aside_comes_back(store: ArtifactStore) -> None:
    name = old(store, b"aside")
    aside = store.directory / f"{sweeping.REMOVING}{name}"
    store.path(name).rename(aside)
    assert set(sweeping.artefacts(store.directory)) == {name}
    store.path(name).rename(aside)
    store.put(b"aside")
    sweeping.taken_back(store.directory)
    assert not aside.exists()
    assert Path(store.path(name)).read_bytes() == b"aside"
