"""Receipts and logs as JSON, with the OP Stack's fields on a rollup and no others.

Source: execution-apis schemas; OP Stack specification (deposits, L1 fee fields of receipts).
"""

from openledger_node.chain.records import FoundLog
from openledger_node.evm.blob_fees import GAS_PER_BLOB
from openledger_node.evm.records import DEPOSIT_TYPE, Block, Log, Receipt, Transaction
from openledger_node.rpc.encode import DEPOSIT_RECEIPT_VERSION, Json, data, optional_data, quantity


def receipts(block: Block, blob_base_fee_wei: int) -> list[Json]:
    """All receipts of a block in order."""
    encoded = []
    first_log = 0
    for index, value in enumerate(block.receipts):
        encoded.append(_receipt(block, index, first_log) | _blob_fields(block, index, blob_base_fee_wei))
        first_log += len(value.logs)
    return encoded


def receipt(block: Block, index: int, blob_base_fee_wei: int) -> Json:
    first_log = sum(len(earlier.logs) for earlier in block.receipts[:index])
    return _receipt(block, index, first_log) | _blob_fields(block, index, blob_base_fee_wei)


def _blob_fields(block: Block, index: int, blob_base_fee_wei: int) -> Json:
    hashes = block.transactions[index].blob_hashes
    if not hashes:
        return {}
    return {
        "blobGasUsed": quantity(GAS_PER_BLOB * len(hashes)),
        "blobGasPrice": quantity(blob_base_fee_wei),
    }


def _receipt(block: Block, index: int, first_log: int) -> Json:
    transaction, value = block.transactions[index], block.receipts[index]
    encoded: Json = {
        "transactionHash": data(transaction.hash),
        "transactionIndex": quantity(index),
        "blockHash": data(block.header.hash),
        "blockNumber": quantity(block.header.number),
        "from": data(transaction.sender),
        "to": optional_data(transaction.to),
        "type": quantity(transaction.type),
        "gasUsed": quantity(value.gas_used),
        "cumulativeGasUsed": quantity(value.cumulative_gas_used),
        "effectiveGasPrice": quantity(value.effective_gas_price_wei),
        "contractAddress": optional_data(value.contract_address),
        "logs": [_block_log(block, index, first_log + i, item) for i, item in enumerate(value.logs)],
        "logsBloom": data(value.bloom),
    }
    if value.state_root is None:
        encoded["status"] = quantity(int(value.succeeded))
    else:
        encoded["root"] = data(value.state_root)
    return encoded | _rollup_fields(transaction, value)


def _rollup_fields(transaction: Transaction, value: Receipt) -> Json:
    if transaction.type == DEPOSIT_TYPE:
        return {
            "depositNonce": quantity(value.deposit_nonce or 0),
            "depositReceiptVersion": quantity(DEPOSIT_RECEIPT_VERSION),
        }
    if value.l1_fee is None:
        return {}
    return {
        "l1Fee": quantity(value.l1_fee.fee_wei),
        "l1GasUsed": quantity(value.l1_fee.gas_used),
        "l1GasPrice": quantity(value.l1_fee.base_fee_wei),
        "l1BaseFeeScalar": quantity(value.l1_fee.base_fee_scalar),
        "l1BlobBaseFee": quantity(value.l1_fee.blob_base_fee_wei),
        "l1BlobBaseFeeScalar": quantity(value.l1_fee.blob_base_fee_scalar),
    }


def _block_log(block: Block, transaction_index: int, log_index: int, value: Log) -> Json:
    return log(FoundLog.of(block, transaction_index, log_index, value))


def log(found: FoundLog, *, removed: bool = False) -> Json:
    """`removed`: its block left the chain."""
    return {
        "address": data(found.log.address),
        "topics": [data(topic) for topic in found.log.topics],
        "data": data(found.log.data),
        "blockHash": data(found.block_hash),
        "blockNumber": quantity(found.block_number),
        "blockTimestamp": quantity(found.block_timestamp_s),
        "transactionHash": data(found.transaction_hash),
        "transactionIndex": quantity(found.transaction_index),
        "logIndex": quantity(found.log_index),
        "removed": removed,
    }
