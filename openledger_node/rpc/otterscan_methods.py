"""What Otterscan asks besides `eth_*`: `ots_*`, the interface of its level 8, and one method of Erigon's.

It writes heights as plain JSON numbers.
Source: Otterscan documentation, "Custom JSON-RPC methods"; page order of Erigon, which it was written for.
"""

from typing import Any

from genesis.types import Address, Hash32
from openledger_node.chain.records import FoundTransaction
from openledger_node.evm.records import Block
from openledger_node.rpc import encode, encode_receipts, parse
from openledger_node.rpc.context import RpcContext
from openledger_node.rpc.encode import Json, data, quantity
from openledger_node.rpc.errors import InvalidParamsError, ServerError
from openledger_node.rpc.otterscan_search import Search
from openledger_node.rpc.otterscan_traces import flattened, internal_operations
from openledger_node.rpc.parse import Parsed, Parser
from openledger_node.rpc.requests import BlockReference, HashReference, Tag, block_reference
from openledger_node.rpc.requests import block_number as tag_or_quantity
from openledger_node.rpc.table import Table, executor, optional, quick, reader

API_LEVEL = 8
MOST_PER_PAGE = 100
SELECTOR_DIGITS = 10


class OtterscanMethods:
    def __init__(self, context: RpcContext) -> None:
        self._context = context
        self._chain = context.chain
        self._heads = context.heads
        self._search = Search(context)

    def table(self) -> Table:
        at = optional(_plain_or(block_reference), Tag.LATEST)
        height = _plain_or(tag_or_quantity)
        page = (parse.number, parse.number)
        return {
            # Asked once at the start, to see whether there is a node of this kind.
            "erigon_getHeaderByNumber": reader(self._header, height),
            "ots_getApiLevel": quick(lambda: API_LEVEL),
            "ots_hasCode": reader(self._has_code, parse.address, at),
            "ots_getBlockDetails": reader(self._details, height),
            "ots_getBlockDetailsByHash": reader(self._details, _by_hash),
            "ots_getBlockTransactions": reader(self._block_page, height, *page),
            "ots_getTransactionError": executor(self._error, parse.hash32),
            "ots_getInternalOperations": executor(self._internal_operations, parse.hash32),
            "ots_traceTransaction": executor(self._trace, parse.hash32),
            "ots_searchTransactionsBefore": executor(self._search_before, parse.address, *page),
            "ots_searchTransactionsAfter": executor(self._search_after, parse.address, *page),
            "ots_getTransactionBySenderAndNonce": reader(
                self._search.by_sender_and_nonce, parse.address, parse.number
            ),
            "ots_getContractCreator": executor(self._search.creator_of, parse.address),
        }

    # -- blocks

    def _has_code(self, address: Address, at: BlockReference) -> bool:
        return bool(self._heads.state(at).account(address).code)

    def _header(self, reference: BlockReference) -> Json | None:
        header = self._heads.find_header(reference)
        return None if header is None else encode.header(header)

    def _details(self, reference: BlockReference) -> Json | None:
        block = self._heads.find_block(reference)
        if block is None:
            return None
        shown = _without_body(block)
        fees_wei = sum(receipt.effective_gas_price_wei * receipt.gas_used for receipt in block.receipts)
        return {"block": shown, "issuance": self._issuance(block), "totalFees": quantity(fees_wei)}

    def _issuance(self, block: Block) -> Json:
        """What the block's miners were paid besides fees: nothing after the merge."""
        paid = self._chain.engine.rewards_of(block)
        return {
            "blockReward": quantity(paid.miner_wei),
            "uncleReward": quantity(paid.ommers_wei),
            "issuance": quantity(paid.miner_wei + paid.ommers_wei),
        }

    def _block_page(self, reference: Tag | int, page: int, size: int) -> Json | None:
        """Pages count from the end of the block; each is in the block's order."""
        if size > MOST_PER_PAGE:
            raise InvalidParamsError(f"at most {MOST_PER_PAGE} transactions per page")
        block = self._heads.find_block(reference)
        if block is None:
            return None
        end = max(len(block.transactions) - page * size, 0)
        chosen = range(max(end - size, 0), end)
        receipts = encode_receipts.receipts(block, self._chain.snapshot(block.header).blob_base_fee_wei)
        transactions = [encode.mined_transaction(block, index) for index in chosen]
        shortened = [item | {"input": item["input"][:SELECTOR_DIGITS]} for item in transactions]
        return {
            "fullblock": _without_body(block) | {"transactions": shortened},
            "receipts": [receipts[index] | {"logs": None, "logsBloom": None} for index in chosen],
        }

    # -- one transaction

    def _found(self, transaction_hash: Hash32) -> FoundTransaction:
        found = self._chain.find_transaction(transaction_hash)
        if found is None:
            raise ServerError(f"transaction {data(transaction_hash)} not found")
        return found

    def _call_trace(self, transaction_hash: Hash32) -> Json:
        return self._search.call_traces(self._found(transaction_hash))[0]

    def _error(self, transaction_hash: Hash32) -> str:
        """What a reverted transaction returned; nothing for others."""
        found = self._found(transaction_hash)
        if found.block.receipts[found.index].succeeded:
            return "0x"
        return str(self._call_trace(transaction_hash).get("output", "0x"))

    def _internal_operations(self, transaction_hash: Hash32) -> list[Json]:
        return internal_operations(self._call_trace(transaction_hash))

    def _trace(self, transaction_hash: Hash32) -> list[Json]:
        return flattened(self._call_trace(transaction_hash))

    # -- search

    def _search_before(self, address: Address, number: int, size: int) -> Json:
        """Newest first, older than the block; 0 is from the newest on."""
        found, is_last = self._search.before(address, number, _page_size(size))
        return self._page(found, first=number == 0, last=is_last)

    def _search_after(self, address: Address, number: int, size: int) -> Json:
        """The nearest ones newer than the block, newest first; 0 is from the oldest on."""
        found, is_first = self._search.after(address, number, _page_size(size))
        return self._page(found, first=is_first, last=number == 0)

    def _page(self, found: list[FoundTransaction], *, first: bool, last: bool) -> Json:
        return {
            "txs": [encode.mined_transaction(item.block, item.index) for item in found],
            "receipts": [self._receipt(item) for item in found],
            "firstPage": first,
            "lastPage": last,
        }

    def _receipt(self, found: FoundTransaction) -> Json:
        fee_wei = self._chain.snapshot(found.block.header).blob_base_fee_wei
        timestamp_s = found.block.header.timestamp_s
        return encode_receipts.receipt(found.block, found.index, fee_wei) | {"timestamp": timestamp_s}


def _page_size(size: int) -> int:
    if not 1 <= size <= MOST_PER_PAGE:
        raise InvalidParamsError(f"a page has 1 to {MOST_PER_PAGE} transactions")
    return size


def _without_body(block: Block) -> Json:
    shown: dict[str, Any] = encode.block(block, full=False)
    del shown["transactions"]
    return shown | {"logsBloom": None, "transactionCount": len(block.transactions)}


def _plain_or(parser: Parser[Parsed]) -> Parser[Parsed | int]:
    def parse_either(value: object) -> Parsed | int:
        return parse.number(value) if isinstance(value, int) else parser(value)

    return parse_either


def _by_hash(value: object) -> HashReference:
    return HashReference(parse.hash32(value))
