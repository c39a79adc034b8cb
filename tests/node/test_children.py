"""Child processes: restarted, given up, stopped gently, stopped by force, and ended with a killed parent."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from openledger_node.errors import CriticalError
from openledger_node.node import children
from openledger_node.node.children import ChildProcess

PARENT = """
import asyncio, sys
from pathlib import Path
from openledger_node.node.children import ChildProcess
child = ChildProcess("child", [sys.executable, "-c", sys.argv[1]], Path(sys.argv[2]))
asyncio.run(child.run())
"""
WATCHING_CHILD = """
import os, time
from workers.parent import end_with_parent

end_with_parent()
print("child", os.getpid(), flush=True)
time.sleep(600)
"""


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


async def until_written(file: Path, text: str) -> str:
    async with asyncio.timeout(20):
        while not file.exists() or text not in file.read_text():
            await asyncio.sleep(0.01)
    return file.read_text()


async def test_a_child_that_may_die_is_started_again_and_given_up_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "RESTART_PAUSE_S", 0.0)
    monkeypatch.setattr(children, "MAX_RESTARTS", 2)
    log = tmp_path / "child.log"
    with pytest.raises(CriticalError, match=r"verifier died with code 3 \(started\).*child\.log"):
        await ChildProcess("verifier", python("print('started'); exit(3)"), log, restart=True).run()
    assert log.read_text().count("started") == 3


async def test_a_child_that_must_not_die_stops_the_node_with_one_line(tmp_path: Path) -> None:
    child = ChildProcess("l1", python("exit(1)"), tmp_path / "l1.log")
    with pytest.raises(CriticalError, match=r"l1 died with code 1 \(without a word\)"):
        await child.run()


@pytest.mark.parametrize("ignores_terminate", [False, True])
async def test_cancellation_ends_the_child(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ignores_terminate: bool
) -> None:
    monkeypatch.setattr(children, "STOP_PATIENCE_S", 0.2)
    ignoring = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" if ignores_terminate else ""
    log = tmp_path / "child.log"
    code = f"{ignoring}import time; print('up', flush=True); time.sleep(60)"
    child = ChildProcess("child", python(code), log)
    running = asyncio.create_task(child.run())
    await until_written(log, "up")
    pid = child.pid
    assert pid is not None
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert not is_alive(pid)


async def test_a_child_ends_soon_after_its_parent_was_killed(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    parent = await asyncio.create_subprocess_exec(*python(PARENT), WATCHING_CHILD, str(log))
    pid = int((await until_written(log, "\n")).split()[1])
    parent.send_signal(signal.SIGKILL)
    await parent.wait()
    async with asyncio.timeout(3.0):
        while is_alive(pid):
            await asyncio.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
