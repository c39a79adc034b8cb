"""How blocks, calls and proofs are computed: the one facade over py-evm."""

from collections.abc import Mapping
from typing import Protocol

from genesis.spec import ChainSpec
from genesis.types import Address, Hash32
from openledger_node.evm.records import (
    BlockInputs,
    ExecutedBlock,
    GenesisAccount,
    Header,
    Receipt,
    Transaction,
)
from openledger_node.evm.snapshot import Snapshot
from openledger_node.storage.keyvalue import KeyValue


class HeaderSource(Protocol):
    """Where the engine finds ancestors (BLOCKHASH)."""

    def header_by_hash(self, block_hash: Hash32) -> Header | None: ...


class Engine:
    def __init__(self, spec: ChainSpec, store: KeyValue, headers: HeaderSource) -> None:
        raise NotImplementedError

    def decode_transaction(self, raw: bytes) -> Transaction:
        """Decode and recover the sender. Raises `TransactionError` with geth's wording."""
        raise NotImplementedError

    def execute_block(self, parent: Header, inputs: BlockInputs) -> ExecutedBlock:
        """Raises `InvalidBlockError` if any transaction is invalid."""
        raise NotImplementedError

    def snapshot(self, header: Header, state_root: Hash32 | None = None) -> Snapshot:
        """State after `header`, or another state seen with its block context."""
        raise NotImplementedError

    def genesis_block(self, alloc: Mapping[Address, GenesisAccount], timestamp_s: int) -> ExecutedBlock:
        raise NotImplementedError


def encode_block(header: Header, transactions: tuple[Transaction, ...]) -> bytes:
    """RLP of a whole block as `debug_getRawBlock` returns it."""
    raise NotImplementedError


def encode_receipt(transaction: Transaction, receipt: Receipt) -> bytes:
    """Consensus encoding of a receipt as `debug_getRawReceipts` returns it."""
    raise NotImplementedError
