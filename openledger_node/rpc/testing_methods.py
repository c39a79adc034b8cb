"""Blocks made to order, for tests of plain Ethereum chains: `testing_buildBlockV1`. Nothing is stored.

Source: execution-apis, testing namespace and engine API (`ExecutionPayloadV3`, payload envelope of Prague).
"""

from dataclasses import dataclass

from genesis.types import ZERO_HASH, Address, Hash32
from openledger_node.evm.errors import InvalidBlockError, TransactionError
from openledger_node.evm.records import Block, BlockInputs, ExecutedBlock, Header, Withdrawal
from openledger_node.rpc import encode, parse
from openledger_node.rpc.context import RpcContext
from openledger_node.rpc.encode import Json, data, quantity
from openledger_node.rpc.errors import InvalidParamsError, ServerError
from openledger_node.rpc.simulation_request import withdrawal
from openledger_node.rpc.table import Table, executor, optional

GAS_LIMIT_GOAL = 60_000_000
"""Where a block's gas limit moves to, as geth's default."""
GAS_LIMIT_STEP = 1_024
MOST_FROM_POOL = 10_000


@dataclass(frozen=True, slots=True)
class PayloadAttributes:
    timestamp_s: int
    prev_randao: Hash32
    fee_recipient: Address
    withdrawals: tuple[Withdrawal, ...]
    beacon_root: Hash32


class TestingMethods:
    __test__ = False

    def __init__(self, context: RpcContext) -> None:
        self._context = context

    def table(self) -> Table:
        transactions = optional(parse.list_of(parse.data))
        return {
            "testing_buildBlockV1": executor(
                self._build, parse.hash32, _attributes, transactions, optional(parse.data, default=b"")
            )
        }

    def _build(
        self,
        parent_hash: Hash32,
        attributes: PayloadAttributes,
        transactions: list[bytes] | None,
        extra_data: bytes,
    ) -> Json:
        parent = self._context.chain.header_by_hash(parent_hash)
        if parent is None:
            raise ServerError("parent block not found")
        inputs = BlockInputs(
            timestamp_s=attributes.timestamp_s,
            prev_randao=attributes.prev_randao,
            fee_recipient=attributes.fee_recipient,
            gas_limit=_gas_limit_after(parent),
            parent_beacon_block_root=attributes.beacon_root,
            extra_data=extra_data,
            withdrawals=attributes.withdrawals,
        )
        try:
            built = self._fill(parent, inputs, transactions)
        except InvalidBlockError as error:
            raise ServerError(error.cause) from None
        return self._envelope(built)

    def _fill(self, parent: Header, inputs: BlockInputs, transactions: list[bytes] | None) -> ExecutedBlock:
        """With exactly these transactions, or with what fits from the pool."""
        execution = self._context.chain.engine.begin_block(parent, inputs)
        limit_s = self._context.limits.call_time_s
        if transactions is None:
            for raw in self._pooled(execution.context.base_fee_wei):
                try:
                    execution.add(raw, time_limit_s=limit_s)
                except TransactionError:
                    continue
            return execution.seal()
        for index, raw in enumerate(transactions):
            try:
                execution.add(raw, time_limit_s=limit_s)
            except TransactionError as error:
                raise ServerError(f"transaction {index} is invalid: {error.cause}") from None
        return execution.seal()

    def _pooled(self, base_fee_wei: int) -> list[bytes]:
        pool = self._context.pool
        return [item.raw for item in pool.ask(lambda: pool.best(base_fee_wei, MOST_FROM_POOL))]

    def _envelope(self, built: ExecutedBlock) -> Json:
        pool = self._context.pool
        found = (pool.sidecar(transaction.hash) for transaction in built.block.transactions)
        sidecars = [sidecar for sidecar in found if sidecar is not None]
        return {
            "executionPayload": _payload(built.block),
            "blockValue": quantity(_value_wei(built.block)),
            "blobsBundle": {
                "commitments": [data(item) for sidecar in sidecars for item in sidecar.commitments],
                "proofs": [data(item) for sidecar in sidecars for item in sidecar.proofs],
                "blobs": [data(item) for sidecar in sidecars for item in sidecar.blobs],
            },
            "executionRequests": [data(request) for request in built.requests],
            "shouldOverrideBuilder": False,
        }


def _attributes(value: object) -> PayloadAttributes:
    fields = parse.json_object(value)
    timestamp_s = parse.field(fields, "timestamp", parse.uint64)
    recipient = parse.field(fields, "suggestedFeeRecipient", parse.address)
    if timestamp_s is None or recipient is None:
        raise InvalidParamsError("payload attributes need timestamp and suggestedFeeRecipient")
    return PayloadAttributes(
        timestamp_s=timestamp_s,
        prev_randao=parse.field(fields, "prevRandao", parse.hash32) or ZERO_HASH,
        fee_recipient=recipient,
        withdrawals=tuple(parse.field(fields, "withdrawals", parse.list_of(withdrawal)) or ()),
        beacon_root=parse.field(fields, "parentBeaconBlockRoot", parse.hash32) or ZERO_HASH,
    )


def _gas_limit_after(parent: Header) -> int:
    step = parent.gas_limit // GAS_LIMIT_STEP - 1
    return max(min(GAS_LIMIT_GOAL, parent.gas_limit + step), parent.gas_limit - step)


def _value_wei(block: Block) -> int:
    """What the block pays its fee recipient."""
    base_fee_wei = block.header.base_fee_wei
    return sum((item.effective_gas_price_wei - base_fee_wei) * item.gas_used for item in block.receipts)


def _payload(block: Block) -> Json:
    header = block.header
    return {
        "parentHash": data(header.parent_hash),
        "feeRecipient": data(header.coinbase),
        "stateRoot": data(header.state_root),
        "receiptsRoot": data(header.receipts_root),
        "logsBloom": data(header.bloom),
        "prevRandao": data(header.prev_randao),
        "blockNumber": quantity(header.number),
        "gasLimit": quantity(header.gas_limit),
        "gasUsed": quantity(header.gas_used),
        "timestamp": quantity(header.timestamp_s),
        "extraData": data(header.extra_data),
        "baseFeePerGas": quantity(header.base_fee_wei),
        "blockHash": data(header.hash),
        "transactions": [data(transaction.raw) for transaction in block.transactions],
        "withdrawals": [encode.withdrawal(item) for item in block.withdrawals],
        "blobGasUsed": quantity(header.blob_gas_used),
        "excessBlobGas": quantity(header.excess_blob_gas),
    }
