"""What the L1 says and takes: the rollup's L1 ports over JSON-RPC.

Implements `rollup_bridge.ports`' L1Source, L1Contracts and L1Network.
Covered: blocks, receipts (one by one where `eth_getBlockReceipts` is missing) and transactions, kept by hash;
calls, nonces, fees, sending. Not covered: checking answers against the block hash; the node is trusted, as
any L1 node a rollup operator runs.
"""

from collections import OrderedDict
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Generic, Literal, Self, TypeVar

from genesis.types import Address, Hash32
from openledger_node.clock import Clock, SystemClock
from openledger_node.l1 import decoding
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


class L1Client:
    """`urls` in order of preference; use as an async context manager, or `close` it."""

    def __init__(self, urls: Sequence[str], clock: Clock | None = None, *, timeout_s: float = 15.0) -> None:
        self._rpc = FailoverRpc(urls, clock or SystemClock(), timeout_s=timeout_s)
        self._blocks: _Recent[L1Block] = _Recent(_KEPT_BLOCKS)
        self._receipts: _Recent[tuple[L1Receipt, ...]] = _Recent(_KEPT_BLOCKS)
        self._transactions: _Recent[tuple[L1Transaction, ...]] = _Recent(_KEPT_BLOCKS)
        self._has_block_receipts = True

    async def chain_id(self) -> int:
        return decoding.quantity(await self._rpc.call("eth_chainId"))

    async def block_by_number(self, number: int) -> L1Block | None:
        return self._kept(await self._lookup("eth_getBlockByNumber", hex(number), False))

    async def block_by_tag(self, tag: BlockTag) -> L1Block | None:
        """None also where the L1 has no such block yet, as a young chain has no finalized one."""
        return self._kept(await self._lookup("eth_getBlockByNumber", tag, False))

    async def block_by_hash(self, block_hash: Hash32) -> L1Block | None:
        known = self._blocks.get(block_hash)
        if known is not None:
            return known
        return self._kept(await self._lookup("eth_getBlockByHash", _hex(block_hash), False))

    async def receipts(self, block_hash: Hash32) -> tuple[L1Receipt, ...]:
        known = self._receipts.get(block_hash)
        if known is not None:
            return known
        records = await self._receipt_records(block_hash)
        if any(decoding.hash32(decoding.member(record, "blockHash")) != block_hash for record in records):
            raise L1UnavailableError("the L1 gave receipts of another block")
        return self._receipts.put(block_hash, tuple(decoding.receipt(record) for record in records))

    async def transactions(self, block_hash: Hash32) -> tuple[L1Transaction, ...]:
        known = self._transactions.get(block_hash)
        if known is not None:
            return known
        record = await self._block_record(block_hash, full=True)
        found = tuple(decoding.transaction(item) for item in decoding.member(record, "transactions"))
        return self._transactions.put(block_hash, found)

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

    def _kept(self, record: Any) -> L1Block | None:
        if record is None:
            return None
        block = decoding.block(record)
        return self._blocks.put(block.hash, block)

    async def _lookup(self, method: str, *parameters: Any) -> Any:
        """A record or None; some nodes say "unknown block" by an error instead of null."""
        try:
            return await self._rpc.call(method, *parameters)
        except L1RefusedError as error:
            if error.rpc_code in _UNKNOWN_BLOCK_CODES:
                return None
            raise L1UnavailableError(str(error)) from error

    async def _block_record(self, block_hash: Hash32, *, full: bool) -> Any:
        record = await self._lookup("eth_getBlockByHash", _hex(block_hash), full)
        if record is None:
            raise L1UnavailableError(f"the L1 does not know block {_hex(block_hash)}")
        return record

    async def _receipt_records(self, block_hash: Hash32) -> list[Any]:
        if self._has_block_receipts:
            try:
                records = await self._rpc.call("eth_getBlockReceipts", _hex(block_hash))
            except L1RefusedError as error:
                if error.rpc_code != _METHOD_NOT_FOUND:
                    raise L1UnavailableError(str(error)) from error
                self._has_block_receipts = False
            else:
                if records is None:
                    raise L1UnavailableError(f"the L1 does not know block {_hex(block_hash)}")
                return list(records)
        block = await self._block_record(block_hash, full=False)
        return [await self._receipt_record(item) for item in decoding.member(block, "transactions")]

    async def _receipt_record(self, transaction_hash: str) -> Any:
        record = await self._lookup("eth_getTransactionReceipt", transaction_hash)
        if record is None:
            raise L1UnavailableError(f"the L1 has no receipt of {transaction_hash}")
        return record


def _reverted_or_unavailable(error: L1RefusedError) -> TransactionError | L1UnavailableError:
    """A revert is an answer; anything else is a node that could not do what was asked."""
    if error.rpc_code == _REVERTED or "revert" in error.message.lower():
        return error
    return L1UnavailableError(str(error))


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
