"""A proposer's process that proposes roots of states that never were, and otherwise is an honest one.

Run as `python -m tests.integration.lying_proposer run …`, with the arguments of `openledger-node`.
"""

from genesis.keccak import keccak256
from genesis.types import Hash32
from openledger_node.cli.main import main
from rollup_bridge.ports import OutputParts
from rollup_bridge.proposer import service


def a_lie(parts: OutputParts) -> Hash32:
    return keccak256(b"a lie about " + parts.state_root)


if __name__ == "__main__":
    service.output_root = a_lie  # type: ignore[attr-defined]  # the lie
    main()
