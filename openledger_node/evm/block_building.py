"""How a block grows transaction by transaction and is sealed: the same code builds and re-executes.

Covered: order of system calls, fault tolerance (a refused transaction leaves no trace), receipts, roots,
header, change of supply. Not covered: choosing transactions, storing the result.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from genesis.forks import Fork, ForkSchedule, blob_rules
from genesis.spec import ChainSpec
from genesis.types import Address, Hash32
from openledger_node.evm.ancestors import HeaderSource
from openledger_node.evm.blob_fees import excess_blob_gas_after
from openledger_node.evm.block_size import (
    LARGEST_FRAME_BYTES,
    MOST_BLOCK_BYTES,
    check_size,
    transaction_bytes,
)
from openledger_node.evm.blocks import (
    ZERO_NONCE,
    RawBlock,
    encode_withdrawal,
    ommers_hash,
    sealed,
)
from openledger_node.evm.context import BlockContext, machine
from openledger_node.evm.deposits import process_deposit
from openledger_node.evm.errors import InvalidBlockError, TransactionError
from openledger_node.evm.header_rules import base_fee_after
from openledger_node.evm.node_store import NodeStore, state_writes
from openledger_node.evm.old_forks import open_accounts
from openledger_node.evm.plain_transfer import is_plain_transfer, transfer
from openledger_node.evm.precompile_host import NativePrecompile
from openledger_node.evm.proof_of_work import pay_rewards
from openledger_node.evm.receipts import EMPTY_BLOOM, encode_receipt, join_blooms, logs_bloom
from openledger_node.evm.records import (
    DEPOSIT_TYPE,
    Block,
    BlockInputs,
    ExecutedBlock,
    Header,
    Receipt,
    SupplyChange,
    Transaction,
    Withdrawal,
    Work,
)
from openledger_node.evm.rollup_fees import l1_fee
from openledger_node.evm.system_calls import (
    apply_withdrawals,
    begin_block,
    collect_requests,
    hash_of_requests,
)
from openledger_node.evm.tracers.base import Recorder
from openledger_node.evm.transaction_processing import Outcome, effective_gas_price, process_transaction
from openledger_node.evm.transactions import decode_transaction
from openledger_node.evm.trie import ordered_root
from openledger_node.evm.validity import Room, blob_gas, check_transaction
from openledger_node.evm.vm import ExecutionTimeoutError, MachineState

_MAXIMUM_EXTRA_DATA_BYTES = 32

StateWrites = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """What is the same for every block of a chain."""

    spec: ChainSpec
    schedule: ForkSchedule
    nodes: NodeStore
    headers: HeaderSource
    natives: Mapping[Address, NativePrecompile]
    impersonation: bool = False
    """Whether transactions without a key may be in blocks; only on a development chain."""


def context_of(rules: Rules, fork: Fork, parent: Header, inputs: BlockInputs) -> BlockContext:
    """The context of a block on `parent`."""
    base_fee_wei = inputs.base_fee_wei
    return BlockContext(
        chain_id=rules.spec.chain_id,
        fork=fork,
        number=parent.number + 1,
        parent_hash=parent.hash,
        timestamp_s=inputs.timestamp_s,
        coinbase=inputs.fee_recipient,
        gas_limit=inputs.gas_limit,
        base_fee_wei=base_fee_after(rules.spec, parent, fork) if base_fee_wei is None else base_fee_wei,
        prev_randao=inputs.prev_randao,
        excess_blob_gas=excess_blob_gas_after(parent, fork),
        difficulty=0 if inputs.work is None else inputs.work.difficulty,
    )


def inputs_of(
    header: Header,
    transactions: tuple[bytes, ...] = (),
    withdrawals: tuple[Withdrawal, ...] = (),
    ommers: tuple[Header, ...] = (),
) -> BlockInputs:
    """What made a block that exists."""
    return BlockInputs(
        timestamp_s=header.timestamp_s,
        prev_randao=header.prev_randao,
        fee_recipient=header.coinbase,
        gas_limit=header.gas_limit,
        parent_beacon_block_root=header.parent_beacon_block_root,
        transactions=transactions,
        extra_data=header.extra_data,
        withdrawals=withdrawals,
        work=Work(header.difficulty, header.nonce, ommers) if header.difficulty else None,
    )


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a block has come. Where only one more transaction is to run, the gas is enough."""

    gas_used: int = 0
    transactions: tuple[Transaction, ...] = ()
    receipts: tuple[Receipt, ...] = ()


