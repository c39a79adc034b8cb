"""Where we differ from py-evm's machine: a thin subclass of its state and computation.

Covered: the flat account state, native precompiles, Ethereum's precompiles by native libraries, initcode
gas charged once (it is part of the intrinsic gas), jump checks without recursion, wall-clock limits, tracer
hooks.
Not covered: which machine a fork has (`machines.py`), what happens around a message
(`transaction_processing.py`).
"""

import time
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from eth.exceptions import Halt, InsufficientFunds, StackDepthLimit
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.prague.state import PragueState
from eth.vm.logic.invalid import InvalidOpcode

from genesis.forks import Fork
from genesis.types import Address, Hash32
from openledger_node.errors import TemporaryError
from openledger_node.evm.accounts import AccountState
from openledger_node.evm.ancestors import Ancestors
from openledger_node.evm.code import Code
from openledger_node.evm.compiled import INTERPRETER
from openledger_node.evm.precompile_host import NativePrecompile, run_native
from openledger_node.evm.records import Log

_STACK_DEPTH_LIMIT = 1024
_STEPS_PER_TIME_CHECK = 256
_MOST_GAS = 2**63 - 1
"""More does not fit the interpreter's counter; it never counts above the message's gas."""


class ExecutionTimeoutError(TemporaryError):
    """The execution took longer than its caller allows. Never raised while importing a block."""

    code = "OL-1340"


class Tracer(Protocol):
    """Watches an execution. `frame` is a py-evm computation."""

    def enter(self, frame: Any) -> None: ...

    def step(self, frame: Any, opcode: int, mnemonic: str) -> None:
        """Before the instruction at `frame.code.program_counter - 1`."""
        ...

    def leave(self, frame: Any) -> None: ...


class MachineState(PragueState):  # type: ignore[misc]  # py-evm is untyped here
    """py-evm's state over `AccountState`, with what the frames of one block share."""

    interpreter: Any = INTERPRETER

    def __init__(
        self,
        accounts: AccountState,
        context: ExecutionContext,
        *,
        fork: Fork,
        computation_class: Any,
        blob_base_fee_wei: int,
        ancestors: Ancestors,
        natives: Mapping[Address, NativePrecompile],
    ) -> None:
        # py-evm's constructor would open its own account database and touch system contracts.
        self.execution_context = context
        self._account_db = accounts
        self.accounts = accounts
        self.fork = fork
        self.computation_class = computation_class
        self.natives = natives
        self.tracer: Tracer | None = None
        self.deadline_s: float | None = None
        self._blob_base_fee_wei = blob_base_fee_wei
        self._ancestors = ancestors
        self._active = self.computation_class.get_precompiles()
        self.precompiles: Mapping[Address, Any] = self._active
        """What answers at an address; a call that moves one leaves `_active`, which decides warmth."""

    @property
    def blob_base_fee(self) -> int:
        return self._blob_base_fee_wei

    def get_ancestor_hash(self, block_number: int) -> Hash32:
        return self._ancestors.hash_of(block_number)

    def is_address_warm(self, address: Address) -> bool:
        return self.accounts.is_address_warm(address) or address in self._active or address in self.natives

    def get_transient_storage(self, address: Address, slot: int) -> bytes:
        return self.accounts.get_transient_storage(address, slot)

    def set_transient_storage(self, address: Address, slot: int, value: bytes) -> None:
        self.accounts.set_transient_storage(address, slot, value)

    def snapshot(self) -> int:
        return self.accounts.record()

    def revert(self, snapshot: int) -> None:
        self.accounts.discard(snapshot)

    def commit(self, snapshot: int) -> None:
        self.accounts.commit(snapshot)

    def run(self, message: Any, context: Any) -> Any:
        """Run a message to its end; the frame it ran in, ours or py-evm's computation."""
        if self.tracer is None and self.fork >= Fork.CANCUN and message.gas <= _MOST_GAS:
            shared = self.interpreter.Run(
                self, context, has_delegations=self.fork >= Fork.PRAGUE, has_clz=self.fork >= Fork.OSAKA
            )
            return self.interpreter.execute(shared, message)
        machine = self.computation_class
        apply = machine.apply_create_message if message.is_create else machine.apply_message
        return apply(self, message, context)

    def check_time(self) -> None:
        """Raises `ExecutionTimeoutError` past the deadline."""
        if self.deadline_s is not None and time.monotonic() > self.deadline_s:
            raise ExecutionTimeoutError("execution aborted (timeout)")


