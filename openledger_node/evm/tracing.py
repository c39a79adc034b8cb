"""How a transaction or a call is run again under a tracer.

Not covered: what the tracers record (`tracers/`).
"""

import time
from collections.abc import Mapping
from typing import Any

from openledger_node.evm.block_building import BlockExecution, inputs_of
from openledger_node.evm.calls import CallSite, run_call
from openledger_node.evm.errors import CallError, CallTimeoutError, TransactionError
from openledger_node.evm.overrides import Overrides
from openledger_node.evm.records import Block, BlockOverride, CallRequest
from openledger_node.evm.tracers.access_list import AccessListTracer
from openledger_node.evm.tracers.base import MakeTracer, Options, Recorder
from openledger_node.evm.tracers.call import CallTracer
from openledger_node.evm.tracers.prestate import PrestateTracer
from openledger_node.evm.tracers.selectors import SelectorTracer
from openledger_node.evm.tracers.steps import StepTracer

ACCESS_LIST = "accessListTracer"
"""Not offered to clients by this name; its result is no JSON."""

TRACERS: Mapping[str, MakeTracer] = {
    "": StepTracer,
    "callTracer": CallTracer,
    "prestateTracer": PrestateTracer,
    "4byteTracer": SelectorTracer,
    ACCESS_LIST: AccessListTracer,
}


def _maker(name: str) -> MakeTracer:
    if name not in TRACERS:
        raise CallError(f"tracer {name!r} is not known: use one of {', '.join(TRACERS)[2:]}")
    return TRACERS[name]


def trace_call(
    site: CallSite,
    request: CallRequest,
    tracer: str,
    options: Options,
    *,
    overrides: Overrides | None,
    block: BlockOverride | None,
    time_limit_s: float | None,
) -> Any:
    """Raises `CallError`."""
    recorder = Recorder(_maker(tracer), options)
    run_call(site, request, overrides, block, time_limit_s=time_limit_s, recorder=recorder)
    return recorder.results[0]


def trace_block(
    site: CallSite,
    block: Block,
    tracer: str,
    options: Options,
    *,
    only_index: int | None,
    time_limit_s: float | None,
) -> list[Any]:
    """Results in the order of the block, or the one at `only_index`; `site` is the parent's. Raises
    `CallError`, also past the limit, which is for all transactions together."""
    give_up_s = None if time_limit_s is None else time.monotonic() + time_limit_s
    recorder = Recorder(_maker(tracer), options)
    inputs = inputs_of(block.header)
    execution = BlockExecution.open(site.rules, site.header, site.state_root, inputs)
    for index, transaction in enumerate(block.transactions):
        wanted = only_index is None or index == only_index
        left_s = None if give_up_s is None else max(give_up_s - time.monotonic(), 0.0)
        try:
            execution.add(transaction.raw, time_limit_s=left_s, recorder=recorder if wanted else None)
        except TransactionError as error:
            raise CallTimeoutError(error.cause) from None
        if index == only_index:
            break
    return recorder.results
