"""More adapters than slots and memory hold, asked for at once: nobody gets another's answer or starves."""

import json
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workers.serving.conftest import Shelf
from tests.workers.serving.test_engine import Run, alone, build, finish, start
from tests.workers.serving.test_library import library_of, wait_for
from workers.artifacts import canonical_json
from workers.artifacts.folders import FORMAT
from workers.artifacts.store import ArtifactStore
from workers.serving.adapters.library import AdapterLibrary
from workers.serving.adapters.peft_adapter import CONFIG_FILE, TENSOR_FILE
from workers.serving.engine.engine import Engine
from workers.serving.errors import AdapterRefusedError, ModelNotFoundError, ServingError
from workers.serving.server import ServerOptions, build_engine

ADAPTERS, REQUESTS, SLOTS = 10, 30, 2
Many = tuple[ArtifactStore, list[str]]


@pytest.fixture(scope="module")
def many(shelf: Shelf, tmp_path_factory: pytest.TempPathFactory) -> Many:
    """Ten adapters that answer differently: one file of factors, ten strengths."""
    store = ArtifactStore(tmp_path_factory.mktemp("many"))
    source = shelf.adapters / "everything"
    config = json.loads((source / CONFIG_FILE).read_text())
    tensors = (source / TENSOR_FILE).read_bytes()
    folders: list[str] = []
    for number in range(ADAPTERS):
        factors = store.put(tensors[:-4] + bytes([0, 0, number, 60]))  # another last value: a file of its own
        own = store.put(json.dumps({**config, "lora_alpha": 2 + 3 * number}).encode())
        files = {CONFIG_FILE: own, TENSOR_FILE: factors}
        folders.append(store.put(canonical_json.encode({"format": FORMAT, "files": files})))
    return store, folders


@pytest.fixture
def pressed(shelf: Shelf, many: Many) -> Iterator[tuple[Engine, AdapterLibrary]]:
    """Two slots, and memory for three adapters."""
    size = _one_adapter_bytes(shelf, many)
    options = ServerOptions(
        shelf.base, "base", lanes=4, slots=SLOTS, batch_tokens=32, threads=1, memory_bytes=3 * size
    )
    engine, library, _shape = build_engine(options, many[0])
    yield engine, library
    library.close()


def _one_adapter_bytes(shelf: Shelf, many: Many) -> int:
    engine, library, _shape = build_engine(ServerOptions(shelf.base, "base", slots=1, threads=1), many[0])
    size = wait_for(library, many[1][0]).size_bytes
    library.close()
    return max(size, engine.slots.size_bytes)


def answers_alone(shelf: Shelf, store: ArtifactStore, asked: list[tuple[list[int], str]]) -> list[list[int]]:
    beside = Shelf(shelf.base, shelf.adapters, store, shelf.hashes, shelf.adapted)
    return [alone(beside, prompt, folder) for prompt, folder in asked]


def requests(folders: list[str], seed: int) -> list[tuple[list[int], str]]:
    dice = random.Random(seed)
    return [
        ([dice.randrange(2, 300) for _ in range(5)], folders[number % len(folders)])
        for number in range(REQUESTS)
    ]


def test_the_evicted_are_loaded_again_and_answer_as_themselves(
    shelf: Shelf, many: Many, pressed: tuple[Engine, AdapterLibrary]
) -> None:
    (store, folders), (engine, library) = many, pressed
    asked = requests(folders, 1)
    runs = [start(engine, *each) for each in asked]
    most_bytes = 0

    def watch() -> bool:
        nonlocal most_bytes
        most_bytes = max(most_bytes, library.statistics().memory_bytes)
        return False

    finish(engine, until=watch)
    assert [run.tokens for run in runs] == answers_alone(shelf, store, asked)
    assert len({tuple(run.tokens) for run in runs}) > ADAPTERS, "all adapters answer alike"
    assert most_bytes <= library._memory_bytes
    statistics = library.statistics()
    assert statistics.known == ADAPTERS
    assert ADAPTERS < statistics.loads <= REQUESTS, "no adapter was evicted, or some were before their turn"