class Changes:
    """What every fork's computation does differently here; mixed in before py-evm's class."""

    state: MachineState
    msg: Any
    code: Any
    opcodes: ClassVar[dict[int, Any]]
    precompiles: Mapping[Address, Any]
    contracts_created: list[Address]
    return_data: bytes

    def __init__(self, state: MachineState, message: Any, transaction_context: Any) -> None:
        super().__init__(state, message, transaction_context)  # type: ignore[call-arg]  # py-evm's follows
        self.code = Code(message.code)

    # -- effects live in the account state, so that one undo takes back all of a frame ---------------------

    def add_log_entry(self, account: Address, topics: tuple[int, ...], data: bytes) -> None:
        words = tuple(Hash32(topic.to_bytes(32, "big")) for topic in topics)
        self.state.accounts.add_log(Log(account, words, data))

    def refund_gas(self, amount: int) -> None:
        self.state.accounts.add_refund(amount)

    def register_account_for_deletion(self, beneficiary: Address) -> None:
        self.state.accounts.destroy_later(self.msg.storage_address)

    def add_child_computation(self, child: Any) -> None:
        """Take the child's return data; the child itself is not kept."""
        if child.is_success and child.msg.is_create:
            self.return_data = b""
        else:
            self.return_data = child.output

    # -- running -------------------------------------------------------------------------------------------

    @classmethod
    def apply_message(
        cls, state: MachineState, message: Any, transaction_context: Any, parent_computation: Any = None
    ) -> Any:
        """Transfer the value and run the code; on an error take everything back."""
        snapshot = state.snapshot()
        if message.depth > _STACK_DEPTH_LIMIT:
            raise StackDepthLimit("Stack depth limit reached")
        if message.should_transfer_value and message.value:
            _transfer(state.accounts, message.sender, message.storage_address, message.value)
        state.accounts.touch_account(message.storage_address)
        computation = cls.apply_computation(state, message, transaction_context, parent_computation)
        if computation.is_error:
            state.revert(snapshot)
        else:
            state.commit(snapshot)
        if state.tracer is not None and not message.is_create:
            state.tracer.leave(computation)
        return computation

    @classmethod
    def apply_create_message(
        cls, state: MachineState, message: Any, transaction_context: Any, parent_computation: Any = None
    ) -> Any:
        computation = super().apply_create_message(  # type: ignore[misc]  # py-evm's follows
            state, message, transaction_context, parent_computation
        )
        if state.tracer is not None:
            state.tracer.leave(computation)
        return computation

    @classmethod
    def apply_computation(
        cls, state: MachineState, message: Any, transaction_context: Any, parent_computation: Any = None
    ) -> Any:
        """Run one frame: native precompile, Ethereum precompile or code."""
        with cls(state, message, transaction_context) as computation:  # type: ignore[attr-defined]  # as above
            if parent_computation is None:
                computation.contracts_created = []
            else:
                computation.contracts_created = parent_computation.contracts_created
            if message.is_create:
                computation.contracts_created.append(message.storage_address)
            if state.tracer is not None:
                state.tracer.enter(computation)
            computation.run(message)
        return computation

    def run(self, message: Any) -> None:
        native = self.state.natives.get(message.code_address)
        precompile = self.state.precompiles.get(message.code_address)
        if native is not None:
            run_native(native, self)
        elif precompile is not None:
            # A delegation to a precompile runs empty code (EIP-7702).
            if not message.is_delegation:
                self.state.check_time()
                precompile(self)
        else:
            self._run_code()

    def _run_code(self) -> None:
        state, tracer = self.state, self.state.tracer
        state.check_time()
        for count, opcode in enumerate(self.code):
            if not count % _STEPS_PER_TIME_CHECK:
                state.check_time()
            instruction = self.opcodes.get(opcode) or InvalidOpcode(opcode)
            if tracer is not None:
                tracer.step(self, opcode, mnemonic_of(instruction))
            try:
                instruction(computation=self)
            except Halt:
                break


def mnemonic_of(instruction: Any) -> str:
    name = getattr(instruction, "mnemonic", None) or instruction.__wrapped__.mnemonic
    return str(name)


def _transfer(accounts: AccountState, sender: Address, recipient: Address, amount_wei: int) -> None:
    balance = accounts.get_balance(sender)
    if balance < amount_wei:
        raise InsufficientFunds(f"Insufficient funds: {balance} < {amount_wei}")
    accounts.set_balance(sender, balance - amount_wei)
    accounts.set_balance(recipient, accounts.get_balance(recipient) + amount_wei)
