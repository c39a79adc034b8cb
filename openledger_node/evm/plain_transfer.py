"""What a transfer to an account without code does: the same as `process_transaction`, without a machine.

Nothing can go wrong after `check_transaction`, so nothing is recorded to be taken back. Most transactions of
a payment network are of this kind, and a machine would take most of their time.
"""

from genesis.addresses import BASE_FEE_VAULT, L1_FEE_VAULT
from genesis.fees.intrinsic import floor_gas
from genesis.forks import Fork
from genesis.types import Address
from openledger_node.evm.account_leaf import EMPTY_CODE_HASH
from openledger_node.evm.records import L1Fee, Transaction
from openledger_node.evm.transaction_processing import Outcome
from openledger_node.evm.validity import needed_gas
from openledger_node.evm.vm import MachineState


def is_plain_transfer(state: MachineState, transaction: Transaction) -> bool:
    """Whether no code can run, nobody watches, and only balances change."""
    to = transaction.to
    return (
        to is not None
        and not transaction.authorizations
        and not transaction.blob_hashes
        and state.tracer is None
        and state.fork >= Fork.PRAGUE
        and to not in state.precompiles
        and to not in state.natives
        and state.accounts.get_code_hash(to) == EMPTY_CODE_HASH
    )


def transfer(
    state: MachineState, transaction: Transaction, price_wei: int, *, is_rollup: bool, l1_fee: L1Fee | None
) -> Outcome:
    """Apply a plain transfer that `check_transaction` found valid."""
    accounts = state.accounts
    assert transaction.to is not None, "a creation is no plain transfer"
    used = max(needed_gas(transaction, state.fork), floor_gas(transaction.data))
    base_fee_wei: int = min(state.base_fee, price_wei)
    l1_fee_wei = l1_fee.fee_wei if l1_fee is not None else 0
    accounts.pay(transaction.sender, used * price_wei + l1_fee_wei + transaction.value_wei)
    accounts.receive(transaction.to, transaction.value_wei)
    accounts.receive(Address(state.coinbase), used * (price_wei - base_fee_wei))
    if is_rollup:
        accounts.receive(BASE_FEE_VAULT, used * base_fee_wei)
        accounts.receive(L1_FEE_VAULT, l1_fee_wei)
    return Outcome(used, b"", None, (), price_wei, l1_fee=l1_fee, peak_gas=used)
