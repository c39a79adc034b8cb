"""May this transaction enter the pool at all?

Covered: size, type, fee fields, gas bounds, nonce, code at the sender, affordability with the L1 data fee,
one transaction in flight where the sender's account is delegated.
Not covered: signature and chain id (checked where the transaction is decoded), limits that depend on what
else is in the pool (`pool`, `account_queue`).
Source: go-ethereum's transaction pool rules; EIP-1559, EIP-3607, EIP-7623, EIP-7702; OP Stack specification,
L1 fee.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sequencer.errors import AdmissionError, UnderpricedError, UnpayableError
from sequencer.ports import AccountState, PooledTransaction, StateView

MAXIMUM_NONCE = 2**64 - 1
POOLED_TYPES = frozenset({0, 1, 2, 3, 4})
"""Legacy, access list, dynamic fee, blob, set code. A rollup refuses blobs before they get here: nothing
there carries them."""


@dataclass(frozen=True, slots=True)
class AdmissionLimits:
    """Fees are wei per gas. A transaction of `maximum_size_bytes` still fits one batch frame."""

    maximum_size_bytes: int = 128 * 1024
    minimum_tip_wei: int = 0


def check_form(transaction: PooledTransaction, limits: AdmissionLimits, block_gas_limit: int) -> None:
    """Raise AdmissionError for what no state could make valid."""
    if transaction.type not in POOLED_TYPES:
        raise AdmissionError("transaction type not supported")
    if transaction.size_bytes > limits.maximum_size_bytes:
        raise AdmissionError(
            f"oversized data: transaction size {transaction.size_bytes}, limit {limits.maximum_size_bytes}"
        )
    if transaction.nonce >= MAXIMUM_NONCE:
        raise AdmissionError("nonce has max value")
    _check_fees(transaction, limits)
    _check_gas(transaction, block_gas_limit)


def _check_fees(transaction: PooledTransaction, limits: AdmissionLimits) -> None:
    tip, cap = transaction.max_priority_fee_wei, transaction.max_fee_wei
    if tip > cap:
        raise AdmissionError(
            f"max priority fee per gas higher than max fee per gas: "
            f"maxPriorityFeePerGas: {tip}, maxFeePerGas: {cap}"
        )
    if tip < limits.minimum_tip_wei:
        raise UnderpricedError(
            f"transaction underpriced: tip needed {limits.minimum_tip_wei}, tip permitted {tip}"
        )


def _check_gas(transaction: PooledTransaction, block_gas_limit: int) -> None:
    if transaction.gas > block_gas_limit:
        raise AdmissionError("exceeds block gas limit")
    if transaction.gas < transaction.intrinsic_gas:
        raise AdmissionError(
            f"intrinsic gas too low: gas {transaction.gas}, minimum needed {transaction.intrinsic_gas}"
        )
    if transaction.gas < transaction.floor_gas:
        raise AdmissionError(
            "insufficient gas for floor data gas cost: "
            f"gas {transaction.gas}, minimum needed {transaction.floor_gas}"
        )


def check_sender(transaction: PooledTransaction, account: AccountState) -> None:
    """Raise AdmissionError where the sender's state forbids the transaction, whatever else is pooled."""
    if account.has_code and not transaction.may_be_contract:
        raise AdmissionError(f"sender not an eoa: address 0x{transaction.sender.hex()}")
    if transaction.nonce < account.nonce:
        raise AdmissionError(f"nonce too low: next nonce {account.nonce}, tx nonce {transaction.nonce}")


def check_delegated(transaction: PooledTransaction, next_nonce: int, pooled: Collection[int]) -> None:
    """For an account that is delegated, or about to be: others can move its funds and its nonce, and so could
    invalidate all it has in the pool. Raise AdmissionError for more than one transaction in flight.

    `pooled` are the nonces of its transactions in the pool. Source: EIP-7702, "Transaction propagation".
    """
    if transaction.nonce in pooled:
        return
    if pooled:
        raise AdmissionError("in-flight transaction limit reached for delegated accounts")
    if transaction.nonce != next_nonce:
        raise AdmissionError("gapped-nonce tx from delegated accounts")


def worst_cost_wei(transaction: PooledTransaction, view: StateView) -> int:
    """The most the transaction can take from its sender: value, gas and blobs at their caps, L1 data fee."""
    gas_wei = transaction.gas * transaction.max_fee_wei + transaction.blob_cost_wei
    return transaction.value_wei + gas_wei + view.l1_data_fee_wei(transaction.raw)


def check_affordable(balance_wei: int, cost_wei: int, queued_wei: int) -> None:
    """Raise UnpayableError unless the balance covers this transaction on top of the sender's pooled ones."""
    if queued_wei + cost_wei > balance_wei:
        raise UnpayableError(balance_wei, cost_wei, queued_wei)
