"""Prompts that begin alike: computed once, answered as if computed each time, kept while memory lasts."""

import random

import pytest
import torch

from tests.workers.serving.conftest import Shelf
from tests.workers.serving.test_engine import alone, build, finish, start
from workers.serving.engine.prefixes import LEAST_TOKENS, MOST_ENTRIES, PrefixCache

SYSTEM = [random.Random(5).randrange(2, 300) for _ in range(60)]


def prompt(number: int) -> list[int]:
    return [*SYSTEM, 7 + number, 9, 30 + number]


@pytest.mark.parametrize("adapter", ["", "some"])
def test_who_begins_alike_at_once_computes_it_once(shelf: Shelf, adapter: str) -> None:
    engine, _library = build(shelf, lanes=4, batch_tokens=16)
    folder = shelf.hashes[adapter] if adapter else ""
    runs = [start(engine, prompt(number), folder) for number in range(8)]
    finish(engine)
    for number, run in enumerate(runs):
        assert run.tokens == alone(shelf, prompt(number), folder)
    statistics = engine.statistics()
    assert statistics.cached_tokens == 7 * len(SYSTEM)
    assert statistics.prompt_tokens == 8 * len(prompt(0)) - statistics.cached_tokens


def test_a_conversation_goes_on_where_it_was(shelf: Shelf) -> None:
    engine, _library = build(shelf)
    first = start(engine, prompt(1), max_tokens=20)
    finish(engine)
    further = [*prompt(1), *first.tokens, 11, 12]
    second = start(engine, further)
    again = start(engine, prompt(1), max_tokens=20)
    finish(engine)
    assert second.tokens == alone(shelf, further, "")
    assert again.tokens == first.tokens
    computed_of_first = len(prompt(1)) + 19  # the last token is never computed
    assert engine.statistics().cached_tokens == computed_of_first + len(prompt(1)) - 1


def test_adapters_do_not_share(shelf: Shelf) -> None:
    engine, _library = build(shelf, lanes=3, slots=2)
    folders = ["", shelf.hashes["some"], shelf.hashes["everything"]]
    for _ in range(2):
        runs = [start(engine, prompt(1), folder) for folder in folders]
        finish(engine)
        assert [run.tokens for run in runs] == [alone(shelf, prompt(1), folder) for folder in folders]
    assert engine.statistics().cached_tokens == 3 * (len(prompt(1)) - 1)


def test_what_was_cancelled_is_as_good_as_far_as_it_got(shelf: Shelf) -> None:
    engine, _library = build(shelf, batch_tokens=20)
    given_up = start(engine, prompt(1))
    engine.step()
    engine.step()
    given_up.sequence.is_cancelled = True
    run = start(engine, prompt(2))
    finish(engine)
    assert run.tokens == alone(shelf, prompt(2), "")
    assert engine.statistics().cached_tokens == 40


def test_without_memory_every_prompt_is_computed(shelf: Shelf) -> None:
    engine, _library = build(shelf, prefix_bytes=0)
    for _ in range(2):
        start(engine, prompt(1))
        finish(engine)
    assert engine.statistics().cached_tokens == 0


def test_the_longest_unused_go_first_and_longer_ones_replace_shorter() -> None:
    entry = torch.ones(1, 2, 40, 1, 4)
    cache = PrefixCache(3 * entry.nbytes)
    for number in range(4):
        cache.keep("a", [number] * 40, entry)
        if number == 2:
            assert cache.find("a", [0] * 50)[0] == 40
    assert cache.find("a", [1] * 50) == (0, None), "the longest unused"
    assert cache.find("b", [0] * 50) == (0, None), "another adapter's"
    assert cache.used_bytes == 3 * entry.nbytes
    cache.keep("a", [0] * 41, torch.ones(1, 2, 41, 1, 4))
    cache.keep("a", [0] * 35, entry[:, :, :35])
    assert cache.find("a", [0] * 50)[0] == 41
    assert cache.find("a", [0] * (LEAST_TOKENS - 1)) == (0, None)
    cache.keep("a", [9] * 400, torch.ones(1, 2, 400, 1, 4))
    assert cache.find("a", [9] * 400) == (0, None), "larger than all memory"


def test_a_kept_beginning_is_a_copy_and_entries_are_limited() -> None:
    cache, computed = PrefixCache(1 << 30), torch.ones(1, 2, 32, 1, 1)
    for number in range(MOST_ENTRIES + 5):
        cache.keep("a", [number] * 32, computed)
    assert len(cache) == MOST_ENTRIES
    computed.zero_()
    _length, found = cache.find("a", [9] * 32)
    assert found is not None
    assert found.computed.min() == 1.0
