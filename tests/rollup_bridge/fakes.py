"""An L1 in a dictionary and an L2 engine that hashes instead of executing: enough to derive against."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from genesis.addresses import SEQUENCER_FEE_VAULT, batch_inbox
from genesis.keccak import keccak256
from genesis.spec import BlockId, RollupConfig, SystemConfig
from genesis.types import Address, Hash32
from rollup_bridge.errors import InvalidBlockError, ResetError, TemporaryError
from rollup_bridge.ports import (
    Attributes,
    BlockTag,
    L1Block,
    L1Log,
    L1Receipt,
    L1Transaction,
    L2Block,
)

L2_CHAIN_ID = 31338
BATCHER = Address(b"\xba" * 20)
PORTAL = Address(b"\x70" * 20)
SYSTEM_CONFIG_CONTRACT = Address(b"\x5c" * 20)
ORACLE = Address(b"\x0a" * 20)
INBOX = batch_inbox(L2_CHAIN_ID)
INVALID = b"\x02invalid"
"""A transaction the fake engine refuses."""
GENESIS_TIME_S = 1_000_000
L1_BLOCK_TIME_S = 6
SYSTEM = SystemConfig(
    batcher=BATCHER, gas_limit=30_000_000, base_fee_scalar=1368, blob_base_fee_scalar=810949
)


class FakeClock:
    def __init__(self, now_s: float = 0.0) -> None:
        self.time_s = now_s
        self.slept_s: list[float] = []

    def now_s(self) -> float:
        return self.time_s

    async def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.time_s += seconds
        await asyncio.sleep(0)


@dataclass
class FakeL1:
    """`extend` adds a block; `reorg` drops blocks from the tip. `branch` makes hashes of a new branch
    differ."""

    chain: list[L1Block] = field(default_factory=list)
    known: dict[Hash32, L1Block] = field(default_factory=dict)
    transactions_of: dict[Hash32, tuple[L1Transaction, ...]] = field(default_factory=dict)
    receipts_of: dict[Hash32, tuple[L1Receipt, ...]] = field(default_factory=dict)
    finalized_number: int = 0
    branch: int = 0
    down: bool = False

    def __post_init__(self) -> None:
        if not self.chain:
            self.extend()

    @property
    def head(self) -> L1Block:
        return self.chain[-1]

    def extend(
        self,
        transactions: Sequence[L1Transaction] = (),
        logs: Sequence[L1Log] = (),
        time_s: int | None = None,
    ) -> L1Block:
        number = len(self.chain)
        parent = self.chain[-1].hash if self.chain else Hash32(bytes(32))
        seed = parent + number.to_bytes(8, "big") + self.branch.to_bytes(8, "big")
        block = L1Block(
            hash=keccak256(b"l1" + seed),
            number=number,
            parent_hash=parent,
            timestamp_s=GENESIS_TIME_S + L1_BLOCK_TIME_S * number if time_s is None else time_s,
            base_fee_wei=10**9 + number,
            blob_base_fee_wei=1,
            prev_randao=keccak256(b"randao" + seed),
            parent_beacon_block_root=keccak256(b"beacon" + seed),
        )
        self.chain.append(block)
        self.known[block.hash] = block
        self.transactions_of[block.hash] = tuple(transactions)
        self.receipts_of[block.hash] = (L1Receipt(Hash32(bytes(32)), True, tuple(logs)),)
        return block

    def reorg(self, depth: int) -> None:
        for block in self.chain[-depth:]:
            del self.known[block.hash]
        del self.chain[-depth:]
        self.branch += 1

    async def block_by_number(self, number: int) -> L1Block | None:
        self._check()
        return self.chain[number] if 0 <= number < len(self.chain) else None

    async def block_by_hash(self, block_hash: Hash32) -> L1Block | None:
        self._check()
        return self.known.get(block_hash)

    async def block_by_tag(self, tag: BlockTag) -> L1Block | None:
        self._check()
        if tag == "latest":
            return self.chain[-1]
        return (
            self.chain[min(self.finalized_number, len(self.chain) - 1)]
            if self.finalized_number >= 0
            else None
        )

    async def receipts(self, block_hash: Hash32) -> tuple[L1Receipt, ...]:
        self._check()
        if block_hash not in self.known:
            raise TemporaryError("unknown block")
        return self.receipts_of[block_hash]

    async def transactions(self, block_hash: Hash32) -> tuple[L1Transaction, ...]:
        self._check()
        if block_hash not in self.known:
            raise TemporaryError("unknown block")
        return self.transactions_of[block_hash]

    def _check(self) -> None:
        if self.down:
            raise TemporaryError("the L1 is down")


def batcher_transaction(data: bytes, sender: Address = BATCHER, to: Address = INBOX) -> L1Transaction:
    return L1Transaction(keccak256(b"tx" + data), 2, sender, to, data)


def l2_block(attributes: Attributes) -> L2Block:
    """What the fake engine makes of attributes: the hash commits to every field."""
    seed = repr(
        (
            attributes.parent.hash,
            attributes.timestamp_s,
            attributes.prev_randao,
            attributes.fee_recipient,
            attributes.gas_limit,
            attributes.parent_beacon_block_root,
            attributes.transactions,
        )
    ).encode()
    return L2Block(
        hash=keccak256(b"l2" + seed),
        number=attributes.parent.number + 1,
        parent_hash=attributes.parent.hash,
        timestamp_s=attributes.timestamp_s,
        prev_randao=attributes.prev_randao,
        fee_recipient=attributes.fee_recipient,
        gas_limit=attributes.gas_limit,
        parent_beacon_block_root=attributes.parent_beacon_block_root,
        extra_data=b"",
        transactions=attributes.transactions,
    )


GENESIS_BLOCK = L2Block(
    hash=keccak256(b"l2 genesis"),
    number=0,
    parent_hash=Hash32(bytes(32)),
    timestamp_s=GENESIS_TIME_S,
    prev_randao=Hash32(bytes(32)),
    fee_recipient=SEQUENCER_FEE_VAULT,
    gas_limit=SYSTEM.gas_limit,
    parent_beacon_block_root=Hash32(bytes(32)),
    extra_data=b"",
    transactions=(),
)


@dataclass
class FakeEngine:
    """Canonical chain in a list; `refuse` says which transactions are invalid."""

    chain: list[L2Block] = field(default_factory=lambda: [GENESIS_BLOCK])
    safe: int = 0
    finalized: int = 0
    refuse: Callable[[bytes], bool] = lambda raw: raw == INVALID
    applied: int = 0

    async def unsafe_head(self) -> L2Block:
        return self.chain[-1]

    async def safe_head(self) -> L2Block:
        return self.chain[self.safe]

    async def finalized_head(self) -> L2Block:
        return self.chain[self.finalized]

    async def block_by_number(self, number: int) -> L2Block | None:
        return self.chain[number] if 0 <= number < len(self.chain) else None

    async def apply(self, attributes: Attributes) -> L2Block:
        number = attributes.parent.number
        if number >= len(self.chain) or self.chain[number].hash != attributes.parent.hash:
            raise ResetError("unknown parent")
        if any(self.refuse(raw) for raw in attributes.transactions):
            raise InvalidBlockError("refused")
        del self.chain[number + 1 :]
        self.chain.append(l2_block(attributes))
        self.applied += 1
        return self.chain[-1]

    async def set_heads(self, safe: BlockId, finalized: BlockId) -> None:
        assert self.chain[safe.number].hash == safe.hash
        assert self.chain[finalized.number].hash == finalized.hash
        assert finalized.number >= self.finalized, "the finalized head never goes back"
        assert finalized.number <= safe.number
        self.safe, self.finalized = safe.number, finalized.number

    async def rewind(self, number: int) -> None:
        assert number >= self.finalized
        del self.chain[number + 1 :]
        self.safe = min(self.safe, number)

    def hashes(self) -> list[Hash32]:
        return [block.hash for block in self.chain]


def rollup_config(l1: FakeL1, **changes: int) -> RollupConfig:
    config = RollupConfig(
        l1_chain_id=31337,
        l2_chain_id=L2_CHAIN_ID,
        l1_genesis=l1.chain[0].id,
        l2_genesis=GENESIS_BLOCK.id,
        l2_genesis_time_s=GENESIS_TIME_S,
        system_config=SYSTEM,
        block_time_s=2,
        max_sequencer_drift_s=30,
        sequencing_window=40,
        channel_timeout=10,
        batch_inbox=INBOX,
        portal=PORTAL,
        l1_system_config=SYSTEM_CONFIG_CONTRACT,
        output_oracle=ORACLE,
        open_token=Address(b"\x01" * 20),
        open_vault=Address(b"\x02" * 20),
        attestation_rewards=Address(b"\x03" * 20),
    )
    return replace(config, **changes)  # type: ignore[arg-type]  # only numeric fields are changed
