"""The fuzzer itself, and a small run of it where the other engines are installed (`make fuzz-evm`)."""

from contextlib import ExitStack
from dataclasses import replace

import pytest

from tests.differential.__main__ import Tally, fuzz, kept_seeds
from tests.differential.case import Answer, Included
from tests.differential.compare import difference, shrink
from tests.differential.oracles import are_installed, start
from tests.differential.ours import make, run, shortened


def test_a_seed_makes_one_case() -> None:
    (first, answer), (second, again) = make(7, 6), make(7, 6)
    assert first == second
    assert answer == again == run(first)
    assert make(8, 6)[0] != first


def test_most_transactions_do_something() -> None:
    tally = Tally()
    for seed in range(6):
        tally.add(*make(seed, 8))
    assert tally.refused < tally.transactions / 2
    assert tally.failed < tally.transactions - tally.refused


def test_every_difference_is_seen() -> None:
    answer = Answer((Included(True, 21_000, (("aa", ("bb",), "cc"),)), None), "11")
    assert difference(answer, answer) is None
    first = answer.transactions[0]
    assert first is not None
    for other in (
        replace(first, succeeded=False),
        replace(first, gas_used=21_001),
        replace(first, logs=()),
        None,
    ):
        assert difference(answer, replace(answer, transactions=(other, None))) is not None
    assert difference(answer, replace(answer, transactions=(first, first))) == "transaction 1: refused by one"
    assert difference(answer, replace(answer, state_root="12")) == "state root 11, theirs 12"
    assert difference(answer, replace(answer, refusals=("another wording",))) is None


def test_shrinking_keeps_what_matters() -> None:
    case = shortened(make(1, 5)[0], [b"a", b"b", b"c", b"d"])
    short = shrink(case, lambda candidate: {b"b", b"d"} <= set(candidate.transactions))
    assert short.transactions == (b"b", b"d")


@pytest.mark.slow
@pytest.mark.skipif(not are_installed(), reason="the other engines are installed by make fuzz-evm")
def test_engines_agree() -> None:
    tally = Tally()
    with ExitStack() as stack:
        oracles = [stack.enter_context(oracle) for oracle in start()]
        fuzz([*kept_seeds(), *range(100, 120)], oracles, tally, verbose=False)
    assert tally.differences == []
