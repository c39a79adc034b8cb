"""What the L1 says and takes: the rollup's L1 ports over JSON-RPC.

Implements `rollup_bridge.ports`' L1Source, L1Contracts and L1Network.
Covered: blocks, receipts (one by one where `eth_getBlockReceipts` is missing) and transactions, kept by hash;
calls, nonces, fees, sending. Headers, transactions and receipts are checked against block hashes (`checks`)
unless the node is trusted; a node whose answer does not fit is passed over for the next, and so is one whose
head does not move any more.
Not covered: which fork is canonical, calls, nonces and fees: for these the node is believed.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Generic, Literal, Self, TypeVar

from genesis.types import Address, Hash32
from openledger_node.clock import Clock, SystemClock
from openledger_node.l1 import decoding
from openledger_node.l1.checks import check_header, check_receipts, checked_transactions
from openledger_node.l1.errors import L1RefusedError, L1UnavailableError
from openledger_node.l1.rpc import FailoverRpc
from rollup_bridge.errors import TransactionError
from rollup_bridge.ports import (
    BlockTag,
    L1Block,
    L1Fees,
    L1Inclusion,
    L1Receipt,
    L1Transaction,
)

_METHOD_NOT_FOUND = -32601
_REVERTED = 3
_UNKNOWN_BLOCK_CODES = (-32000, -32001, -39001)
_DEFAULT_TIP_WEI = 10**9
_KEPT_BLOCKS = 256
STALE_AFTER_S = 60.0
"""Five slots of Ethereum: an L1 node whose head is older is not asked first any more."""

Value = TypeVar("Value")


class _Recent(Generic[Value]):
    """The last values by block hash; they never change."""

    def __init__(self, capacity: int) -> None:
        self._values: OrderedDict[Hash32, Value] = OrderedDict()
        self._capacity = capacity

    def get(self, key: Hash32) -> Value | None:
        return self._values.get(key)

    def put(self, key: Hash32, value: Value) -> Value:
        self._values[key] = value
        while len(self._values) > self._capacity:
            self._values.popitem(last=False)
        return value


@dataclass(frozen=True, slots=True)
class _Roots:
    """What a header commits to."""

    transactions: bytes
    receipts: bytes


class L1Client:
    """`urls` in order of preference; use as an async context manager, or `close` it. `trusted` saves the
    checks, `is_development` those that anvil fails."""

    def __init__(
        self,
        urls: Sequence[str],
        clock: Clock | None = None,
        *,
        timeout_s: float = 15.0,
        trusted: bool = False,
        is_development: bool = False,
    ) -> None:
        self._clock = clock or SystemClock()
        self._rpc = FailoverRpc(urls, self._clock, timeout_s=timeout_s)
        self._trusted = trusted
        self._is_development = is_development
        self._roots: _Recent[_Roots] = _Recent(_KEPT_BLOCKS)
        self._blocks: _Recent[L1Block] = _Recent(_KEPT_BLOCKS)
        self._receipts: _Recent[tuple[L1Receipt, ...]] = _Recent(_KEPT_BLOCKS)
        self._transactions: _Recent[tuple[L1Transaction, ...]] = _Recent(_KEPT_BLOCKS)
        self._has_block_receipts = True
        self._highest = 0
        self._newest_s = 0
        self._passed_over_s = 0.0

    async def chain_id(self) -> int:
        return decoding.quantity(await self._rpc.call("eth_chainId"))

    async def block_by_number(self, number: int) -> L1Block | None:
        def read(record: Any) -> L1Block | None:
            block = self._read_block(record)
            if block is not None and block.number != number:
                raise L1UnavailableError(f"the L1 gave block {block.number} for {number}")
            return block

        block = self._kept(await self._lookup("eth_getBlockByNumber", hex(number), False, read=read))
        self._note_head(block)
        if block is None and number < self._highest:
            await self._assert_not_below_head(number)
        return block

    async def block_by_tag(self, tag: BlockTag) -> L1Block | None:
        """None also where the L1 has no such block yet, as a young chain has no finalized one."""
        block = self._kept(await self._lookup("eth_getBlockByNumber", tag, False, read=self._read_block))
        if block is not None and tag == "latest":
            self._highest = block.number
        return block

    async def block_by_hash(self, block_hash: Hash32) -> L1Block | None:
        known = self._blocks.get(block_hash)
        if known is not None:
            return known

        def read(record: Any) -> L1Block | None:
            block = self._read_block(record)
            if block is not None and block.hash != block_hash:
                raise L1UnavailableError("the L1 gave another block than the one asked for")
            return block

        return self._kept(await self._lookup("eth_getBlockByHash", _hex(block_hash), False, read=read))

    async def header_rlp(self, number: int) -> bytes:
        """A canonical block's header as its hash commits to it."""

        def read(record: Any) -> bytes:
            if record is None:
                raise L1UnavailableError(f"the L1 does not know block {number}")
            return check_header(record)

        header: bytes = await self._lookup("eth_getBlockByNumber", hex(number), False, read=read)
        return header

    async def receipts(self, block_hash: Hash32) -> tuple[L1Receipt, ...]:
        known = self._receipts.get(block_hash)
        if known is not None:
            return known
        roots = await self._roots_of(block_hash)

        def read(records: Any) -> tuple[L1Receipt, ...]:
            if records is None:
                raise L1UnavailableError(f"the L1 does not know block {_hex(block_hash)}")
            if any(decoding.hash32(decoding.member(each, "blockHash")) != block_hash for each in records):
                raise L1UnavailableError("the L1 gave receipts of another block")
            if roots is not None:
                check_receipts(records, roots.receipts)
            return tuple(decoding.receipt(each) for each in records)

        return self._receipts.put(block_hash, await self._all_receipts(block_hash, read))

    async def transactions(self, block_hash: Hash32) -> tuple[L1Transaction, ...]:
        known = self._transactions.get(block_hash)
        if known is not None:
            return known
        roots = await self._roots_of(block_hash)

        def read(record: Any) -> tuple[L1Transaction, ...]:
            if record is None:
                raise L1UnavailableError(f"the L1 does not know block {_hex(block_hash)}")
            return _read_transactions(
                decoding.member(record, "transactions"), roots, is_development=self._is_development
            )

        return self._transactions.put(
            block_hash, await self._lookup("eth_getBlockByHash", _hex(block_hash), True, read=read)
        )

    async def call(self, to: Address, data: bytes) -> bytes:
        request = {"to": _hex(to), "data": _hex(data)}
        try:
            return decoding.octets(await self._rpc.call("eth_call", request, "latest"))
        except L1RefusedError as error:
            raise _reverted_or_unavailable(error) from error

    async def head_number(self) -> int:
        return decoding.quantity(await self._rpc.call("eth_blockNumber"))

    async def next_nonce(self, address: Address, tag: Literal["latest", "pending"]) -> int:
        return decoding.quantity(await self._rpc.call("eth_getTransactionCount", _hex(address), tag))

    async def fees(self) -> L1Fees:
        head = await self.block_by_tag("latest")
        if head is None:
            raise L1UnavailableError("the L1 has no head")
        try:
            tip_wei = decoding.quantity(await self._rpc.call("eth_maxPriorityFeePerGas"))
        except L1RefusedError:
            tip_wei = _DEFAULT_TIP_WEI
        try:
            blob_base_fee_wei = decoding.quantity(await self._rpc.call("eth_blobBaseFee"))
        except L1RefusedError:
            blob_base_fee_wei = head.blob_base_fee_wei
        return L1Fees(head.base_fee_wei, tip_wei, blob_base_fee_wei)

    async def estimate_gas(self, sender: Address, to: Address, value_wei: int, data: bytes) -> int:
        request = {"from": _hex(sender), "to": _hex(to), "value": hex(value_wei), "data": _hex(data)}
        try:
            return decoding.quantity(await self._rpc.call("eth_estimateGas", request))
        except L1RefusedError as error:
            raise _reverted_or_unavailable(error) from error

    async def send_raw(self, raw: bytes) -> None:
        """`TransactionError` carries the node's words."""
        await self._rpc.call("eth_sendRawTransaction", _hex(raw))

    async def inclusion(self, transaction_hash: Hash32) -> L1Inclusion | None:
        record = await self._lookup("eth_getTransactionReceipt", _hex(transaction_hash))
        return None if record is None or record.get("blockHash") is None else decoding.inclusion(record)

    async def close(self) -> None:
        await self._rpc.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _read_block(self, record: Any) -> L1Block | None:
        if record is None:
            return None
        block = decoding.block(record)
        if not self._trusted:
            check_header(record)
            roots = _Roots(
                decoding.octets(record["transactionsRoot"]), decoding.octets(record["receiptsRoot"])
            )
            self._roots.put(block.hash, roots)
        return block

    async def _assert_not_below_head(self, number: int) -> None:
        """A node that lacks a block below its head is broken: to wait there as at the head would be wrong."""
        head = await self.block_by_tag("latest")
        if head is not None and number < head.number:
            reason = f"the L1 lacks block {number} below its head {head.number}"
            self._rpc.pass_over(reason)
            raise L1UnavailableError(reason, "give another --l1.url")

    def _note_head(self, block: L1Block | None) -> None:
        """A node whose newest block is old may have stopped: ask another one, if there is one."""
        if block is not None:
            self._newest_s = max(self._newest_s, block.timestamp_s)
            return
        now_s = self._clock.now_s()
        is_old = now_s - max(self._newest_s, self._passed_over_s) > STALE_AFTER_S
        if is_old and self._rpc.has_others:
            self._passed_over_s = now_s
            self._rpc.pass_over(f"its newest block is {now_s - self._newest_s:.0f} s old")

    def _kept(self, block: L1Block | None) -> L1Block | None:
        return None if block is None else self._blocks.put(block.hash, block)

    async def _roots_of(self, block_hash: Hash32) -> _Roots | None:
        """None if the node is trusted."""
        if self._trusted:
            return None
        if self._roots.get(block_hash) is None:
            await self._lookup("eth_getBlockByHash", _hex(block_hash), False, read=self._read_block)
        roots = self._roots.get(block_hash)
        if roots is None:
            raise L1UnavailableError(f"the L1 does not know block {_hex(block_hash)}")
        return roots

    async def _lookup(self, method: str, *parameters: Any, read: Callable[[Any], Any] | None = None) -> Any:
        """A record or None; some nodes say "unknown block" by an error instead of null."""
        try:
            return await self._rpc.call(method, *parameters, read=read)
        except L1RefusedError as error:
            if error.rpc_code in _UNKNOWN_BLOCK_CODES:
                return read(None) if read else None
            raise L1UnavailableError(str(error)) from error

    async def _all_receipts(
        self, block_hash: Hash32, read: Callable[[Any], tuple[L1Receipt, ...]]
    ) -> tuple[L1Receipt, ...]:
        if self._has_block_receipts:
            try:
                found: tuple[L1Receipt, ...] = await self._rpc.call(
                    "eth_getBlockReceipts", _hex(block_hash), read=read
                )
            except L1RefusedError as error:
                if error.rpc_code != _METHOD_NOT_FOUND:
                    raise L1UnavailableError(str(error)) from error
                self._has_block_receipts = False
            else:
                return found
        block = await self._lookup("eth_getBlockByHash", _hex(block_hash), False)
        if block is None:
            return read(None)
        return read([await self._receipt_record(item) for item in decoding.member(block, "transactions")])

    async def _receipt_record(self, transaction_hash: str) -> Any:
        record = await self._lookup("eth_getTransactionReceipt", transaction_hash)
        if record is None:
            raise L1UnavailableError(f"the L1 has no receipt of {transaction_hash}")
        return record


def _read_transactions(
    records: Any, roots: _Roots | None, *, is_development: bool
) -> tuple[L1Transaction, ...]:
    found = tuple(decoding.transaction(item) for item in records)
    if roots is None:
        return found
    signed = checked_transactions(records, roots.transactions, is_development=is_development)
    if signed is None:
        return found
    return tuple(
        replace(each, hash=own.hash, sender=own.sender) for each, own in zip(found, signed, strict=True)
    )


def _reverted_or_unavailable(error: L1RefusedError) -> TransactionError | L1UnavailableError:
    """A revert is an answer; anything else is a node that could not do what was asked."""
    if error.rpc_code == _REVERTED or "revert" in error.message.lower():
        return error
    return L1UnavailableError(str(error))


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
