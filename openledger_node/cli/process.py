"""How a command runs in its process: event loop, signals, exit codes.

Exit codes: 0 done, 1 failed, 2 bad usage; 130 interrupted (`cli.main`).
"""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

from openledger_node.node.preflight import raise_file_limit

Result = TypeVar("Result")

EXIT_FAILED = 1
EXIT_USAGE = 2

INTERPRETER_TURN_S = 0.001
"""How long the block under construction keeps the interpreter from the event loop, which asks for it again
after every system call: with Python's 5 ms an answer waited for tens of them while blocks were full."""


def run_to_end(work: Coroutine[Any, Any, Result]) -> Result:
    """Run something that ends by itself; an interrupt cancels it, so that it can tidy up."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    return serve(work)


def serve(service: Coroutine[Any, Any, Result]) -> Result:
    """Run a node, which handles signals itself from its first step on."""
    import uvloop

    from openledger_node.node.collector import calm_collector

    raise_file_limit()
    sys.setswitchinterval(INTERPRETER_TURN_S)
    calm_collector()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(service)


def replace_process(command: list[str]) -> None:
    """Become another program, which then owns terminal, signals and exit code."""
    os.execv(command[0], command)  # noqa: S606 - our own interpreter and module
