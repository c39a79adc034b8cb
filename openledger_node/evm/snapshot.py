"""What a reader may ask of one state: accounts, storage, calls, estimates, proofs and traces.

Safe to use from any thread; the state it reads never changes.
"""

from collections.abc import Mapping, Sequence, Set
from typing import Any

from genesis.forks import Fork, blob_rules
from genesis.types import Address, Hash32
from openledger_node.evm.account_leaf import EMPTY_CODE_HASH, NO_ACCOUNT, read_account, read_storage
from openledger_node.evm.accounts import AccountState
from openledger_node.evm.blob_fees import blob_base_fee_wei, excess_blob_gas_after
from openledger_node.evm.calls import CallSite, estimate_gas, run_call
from openledger_node.evm.header_rules import base_fee_after
from openledger_node.evm.machines import MACHINES
from openledger_node.evm.overrides import Overrides
from openledger_node.evm.proofs import prove
from openledger_node.evm.records import (
    AccountInfo,
    AccountProof,
    Block,
    BlockOverride,
    CallRequest,
    CallResult,
    Header,
)
from openledger_node.evm.rollup_fees import l1_fee
from openledger_node.evm.tracing import ACCESS_LIST, trace_block, trace_call
from openledger_node.evm.witness import Witness, witness_of


class Snapshot:
    """The state after `header`."""

    def __init__(self, site: CallSite) -> None:
        self._site = site
        self._nodes = site.rules.nodes

    @property
    def header(self) -> Header:
        return self._site.header

    @property
    def state_root(self) -> Hash32:
        return self._site.state_root

    @property
    def precompiles(self) -> Set[Address]:
        """Addresses that answer without code: Ethereum's and ours."""
        return {*MACHINES[self._site.fork].get_precompiles(), *self._site.rules.natives}

    @property
    def blob_base_fee_wei(self) -> int:
        """Wei per blob gas in the block; 0 before there were blobs."""
        if self._site.fork < Fork.CANCUN:
            return 0
        return blob_base_fee_wei(self.header.excess_blob_gas, self._site.fork)

    @property
    def next_blob_base_fee_wei(self) -> int:
        """The same for a block of the same fork on top."""
        if self._site.fork < Fork.CANCUN:
            return 0
        return blob_base_fee_wei(excess_blob_gas_after(self.header, self._site.fork), self._site.fork)

    @property
    def maximum_blob_gas(self) -> int:
        """Most blob gas of a block; 0 before there were blobs."""
        return blob_rules(self._site.fork).maximum_gas

    def account(self, address: Address) -> AccountInfo:
        found = read_account(self._nodes, self.state_root, address)
        account = found or NO_ACCOUNT
        code = b"" if account.code_hash == EMPTY_CODE_HASH else self._nodes.code(account.code_hash)
        return AccountInfo(
            nonce=account.nonce,
            balance_wei=account.balance_wei,
            code=code,
            code_hash=account.code_hash,
            storage_root=account.storage_root,
            exists=found is not None,
        )

    def storage_at(self, address: Address, slot: int) -> int:
        account = read_account(self._nodes, self.state_root, address) or NO_ACCOUNT
        return read_storage(self._nodes, account.storage_root, slot)

    def call(
        self,
        request: CallRequest,
        overrides: Overrides | None = None,
        block: BlockOverride | None = None,
        *,
        time_limit_s: float | None = None,
    ) -> CallResult:
        """Run a message on this state with the header's block context. Raises `CallError` if it can not
        start (funds, intrinsic gas), `CallTimeoutError` past the limit."""
        return run_call(self._site, request, overrides, block, time_limit_s=time_limit_s)

    def estimate_gas(
        self,
        request: CallRequest,
        overrides: Overrides | None = None,
        block: BlockOverride | None = None,
        *,
        time_limit_s: float | None = None,
    ) -> int:
        """Least gas limit with which the message succeeds, at most `request.gas`. Raises `CallError`."""
        return estimate_gas(self._site, request, overrides, block, time_limit_s=time_limit_s)

    def prove(self, address: Address, slots: Sequence[int]) -> AccountProof:
        return prove(self._nodes, self.state_root, address, slots)

    def trace_call(
        self,
        request: CallRequest,
        tracer: str,
        options: Mapping[str, Any],
        *,
        overrides: Overrides | None = None,
        block: BlockOverride | None = None,
        time_limit_s: float | None = None,
    ) -> Any:
        """`tracer`: "" (struct logs), "callTracer", "prestateTracer", "4byteTracer"; JSON-ready result.

        Raises `CallError`, also for a tracer that does not exist."""
        return trace_call(
            self._site,
            request,
            tracer,
            options,
            overrides=overrides,
            block=block,
            time_limit_s=time_limit_s,
        )

    def trace_block(
        self,
        block: Block,
        tracer: str,
        options: Mapping[str, Any],
        *,
        only_index: int | None = None,
        time_limit_s: float | None = None,
    ) -> list[Any]:
        """Trace every transaction of `block` (or one), whose parent's state this snapshot is."""
        return trace_block(
            self._site, block, tracer, options, only_index=only_index, time_limit_s=time_limit_s
        )

    def witness(self, block: Block, *, time_limit_s: float) -> Witness:
        """What executing `block`, whose parent's state this snapshot is, reads. Raises `CallTimeoutError`."""
        return witness_of(self._site, block, time_limit_s)

    def touched_by(
        self, request: CallRequest, overrides: Overrides | None = None, *, time_limit_s: float | None = None
    ) -> Mapping[Address, Sequence[int]]:
        """Every account the message touches by an instruction, with its touched slots. Raises `CallError`."""
        touched: Mapping[Address, Sequence[int]] = self.trace_call(
            request, ACCESS_LIST, {}, overrides=overrides, time_limit_s=time_limit_s
        )
        return touched

    def l1_data_fee_wei(self, raw: bytes) -> int:
        """L1 data fee of a raw transaction at this state; 0 on a chain that is no rollup."""
        if not self._site.rules.spec.is_rollup:
            return 0
        return l1_fee(AccountState(self._nodes, self.state_root), raw).fee_wei

    def next_base_fee_wei(self) -> int:
        """Base fee of a block on top of `header`."""
        return base_fee_after(self._site.rules.spec, self.header, self._site.fork)
