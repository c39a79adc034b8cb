"""Forks by timestamp."""

from dataclasses import replace

from genesis.forks import Fork, ForkSchedule, schedule_of
from genesis.spec import ROLLUP_FEES, ChainSpec

SPEC = ChainSpec(1, is_rollup=True, block_gas_limit=1, fees=ROLLUP_FEES)


def test_schedule_switches_at_its_time() -> None:
    schedule = ForkSchedule(((0, Fork.CANCUN), (100, Fork.PRAGUE)))
    assert [schedule.at(time_s) for time_s in (0, 99, 100, 101)] == [Fork.CANCUN] * 2 + [Fork.PRAGUE] * 2


def test_osaka_begins_when_the_chain_says() -> None:
    assert schedule_of(SPEC).at(2**63) is Fork.PRAGUE
    later = schedule_of(replace(SPEC, osaka_time_s=100))
    assert [later.at(time_s) for time_s in (0, 99, 100)] == [Fork.PRAGUE, Fork.PRAGUE, Fork.OSAKA]
    assert schedule_of(replace(SPEC, osaka_time_s=0)).at(0) is Fork.OSAKA
