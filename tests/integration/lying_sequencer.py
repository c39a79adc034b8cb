"""A sequencer's process that leaves every user's deposit out of its blocks, and otherwise is an honest one.

Run as `python -m tests.integration.lying_sequencer run …`, with the arguments of `openledger-node`.
"""

from dataclasses import replace

from openledger_node.cli.main import main
from openledger_node.node import rollup
from rollup_bridge.derive.attributes import SequencerAttributes
from rollup_bridge.ports import Attributes, L2Block


class WithoutDeposits(SequencerAttributes):
    """Keeps the L1 attributes transaction, or nobody would take its blocks."""

    async def prepare(self, head: L2Block) -> Attributes:
        honest = await super().prepare(head)
        return replace(honest, transactions=honest.transactions[:1], forced_count=1)


if __name__ == "__main__":
    rollup.SequencerAttributes = WithoutDeposits  # type: ignore[attr-defined]  # the lie
    main()
