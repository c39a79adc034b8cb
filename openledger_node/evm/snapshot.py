"""What a reader may ask of one state: accounts, storage, calls, estimates, proofs and traces.

Safe to use from any thread; the state it reads never changes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from genesis.types import Address, Hash32
from openledger_node.evm.records import (
    AccountInfo,
    AccountOverride,
    AccountProof,
    Block,
    BlockOverride,
    CallRequest,
    CallResult,
    Header,
)

Overrides = Mapping[Address, AccountOverride]


class Snapshot:
    """The state after `header`."""

    header: Header
    state_root: Hash32

    def account(self, address: Address) -> AccountInfo:
        raise NotImplementedError

    def storage_at(self, address: Address, slot: int) -> int:
        raise NotImplementedError

    def call(
        self, request: CallRequest, overrides: Overrides | None = None, block: BlockOverride | None = None
    ) -> CallResult:
        """Run a message on this state with the header's block context. Raises `CallError` if it can not
        start (funds, intrinsic gas)."""
        raise NotImplementedError

    def estimate_gas(
        self, request: CallRequest, overrides: Overrides | None = None, block: BlockOverride | None = None
    ) -> int:
        """Least gas limit with which the message succeeds, at most `request.gas`. Raises `CallError`."""
        raise NotImplementedError

    def prove(self, address: Address, slots: Sequence[int]) -> AccountProof:
        raise NotImplementedError

    def trace_call(
        self,
        request: CallRequest,
        tracer: str,
        options: Mapping[str, Any],
        overrides: Overrides | None = None,
        block: BlockOverride | None = None,
    ) -> Any:
        """`tracer`: "" (struct logs), "callTracer", "prestateTracer", "4byteTracer"; JSON-ready result."""
        raise NotImplementedError

    def trace_block(self, block: Block, tracer: str, options: Mapping[str, Any]) -> list[Any]:
        """Trace every transaction of `block`, whose parent state this snapshot is."""
        raise NotImplementedError

    def l1_data_fee_wei(self, raw: bytes) -> int:
        """L1 data fee of a raw transaction at this state; 0 on a chain that is no rollup."""
        raise NotImplementedError

    def next_base_fee_wei(self) -> int:
        """Base fee of a block on top of `header`."""
        raise NotImplementedError
