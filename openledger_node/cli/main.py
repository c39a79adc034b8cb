"""Where every command starts; imports nothing heavy, so that an early interrupt leaves no trace."""

import sys

EXIT_INTERRUPTED = 130
NODES = ("dev", "run", "ethereum")
"""Commands that run until they are stopped: an interrupt is their ordinary end, also while they start."""


def main() -> None:
    """Entry point of `openledger-node` and `oln`."""
    try:
        from openledger_node.cli.commands import run_command

        run_command()
    except KeyboardInterrupt:
        sys.exit(0 if sys.argv[1:2] and sys.argv[1] in NODES else EXIT_INTERRUPTED)
