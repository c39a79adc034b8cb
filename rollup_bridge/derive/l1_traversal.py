"""Which L1 block comes next, and which system configuration holds there.

Source: OP Stack specification, derivation, "L1 Traversal".
"""

from genesis.spec import RollupConfig, SystemConfig
from rollup_bridge.deposits.system_config import updated_config
from rollup_bridge.errors import ResetError
from rollup_bridge.ports import L1Block, L1Source


class L1Traversal:
    """Walks the canonical L1 chain block by block from where it was started."""

    def __init__(self, config: RollupConfig, l1: L1Source, origin: L1Block, system: SystemConfig) -> None:
        self._config = config
        self._l1 = l1
        self._origin = origin
        self._system = system

    @property
    def origin(self) -> L1Block:
        return self._origin

    @property
    def system_config(self) -> SystemConfig:
        """In force at the origin, its own events included."""
        return self._system

    async def advance(self) -> bool:
        """Step to the next L1 block, or False if there is none yet; `ResetError` after a reorg."""
        following = await self._l1.block_by_number(self._origin.number + 1)
        if following is None:
            await self._check_origin()
            return False
        if following.parent_hash != self._origin.hash:
            raise ResetError(f"L1 block {following.number} does not follow {_name(self._origin)}")
        receipts = await self._l1.receipts(following.hash)
        self._system = updated_config(self._system, receipts, self._config.l1_system_config)
        self._origin = following
        return True

    async def _check_origin(self) -> None:
        """A reorg that does not lengthen the chain shows at the tip only."""
        canonical = await self._l1.block_by_number(self._origin.number)
        if canonical is not None and canonical.hash != self._origin.hash:
            raise ResetError(f"L1 block {_name(self._origin)} is no longer canonical")


def _name(block: L1Block) -> str:
    return f"{block.number} (0x{block.hash.hex()})"
