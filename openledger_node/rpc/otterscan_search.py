"""Where an account appears in the chain: by walking blocks and, where one may hold it, their call traces.

There is no index of accounts: a search looks at blocks for a limited time, remembers who was in each, and
says that there is more if it stopped before the end of the chain.
Covered: senders, recipients, created contracts, every call inside, emitters of logs.
Not covered: accounts only named in arguments or topics.
"""

import time
from collections.abc import Callable, Iterable
from functools import lru_cache

from genesis.types import Address, Hash32
from openledger_node.chain.records import FoundTransaction
from openledger_node.evm.records import Block
from openledger_node.rpc.context import RpcContext
from openledger_node.rpc.encode import Json, data
from openledger_node.rpc.errors import ServerError
from openledger_node.rpc.otterscan_traces import flattened

REMEMBERED_BLOCKS = 20_000

Parties = tuple[frozenset[Address], ...]
"""Who takes part in each transaction of a block."""


class Search:
    def __init__(self, context: RpcContext) -> None:
        self._chain = context.chain
        self._limit_s = context.limits.trace_time_s
        self._parties = lru_cache(REMEMBERED_BLOCKS)(self._find_parties)

    # -- pages of an account's transactions, newest first

    def before(self, address: Address, number: int, size: int) -> tuple[list[FoundTransaction], bool]:
        """At least `size` if there are so many, whole blocks; whether the oldest is among them."""
        head = self._chain.heads.unsafe.number
        newest = head if number == 0 else min(number - 1, head)
        found, stopped_at = self._walk(address, range(newest, -1, -1), size)
        return found, stopped_at is None

    def after(self, address: Address, number: int, size: int) -> tuple[list[FoundTransaction], bool]:
        """The same upwards; whether the newest is among them."""
        head = self._chain.heads.unsafe.number
        oldest = 0 if number == 0 else number + 1
        found, stopped_at = self._walk(address, range(oldest, head + 1), size)
        ordered = sorted(found, key=lambda item: (item.block.header.number, item.index), reverse=True)
        return ordered, stopped_at is None

    def _walk(
        self, address: Address, numbers: Iterable[int], size: int
    ) -> tuple[list[FoundTransaction], int | None]:
        """What the blocks hold of the account until there is enough; where it stopped if before the end."""
        found: list[FoundTransaction] = []
        give_up_s = time.monotonic() + self._limit_s
        for number in numbers:
            if len(found) >= size:
                return found, number
            if time.monotonic() > give_up_s:
                if not found:
                    raise ServerError(f"the search took too long; it got as far as block {number}")
                return found, number
            block = self._chain.block_by_number(number)
            if block is not None:
                found += self._in_block(address, block)
        return found, None

    def _in_block(self, address: Address, block: Block) -> list[FoundTransaction]:
        """Newest first."""
        if not block.transactions:
            return []
        parties = self._parties(block.header.hash)
        return [
            FoundTransaction(block, index, block.transactions[index])
            for index in reversed(range(len(parties)))
            if address in parties[index]
        ]

    def _find_parties(self, block_hash: Hash32) -> Parties:
        block = self._chain.block_by_hash(block_hash)
        assert block is not None, "blocks are never deleted"
        traces = self._traces(block)
        return tuple(_parties_of(block, index, trace) for index, trace in enumerate(traces))

    # -- traces

    def call_traces(self, found: FoundTransaction) -> list[Json]:
        """The call trace of one transaction, in a list."""
        return self._traces(found.block, found.index)

    def _traces(self, block: Block, only_index: int | None = None) -> list[Json]:
        parent = self._chain.header_by_hash(block.header.parent_hash)
        if parent is None:
            return []
        state = self._chain.snapshot(parent)
        return state.trace_block(block, "callTracer", {}, only_index=only_index, time_limit_s=self._limit_s)

    # -- by bisection over states

    def by_sender_and_nonce(self, sender: Address, nonce: int) -> str | None:
        """Hash of the transaction that used this nonce."""
        number = self._first_block(lambda height: self._nonce(sender, height) > nonce)
        block = None if number is None else self._chain.block_by_number(number)
        if block is None:
            return None
        for transaction, receipt in zip(block.transactions, block.receipts, strict=True):
            used = transaction.nonce if receipt.deposit_nonce is None else receipt.deposit_nonce
            if transaction.sender == sender and used == nonce:
                return data(transaction.hash)
        return None

    def creator_of(self, address: Address) -> Json | None:
        """Which transaction created a contract, and for whom; nothing for one of the first block."""
        number = self._first_block(lambda height: self._has_code(address, height))
        block = None if not number else self._chain.block_by_number(number)
        if block is None:
            return None
        for transaction, trace in zip(block.transactions, self._traces(block), strict=True):
            for frame in flattened(trace):
                if frame["type"] in ("CREATE", "CREATE2") and frame["to"] == data(address):
                    return {"hash": data(transaction.hash), "creator": frame["from"]}
        return None

    def _nonce(self, address: Address, number: int) -> int:
        return self._chain.snapshot(self._chain.header_by_number(number)).account(address).nonce

    def _has_code(self, address: Address, number: int) -> bool:
        return bool(self._chain.snapshot(self._chain.header_by_number(number)).account(address).code)

    def _first_block(self, holds: Callable[[int], bool]) -> int | None:
        """The lowest block after which something holds that never stops holding; None if it does not."""
        low, high = 0, self._chain.heads.unsafe.number
        if not holds(high):
            return None
        while low < high:
            middle = (low + high) // 2
            if holds(middle):
                high = middle
            else:
                low = middle + 1
        return low


def _parties_of(block: Block, index: int, trace: Json) -> frozenset[Address]:
    transaction, receipt = block.transactions[index], block.receipts[index]
    named = {transaction.sender, transaction.to, receipt.contract_address}
    named |= {log.address for log in receipt.logs}
    for frame in flattened(trace):
        named |= {_address(frame["from"]), _address(frame["to"])}
    return frozenset(address for address in named if address is not None)


def _address(text: str | None) -> Address | None:
    return None if text is None else Address(bytes.fromhex(text[2:]))
