"""What the RPC needs from rooms it must not import: the rollup's view, the economy's off-chain records."""

from typing import Any, Protocol

from genesis.types import Address, Hash32
from openledger_node.rpc.errors import ServerError

Json = dict[str, Any]


class RollupPort(Protocol):
    """The rollup node's own state, as `optimism_*` and `openledger_*` show it; values are JSON-ready.

    Source of shapes: OP Stack specification, rollup node RPC.
    """

    async def sync_status(self) -> Json:
        """`optimism_syncStatus`: current_l1, head_l1, safe_l1, finalized_l1, unsafe_l2, safe_l2, …"""
        ...

    async def output_at_block(self, number: int) -> Json:
        """`optimism_outputAtBlock`: version, outputRoot, blockRef, withdrawalStorageRoot, stateRoot, …
        Raises UserError for a block the chain does not have."""
        ...

    async def safe_head_at_l1_block(self, number: int) -> Json:
        """`optimism_safeHeadAtL1Block`: the last L1 block up to `number` that moved the safe head (l1Block),
        and where to (safeHead). Raises UserError where none is known."""
        ...

    async def rollup_config(self) -> Json: ...

    async def withdrawal_proof(self, transaction_hash: Hash32) -> Json:
        """Everything `proveWithdrawalTransaction` takes, for the withdrawal an L2 transaction initiated.
        Raises UserError when there is none or its output is not proposed yet."""
        ...


class EconomyPort(Protocol):
    """Records of AI work that live off the chain, JSON-ready; None for unknown ids. Raise UserError for a
    document that cannot be read."""

    async def job(self, job_id: str) -> Json | None: ...

    async def receipt(self, channel_id: Hash32, number: int) -> Json | None: ...

    async def receipt_proof(self, channel_id: Hash32, number: int) -> Json | None: ...

    async def attribution(self, inference_id: str) -> Json | None: ...

    async def attribution_proof(self, post_id: int, contributor: Address) -> Json | None: ...

    async def estimate_earnings(self, contributor: Address, model_id: int) -> Json | None: ...

    async def record_proof(self, datanet_id: int, version: int, record: int) -> Json | None: ...


class EconomyDoor:
    """Where a gateway comes in once it is open: it starts after the JSON-RPC, which it needs itself."""

    def __init__(self) -> None:
        self._port: EconomyPort | None = None

    def open(self, port: EconomyPort) -> None:
        self._port = port

    @property
    def port(self) -> EconomyPort:
        """Raises ServerError while there is none."""
        if self._port is None:
            raise ServerError("the gateway of this node is still starting: try again in a moment")
        return self._port