def test_what_waits_is_not_loaded_and_evicted_before_its_turn(
    many: Many, pressed: tuple[Engine, AdapterLibrary]
) -> None:
    engine, library = pressed
    runs = [start(engine, [5, 6], folder) for folder in many[1]]
    finish(engine)
    assert all(run.tokens for run in runs)
    assert library.statistics().loads == ADAPTERS


def test_the_pinned_are_loaded_once_and_stay(many: Many, pressed: tuple[Engine, AdapterLibrary]) -> None:
    (_store, folders), (engine, library) = many, pressed
    pinned = library.resolve(f"sha256:{folders[0]}")
    library.add_alias("mine", pinned, pin=True)
    finish_run = start(engine, [5, 6], pinned)
    finish(engine)
    assert finish_run.tokens
    runs = [start(engine, *each) for each in requests(folders[1:], 2)]
    finish(engine, until=lambda: not (engine.slots.has(pinned) and pinned in library._packed))
    assert all(run.tokens for run in runs), "the pinned one was given up"
    before = library.statistics().loads
    assert start_and_finish(engine, pinned).tokens
    assert library.statistics().loads == before


def start_and_finish(engine: Engine, folder: str) -> Run:
    run = start(engine, [7, 8], folder)
    finish(engine)
    return run


def test_pins_that_would_fill_slots_or_memory_are_refused(
    shelf: Shelf, many: Many, pressed: tuple[Engine, AdapterLibrary]
) -> None:
    (store, folders), (engine, library) = many, pressed
    first, second = (library.resolve(f"sha256:{folder}") for folder in folders[:2])
    library.add_alias("one", first, pin=True)
    with pytest.raises(AdapterRefusedError, match="1 adapters are pinned, which is the limit"):
        library.add_alias("two", second, pin=True)
    assert start_and_finish(engine, second).tokens, "what is not pinned still has a slot"
    small = library_of(shelf, store, memory_bytes=80_000)
    with pytest.raises(AdapterRefusedError, match="memory"):
        small.add_alias("one", small.resolve(f"sha256:{folders[0]}"), pin=True)
    small.close()


def test_a_first_use_by_many_at_once_loads_once(shelf: Shelf, many: Many) -> None:
    library = library_of(shelf, many[0])
    barrier, found = threading.Barrier(16), list[str]()

    def resolve() -> None:
        barrier.wait()
        found.append(library.resolve(f"sha256:{many[1][0]}"))

    threads = [threading.Thread(target=resolve) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [many[1][0]] * 16
    assert library.statistics().loads == 1
    library.close()


def test_a_file_spoilt_while_it_was_evicted_fails_its_own_requests(shelf: Shelf, tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    for file in shelf.store.directory.iterdir():
        (store.directory / file.name).write_bytes(file.read_bytes())
    spoilt, *good = shelf.hashes.values()
    beside = Shelf(shelf.base, shelf.adapters, store, shelf.hashes, shelf.adapted)
    engine, library = build(beside, slots=1, lanes=2, memory_bytes=128 << 10)
    assert start_and_finish(engine, spoilt).tokens
    assert start_and_finish(engine, good[0]).tokens
    path = store.path(library._known[spoilt].tensors)  # type: ignore[index] # a folder's hash
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    library._drop(spoilt)  # type: ignore[arg-type]
    lost = [start(engine, [3, number], spoilt) for number in range(3)]
    kept = [start(engine, [3, number], folder) for number in range(3) for folder in good]
    finish(engine)
    assert all(isinstance(run.events[-1], ModelNotFoundError | ServingError) for run in lost)
    assert [run.tokens for run in kept] == [
        alone(shelf, [3, number], folder) for number in range(3) for folder in good
    ]
