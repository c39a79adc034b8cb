import asyncio

import pytest

from openledger_node.errors import CriticalError
from openledger_node.node.lifecycle import StoppedError, Supervisor


class Recorder:
    def __init__(self, name: str, trace: list[str], *, fail_after_s: float | None = None) -> None:
        self._name = name
        self._trace = trace
        self._fail_after_s = fail_after_s

    async def run(self) -> None:
        self._trace.append(f"start {self._name}")
        try:
            if self._fail_after_s is not None:
                await asyncio.sleep(self._fail_after_s)
                raise CriticalError(f"{self._name} broke")
            await asyncio.Event().wait()
        finally:
            self._trace.append(f"stop {self._name}")


async def test_services_stop_in_reverse_order() -> None:
    stop, trace = asyncio.Event(), list[str]()
    async with Supervisor(stop) as supervisor:
        supervisor.start("store", Recorder("store", trace))
        supervisor.start("rpc", Recorder("rpc", trace))
        asyncio.get_running_loop().call_later(0.01, stop.set)
        await supervisor.run_until_stopped()
    assert trace == ["start store", "start rpc", "stop rpc", "stop store"]


async def test_first_failure_stops_the_others_and_is_raised() -> None:
    trace = list[str]()
    with pytest.raises(CriticalError, match="batcher broke"):
        async with Supervisor(asyncio.Event()) as supervisor:
            supervisor.start("store", Recorder("store", trace))
            supervisor.start("batcher", Recorder("batcher", trace, fail_after_s=0.01))
            await supervisor.run_until_stopped()
    assert trace[-1] == "stop store"


async def test_guard_gives_up_when_the_operator_stops_the_node() -> None:
    stop = asyncio.Event()
    stop.set()
    async with Supervisor(stop) as supervisor:
        with pytest.raises(StoppedError):
            await supervisor.guard(asyncio.sleep(60))


async def test_guard_raises_the_failure_of_a_service_it_waits_beside() -> None:
    trace = list[str]()
    with pytest.raises(CriticalError, match="l1 broke"):
        async with Supervisor(asyncio.Event()) as supervisor:
            supervisor.start("l1", Recorder("l1", trace, fail_after_s=0.01))
            await supervisor.guard(asyncio.sleep(60))


async def test_services_nobody_needs_begin_to_stop_before_the_others() -> None:
    stop, trace = asyncio.Event(), list[str]()
    async with Supervisor(stop) as supervisor:
        supervisor.start("verifier", Recorder("verifier", trace), needed=False)
        supervisor.start("rpc", Recorder("rpc", trace))
        asyncio.get_running_loop().call_later(0.01, stop.set)
        await supervisor.run_until_stopped()
    assert trace == ["start verifier", "start rpc", "stop verifier", "stop rpc"]


async def test_guard_waits_for_the_end_of_what_it_gives_up() -> None:
    stop, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            ended.set()

    asyncio.get_running_loop().call_later(0.01, stop.set)
    async with Supervisor(stop) as supervisor:
        with pytest.raises(StoppedError):
            await supervisor.guard(work())
    assert ended.is_set()
