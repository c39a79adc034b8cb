"""What a deposit from L1 does to the state.

Covered: the mint survives failure; the nonce rises either way; no fees, no refund of ether; gas is counted.
Not covered: which deposits belong in a block (`rollup_bridge.deposits`).
Source: OP Stack specification, Deposits, with Regolith (system deposits are refused) and Canyon.
"""

from openledger_node.evm.accounts import AccountState
from openledger_node.evm.context import BlockContext
from openledger_node.evm.errors import TransactionError
from openledger_node.evm.records import Transaction
from openledger_node.evm.transaction_processing import Outcome, run_message
from openledger_node.evm.validity import check_gas
from openledger_node.evm.vm import MachineState


def process_deposit(state: MachineState, context: BlockContext, transaction: Transaction) -> Outcome:
    """Apply a deposit. Always succeeds in including it; the outcome says whether its message did."""
    assert transaction.deposit is not None
    accounts = state.accounts
    sender = transaction.sender
    accounts.set_balance(sender, accounts.get_balance(sender) + transaction.deposit.mint_wei)
    nonce = accounts.get_nonce(sender)
    accounts.set_nonce(sender, nonce + 1)
    refusal = _refusal(transaction, accounts, context)
    if refusal is not None:
        return Outcome(transaction.gas, b"", refusal, (), deposit_nonce=nonce)
    ran = run_message(state, transaction, nonce, price_wei=0)
    return Outcome(
        gas_used=ran.gas_used,
        output=ran.output,
        error=ran.error,
        logs=tuple(accounts.logs),
        contract_address=ran.contract_address,
        deposit_nonce=nonce,
    )


def _refusal(transaction: Transaction, accounts: AccountState, context: BlockContext) -> str | None:
    """Why the message can not even start, or None."""
    assert transaction.deposit is not None
    if transaction.deposit.is_system:
        return "system transactions are not supported"
    if accounts.get_balance(transaction.sender) < transaction.value_wei:
        return "insufficient funds for transfer"
    try:
        check_gas(transaction, context.fork)
    except TransactionError as error:
        return error.cause
    return None
