import time

import pytest

from openledger_node.clock import ElapsedClock, SteeredClock
from tests.sequencer.fakes import ManualClock


def test_offset_only_grows() -> None:
    inner = ManualClock(100.0)
    clock = SteeredClock(inner)
    clock.advance_s(5)
    inner.advance_s(1)
    assert clock.now_s() == 106.0
    with pytest.raises(ValueError, match="forward"):
        clock.advance_s(-1)


def test_starts_no_earlier_than_the_chain_it_serves() -> None:
    assert SteeredClock(ManualClock(100.0), not_before_s=250.0).now_s() == 250.0
    assert SteeredClock(ManualClock(100.0), not_before_s=50.0).now_s() == 100.0


def test_elapsed_time_goes_on_from_where_the_chain_was(monkeypatch: pytest.MonkeyPatch) -> None:
    counted_s = 5_000.0
    monkeypatch.setattr(time, "monotonic", lambda: counted_s)
    monkeypatch.setattr(time, "time", lambda: 2e9)
    clock = SteeredClock(ElapsedClock(), not_before_s=1_000.0)
    assert clock.now_s() == 1_000.0
    counted_s += 7
    assert clock.now_s() == 1_007.0
    assert ElapsedClock(300.0).now_s() == 300.0
