"""What a series of blocks would do on top of a block, with calls in place of transactions.

Covered: state that lasts from call to call and block to block, overrides, transfers as logs, real headers
over the result. Not covered: signatures, senders with code, the L1 data fee of a rollup (calls pay none).
Source: execution-apis, eth_simulateV1; geth for the order of checks.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from genesis.forks import Fork, blob_rules
from genesis.types import ZERO_HASH, Hash32
from openledger_node.evm.blob_fees import excess_blob_gas_after
from openledger_node.evm.block_building import BlockExecution, Rules
from openledger_node.evm.blocks import ZERO_NONCE
from openledger_node.evm.context import BlockContext, machine
from openledger_node.evm.errors import (
    CallTimeoutError,
    InvalidBlockError,
    Refusal,
    SimulationError,
)
from openledger_node.evm.header_rules import base_fee_after
from openledger_node.evm.node_store import OverlayNodes
from openledger_node.evm.overrides import apply_overrides, override_precompiles
from openledger_node.evm.records import Block, BlockInputs, Header, Transaction, Work
from openledger_node.evm.simulation_checks import Mode, check_call
from openledger_node.evm.simulation_plan import (
    Plan,
    SimulatedBlock,
    SimulatedCall,
    blocks_in_order,
    check_size,
)
from openledger_node.evm.tracers.transfers import EmittedLog, NumberingState, TransferTracer
from openledger_node.evm.transaction_processing import effective_gas_price, process_transaction
from openledger_node.evm.transactions import BLOB, DYNAMIC_FEE, LEGACY, SET_CODE
from openledger_node.evm.unsigned import with_encoding
from openledger_node.evm.vm import ExecutionTimeoutError, MachineState


@dataclass(frozen=True, slots=True)
class SimulatedResult:
    """What one call did. `error` is None on success; `logs` hold transfers if they were asked for."""

    output: bytes
    error: str | None
    gas_used: int
    peak_gas: int
    logs: tuple[EmittedLog, ...]


@dataclass(frozen=True, slots=True)
class Simulated:
    """A sealed block that nobody stores; `results[i]` belongs to `block.transactions[i]`."""

    block: Block
    results: tuple[SimulatedResult, ...]


def simulate(
    rules: Rules, base: Header, state_root: Hash32, plan: Plan, time_limit_s: float
) -> list[Simulated]:
    """Run the plan on the state after `base`. Raises `SimulationError`, `CallError` or `CallTimeoutError`."""
    check_size(plan)
    run = _Run(rules, plan, time.monotonic() + time_limit_s)
    parent, root = base, state_root
    simulated = []
    for wanted in blocks_in_order(base, plan.blocks, plan.interval_s):
        done = run.block(parent, root, wanted)
        parent = done.block.header
        root = parent.state_root
        simulated.append(done)
    return simulated


class _Ancestry:
    """The chain's headers, and before them the simulated ones."""

    def __init__(self, find: Callable[[Hash32], Header | None]) -> None:
        self._find = find
        self._simulated: dict[Hash32, Header] = {}

    def add(self, header: Header) -> None:
        self._simulated[header.hash] = header

    def header_by_hash(self, block_hash: Hash32) -> Header | None:
        return self._simulated.get(block_hash) or self._find(block_hash)