class BlockExecution:
    """A block under construction; start one with `open`."""

    def __init__(self, rules: Rules, inputs: BlockInputs, context: BlockContext, state: MachineState) -> None:
        self._rules = rules
        self._inputs = inputs
        self.context = context
        self._state = state
        self._accounts = state.accounts
        self._transactions: list[Transaction] = []
        self._receipts: list[Receipt] = []
        self._gas_used = 0
        self._transaction_bytes = 0
        self._blob_gas_used = 0
        self._minted_wei = 0

    @classmethod
    def open(cls, rules: Rules, parent: Header, state_root: Hash32, inputs: BlockInputs) -> "BlockExecution":
        """A block on `parent` and on `state_root`, which is the parent's unless it was patched. Raises
        `InvalidBlockError` if the inputs cannot make a block."""
        execution = cls._at(rules, parent, state_root, inputs)
        execution.begin()
        return execution

    @classmethod
    def resume(
        cls, rules: Rules, parent: Header, state_root: Hash32, inputs: BlockInputs, so_far: "Progress"
    ) -> "BlockExecution":
        """A block in the middle, on the state after the transactions so far. Raises `InvalidBlockError`."""
        execution = cls._at(rules, parent, state_root, inputs)
        execution._gas_used = so_far.gas_used
        execution._transactions = list(so_far.transactions)
        execution._receipts = list(so_far.receipts)
        execution._blob_gas_used = sum(blob_gas(transaction) for transaction in so_far.transactions)
        return execution

    @classmethod
    def _at(cls, rules: Rules, parent: Header, state_root: Hash32, inputs: BlockInputs) -> "BlockExecution":
        _check_inputs(rules.spec, parent, inputs)
        fork = rules.schedule.at(inputs.timestamp_s, parent.number + 1)
        context = context_of(rules, fork, parent, inputs)
        accounts = open_accounts(rules.nodes, state_root, fork)
        return cls(rules, inputs, context, machine(accounts, context, rules.headers, rules.natives))

    def begin(self) -> None:
        """Make the system calls that come before the transactions."""
        begin_block(self._state, self._inputs.parent_beacon_block_root, self.context.parent_hash)

    @property
    def gas_remaining(self) -> int:
        return self.context.gas_limit - self._gas_used

    def has_room_for(self, raw: bytes) -> bool:
        """Whether the block stays under the size limit with this transaction, whatever its header."""
        size = self._transaction_bytes + transaction_bytes(raw) + LARGEST_FRAME_BYTES
        return self.context.fork < Fork.OSAKA or size <= MOST_BLOCK_BYTES

    def add(
        self, raw: bytes, *, time_limit_s: float | None = None, recorder: Recorder | None = None
    ) -> Receipt:
        """Run a transaction and put it into the block.

        Raises `TransactionError` (also past `time_limit_s`), and then the block is as it was before.
        """
        rules = self._rules
        transaction = decode_transaction(raw, rules.spec.chain_id, impersonation=rules.impersonation)
        if recorder is not None:
            recorder.start(self._state, transaction)
        if transaction.type == DEPOSIT_TYPE:
            outcome = self._deposit(transaction)
        else:
            outcome = self._signed(transaction, time_limit_s, is_watched=recorder is not None)
        if recorder is not None:
            recorder.finish(self._state, outcome)
        self._accounts.end_transaction()
        return self._include(transaction, outcome)

    def _deposit(self, transaction: Transaction) -> Outcome:
        assert transaction.deposit is not None
        if not self._rules.spec.is_rollup:
            raise TransactionError("transaction type not supported")
        if transaction.gas > self.gas_remaining:
            raise TransactionError("gas limit reached", permanent=transaction.gas > self.context.gas_limit)
        self._minted_wei += transaction.deposit.mint_wei
        return process_deposit(self._state, self.context, transaction)

    def _signed(self, transaction: Transaction, time_limit_s: float | None, *, is_watched: bool) -> Outcome:
        is_rollup = self._rules.spec.is_rollup
        fee = l1_fee(self._accounts, transaction.raw) if is_rollup else None
        check_transaction(
            transaction,
            self._accounts,
            self.context,
            Room(self.gas_remaining, blob_rules(self.context.fork).maximum_gas - self._blob_gas_used),
            is_rollup=is_rollup,
            l1_fee_wei=fee.fee_wei if fee is not None else 0,
        )
        price_wei = effective_gas_price(transaction, self.context.base_fee_wei)
        if not is_watched and is_plain_transfer(self._state, transaction):
            return transfer(self._state, transaction, price_wei, is_rollup=is_rollup, l1_fee=fee)
        self._state.deadline_s = None if time_limit_s is None else time.monotonic() + time_limit_s
        try:
            return process_transaction(self._state, transaction, price_wei, is_rollup=is_rollup, l1_fee=fee)
        except ExecutionTimeoutError:
            self._accounts.abandon_transaction()
            raise TransactionError("execution takes longer than a block may") from None
        finally:
            self._state.deadline_s = None

    def _include(self, transaction: Transaction, outcome: Outcome) -> Receipt:
        self._gas_used += outcome.gas_used
        self._transaction_bytes += transaction_bytes(transaction.raw)
        self._blob_gas_used += blob_gas(transaction)
        receipt = Receipt(
            succeeded=outcome.error is None,
            gas_used=outcome.gas_used,
            cumulative_gas_used=self._gas_used,
            effective_gas_price_wei=outcome.effective_gas_price_wei,
            logs=outcome.logs,
            bloom=logs_bloom(outcome.logs) if outcome.logs else EMPTY_BLOOM,
            contract_address=outcome.contract_address,
            deposit_nonce=outcome.deposit_nonce,
            l1_fee=outcome.l1_fee,
            state_root=None if self.context.fork >= Fork.BYZANTIUM else self._accounts.root_now(),
        )
        self._transactions.append(transaction)
        self._receipts.append(receipt)
        return receipt

    def state_so_far(self) -> tuple[Hash32, StateWrites]:
        """Root of the state between two transactions, and what to store to make it readable; once, at the
        end."""
        nodes: dict[bytes, bytes] = {}
        codes: dict[Hash32, bytes] = {}
        return self._accounts.make_root(nodes, codes), state_writes(nodes, codes)

    def seal(self) -> ExecutedBlock:
        """Finish the block; nothing may be added after. Raises `InvalidBlockError` if it is too large."""
        work = self._inputs.work
        ommers = () if work is None else work.ommers
        self._minted_wei += apply_withdrawals(self._state, self._inputs.withdrawals)
        self._minted_wei += pay_rewards(self._accounts, self.context, ommers)
        requests = self._requests()
        requests_hash = Hash32(b"") if self.context.fork < Fork.PRAGUE else hash_of_requests(requests)
        nodes: dict[bytes, bytes] = {}
        codes: dict[Hash32, bytes] = {}
        state_root = self._accounts.make_root(nodes, codes)
        block = Block(
            header=self._header(state_root, requests_hash),
            transactions=tuple(self._transactions),
            receipts=tuple(self._receipts),
            supply_change=SupplyChange(
                self._minted_wei, self._minted_wei - self._accounts.balance_change_wei()
            ),
            withdrawals=self._inputs.withdrawals,
            ommers=ommers,
        )
        raw = tuple(transaction.raw for transaction in self._transactions)
        check_size(RawBlock(block.header, raw, block.withdrawals, ommers), self.context.fork)
        return ExecutedBlock(block, state_writes(nodes, codes), requests, self._accounts.node_changes)

    def _requests(self) -> tuple[bytes, ...]:
        if self.context.fork < Fork.PRAGUE or not self._rules.spec.has_execution_requests:
            return ()
        logs = [log for receipt in self._receipts for log in receipt.logs]
        return collect_requests(self._state, logs, self._rules.spec.deposit_contract)

    def _header(self, state_root: Hash32, requests_hash: Hash32) -> Header:
        context, inputs, fork = self.context, self._inputs, self.context.fork
        work = inputs.work or Work(0, ZERO_NONCE)
        withdrawals_root = ordered_root(encode_withdrawal(entry) for entry in inputs.withdrawals)
        encoded_receipts = (
            encode_receipt(transaction.type, receipt)
            for transaction, receipt in zip(self._transactions, self._receipts, strict=True)
        )
        return sealed(
            Header(
                parent_hash=context.parent_hash,
                ommers_hash=ommers_hash(work.ommers),
                coinbase=context.coinbase,
                state_root=state_root,
                transactions_root=ordered_root(transaction.raw for transaction in self._transactions),
                receipts_root=ordered_root(encoded_receipts),
                bloom=join_blooms(receipt.bloom for receipt in self._receipts),
                difficulty=work.difficulty,
                number=context.number,
                gas_limit=context.gas_limit,
                gas_used=self._gas_used,
                timestamp_s=context.timestamp_s,
                extra_data=inputs.extra_data,
                prev_randao=context.prev_randao,
                nonce=work.nonce,
                base_fee_wei=context.base_fee_wei,
                withdrawals_root=withdrawals_root if fork >= Fork.SHANGHAI else Hash32(b""),
                blob_gas_used=self._blob_gas_used,
                excess_blob_gas=context.excess_blob_gas,
                parent_beacon_block_root=inputs.parent_beacon_block_root
                if fork >= Fork.CANCUN
                else Hash32(b""),
                requests_hash=requests_hash,
                hash=Hash32(b""),
                rlp=b"",
                has_base_fee=fork >= Fork.LONDON,
            )
        )


def _check_inputs(spec: ChainSpec, parent: Header, inputs: BlockInputs) -> None:
    if inputs.timestamp_s <= parent.timestamp_s:
        raise InvalidBlockError(
            f"timestamp {inputs.timestamp_s} is not after the parent's {parent.timestamp_s}"
        )
    if len(inputs.extra_data) > _MAXIMUM_EXTRA_DATA_BYTES:
        raise InvalidBlockError("extra data is longer than 32 bytes")
    if spec.is_rollup and inputs.withdrawals:
        raise InvalidBlockError("a rollup has no withdrawals from a consensus layer")
