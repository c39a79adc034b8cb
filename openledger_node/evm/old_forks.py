"""What forks before Cancun do differently around a message: gas, refunds, accounts that may be empty.

Covered: Homestead to Shanghai, on plain Ethereum chains only. Not covered: the DAO fork's irregular state
change, work (`proof_of_work.py`), machines (`machines.py`).
Source: execution-specs of the forks.
"""

from genesis.fees.intrinsic import CREATION_GAS, INITCODE_WORD_GAS, NONZERO_BYTE_GAS
from genesis.forks import Fork
from genesis.types import Address, Hash32
from openledger_node.evm.account_leaf import NO_ACCOUNT
from openledger_node.evm.accounts import AccountState
from openledger_node.evm.node_store import NodeStore
from openledger_node.evm.records import Transaction

_NONZERO_BYTE_GAS_BEFORE_ISTANBUL = 68
_SELFDESTRUCT_REFUND_BEFORE_LONDON = 24_000
_REFUND_QUOTIENT_BEFORE_LONDON = 2
_REFUND_QUOTIENT = 5
_FIRST_FORK_OF_TYPE = {
    0: Fork.FRONTIER,
    1: Fork.BERLIN,
    2: Fork.LONDON,
    3: Fork.CANCUN,
    4: Fork.PRAGUE,
}


def knows_type(fork: Fork, transaction: Transaction) -> bool:
    """Whether a signed transaction of this kind may be in a block of the fork."""
    if transaction.type == 0 and transaction.chain_id is not None:
        return fork >= Fork.SPURIOUS_DRAGON
    return fork >= _FIRST_FORK_OF_TYPE[transaction.type]


def intrinsic_difference(transaction: Transaction, fork: Fork) -> int:
    """What to add to today's intrinsic gas to get the fork's."""
    difference = 0
    if fork < Fork.ISTANBUL:
        nonzero_bytes = len(transaction.data) - transaction.data.count(0)
        difference += nonzero_bytes * (_NONZERO_BYTE_GAS_BEFORE_ISTANBUL - NONZERO_BYTE_GAS)
    if fork < Fork.SHANGHAI and transaction.to is None:
        difference -= INITCODE_WORD_GAS * -(-len(transaction.data) // 32)
    if fork < Fork.HOMESTEAD and transaction.to is None:
        difference -= CREATION_GAS
    return difference


def refund(accounts: AccountState, used_gas: int, fork: Fork) -> int:
    """Gas given back at the end of a transaction."""
    if fork >= Fork.LONDON:
        return min(accounts.refund, used_gas // _REFUND_QUOTIENT)
    counted = accounts.refund + _SELFDESTRUCT_REFUND_BEFORE_LONDON * len(accounts.destroyed)
    return min(counted, used_gas // _REFUND_QUOTIENT_BEFORE_LONDON)


class FrontierAccounts(AccountState):
    """Before Spurious Dragon (EIP-161): touching an account creates it, and nothing clears it."""

    def touch_account(self, address: Address) -> None:
        super().touch_account(address)
        if self.account(address) is None:
            self._set_account(address, NO_ACCOUNT)

    def end_transaction(self, *, clear_empty: bool = False) -> None:
        super().end_transaction(clear_empty=False)


def open_accounts(nodes: NodeStore, state_root: Hash32, fork: Fork) -> AccountState:
    """The account state as the fork's transactions see it."""
    return (AccountState if fork >= Fork.SPURIOUS_DRAGON else FrontierAccounts)(nodes, state_root)
