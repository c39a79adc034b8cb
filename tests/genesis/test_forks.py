"""Forks by timestamp, and the refusal of one that this build lacks."""

from dataclasses import replace

import pytest

from genesis.forks import Fork, ForkSchedule, schedule_of
from genesis.spec import ROLLUP_FEES, ChainSpec

SPEC = ChainSpec(1, is_rollup=True, block_gas_limit=1, fees=ROLLUP_FEES)


def test_schedule_switches_at_its_time() -> None:
    schedule = ForkSchedule(((0, Fork.CANCUN), (100, Fork.PRAGUE)))
    assert [schedule.at(time_s) for time_s in (0, 99, 100, 101)] == [Fork.CANCUN] * 2 + [Fork.PRAGUE] * 2


def test_an_unknown_fork_is_refused() -> None:
    assert schedule_of(SPEC).at(0) is Fork.PRAGUE
    with pytest.raises(ValueError, match="Osaka"):
        schedule_of(replace(SPEC, osaka_time_s=5))
