"""An L1 pool and chain small enough to misbehave on demand."""

from dataclasses import dataclass, field
from typing import Literal

from genesis.keccak import keccak256
from genesis.spec import BlockId
from genesis.types import Address, Hash32
from rollup_bridge.errors import TemporaryError, TransactionError
from rollup_bridge.ports import L1Fees, L1Inclusion, SignedTransaction, UnsignedTransaction

ACCOUNT = Address(b"\xac" * 20)


class FakeSigner:
    """Remembers what it signed; the raw bytes are the fields' text."""

    def __init__(self) -> None:
        self.signed: dict[bytes, UnsignedTransaction] = {}

    @property
    def address(self) -> Address:
        return ACCOUNT

    async def sign(self, transaction: UnsignedTransaction) -> SignedTransaction:
        raw = repr(transaction).encode()
        self.signed[raw] = transaction
        return SignedTransaction(keccak256(raw), raw)


@dataclass
class FakeNetwork:
    """`mine` puts the pool into a block. `refusals` are words for the next sends; `drop` forgets what it
    accepts; `base_fee_wei` decides what is mined."""

    signer: FakeSigner
    nonce: int = 0
    head: int = 100
    base_fee_wei: int = 1_000
    tip_wei: int = 100
    blob_base_fee_wei: int = 1
    pool: dict[int, tuple[Hash32, UnsignedTransaction]] = field(default_factory=dict)
    mined: dict[Hash32, L1Inclusion] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)
    received: list[UnsignedTransaction] = field(default_factory=list)
    drop: bool = False
    down: bool = False
    reverts: bool = False

    async def chain_id(self) -> int:
        return 31337

    async def head_number(self) -> int:
        self._check()
        return self.head

    async def next_nonce(self, address: Address, tag: Literal["latest", "pending"]) -> int:
        self._check()
        return self.nonce

    async def fees(self) -> L1Fees:
        self._check()
        return L1Fees(self.base_fee_wei, self.tip_wei, self.blob_base_fee_wei)

    async def estimate_gas(self, sender: Address, to: Address, value_wei: int, data: bytes) -> int:
        if self.reverts:
            raise TransactionError("execution reverted")
        return 50_000

    async def send_raw(self, raw: bytes) -> None:
        self._check()
        transaction = self.signer.signed[raw]
        self.received.append(transaction)
        if self.refusals:
            raise TransactionError(self.refusals.pop(0))
        if transaction.nonce < self.nonce:
            raise TransactionError("nonce too low")
        waiting = self.pool.get(transaction.nonce)
        if waiting is not None and waiting[0] == keccak256(raw):
            raise TransactionError("already known")
        if waiting is not None and transaction.max_fee_wei * 100 < waiting[1].max_fee_wei * 110:
            raise TransactionError("replacement transaction underpriced")
        if not self.drop:
            self.pool[transaction.nonce] = (keccak256(raw), transaction)

    async def inclusion(self, transaction_hash: Hash32) -> L1Inclusion | None:
        self._check()
        return self.mined.get(transaction_hash)

    def mine(self) -> None:
        """One block with what the pool has and can pay the base fee."""
        self.head += 1
        waiting = self.pool.get(self.nonce)
        if waiting is None or waiting[1].max_fee_wei < self.base_fee_wei:
            return
        del self.pool[self.nonce]
        transaction_hash, transaction = waiting
        block = BlockId(Hash32(self.head.to_bytes(32, "big")), self.head)
        self.mined[transaction_hash] = L1Inclusion(transaction_hash, block, True, transaction.gas, 1, ())
        self.nonce += 1

    def reorg(self) -> None:
        """The last mined transaction falls out of the chain and out of the pool."""
        self.mined.clear()
        self.nonce -= 1

    def _check(self) -> None:
        if self.down:
            raise TemporaryError("the L1 is down")
