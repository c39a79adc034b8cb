"""Which logs match: `eth_getLogs` and the filters that are polled for changes."""

from itertools import islice

from openledger_node.chain.records import FoundLog, LogQuery
from openledger_node.rpc import encode_receipts, parse
from openledger_node.rpc.context import RpcContext
from openledger_node.rpc.deadline import Deadline
from openledger_node.rpc.encode import Json
from openledger_node.rpc.errors import InvalidParamsError, LimitError, ServerError
from openledger_node.rpc.feeds import block_logs
from openledger_node.rpc.filters import Filters
from openledger_node.rpc.log_filter import LogFilter, log_filter
from openledger_node.rpc.requests import Tag
from openledger_node.rpc.table import Table, optional, quick, scanner, service

BLOCKS_AT_A_TIME = 64
"""Between two looks at the clock."""


class LogMethods:
    def __init__(self, context: RpcContext) -> None:
        self._context = context
        self._heads = context.heads
        self._filters = Filters(context.feeds)

    def table(self) -> Table:
        return {
            "eth_getLogs": scanner(self.logs, log_filter),
            "eth_newFilter": service(self._new_log_filter, log_filter),
            "eth_newBlockFilter": quick(self._filters.new_block_filter),
            "eth_newPendingTransactionFilter": quick(
                self._filters.new_pending_filter, optional(parse.boolean, default=False)
            ),
            "eth_getFilterChanges": quick(self._filters.changes, parse.text),
            "eth_getFilterLogs": scanner(self._filter_logs, parse.text),
            "eth_uninstallFilter": quick(self._filters.uninstall, parse.text),
        }

    async def _new_log_filter(self, wanted: LogFilter) -> str:
        if wanted.block_hash is not None:
            raise InvalidParamsError("cannot watch the logs of one block: it does not change")
        if Tag.PENDING in (wanted.first, wanted.last):
            raise ServerError(NO_PENDING_LOGS)
        first, last = wanted.first, wanted.last
        if isinstance(first, int) and isinstance(last, int) and first > last:
            raise InvalidParamsError("invalid block range params")
        return self._filters.new_log_filter(wanted, open_query(wanted))

    def _filter_logs(self, identity: str) -> list[Json]:
        wanted = self._filters.log_filter(identity)
        head = self._context.chain.heads.unsafe.number
        last = wanted.last if isinstance(wanted.last, int) else None
        if last is not None and last > head:
            wanted = LogFilter(wanted.first, head, None, wanted.addresses, wanted.topics)
        return self.logs(wanted)

    def logs(self, wanted: LogFilter) -> list[Json]:
        found = self._of_block(wanted) if wanted.block_hash is not None else self._of_range(wanted)
        return [encode_receipts.log(item) for item in found]

    def _of_block(self, wanted: LogFilter) -> list[FoundLog]:
        block = None if wanted.block_hash is None else self._context.chain.block_by_hash(wanted.block_hash)
        if block is None:
            raise ServerError("unknown block")
        number = block.header.number
        return list(block_logs(block, LogQuery(number, number, wanted.addresses, wanted.topics)))

    def _of_range(self, wanted: LogFilter) -> list[FoundLog]:
        limits = self._context.limits
        if Tag.PENDING in (wanted.first, wanted.last):
            raise ServerError(NO_PENDING_LOGS)
        head = self._context.chain.heads.unsafe.number
        first = self._heads.number(Tag.LATEST if wanted.first is None else wanted.first)
        last = self._heads.number(Tag.LATEST if wanted.last is None else wanted.last)
        if first > last:
            raise InvalidParamsError("invalid block range params")
        if last > head:
            raise InvalidParamsError("block range extends beyond current head block")
        if last - first >= limits.log_blocks:
            raise LimitError(f"block range too wide: at most {limits.log_blocks} blocks")
        deadline = Deadline(limits.read_time_s)
        found: list[FoundLog] = []
        for start in range(first, last + 1, BLOCKS_AT_A_TIME):
            deadline.check()
            end = min(start + BLOCKS_AT_A_TIME - 1, last)
            query = LogQuery(start, end, wanted.addresses, wanted.topics)
            found += islice(self._context.chain.find_logs(query), limits.log_results + 1 - len(found))
            if len(found) > limits.log_results:
                raise _too_many(first, found[-1].block_number, limits.log_results)
        return found


def _too_many(first: int, reached: int, most: int) -> LimitError:
    retry = f"ask for blocks {first} to {reached - 1}" if reached > first else "name addresses or topics"
    return LimitError(f"query returned more than {most} results: {retry}")


NO_PENDING_LOGS = "pending logs are not supported"
LAST_BLOCK_EVER = 2**64 - 1


def open_query(wanted: LogFilter) -> LogQuery:
    """The filter as a query over blocks still to come: a tag or nothing bounds nothing."""
    first = wanted.first if isinstance(wanted.first, int) else 0
    last = wanted.last if isinstance(wanted.last, int) else LAST_BLOCK_EVER
    return LogQuery(first, last, wanted.addresses, wanted.topics)
