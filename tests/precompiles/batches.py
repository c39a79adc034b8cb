"""A settlement's receipts and queries as a provider would commit them, right or wrong in a chosen way."""

from collections.abc import Sequence
from dataclasses import dataclass

from genesis.addresses import INFERENCE_METERING
from genesis.commitments import (
    BATCH_QUERY_BYTES,
    CHUNK_COORDINATES,
    KIND_RECEIPTS,
    QUERY_BYTES,
    leaf_hash,
    merkle_layers,
    merkle_proof,
    pack_vector,
    query_leaf,
    receipt_hash,
    sum_tree_id,
    vector_root,
)
from genesis.keccak import keccak256
from genesis.shares import query_weight
from genesis.spec import DEV_L2_CHAIN_ID
from genesis.types import Hash32
from precompiles.views.disputes import QueryLeaf, ReceiptEvidence, VectorChunk
from precompiles.views.juries import ShownAnswer
from tests.precompiles.evidence import Tree

SHOWN_PROMPT, SHOWN_OUTPUT = bytes(range(32)) + b"[3,1,4]", bytes(range(32)) + b'{"label":1}'
PROMPT, OUTPUT = keccak256(SHOWN_PROMPT), keccak256(SHOWN_OUTPUT)
SHOWN = ShownAnswer(SHOWN_PROMPT, SHOWN_OUTPUT)
"""What every receipt is of, salted, and its hashes."""


@dataclass(frozen=True)
class Receipt:
    """What one receipt says, and the amount its leaf carries."""

    tokens_in: int
    tokens_out: int
    fee_wei: int
    amount_wei: int
    query: tuple[int, ...]
    weight: int


def chunk_hashes(data: bytes, coordinate_bytes: int) -> tuple[Hash32, ...]:
    """Hashes of a packed vector's chunks."""
    size = CHUNK_COORDINATES * coordinate_bytes
    return tuple(leaf_hash(data[i : i + size]) for i in range(0, len(data), size))


def chunk_of(data: bytes, coordinate_bytes: int, coordinate: int) -> VectorChunk:
    """The chunk of a packed vector that holds a coordinate."""
    size = CHUNK_COORDINATES * coordinate_bytes
    start = coordinate // CHUNK_COORDINATES * size
    return VectorChunk(chunk_hashes(data, coordinate_bytes), data[start : start + size])


def honest_receipt(
    prices: tuple[int, int], tokens: tuple[int, int], query: Sequence[int], platform_ppm: int
) -> Receipt:
    """A receipt at the price, its query weighted by its fee."""
    fee_wei = sum(price * count for price, count in zip(prices, tokens, strict=True)) // 1_000
    return Receipt(*tokens, fee_wei, fee_wei, tuple(query), query_weight(fee_wei, platform_ppm))


@dataclass(frozen=True)
class Batch:
    """All receipts of a channel so far, of which those from `first` on are settled now."""

    channel_id: Hash32
    receipts: tuple[Receipt, ...]
    first: int = 0

    def content(self, number: int) -> bytes:
        """What a receipt's hash is the hash of."""
        receipt = self.receipts[number]
        numbers = (receipt.tokens_in, receipt.tokens_out, receipt.fee_wei)
        tail = b"".join(each.to_bytes(32, "big") for each in numbers)
        return self.channel_id + number.to_bytes(32, "big") + PROMPT + OUTPUT + tail

    def key(self, number: int) -> Hash32:
        receipt = self.receipts[number]
        return receipt_hash(
            channel_id=self.channel_id,
            number=number,
            prompt_hash=PROMPT,
            output_hash=OUTPUT,
            tokens_in=receipt.tokens_in,
            tokens_out=receipt.tokens_out,
            fee_wei=receipt.fee_wei,
        )

    @property
    def tree(self) -> Tree:
        """The receipts' tree."""
        channel = int.from_bytes(self.channel_id, "big")
        tree_id = sum_tree_id(KIND_RECEIPTS, DEV_L2_CHAIN_ID, INFERENCE_METERING, channel)
        leaves = [(self.key(i), receipt.amount_wei) for i, receipt in enumerate(self.receipts)]
        return Tree(tree_id, leaves)

    @property
    def query_layers(self) -> list[list[Hash32]]:
        return merkle_layers(
            [
                query_leaf(number=i, weight=receipt.weight, query_root=self.query_root(i))
                for i, receipt in enumerate(self.receipts)
                if i >= self.first
            ]
        )

    @property
    def queries_root(self) -> Hash32:
        return self.query_layers[-1][0]

    def packed_query(self, number: int) -> bytes:
        return pack_vector(self.receipts[number].query, QUERY_BYTES)

    def query_root(self, number: int) -> Hash32:
        return vector_root(self.packed_query(number), QUERY_BYTES)

    def query(self, number: int) -> QueryLeaf:
        """One receipt's query with its path."""
        proof = tuple(merkle_proof(self.query_layers, number - self.first))
        return QueryLeaf(number, self.receipts[number].weight, self.query_root(number), proof)

    def query_chunk(self, number: int, coordinate: int) -> VectorChunk:
        return chunk_of(self.packed_query(number), QUERY_BYTES, coordinate)

    def receipt(self, number: int) -> ReceiptEvidence:
        """One receipt with its path."""
        found = self.receipts[number]
        return ReceiptEvidence(
            number,
            PROMPT,
            OUTPUT,
            found.tokens_in,
            found.tokens_out,
            found.fee_wei,
            found.amount_wei,
            *self.tree.siblings(number),
        )

    def part(self, coordinate: int, first: int, count: int) -> int:
        """What a range of the settlement's receipts adds to a coordinate of the batch query."""
        chosen = self.receipts[self.first + first : self.first + first + count]
        return sum(receipt.weight * receipt.query[coordinate] for receipt in chosen)

    def batch_query(self, dimensions: int) -> bytes:
        """`Q = Σ w·q`, packed."""
        count = len(self.receipts) - self.first
        return pack_vector([self.part(k, 0, count) for k in range(dimensions)], BATCH_QUERY_BYTES)
