"""Which blocks are known, which of them are canonical, and what storing or dropping one writes.

Covered: the entries of one block, as parts of one write batch. Not covered: when to write.
"""

from collections.abc import Iterator
from functools import lru_cache

from genesis.types import Hash32
from openledger_node.chain.block_cache import BlockCache
from openledger_node.chain.codec import decode_body, decode_receipts, encode_body, encode_receipts
from openledger_node.evm.blocks import decode_header
from openledger_node.evm.records import Block, Header, SupplyChange
from openledger_node.storage import keys
from openledger_node.storage.keyvalue import KeyValue

Puts = list[tuple[bytes, bytes]]

_CACHED_HEADERS = 4_096
_WORD = 32


class BlockStore:
    """Reads from any thread; a block never changes, so caches are never stale."""

    def __init__(self, store: KeyValue, chain_id: int) -> None:
        self._store = store
        self._chain_id = chain_id
        self._header = lru_cache(_CACHED_HEADERS)(self._read_header)
        self._recent = BlockCache()

    def header_by_hash(self, block_hash: Hash32) -> Header | None:
        try:
            return self._header(block_hash)
        except KeyError:
            return None

    def block_by_hash(self, block_hash: Hash32) -> Block | None:
        found = self._recent.get(block_hash)
        if found is None:
            try:
                found = self._read_block(block_hash)
            except KeyError:
                return None
            self._recent.put(found)
        return found

    def remember(self, block: Block) -> None:
        """A block that was just stored is read next, by everyone: spare them the decoding."""
        self._recent.put(block)

    def canonical_hash(self, number: int) -> Hash32 | None:
        if number < 0:
            return None
        found = self._store.get(keys.by_number(keys.CANONICAL, number))
        return None if found is None else Hash32(found)

    def transaction_place(self, transaction_hash: Hash32) -> tuple[Hash32, int] | None:
        """(block hash, index) of a canonical transaction."""
        found = self._store.get(keys.transaction(transaction_hash))
        return None if found is None else (Hash32(found[:32]), int.from_bytes(found[32:], "big"))

    def blooms(self, first: int) -> Iterator[tuple[int, bytes]]:
        """(number, logs bloom) of canonical blocks from `first` on."""
        for key, bloom in self._store.scan(keys.BLOOM, first.to_bytes(8, "big")):
            yield int.from_bytes(key[1:], "big"), bloom

    def minted_and_burned(self, block_hash: Hash32) -> tuple[int, int]:
        """Since genesis, in wei. Raises `KeyError`."""
        words = self._required(keys.SUPPLY, block_hash)
        return int.from_bytes(words[2 * _WORD : 3 * _WORD], "big"), int.from_bytes(words[3 * _WORD :], "big")

    def _required(self, prefix: bytes, block_hash: Hash32) -> bytes:
        found = self._store.get(keys.by_hash(prefix, block_hash))
        if found is None:
            raise KeyError(block_hash)
        return found

    def _read_header(self, block_hash: Hash32) -> Header:
        return decode_header(self._required(keys.HEADER, block_hash))

    def _read_block(self, block_hash: Hash32) -> Block:
        header = self._header(block_hash)
        body = decode_body(self._required(keys.BODY, block_hash), self._chain_id)
        words = self._required(keys.SUPPLY, block_hash)
        return Block(
            header=header,
            transactions=body.transactions,
            receipts=decode_receipts(self._required(keys.RECEIPTS, block_hash)),
            supply_change=SupplyChange(
                int.from_bytes(words[:_WORD], "big"), int.from_bytes(words[_WORD : 2 * _WORD], "big")
            ),
            withdrawals=body.withdrawals,
            ommers=body.ommers,
        )

    def block_entries(self, block: Block) -> Puts:
        """Everything stored under the block's own hash. Its parent must be stored already."""
        block_hash = block.header.hash
        change = block.supply_change
        minted, burned = (
            (0, 0) if block.header.number == 0 else self.minted_and_burned(block.header.parent_hash)
        )
        totals = minted + change.minted_wei, burned + change.burned_wei
        supply = (change.minted_wei, change.burned_wei, *totals)
        return [
            (keys.by_hash(keys.HEADER, block_hash), block.header.rlp),
            (keys.by_hash(keys.BODY, block_hash), encode_body(block)),
            (keys.by_hash(keys.RECEIPTS, block_hash), encode_receipts(block.receipts)),
            (keys.by_hash(keys.SUPPLY, block_hash), b"".join(n.to_bytes(_WORD, "big") for n in supply)),
        ]


def canonical_entries(block: Block) -> Puts:
    """What makes a stored block part of the canonical chain."""
    header = block.header
    entries = [
        (keys.by_number(keys.CANONICAL, header.number), bytes(header.hash)),
        (keys.by_number(keys.BLOOM, header.number), header.bloom),
    ]
    for index, transaction in enumerate(block.transactions):
        entries.append((keys.transaction(transaction.hash), header.hash + index.to_bytes(4, "big")))
    return entries


def canonical_keys(block: Block) -> list[bytes]:
    """What to delete when the block leaves the canonical chain."""
    return [key for key, _ in canonical_entries(block)]
