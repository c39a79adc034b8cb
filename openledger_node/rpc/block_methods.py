"""What is in the chain: blocks, transactions and receipts by hash, height and position."""

from genesis.types import Hash32
from openledger_node.evm.records import Block
from openledger_node.rpc import encode, encode_receipts, parse
from openledger_node.rpc.context import RpcContext
from openledger_node.rpc.encode import Json, data, quantity
from openledger_node.rpc.errors import ServerError
from openledger_node.rpc.pending import pending_block, pending_transactions
from openledger_node.rpc.requests import (
    BlockReference,
    HashReference,
    Tag,
    block_number,
    block_reference,
)
from openledger_node.rpc.table import Table, optional, reader


class BlockMethods:
    def __init__(self, context: RpcContext) -> None:
        self._context = context
        self._heads = context.heads

    def table(self) -> Table:
        by_number, by_hash = block_number, _by_hash
        full = optional(parse.boolean, default=False)
        return {
            "eth_getBlockByNumber": reader(self._block, by_number, full),
            "eth_getBlockByHash": reader(self._block, by_hash, full),
            "eth_getBlockReceipts": reader(self._receipts, block_reference),
            "eth_getBlockTransactionCountByNumber": reader(self._transaction_count, by_number),
            "eth_getBlockTransactionCountByHash": reader(self._transaction_count, by_hash),
            "eth_getUncleCountByBlockNumber": reader(self._uncle_count, by_number),
            "eth_getUncleCountByBlockHash": reader(self._uncle_count, by_hash),
            "eth_getUncleByBlockNumberAndIndex": reader(self._uncle, by_number, parse.uint64),
            "eth_getUncleByBlockHashAndIndex": reader(self._uncle, by_hash, parse.uint64),
            "eth_getTransactionByHash": reader(self._transaction, parse.hash32),
            "eth_getTransactionByBlockNumberAndIndex": reader(self._transaction_at, by_number, parse.uint64),
            "eth_getTransactionByBlockHashAndIndex": reader(self._transaction_at, by_hash, parse.uint64),
            "eth_getTransactionReceipt": reader(self._receipt, parse.hash32),
            "eth_getRawTransactionByHash": reader(self._raw_transaction, parse.hash32),
            "eth_getHeaderByNumber": reader(self._header, by_number),
            "eth_getHeaderByHash": reader(self._header, by_hash),
            "eth_getRawTransactionByBlockNumberAndIndex": reader(self._raw_at, by_number, parse.uint64),
            "eth_getRawTransactionByBlockHashAndIndex": reader(self._raw_at, by_hash, parse.uint64),
        }

    def _block(self, reference: BlockReference, full: bool) -> Json | None:
        if reference is Tag.PENDING:
            return pending_block(self._context, full=full)
        block = self._heads.find_block(reference)
        if block is None:
            return None
        return encode.block(block, full=full)

    def _header(self, reference: BlockReference) -> Json | None:
        if reference is Tag.PENDING:
            block = pending_block(self._context, full=False)
            return {name: block[name] for name in encode.header(self._context.chain.head.header)}
        header = self._heads.find_header(reference)
        return None if header is None else encode.header(header)

    def _receipts(self, reference: BlockReference) -> list[Json] | None:
        if reference is Tag.PENDING:
            raise ServerError("pending receipts are not available: a block has them once it is built")
        block = self._heads.find_block(reference)
        return None if block is None else encode_receipts.receipts(block, self._blob_base_fee_wei(block))

    def _blob_base_fee_wei(self, block: Block) -> int:
        return self._context.chain.snapshot(block.header).blob_base_fee_wei

    def _transaction_count(self, reference: BlockReference) -> str | None:
        if reference is Tag.PENDING:
            return quantity(len(pending_transactions(self._context)))
        block = self._heads.find_block(reference)
        return None if block is None else quantity(len(block.transactions))

    def _uncle_count(self, reference: BlockReference) -> str | None:
        block = self._heads.find_block(reference)
        return None if block is None else quantity(len(block.ommers))

    def _uncle(self, reference: BlockReference, index: int) -> Json | None:
        """There are none after the merge."""
        block = self._heads.find_block(reference)
        if block is None or index >= len(block.ommers):
            return None
        return encode.ommer(block.ommers[index])

    def _transaction(self, transaction_hash: Hash32) -> Json | None:
        mined = self._mined(transaction_hash)
        if mined is not None:
            return mined
        pending = self._context.pool.transaction(transaction_hash)
        if pending is not None:
            return encode.pending_transaction(pending)
        # It may have moved from the pool into a block between the two looks.
        return self._mined(transaction_hash)

    def _mined(self, transaction_hash: Hash32) -> Json | None:
        found = self._context.chain.find_transaction(transaction_hash)
        return None if found is None else encode.mined_transaction(found.block, found.index)

    def _transaction_at(self, reference: BlockReference, index: int) -> Json | None:
        if reference is Tag.PENDING:
            waiting = pending_transactions(self._context)
            return encode.pending_transaction(waiting[index]) if index < len(waiting) else None
        block = self._heads.find_block(reference)
        if block is None or index >= len(block.transactions):
            return None
        return encode.mined_transaction(block, index)

    def _receipt(self, transaction_hash: Hash32) -> Json | None:
        found = self._context.chain.find_transaction(transaction_hash)
        if found is None:
            return None
        return encode_receipts.receipt(found.block, found.index, self._blob_base_fee_wei(found.block))

    def _raw_transaction(self, transaction_hash: Hash32) -> str | None:
        found = self._context.chain.find_transaction(transaction_hash)
        if found is not None:
            return data(found.transaction.raw)
        pending = self._context.pool.transaction(transaction_hash)
        return None if pending is None else data(pending.raw)

    def _raw_at(self, reference: BlockReference, index: int) -> str | None:
        block = self._heads.find_block(reference)
        transactions = () if block is None else block.transactions
        if reference is Tag.PENDING:
            transactions = tuple(pending_transactions(self._context))
        return data(transactions[index].raw) if index < len(transactions) else None


def _by_hash(value: object) -> HashReference:
    return HashReference(parse.hash32(value))
