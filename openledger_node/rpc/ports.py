"""What the RPC needs from rooms it must not import: the rollup's view, the economy's off-chain records."""

from typing import Any, Protocol

from genesis.types import Address, Hash32

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

    async def rollup_config(self) -> Json: ...

    async def withdrawal_proof(self, transaction_hash: Hash32) -> Json:
        """Everything `proveWithdrawalTransaction` takes, for the withdrawal an L2 transaction initiated.
        Raises UserError when there is none or its output is not proposed yet."""
        ...


class EconomyPort(Protocol):
    """Records of AI work that live off the chain; None for unknown ids."""

    async def job(self, job_id: str) -> Json | None: ...

    async def receipt(self, channel_id: Hash32, number: int) -> Json | None: ...

    async def receipt_proof(self, channel_id: Hash32, number: int) -> Json | None: ...

    async def attribution(self, inference_id: str) -> Json | None: ...

    async def attribution_proof(self, post_id: int, contributor: Address) -> Json | None: ...

    async def estimate_earnings(self, contributor: Address, model_id: int) -> Json | None: ...
