"""What a valid transaction does to the state: buy gas, run, refund, pay fees, clear up.

Covered: every signed type, the calldata floor, fee vaults on a rollup. Not covered: validity (`validity.py`),
deposits (`deposits.py`), which share `run_message`.
Source: execution-specs, Prague `process_transaction`; OP Stack specification (fee vaults).
"""

from dataclasses import dataclass
from typing import Any

from eth.exceptions import ContractCreationCollision
from eth.vm.forks.cancun.transaction_context import CancunTransactionContext
from eth.vm.message import Message

from genesis.addresses import BASE_FEE_VAULT, L1_FEE_VAULT
from genesis.fees.intrinsic import floor_gas
from genesis.forks import Fork
from genesis.types import Address
from openledger_node.evm.accounts import AccountState
from openledger_node.evm.authorizations import apply_authorization
from openledger_node.evm.code import delegation_target
from openledger_node.evm.halts import halt_name
from openledger_node.evm.old_forks import refund
from openledger_node.evm.records import L1Fee, Log, Transaction
from openledger_node.evm.transactions import contract_address
from openledger_node.evm.validity import blob_gas, needed_gas
from openledger_node.evm.vm import MachineState

_NONCE_LIMIT = 2**64


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a transaction did. `error` is geth's name of the halt, None on success."""

    gas_used: int
    output: bytes
    error: str | None
    logs: tuple[Log, ...]
    effective_gas_price_wei: int = 0
    contract_address: Address | None = None
    deposit_nonce: int | None = None
    l1_fee: L1Fee | None = None
    peak_gas: int = 0
    """Gas before refunds: the least gas limit with which the same would have happened."""


@dataclass(frozen=True, slots=True)
class Ran:
    """One message and its frames; gas after refund and floor, and before the refund."""

    gas_used: int
    peak_gas: int
    output: bytes
    error: str | None
    contract_address: Address | None


def effective_gas_price(transaction: Transaction, base_fee_wei: int) -> int:
    """Source: EIP-1559."""
    return min(transaction.max_fee_wei, base_fee_wei + transaction.max_priority_fee_wei)


def process_transaction(
    state: MachineState, transaction: Transaction, price_wei: int, *, is_rollup: bool, l1_fee: L1Fee | None
) -> Outcome:
    """Apply a transaction that `check_transaction` found valid. Leaves its end to `end_transaction`.

    A simulated one may pay less than the base fee, and its sender's nonce may wrap.
    """
    accounts = state.accounts
    sender = transaction.sender
    blob_fee_wei = blob_gas(transaction) * state.blob_base_fee
    l1_fee_wei = l1_fee.fee_wei if l1_fee is not None else 0
    nonce = accounts.get_nonce(sender)
    upfront_wei = transaction.gas * price_wei + blob_fee_wei + l1_fee_wei
    accounts.charge(sender, upfront_wei, (nonce + 1) % _NONCE_LIMIT)
    ran = run_message(state, transaction, nonce, price_wei)
    base_fee_wei: int = min(state.base_fee, price_wei)
    _add(accounts, sender, (transaction.gas - ran.gas_used) * price_wei)
    _add(accounts, Address(state.coinbase), ran.gas_used * (price_wei - base_fee_wei))
    if is_rollup:
        _add(accounts, BASE_FEE_VAULT, ran.gas_used * base_fee_wei)
        _add(accounts, L1_FEE_VAULT, l1_fee_wei)
    return Outcome(
        gas_used=ran.gas_used,
        output=ran.output,
        error=ran.error,
        logs=tuple(accounts.logs),
        effective_gas_price_wei=price_wei,
        contract_address=ran.contract_address,
        l1_fee=l1_fee,
        peak_gas=ran.peak_gas,
    )


def run_message(state: MachineState, transaction: Transaction, nonce: int, price_wei: int) -> Ran:
    """Run a transaction's message with the gas left after the intrinsic part. `nonce` is the sender's before
    it was raised; it gives a created contract its address."""
    _warm_up(state.accounts, transaction)
    chain_id: int = state.execution_context.chain_id
    for authorization in transaction.authorizations:
        apply_authorization(state.accounts, authorization, chain_id)
    message = _message(state, transaction, nonce)
    context = CancunTransactionContext(
        gas_price=price_wei, origin=transaction.sender, blob_versioned_hashes=transaction.blob_hashes
    )
    computation = _run(state, message, context)
    peak = transaction.gas - computation.get_gas_remaining()
    used = peak - refund(state.accounts, peak, state.fork)
    if state.fork >= Fork.PRAGUE:
        floor = floor_gas(transaction.data)
        used, peak = max(used, floor), max(peak, floor)
    created = Address(message.storage_address) if message.is_create else None
    return Ran(used, peak, computation.output, halt_name(computation), created)


def _add(accounts: AccountState, address: Address, amount_wei: int) -> None:
    accounts.set_balance(address, accounts.get_balance(address) + amount_wei)


def _warm_up(accounts: AccountState, transaction: Transaction) -> None:
    """Source: EIP-2929, EIP-2930 (py-evm adds the coinbase and precompiles)."""
    accounts.mark_address_warm(transaction.sender)
    for entry in transaction.access_list:
        accounts.mark_address_warm(entry.address)
        for slot in entry.slots:
            accounts.mark_storage_warm(entry.address, int.from_bytes(slot, "big"))


def _message(state: MachineState, transaction: Transaction, nonce: int) -> Any:
    gas = transaction.gas - needed_gas(transaction, state.fork)
    accounts = state.accounts
    if transaction.to is None:
        created = contract_address(transaction.sender, nonce)
        accounts.mark_address_warm(created)
        return Message(
            gas=gas,
            to=b"",
            sender=transaction.sender,
            value=transaction.value_wei,
            data=b"",
            code=transaction.data,
            create_address=created,
        )
    accounts.mark_address_warm(transaction.to)
    code = accounts.get_code(transaction.to)
    target = delegation_target(code) if state.fork >= Fork.PRAGUE else None
    if target is not None:
        accounts.mark_address_warm(Address(target))
        code = accounts.get_code(Address(target))
    return Message(
        gas=gas,
        to=transaction.to,
        sender=transaction.sender,
        value=transaction.value_wei,
        data=transaction.data,
        code=code,
        code_address=target,
        is_delegation=target is not None,
    )


def _run(state: MachineState, message: Any, context: Any) -> Any:
    if not message.is_create or not state.accounts.account_has_code_or_nonce(message.storage_address):
        return state.run(message, context)
    computation = state.get_computation(message, context)
    computation.error = ContractCreationCollision("address collision")
    return computation