class _Run:
    """What the blocks of one simulation share."""

    def __init__(self, rules: Rules, plan: Plan, deadline_s: float) -> None:
        self._ancestry = _Ancestry(rules.headers.header_by_hash)
        self._overlay = OverlayNodes(rules.nodes)
        self._rules = replace(rules, nodes=self._overlay, headers=self._ancestry)
        self._plan = plan
        self._deadline_s = deadline_s
        self._gas_left = plan.gas_cap

    def block(self, parent: Header, state_root: Hash32, wanted: SimulatedBlock) -> Simulated:
        inputs, context = self._frame(parent, wanted)
        state = self._state(context, state_root, wanted)
        try:
            execution = _SimulatedExecution(self._rules, inputs, context, state)
            execution.begin()
            results = tuple(self._call(execution, call) for call in wanted.calls)
            sealed = execution.seal()
        except InvalidBlockError as error:
            raise SimulationError(Refusal.OTHER, error.cause) from None
        self._overlay.add(sealed.state_writes)
        self._ancestry.add(sealed.block.header)
        return Simulated(sealed.block, results)

    def _frame(self, parent: Header, wanted: SimulatedBlock) -> tuple[BlockInputs, BlockContext]:
        """What the block is before it runs: overridden, inherited from its parent, or zero."""
        override = wanted.block
        assert override.number is not None
        assert override.timestamp_s is not None
        fork = self._rules.schedule.at(override.timestamp_s, override.number)
        inputs = BlockInputs(
            timestamp_s=override.timestamp_s,
            prev_randao=override.prev_randao or ZERO_HASH,
            fee_recipient=parent.coinbase if override.fee_recipient is None else override.fee_recipient,
            gas_limit=parent.gas_limit if override.gas_limit is None else override.gas_limit,
            parent_beacon_block_root=wanted.beacon_root,
            withdrawals=wanted.withdrawals,
            work=Work(parent.difficulty, ZERO_NONCE) if fork < Fork.PARIS else None,
        )
        context = BlockContext(
            chain_id=self._rules.spec.chain_id,
            fork=fork,
            number=override.number,
            parent_hash=parent.hash,
            timestamp_s=inputs.timestamp_s,
            coinbase=inputs.fee_recipient,
            gas_limit=inputs.gas_limit,
            base_fee_wei=self._base_fee_wei(parent, fork, override.base_fee_wei),
            prev_randao=inputs.prev_randao,
            excess_blob_gas=excess_blob_gas_after(parent, fork),
            difficulty=parent.difficulty if fork < Fork.PARIS else 0,
        )
        return inputs, context

    def _base_fee_wei(self, parent: Header, fork: Fork, overridden: int | None) -> int:
        if overridden is not None:
            return overridden
        return base_fee_after(self._rules.spec, parent, fork) if self._plan.validate else 0

    def _state(self, context: BlockContext, state_root: Hash32, wanted: SimulatedBlock) -> MachineState:
        accounts = NumberingState(self._rules.nodes, state_root)
        apply_overrides(accounts, wanted.accounts, clear_empty=False)
        rules = self._rules
        state = machine(accounts, context, rules.headers, rules.natives, wanted.block.blob_base_fee_wei)
        override_precompiles(state, wanted.accounts)
        if self._plan.trace_transfers:
            state.tracer = TransferTracer(accounts)
        state.deadline_s = self._deadline_s
        return state

    def _call(self, execution: "_SimulatedExecution", call: SimulatedCall) -> SimulatedResult:
        try:
            result = execution.call(call, self._gas_left, Mode(self._plan.validate))
        except ExecutionTimeoutError as error:
            raise CallTimeoutError(error.cause) from None
        self._gas_left -= result.gas_used
        return result


class _SimulatedExecution(BlockExecution):
    """A block under construction that takes calls."""

    def call(self, call: SimulatedCall, gas_left: int, mode: Mode) -> SimulatedResult:
        """Run a call with at most `gas_left` and put it into the block. Raises `SimulationError`."""
        self._state.check_time()
        gas = min(self.gas_remaining if call.gas is None else call.gas, gas_left)
        if (call.gas or 0) > self.gas_remaining:
            raise SimulationError(
                Refusal.BLOCK_GAS,
                f"block gas limit reached: remaining: {self.gas_remaining}, required: {call.gas}",
            )
        nonce = self._accounts.get_nonce(call.sender) if call.nonce is None else call.nonce
        transaction = with_encoding(as_transaction(call, self.context.chain_id, nonce, gas))
        blob_room = blob_rules(self.context.fork).maximum_gas - self._blob_gas_used
        check_call(transaction, self._state, self.context, blob_room, mode)
        price_wei = effective_gas_price(transaction, self.context.base_fee_wei)
        is_rollup = self._rules.spec.is_rollup
        outcome = process_transaction(self._state, transaction, price_wei, is_rollup=is_rollup, l1_fee=None)
        self._accounts.end_transaction()
        logs = tuple(log for log in outcome.logs if isinstance(log, EmittedLog))
        self._include(transaction, replace(outcome, logs=tuple(log for log in logs if not log.is_transfer)))
        return SimulatedResult(outcome.output, outcome.error, outcome.gas_used, outcome.peak_gas, logs)


def as_transaction(call: SimulatedCall, chain_id: int, nonce: int, gas: int) -> Transaction:
    """The transaction the call would be: legacy if it names a gas price, else the type its fields need."""
    fee = call.max_fee_wei if call.gas_price_wei is None else call.gas_price_wei
    tip = call.max_priority_fee_wei if call.gas_price_wei is None else call.gas_price_wei
    return Transaction(
        type=_type_of(call),
        hash=ZERO_HASH,
        raw=b"",
        sender=call.sender,
        to=call.to,
        nonce=nonce,
        gas=gas,
        value_wei=call.value_wei,
        data=call.data,
        chain_id=None if call.gas_price_wei is not None else chain_id,
        max_fee_wei=fee or 0,
        max_priority_fee_wei=tip or 0,
        v=0,
        r=0,
        s=0,
        access_list=call.access_list or (),
        max_blob_fee_wei=call.max_blob_fee_wei or 0,
        blob_hashes=call.blob_hashes or (),
        authorizations=call.authorizations or (),
    )


def _type_of(call: SimulatedCall) -> int:
    if call.gas_price_wei is not None:
        return LEGACY
    if call.authorizations is not None:
        return SET_CODE
    return DYNAMIC_FEE if call.blob_hashes is None else BLOB
