"""The chain as the mempool sees it: head state, next base fee, and decoded transactions."""

from genesis.fees.intrinsic import MAXIMUM_INITCODE_BYTES, floor_gas, intrinsic_gas
from genesis.spec import ChainSpec
from genesis.types import Address
from openledger_node.chain.chain import Chain
from openledger_node.evm.authorizations import authority_of
from openledger_node.evm.errors import TransactionError
from openledger_node.evm.impersonation import is_impersonated
from openledger_node.evm.records import DEPOSIT_TYPE, Transaction
from openledger_node.evm.transactions import BLOB
from openledger_node.evm.validity import blob_gas
from sequencer.ports import AccountState, PooledTransaction

DELEGATION_PREFIX = bytes.fromhex("ef0100")
"""Code that only names another account's code. Source: EIP-7702."""
DELEGATION_SIZE_BYTES = 23
REMEMBERED_FEE_BYTES = 4 * 1024 * 1024
"""Of raw transactions, which are the keys."""
REMEMBERED_ACCOUNTS = 4_096


def is_delegation(code: bytes) -> bool:
    """Whether an account's code is a delegation to another's (EIP-7702)."""
    return len(code) == DELEGATION_SIZE_BYTES and code.startswith(DELEGATION_PREFIX)


class PoolView:
    """`StateView` of one pinned head; `move_to_head` pins the newest.

    Accounts are remembered until the head moves, L1 fees by raw transaction, so that a thread can work one
    out before the pool asks.
    """

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._snapshot = chain.snapshot()
        self._l1_fees: dict[bytes, int] = {}
        self._l1_fee_bytes = 0
        self._accounts: dict[Address, AccountState] = {}

    def move_to_head(self) -> None:
        self._snapshot = self._chain.snapshot()
        self._l1_fees.clear()
        self._l1_fee_bytes = 0
        self._accounts.clear()

    def account(self, address: Address) -> AccountState:
        known = self._accounts.get(address)
        if known is not None:
            return known
        info = self._snapshot.account(address)
        delegated = is_delegation(info.code)
        found = AccountState(info.nonce, info.balance_wei, bool(info.code) and not delegated, delegated)
        if len(self._accounts) >= REMEMBERED_ACCOUNTS:
            self._accounts.clear()
        self._accounts[address] = found
        return found

    def next_base_fee_wei(self) -> int:
        steered = self._chain.steering.base_fee_after(self._snapshot.header.hash)
        return self._snapshot.next_base_fee_wei() if steered is None else steered

    def block_gas_limit(self) -> int:
        return self._snapshot.header.gas_limit

    def l1_data_fee_wei(self, raw: bytes) -> int:
        if not self._chain.spec.is_rollup:
            return 0
        known = self._l1_fees.get(raw)
        if known is not None:
            return known
        fee_wei = self._snapshot.l1_data_fee_wei(raw)
        self._l1_fee_bytes += len(raw)
        if self._l1_fee_bytes > REMEMBERED_FEE_BYTES:
            self._l1_fees.clear()
            self._l1_fee_bytes = len(raw)
        self._l1_fees[raw] = fee_wei
        return fee_wei


def pooled(transaction: Transaction, spec: ChainSpec) -> PooledTransaction:
    """A decoded transaction in the pool's terms. Raises TransactionError for what this chain never takes."""
    if transaction.type == DEPOSIT_TYPE or (spec.is_rollup and transaction.type == BLOB):
        raise TransactionError("transaction type not supported")
    if transaction.chain_id is not None and transaction.chain_id != spec.chain_id:
        raise TransactionError(
            f"invalid chain id for signer: have {transaction.chain_id} want {spec.chain_id}"
        )
    is_creation = transaction.to is None
    if is_creation and len(transaction.data) > MAXIMUM_INITCODE_BYTES:
        raise TransactionError(
            f"max initcode size exceeded: code size {len(transaction.data)}, limit {MAXIMUM_INITCODE_BYTES}"
        )
    return PooledTransaction(
        hash=transaction.hash,
        raw=transaction.raw,
        sender=transaction.sender,
        nonce=transaction.nonce,
        gas=transaction.gas,
        value_wei=transaction.value_wei,
        max_fee_wei=transaction.max_fee_wei,
        max_priority_fee_wei=transaction.max_priority_fee_wei,
        size_bytes=len(transaction.raw),
        type=transaction.type,
        intrinsic_gas=intrinsic_gas(
            transaction.data,
            is_creation=is_creation,
            access_list_addresses=len(transaction.access_list),
            access_list_slots=sum(len(entry.slots) for entry in transaction.access_list),
            authorizations=len(transaction.authorizations),
        ),
        floor_gas=floor_gas(transaction.data),
        may_be_contract=is_impersonated(transaction),
        blob_cost_wei=blob_gas(transaction) * transaction.max_blob_fee_wei,
        authorities=_authorities(transaction, spec.chain_id),
    )


def _authorities(transaction: Transaction, chain_id: int) -> tuple[Address, ...]:
    signers = (authority_of(authorization, chain_id) for authorization in transaction.authorizations)
    return tuple(dict.fromkeys(signer for signer in signers if signer is not None))
