"""Which transactions may be in a block at all: every check before anything changes.

Covered: type, nonce, sender, fees, funds, gas, initcode, blobs, authorizations; when building and when
importing alike. Not covered: encoding and signature (`transactions.py`), deposits (`deposits.py`).
Source: execution-specs, Prague `check_transaction` and `validate_transaction`; wording and order of geth.
"""

from dataclasses import dataclass

from genesis.fees.intrinsic import MAXIMUM_INITCODE_BYTES, TRANSACTION_GAS, floor_gas, intrinsic_gas
from genesis.forks import TRANSACTION_GAS_CAP, Fork, blob_rules
from openledger_node.evm.accounts import AccountState
from openledger_node.evm.blob_fees import GAS_PER_BLOB
from openledger_node.evm.code import delegation_target
from openledger_node.evm.context import BlockContext
from openledger_node.evm.errors import TransactionError
from openledger_node.evm.impersonation import is_impersonated
from openledger_node.evm.old_forks import intrinsic_difference, knows_type
from openledger_node.evm.records import Transaction
from openledger_node.evm.transactions import BLOB, SET_CODE

_MAXIMUM_NONCE = 2**64 - 1
_KZG_VERSION = 1


@dataclass(frozen=True, slots=True)
class Room:
    """What the block has left, in gas."""

    gas: int
    blob_gas: int


def needed_gas(transaction: Transaction, fork: Fork) -> int:
    """Intrinsic gas."""
    if fork >= Fork.CANCUN and _is_bare(transaction):
        return TRANSACTION_GAS
    today = intrinsic_gas(
        transaction.data,
        is_creation=transaction.to is None,
        access_list_addresses=len(transaction.access_list),
        access_list_slots=sum(len(entry.slots) for entry in transaction.access_list),
        authorizations=len(transaction.authorizations),
    )
    return today if fork >= Fork.CANCUN else today + intrinsic_difference(transaction, fork)


def least_gas(transaction: Transaction, fork: Fork) -> int:
    """Intrinsic gas or the calldata's floor: with less, a transaction cannot start."""
    needed = needed_gas(transaction, fork)
    return needed if fork < Fork.PRAGUE else max(needed, floor_gas(transaction.data))


def _is_bare(transaction: Transaction) -> bool:
    """Whether it is a plain transfer: what most transactions are."""
    return not (
        transaction.data or transaction.access_list or transaction.to is None or transaction.authorizations
    )


def blob_gas(transaction: Transaction) -> int:
    return GAS_PER_BLOB * len(transaction.blob_hashes)


def check_transaction(
    transaction: Transaction,
    accounts: AccountState,
    context: BlockContext,
    room: Room,
    *,
    is_rollup: bool,
    l1_fee_wei: int,
) -> None:
    """Raises `TransactionError`. Reads state, changes nothing."""
    _check_type(transaction, context.fork, is_rollup)
    _check_nonce(transaction, accounts.get_nonce(transaction.sender))
    _check_gas_cap(transaction, context.fork)
    _check_sender(transaction, accounts)
    _check_fees(transaction, context)
    _check_blobs(transaction, context)
    _check_funds(transaction, accounts.get_balance(transaction.sender), l1_fee_wei)
    _check_room(transaction, context, room)
    check_gas(transaction, context.fork)


def _check_type(transaction: Transaction, fork: Fork, is_rollup: bool) -> None:
    unknown = transaction.deposit is not None or not knows_type(fork, transaction)
    if unknown or (is_rollup and transaction.type == BLOB):
        raise TransactionError("transaction type not supported")
    if transaction.type == SET_CODE and not transaction.authorizations:
        raise TransactionError("EIP-7702 transaction with empty auth list")


def _check_nonce(transaction: Transaction, expected: int) -> None:
    found = transaction.nonce
    who = f"address 0x{transaction.sender.hex()}"
    if found < expected:
        raise TransactionError(f"nonce too low: {who}, tx: {found} state: {expected}")
    if found > expected:
        raise TransactionError(f"nonce too high: {who}, tx: {found} state: {expected}", permanent=False)
    if found >= _MAXIMUM_NONCE:
        raise TransactionError(f"nonce has max value: {who}, nonce: {found}")


