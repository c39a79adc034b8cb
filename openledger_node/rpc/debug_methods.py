"""What lies underneath: raw encodings and traces."""

from collections.abc import Mapping
from typing import Any

from genesis.types import Hash32
from openledger_node.evm.receipts import encode_receipt
from openledger_node.evm.records import Block
from openledger_node.evm.snapshot import Snapshot
from openledger_node.rpc import encode, parse
from openledger_node.rpc.call_methods import CallMethods
from openledger_node.rpc.context import RpcContext
from openledger_node.rpc.encode import Json, data
from openledger_node.rpc.errors import InvalidParamsError, ServerError
from openledger_node.rpc.precompile_calls import name_precompile_calls
from openledger_node.rpc.requests import (
    BlockReference,
    CallObject,
    HashReference,
    Tag,
    block_number,
    block_reference,
    call_block_overrides,
    call_object,
    state_overrides,
)
from openledger_node.rpc.table import Table, executor, optional, quick, reader

STRUCT_LOGS = ""
CALL_TRACER = "callTracer"
TRACERS = frozenset({STRUCT_LOGS, CALL_TRACER, "prestateTracer", "4byteTracer"})
FLAGS = (  # which are booleans wherever they stand
    *("disableCode", "disableStack", "disableStorage", "enableMemory", "enableReturnData"),
    *("diffMode", "includeEmpty", "onlyTopCall", "withLog"),
)

TraceConfig = Mapping[str, Any]


class DebugMethods:
    def __init__(self, context: RpcContext, calls: CallMethods) -> None:
        self._context = context
        self._heads = context.heads
        self._calls = calls

    def table(self) -> Table:
        config = optional(_trace_config, default={})
        return {
            "debug_getRawHeader": reader(self._raw_header, block_reference),
            "debug_getRawBlock": reader(self._raw_block, block_reference),
            "debug_getRawReceipts": reader(self._raw_receipts, block_reference),
            "debug_getRawTransaction": reader(self._raw_transaction, parse.hash32),
            "debug_traceTransaction": executor(self._trace_transaction, parse.hash32, config),
            "debug_traceCall": executor(
                self._trace_call, call_object, optional(block_reference, Tag.LATEST), config
            ),
            "debug_traceBlockByNumber": executor(self._trace_block, block_number, config),
            "debug_traceBlockByHash": executor(self._trace_block, _by_hash, config),
            "debug_executionWitness": executor(self._witness, block_reference),
            "debug_getBadBlocks": quick(list),
        }

    # -- raw

    def _raw_header(self, reference: BlockReference) -> str:
        return data(self._heads.header(reference).rlp)

    def _raw_block(self, reference: BlockReference) -> str:
        return data(encode.raw_block(self._block(reference)))

    def _raw_receipts(self, reference: BlockReference) -> list[str]:
        block = self._block(reference)
        pairs = zip(block.transactions, block.receipts, strict=True)
        return [data(encode_receipt(transaction.type, receipt)) for transaction, receipt in pairs]

    def _raw_transaction(self, transaction_hash: Hash32) -> str | None:
        found = self._context.chain.find_transaction(transaction_hash)
        if found is not None:
            return data(found.transaction.raw)
        pending = self._context.pool.transaction(transaction_hash)
        return None if pending is None else data(pending.raw)

    def _block(self, reference: BlockReference) -> Block:
        block = self._heads.find_block(reference)
        if block is None:
            raise ServerError("block not found")
        return block

    # -- traces

    def _trace_transaction(self, transaction_hash: Hash32, config: TraceConfig) -> Any:
        found = self._context.chain.find_transaction(transaction_hash)
        if found is None:
            raise ServerError("transaction not found")
        return self._traces(found.block, config, only_index=found.index)[0]

    def _trace_block(self, reference: BlockReference, config: TraceConfig) -> list[Any]:
        block = self._block(reference)
        if block.header.number == 0:
            raise ServerError("genesis is not traceable")
        hashes = [data(transaction.hash) for transaction in block.transactions]
        traces = self._traces(block, config)
        return [{"txHash": item, "result": trace} for item, trace in zip(hashes, traces, strict=True)]

    def _witness(self, reference: BlockReference) -> Json:
        """Trie nodes, codes and headers that executing the block reads."""
        block = self._block(reference)
        if block.header.number == 0:
            raise ServerError("genesis is not executed")
        limit_s = self._context.limits.trace_time_s
        witness = self._parent_state(block).witness(block, time_limit_s=limit_s)
        return {
            "headers": [encode.header(header) for header in witness.headers],
            "codes": [data(code) for code in witness.codes],
            "state": [data(node) for node in witness.nodes],
            "keys": [],
        }

    def _traces(self, block: Block, config: TraceConfig, only_index: int | None = None) -> list[Any]:
        traces = self._parent_state(block).trace_block(
            block,
            _tracer(config),
            _options(config),
            only_index=only_index,
            time_limit_s=self._context.limits.trace_time_s,
        )
        return [self._named(trace, config) for trace in traces]

    def _parent_state(self, block: Block) -> Snapshot:
        parent = self._context.chain.header_by_hash(block.header.parent_hash)
        if parent is None:
            raise ServerError("parent block not found")
        return self._heads.state_after(parent)

    def _named(self, trace: Any, config: TraceConfig) -> Any:
        """On a rollup, calls of our precompiles in words as well."""
        if _tracer(config) == CALL_TRACER and self._context.chain.spec.is_rollup:
            name_precompile_calls(trace)
        return trace

    def _trace_call(self, call: CallObject, at: BlockReference, config: TraceConfig) -> Any:
        state = self._heads.state(at)
        overrides = parse.field(dict(config), "stateOverrides", state_overrides)
        block = parse.field(dict(config), "blockOverrides", call_block_overrides)
        request = self._calls.request(call, state, block)
        time_limit_s = self._context.limits.call_time_s
        trace = state.trace_call(
            request,
            _tracer(config),
            _options(config),
            overrides=overrides,
            block=block,
            time_limit_s=time_limit_s,
        )
        return self._named(trace, config)


def _trace_config(value: object) -> TraceConfig:
    config = parse.json_object(value)
    tracer = config.get("tracer") or STRUCT_LOGS
    if not isinstance(tracer, str) or tracer not in TRACERS:
        raise InvalidParamsError(f"unknown tracer; there are: {', '.join(sorted(filter(None, TRACERS)))}")
    options = parse.field(config, "tracerConfig", parse.json_object) or {}
    for name in FLAGS:
        parse.field(config, name, parse.boolean)
        parse.field(options, name, parse.boolean)
    limit = parse.field(config, "limit", parse.number)
    return config if limit is None else config | {"limit": limit}


def _tracer(config: TraceConfig) -> str:
    return str(config.get("tracer") or STRUCT_LOGS)


def _options(config: TraceConfig) -> Mapping[str, Any]:
    """A named tracer's own settings; the struct logger's stand next to `tracer`."""
    return dict(config.get("tracerConfig") or {}) if _tracer(config) else config


def _by_hash(value: object) -> HashReference:
    return HashReference(parse.hash32(value))
