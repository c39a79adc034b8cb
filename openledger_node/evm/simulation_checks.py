"""Which calls a simulation refuses, and under which name.

Covered: nonce, fees, blobs, funds, gas, initcode; without validation nonces do not count and a call that
names no fees is free. Not covered: signatures and senders with code, which a simulation never looks at.
Source: geth, the checks of a state transition in their order.
"""

from dataclasses import dataclass

from genesis.fees.intrinsic import MAXIMUM_INITCODE_BYTES, floor_gas
from genesis.forks import Fork
from openledger_node.evm.accounts import AccountState
from openledger_node.evm.context import BlockContext
from openledger_node.evm.errors import Refusal, SimulationError, TransactionError
from openledger_node.evm.records import Transaction
from openledger_node.evm.transactions import BLOB, SET_CODE
from openledger_node.evm.validity import blob_gas, check_blob_hashes, needed_gas
from openledger_node.evm.vm import MachineState

_MAXIMUM_NONCE = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Mode:
    validate: bool


def check_call(
    transaction: Transaction, state: MachineState, context: BlockContext, blob_room: int, mode: Mode
) -> None:
    """Raises `SimulationError`. Reads state, changes nothing."""
    accounts = state.accounts
    if mode.validate:
        _check_nonce(transaction, accounts.get_nonce(transaction.sender))
    _check_fees(transaction, context, mode)
    _check_type(transaction)
    _check_blob_fee(transaction, state.blob_base_fee, mode)
    _check_funds(transaction, accounts)
    if blob_gas(transaction) > blob_room:
        raise SimulationError(Refusal.OTHER, "blob gas limit reached")
    _check_gas(transaction, context.fork)


def _who(transaction: Transaction) -> str:
    return f"address 0x{transaction.sender.hex()}"


def _refuse(refusal: Refusal, transaction: Transaction, cause: str) -> SimulationError:
    return SimulationError(refusal, f"err: {cause} (supplied gas {transaction.gas})")


def _check_nonce(transaction: Transaction, expected: int) -> None:
    found = transaction.nonce
    difference = f"{_who(transaction)}, tx: {found} state: {expected}"
    if found < expected:
        raise _refuse(Refusal.NONCE_TOO_LOW, transaction, f"nonce too low: {difference}")
    if found > expected:
        raise _refuse(Refusal.NONCE_TOO_HIGH, transaction, f"nonce too high: {difference}")
    if found >= _MAXIMUM_NONCE:
        raise _refuse(Refusal.OTHER, transaction, f"nonce has max value: {_who(transaction)}, nonce: {found}")


def _check_fees(transaction: Transaction, context: BlockContext, mode: Mode) -> None:
    fee, tip = transaction.max_fee_wei, transaction.max_priority_fee_wei
    if not mode.validate and not fee and not tip:
        return
    if fee < tip:
        cause = (
            "max priority fee per gas higher than max fee per gas: "
            f"{_who(transaction)}, maxPriorityFeePerGas: {tip}, maxFeePerGas: {fee}"
        )
        raise _refuse(Refusal.FEES_INVALID, transaction, cause)
    if fee < context.base_fee_wei:
        cause = (
            "max fee per gas less than block base fee: "
            f"{_who(transaction)}, maxFeePerGas: {fee}, baseFee: {context.base_fee_wei}"
        )
        raise _refuse(Refusal.FEE_TOO_LOW, transaction, cause)


def _check_type(transaction: Transaction) -> None:
    if transaction.type == SET_CODE and transaction.to is None:
        raise _refuse(Refusal.OTHER, transaction, "EIP-7702 transaction cannot be used to create contract")
    if transaction.type == SET_CODE and not transaction.authorizations:
        raise _refuse(Refusal.OTHER, transaction, "EIP-7702 transaction with empty auth list")
    if transaction.type != BLOB:
        return
    if transaction.to is None:
        raise _refuse(Refusal.OTHER, transaction, "blob transaction of type create")
    try:
        check_blob_hashes(transaction)
    except TransactionError as error:
        raise _refuse(Refusal.OTHER, transaction, error.cause) from None


def _check_blob_fee(transaction: Transaction, blob_base_fee_wei: int, mode: Mode) -> None:
    cap = transaction.max_blob_fee_wei
    if transaction.type != BLOB or (not mode.validate and not cap):
        return
    if cap < blob_base_fee_wei:
        cause = (
            "max fee per blob gas less than block blob gas fee: "
            f"{_who(transaction)} blobGasFeeCap: {cap}, blobBaseFee: {blob_base_fee_wei}"
        )
        raise _refuse(Refusal.OTHER, transaction, cause)


def _check_funds(transaction: Transaction, accounts: AccountState) -> None:
    have = accounts.get_balance(transaction.sender)
    want = transaction.gas * transaction.max_fee_wei + transaction.value_wei
    want += blob_gas(transaction) * transaction.max_blob_fee_wei
    if have < want:
        cause = f"insufficient funds for gas * price + value: {_who(transaction)} have {have} want {want}"
        raise _refuse(Refusal.FUNDS, transaction, cause)


def _check_gas(transaction: Transaction, fork: Fork) -> None:
    needed = needed_gas(transaction, fork)
    if transaction.gas < needed:
        cause = f"intrinsic gas too low: have {transaction.gas}, want {needed}"
        raise _refuse(Refusal.INTRINSIC_GAS, transaction, cause)
    if fork >= Fork.PRAGUE and transaction.gas < (floor := floor_gas(transaction.data)):
        cause = f"insufficient gas for floor data gas cost: have {transaction.gas}, want {floor}"
        raise _refuse(Refusal.INTRINSIC_GAS, transaction, cause)
    if fork >= Fork.SHANGHAI and transaction.to is None and len(transaction.data) > MAXIMUM_INITCODE_BYTES:
        cause = (
            f"max initcode size exceeded: code size {len(transaction.data)}, limit {MAXIMUM_INITCODE_BYTES}"
        )
        raise _refuse(Refusal.INITCODE_SIZE, transaction, cause)
