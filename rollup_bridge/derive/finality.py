"""Which L2 block is final: the last one derived from L1 blocks that are all final.

Source: OP Stack specification, derivation, "Finalization".
"""

from genesis.spec import BlockId
from rollup_bridge.ports import L1Block


class Finality:
    """Remembers per L1 block the last L2 block that was derived with data up to it."""

    def __init__(self, finalized: BlockId) -> None:
        self._finalized = finalized
        self._derived: dict[int, BlockId] = {}

    @property
    def finalized(self) -> BlockId:
        return self._finalized

    def record(self, safe: BlockId, derived_from: L1Block) -> None:
        self._derived[derived_from.number] = safe

    def update(self, finalized_l1: L1Block) -> BlockId:
        """The finalized L2 block after the L1 finalized up to a block; never goes back."""
        for number in sorted(self._derived):
            if number > finalized_l1.number:
                break
            block = self._derived.pop(number)
            if block.number > self._finalized.number:
                self._finalized = block
        return self._finalized

    def forget(self) -> None:
        """Drop what was derived but is not final: a reset derives it again."""
        self._derived.clear()
