"""What gas costs now and cost before."""

from typing import TypeVar

from openledger_node.evm.records import DEPOSIT_TYPE, Block, Header
from openledger_node.rpc import parse
from openledger_node.rpc.context import RpcContext
from openledger_node.rpc.deadline import Deadline
from openledger_node.rpc.encode import Json, quantity
from openledger_node.rpc.errors import InvalidParamsError, ServerError
from openledger_node.rpc.requests import Tag, block_number
from openledger_node.rpc.table import Table, optional, reader, scanner
from sequencer.fee_oracle import SAMPLED_BLOCKS, reward_percentiles, suggested_tip_wei

MAXIMUM_PERCENTILES = 100

Found = TypeVar("Found")


class FeeMethods:
    def __init__(self, context: RpcContext) -> None:
        self._context = context
        self._heads = context.heads
        self._tip_at: tuple[bytes, int] | None = None

    def table(self) -> Table:
        return {
            "eth_gasPrice": reader(lambda: quantity(self.next_base_fee_wei() + self.tip_wei())),
            "eth_maxPriorityFeePerGas": reader(lambda: quantity(self.tip_wei())),
            "eth_baseFee": reader(lambda: quantity(self.next_base_fee_wei())),
            "eth_blobBaseFee": reader(self._blob_base_fee),
            "eth_feeHistory": scanner(
                self._history, parse.number, block_number, optional(_percentiles, default=())
            ),
        }

    def next_base_fee_wei(self) -> int:
        chain = self._context.chain
        return chain.base_fee_after(chain.head.header)

    def tip_wei(self) -> int:
        """The suggested tip; worked out once per head."""
        chain = self._context.chain
        head = chain.heads.unsafe
        known = self._tip_at
        if known is not None and known[0] == head.hash:
            return known[1]
        first = max(head.number - SAMPLED_BLOCKS + 1, 0)
        blocks = (chain.block_by_number(number) for number in range(first, head.number + 1))
        tip_wei = suggested_tip_wei(
            ([tip for tip, _ in _paid(block)] for block in blocks if block), self._context.tips
        )
        self._tip_at = (head.hash, tip_wei)
        return tip_wei

    def _blob_base_fee(self) -> str:
        return quantity(self._context.chain.snapshot().blob_base_fee_wei)

    def _history(self, count: int, newest: Tag | int, percentiles: tuple[float, ...]) -> Json:
        chain = self._context.chain
        head, last = chain.heads.unsafe.number, self._heads.number(newest)
        if last > head:
            raise ServerError(f"request beyond head block: requested {last}, head {head}")
        count = min(count, self._context.limits.history_blocks, last + 1)
        headers = [_existing(chain.header_by_number(n)) for n in range(last - count + 1, last + 1)]
        if not headers:
            return {"oldestBlock": "0x0", "gasUsedRatio": [], "baseFeePerGas": []}
        states = [chain.snapshot(header) for header in headers]
        next_wei, next_blob_wei = chain.base_fee_after(headers[-1]), states[-1].next_blob_base_fee_wei
        answer: Json = {
            "oldestBlock": quantity(headers[0].number),
            "baseFeePerGas": [quantity(fee) for fee in [*(h.base_fee_wei for h in headers), next_wei]],
            "gasUsedRatio": [header.gas_used / header.gas_limit for header in headers],
            "baseFeePerBlobGas": [
                quantity(fee) for fee in [*(state.blob_base_fee_wei for state in states), next_blob_wei]
            ],
            "blobGasUsedRatio": [
                header.blob_gas_used / (state.maximum_blob_gas or 1)
                for header, state in zip(headers, states, strict=True)
            ],
        }
        return answer | ({"reward": self._rewards(headers, percentiles)} if percentiles else {})

    def _rewards(self, headers: list[Header], percentiles: tuple[float, ...]) -> list[list[str]]:
        """The tips at the percentiles of each block; blocks are read one by one, for they may be large."""
        deadline = Deadline(self._context.limits.read_time_s)
        rewards = []
        for header in headers:
            deadline.check()
            paid = _paid(_existing(self._context.chain.block_by_hash(header.hash))) if header.gas_used else []
            rewards.append([quantity(tip) for tip in reward_percentiles(paid, percentiles)])
        return rewards


def _paid(block: Block) -> list[tuple[int, int]]:
    """(effective tip, gas used) of the block's transactions that bid for their place."""
    base_fee_wei = block.header.base_fee_wei
    return [
        (receipt.effective_gas_price_wei - base_fee_wei, receipt.gas_used)
        for transaction, receipt in zip(block.transactions, block.receipts, strict=True)
        if transaction.type != DEPOSIT_TYPE
    ]


def _existing(found: Found | None) -> Found:
    if found is None:
        raise ServerError("block not found")
    return found


def _percentiles(value: object) -> tuple[float, ...]:
    """Raises ServerError for numbers that are no rising percentages, as geth does."""
    wanted = parse.list_of(_number, most=parse.MAXIMUM_ITEMS)(value)
    if len(wanted) > MAXIMUM_PERCENTILES:
        raise ServerError(f"over the query limit {MAXIMUM_PERCENTILES}")
    for index, percentile in enumerate(wanted):
        if not 0 <= percentile <= 100:
            raise ServerError(f"invalid reward percentile: {percentile:f}")
        if index and percentile <= wanted[index - 1]:
            raise ServerError(
                f"invalid reward percentile: #{index - 1}:{wanted[index - 1]:f} >= #{index}:{percentile:f}"
            )
    return tuple(wanted)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidParamsError("a number is expected")
    try:
        return float(value)
    except OverflowError:
        raise InvalidParamsError("number out of range") from None
