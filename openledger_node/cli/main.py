"""Where every command starts; imports nothing heavy, so that an early interrupt leaves no trace."""

import os
import signal
import sys
from types import FrameType

from workers.parent import end_with_parent

EXIT_INTERRUPTED = 130
NODES = ("dev", "run", "ethereum")
"""Commands that run until they are stopped: an interrupt is their ordinary end, also while they start."""


def main() -> None:
    """Entry point of `openledger-node` and `oln`."""
    is_node = sys.argv[1:2] != [] and sys.argv[1] in NODES
    code = 0 if is_node else EXIT_INTERRUPTED
    _end_on_signals(code)
    end_with_parent()
    try:
        from openledger_node.cli.commands import run_command

        run_command()
    except KeyboardInterrupt:
        sys.exit(code)


def _end_on_signals(code: int) -> None:
    """End at once while modules are imported, when nothing has been opened yet.

    The command takes the signals over when it begins. Until then an exception would not do: one that is
    raised in a callback of the import machinery is printed and lost.
    """

    def end(_number: int, _frame: FrameType | None) -> None:
        os._exit(code)

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
