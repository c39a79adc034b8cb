"""Continuous batching: what joins, leaves, waits or breaks changes nobody else's tokens."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch

from tests.workers.serving.conftest import Shelf
from tests.workers.serving.test_library import wait_for
from workers.artifacts.folders import store_folder
from workers.artifacts.store import ArtifactStore
from workers.serving.adapters.library import AdapterLibrary
from workers.serving.adapters.peft_adapter import PackedAdapter
from workers.serving.engine.engine import Engine
from workers.serving.engine.sequence import NO_ADAPTER, Event, SamplingSettings, Sequence, TokenOutput
from workers.serving.errors import AdapterRefusedError, ModelNotFoundError
from workers.serving.server import ServerOptions, build_engine

PATIENCE_S = 60.0


@dataclass
class Run:
    """One sequence and what it was told."""

    sequence: Sequence
    events: list[Event] = field(default_factory=list)

    @property
    def tokens(self) -> list[int]:
        return [event.token for event in self.events if isinstance(event, TokenOutput)]


def start(engine: Engine, prompt: list[int], adapter: str = NO_ADAPTER, **sampling: Any) -> Run:
    settings = SamplingSettings(**{"max_tokens": 6, "temperature": 0.0, **sampling})
    events: list[Event] = []
    run = Run(Sequence(tuple(prompt), settings, adapter, events.append), events)
    engine.add(run.sequence)
    return run


def finish(engine: Engine, until: Callable[[], bool] = lambda: False) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while engine.has_work and not until():
        if time.monotonic() > deadline_s:
            raise AssertionError("the engine does not get done")
        if not engine.step():
            time.sleep(0.001)  # an adapter is being loaded, on another thread


def build(shelf: Shelf, **options: Any) -> tuple[Engine, AdapterLibrary]:
    settings = {"lanes": 4, "slots": 2, "batch_tokens": 32, "threads": 1, **options}
    engine, library, _shape = build_engine(ServerOptions(shelf.base, "base", **settings), shelf.store)
    return engine, library


def alone(shelf: Shelf, prompt: list[int], adapter: str, **sampling: Any) -> list[int]:
    engine, _library = build(shelf, lanes=1, batch_tokens=512)
    run = start(engine, prompt, adapter, **sampling)
    finish(engine)
    return run.tokens


def test_the_same_tokens_alone_and_in_any_company(shelf: Shelf) -> None:
    """Three lanes, two slots, three adapters, prompts in pieces, sequences that come and go."""
    numbers = random.Random(3)
    adapters = [NO_ADAPTER, *shelf.hashes.values()]
    asked = [
        (
            [numbers.randrange(2, 300) for _ in range(numbers.choice((1, 2, 7, 40, 90)))],
            adapters[number % 4],
            {"max_tokens": numbers.randrange(1, 12), "seed": number, "temperature": float(number % 2)},
        )
        for number in range(24)
    ]
    engine, library = build(shelf, lanes=3, slots=2, batch_tokens=24)
    runs = [start(engine, prompt, adapter, **sampling) for prompt, adapter, sampling in asked]
    finish(engine)
    for run, (prompt, adapter, sampling) in zip(runs, asked, strict=True):
        assert run.tokens == alone(shelf, prompt, adapter, **sampling)
        assert run.events[-1].finish == "length"  # type: ignore[union-attr]
    assert library.statistics().known == 3


def test_tokens_are_those_of_peft(shelf: Shelf) -> None:
    engine, _library = build(shelf, slots=3)
    prompt = [9, 8, 7, 6]
    runs = {name: start(engine, prompt, folder, max_tokens=10) for name, folder in shelf.hashes.items()}
    finish(engine)
    for name, run in runs.items():
        shelf.adapted.set_adapter(name)
        with torch.no_grad():
            expected = shelf.adapted.generate(
                input_ids=torch.tensor([prompt]),
                attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
                max_new_tokens=10,
                do_sample=False,
                eos_token_id=None,
                pad_token_id=0,
            )
        assert run.tokens == expected[0, len(prompt) :].tolist()


def test_stop_tokens_and_the_length_limit_end_a_sequence(shelf: Shelf) -> None:
    engine, _library = build(shelf, max_length=12)
    tokens = alone(shelf, [5, 6], NO_ADAPTER, max_tokens=5)
    stopped = start(engine, [5, 6], stop_tokens=frozenset({tokens[2]}))
    longest = start(engine, [5, 6], max_tokens=100)
    finish(engine)
    assert stopped.tokens == tokens[: tokens.index(tokens[2]) + 1]
    assert stopped.events[-1].finish == "stop"  # type: ignore[union-attr]
    assert len(longest.tokens) == 10


def test_cancelling_makes_room_and_says_nothing(shelf: Shelf) -> None:
    engine, _library = build(shelf, lanes=2)
    adapter = shelf.hashes["some"]
    runs = [start(engine, [7, number], adapter, max_tokens=50) for number in range(4)]
    finish(engine, until=lambda: bool(runs[0].events))
    runs[0].sequence.is_cancelled = runs[3].sequence.is_cancelled = True
    told = len(runs[0].events)
    finish(engine)
    assert len(runs[0].events) == told
    assert runs[3].events == []
    assert runs[1].tokens == alone(shelf, [7, 1], adapter, max_tokens=50)
    assert runs[2].tokens == alone(shelf, [7, 2], adapter, max_tokens=50)


def test_an_adapter_that_overflows_harms_nobody(shelf: Shelf) -> None:
    engine, library = build(shelf, slots=3)
    name = shelf.hashes["everything"]
    packed = wait_for(library, name)
    downs = tuple(
        tuple(None if one is None else torch.full_like(one, 1e30) for one in layer) for layer in packed.downs
    )
    engine.slots.acquire("bad", PackedAdapter(packed.rank, downs, packed.ups, packed.scales))
    good, bad = start(engine, [4, 5, 6]), start(engine, [4, 5, 6], "bad")
    finish(engine)
    after = start(engine, [8, 9], name)
    finish(engine)
    assert isinstance(bad.events[-1], AdapterRefusedError)
    assert good.tokens == alone(shelf, [4, 5, 6], NO_ADAPTER)
    assert after.tokens == alone(shelf, [8, 9], name)


def test_an_adapter_that_vanishes_fails_its_request_alone(shelf: Shelf, tmp_path: Any) -> None:
    store = ArtifactStore(tmp_path)
    folder = store_folder(store, shelf.adapters / "some")
    other = store_folder(store, shelf.adapters / "everything")
    options = ServerOptions(shelf.base, "base", threads=1, lanes=2, slots=1)
    engine, library, _shape = build_engine(options, store)
    library.resolve(f"sha256:{folder}")
    store.path(library._known[folder].tensors).write_bytes(b"changed")
    library._drop(folder)
    lost, kept = start(engine, [3, 4], folder), start(engine, [3, 4], other)
    finish(engine)
    assert isinstance(lost.events[-1], ModelNotFoundError)
    assert len(kept.tokens) == 6


def test_one_who_waits_for_a_slot_is_not_passed_for_ever(shelf: Shelf) -> None:
    engine, _library = build(shelf, lanes=4, slots=1)
    first, second = shelf.hashes["some"], shelf.hashes["everything"]
    held = start(engine, [5], first, max_tokens=40)
    finish(engine, until=lambda: bool(held.events))
    waits = start(engine, [6], second, max_tokens=1)
    rivals = [start(engine, [7], first, max_tokens=1) for _ in range(300)]
    finish(engine, until=lambda: bool(waits.events))
    assert sum(bool(rival.events) for rival in rivals) < 120
    finish(engine)
    assert all(rival.events for rival in rivals)


@pytest.mark.parametrize("budget", [1, 3, 64])
def test_prompts_in_pieces_are_the_prompt(shelf: Shelf, budget: int) -> None:
    engine, _library = build(shelf, batch_tokens=budget)
    run = start(engine, list(range(2, 40)), shelf.hashes["attention"])
    finish(engine)
    assert run.tokens == alone(shelf, list(range(2, 40)), shelf.hashes["attention"])
