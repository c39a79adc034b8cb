"""A process ends with the one that started it, killed perhaps, so that no orphan keeps a port.

The parent holds the other end of the child's standard input, which closes when the parent ends.
"""

import os
import signal
import sys
import threading

PARENT_VARIABLE = "OPENLEDGER_PARENT"
"""Set for child processes: they end with this process, whose id it is."""


def end_with_parent() -> None:
    """Terminate this process, as the operator would, when its parent is gone; does nothing without one.

    Watched by a thread from the first moment on: a child that is busy starting must not outlive its parent.
    """
    if PARENT_VARIABLE in os.environ:
        threading.Thread(target=_wait_for_end, name="parent watch", daemon=True).start()


def is_orphan() -> bool:
    """True when this process was started by one that is gone."""
    parent = os.environ.get(PARENT_VARIABLE)
    return parent is not None and int(parent) != os.getppid()


def _wait_for_end() -> None:
    # Not `sys.stdin`, whose lock this thread would hold when the interpreter ends.
    while os.read(0, 4096):
        pass
    sys.stderr.write("parent process is gone, stopping\n")
    os.kill(os.getpid(), signal.SIGTERM)