def _check_gas_cap(transaction: Transaction, fork: Fork) -> None:
    """Source: EIP-7825. Deposits are exempt: L1 has taken them already."""
    if fork >= Fork.OSAKA and transaction.gas > TRANSACTION_GAS_CAP:
        raise TransactionError(
            f"transaction gas limit too high (cap: {TRANSACTION_GAS_CAP}, tx: {transaction.gas})"
        )


def _check_sender(transaction: Transaction, accounts: AccountState) -> None:
    """Source: EIP-3607, with the exception EIP-7702 makes for delegations; a mark has no signature behind it
    that could be forged."""
    code = accounts.get_code(transaction.sender)
    if code and delegation_target(code) is None and not is_impersonated(transaction):
        raise TransactionError(f"sender not an eoa: address 0x{transaction.sender.hex()}")


def _check_fees(transaction: Transaction, context: BlockContext) -> None:
    who = f"address 0x{transaction.sender.hex()}"
    fee, tip = transaction.max_fee_wei, transaction.max_priority_fee_wei
    if fee < tip:
        raise TransactionError(
            "max priority fee per gas higher than max fee per gas: "
            f"{who}, maxPriorityFeePerGas: {tip}, maxFeePerGas: {fee}"
        )
    if fee < context.base_fee_wei:
        raise TransactionError(
            "max fee per gas less than block base fee: "
            f"{who}, maxFeePerGas: {fee}, baseFee: {context.base_fee_wei}",
            permanent=False,
        )


def _check_blobs(transaction: Transaction, context: BlockContext) -> None:
    if transaction.type != BLOB:
        return
    check_blob_hashes(transaction)
    most = blob_rules(context.fork).most_per_transaction
    if most is not None and len(transaction.blob_hashes) > most:
        raise TransactionError(f"blob transaction has too many blobs (max {most})")
    if transaction.max_blob_fee_wei < context.blob_base_fee_wei:
        raise TransactionError(
            "max fee per blob gas less than block blob gas fee: "
            f"address 0x{transaction.sender.hex()} blobGasFeeCap: {transaction.max_blob_fee_wei}, "
            f"blobBaseFee: {context.blob_base_fee_wei}",
            permanent=False,
        )


def check_blob_hashes(transaction: Transaction) -> None:
    """For a blob transaction; in calls as well."""
    if not transaction.blob_hashes:
        raise TransactionError("blob transaction missing blob hashes")
    for index, blob_hash in enumerate(transaction.blob_hashes):
        if blob_hash[0] != _KZG_VERSION:
            raise TransactionError(f"blob {index} has invalid hash version")


def _check_funds(transaction: Transaction, balance: int, l1_fee_wei: int) -> None:
    most = transaction.gas * transaction.max_fee_wei + transaction.value_wei + l1_fee_wei
    most += blob_gas(transaction) * transaction.max_blob_fee_wei
    if balance < most:
        raise TransactionError(
            "insufficient funds for gas * price + value: "
            f"address 0x{transaction.sender.hex()} have {balance} want {most}",
            permanent=False,
        )


def _check_room(transaction: Transaction, context: BlockContext, room: Room) -> None:
    if transaction.gas > room.gas:
        raise TransactionError("gas limit reached", permanent=transaction.gas > context.gas_limit)
    if blob_gas(transaction) > room.blob_gas:
        raise TransactionError("blob gas limit reached", permanent=False)


def check_gas(transaction: Transaction, fork: Fork) -> None:
    """Intrinsic gas, calldata floor and initcode size; for calls and deposits as well."""
    needed = needed_gas(transaction, fork)
    if transaction.gas < needed:
        raise TransactionError(f"intrinsic gas too low: have {transaction.gas}, want {needed}")
    if fork >= Fork.PRAGUE and transaction.gas < (floor := floor_gas(transaction.data)):
        raise TransactionError(
            f"insufficient gas for floor data gas cost: have {transaction.gas}, want {floor}"
        )
    if fork >= Fork.SHANGHAI and transaction.to is None and len(transaction.data) > MAXIMUM_INITCODE_BYTES:
        raise TransactionError(
            f"max initcode size exceeded: code size {len(transaction.data)} limit {MAXIMUM_INITCODE_BYTES}"
        )
