"""What a series of blocks would do: `eth_simulateV1`."""

from typing import Any

from openledger_node.chain.records import FoundLog
from openledger_node.evm.errors import CallTimeoutError, Refusal, SimulationError
from openledger_node.evm.halts import REVERTED
from openledger_node.evm.simulation import Simulated, SimulatedResult
from openledger_node.evm.simulation_plan import Plan
from openledger_node.rpc import encode, encode_receipts, errors
from openledger_node.rpc.context import RpcContext
from openledger_node.rpc.encode import Json, data, quantity
from openledger_node.rpc.errors import ExecutionRevertedError, RpcError, ServerError
from openledger_node.rpc.requests import BlockReference, Tag, block_reference
from openledger_node.rpc.simulation_request import SimulationRequest, simulation_request
from openledger_node.rpc.table import Table, executor, optional

EXECUTION_ERROR = -32015
TIMEOUT = -32016
CODES = {
    Refusal.NONCE_TOO_LOW: -38010,
    Refusal.NONCE_TOO_HIGH: -38011,
    Refusal.FEE_TOO_LOW: -38012,
    Refusal.INTRINSIC_GAS: -38013,
    Refusal.FUNDS: -38014,
    Refusal.BLOCK_GAS: -38015,
    Refusal.BLOCK_NUMBER: -38020,
    Refusal.BLOCK_TIME: -38021,
    Refusal.INITCODE_SIZE: -38025,
    Refusal.LIMIT: -38026,
    Refusal.FEES_INVALID: errors.INVALID_PARAMS,
    Refusal.OTHER: errors.INTERNAL_ERROR,
}
"""Source: execution-apis, errors of eth_simulateV1; geth for the last two."""


class SimulateMethods:
    def __init__(self, context: RpcContext) -> None:
        self._context = context

    def table(self) -> Table:
        at = optional(block_reference, Tag.LATEST)
        return {"eth_simulateV1": executor(self._simulate, simulation_request, at)}

    def _simulate(self, request: SimulationRequest, at: BlockReference) -> list[Json]:
        chain, limits = self._context.chain, self._context.limits
        state = self._context.heads.state(at)
        for call in request.calls:
            if call.chain_id is not None and call.chain_id != chain.spec.chain_id:
                raise ServerError(
                    f"chainId does not match node's (have={call.chain_id}, want={chain.spec.chain_id})"
                )
        plan = Plan(request.blocks, request.trace_transfers, request.validate, limits.call_gas)
        try:
            done = chain.engine.simulate(
                state.header, plan, state.state_root, time_limit_s=limits.call_time_s
            )
        except SimulationError as error:
            raise RpcError(CODES[error.refusal], error.cause) from None
        except CallTimeoutError as error:
            raise RpcError(TIMEOUT, error.cause) from None
        return [_block(item, full=request.full_transactions) for item in done]


def _block(simulated: Simulated, *, full: bool) -> Json:
    calls = [_call(simulated, index, result) for index, result in enumerate(simulated.results)]
    return encode.block(simulated.block, full=full) | {"calls": calls}


def _call(simulated: Simulated, index: int, result: SimulatedResult) -> Json:
    header = simulated.block.header
    logs = [
        encode_receipts.log(
            FoundLog(
                log=log,
                block_hash=header.hash,
                block_number=header.number,
                block_timestamp_s=header.timestamp_s,
                transaction_hash=simulated.block.transactions[index].hash,
                transaction_index=index,
                log_index=log.index,
            )
        )
        for log in result.logs
    ]
    answer: Json = {
        "returnData": data(result.output if result.error is None else b""),
        "logs": logs,
        "gasUsed": quantity(result.gas_used),
        "maxUsedGas": quantity(result.peak_gas),
        "status": quantity(int(result.error is None)),
    }
    return answer if result.error is None else answer | {"error": _failure(result.error, result.output)}


def _failure(error: str, output: bytes) -> dict[str, Any]:
    if error != REVERTED:
        return {"code": EXECUTION_ERROR, "message": error}
    reverted = ExecutionRevertedError(output)
    return {"code": reverted.code, "message": reverted.message, "data": reverted.data}
