"""Chain records as the JSON objects of execution-apis, with the OP Stack's fields on a rollup and no others.

Source: execution-apis schemas; OP Stack specification (deposits, L1 fee fields of receipts).
"""

from collections.abc import Sequence
from typing import Any

from openledger_node.evm.blocks import encode_block
from openledger_node.evm.records import (
    DEPOSIT_TYPE,
    AccessListEntry,
    AccountProof,
    Authorization,
    Block,
    Header,
    Transaction,
    Withdrawal,
)

Json = dict[str, Any]

DEPOSIT_RECEIPT_VERSION = 1
"""Since Canyon a deposit's receipt commits to its nonce."""


def quantity(value: int) -> str:
    return hex(value)


def data(value: bytes) -> str:
    return "0x" + value.hex()


def optional_data(value: bytes | None) -> str | None:
    return None if value is None else data(value)


def word(value: int) -> str:
    return f"0x{value:064x}"


# --- Blocks -----------------------------------------------------------------------------------------------


def header(value: Header) -> Json:
    """A header as `newHeads` sends it: a block object less size, transactions and uncles."""
    encoded = {
        "number": quantity(value.number),
        "hash": data(value.hash),
        "parentHash": data(value.parent_hash),
        "nonce": data(value.nonce),
        "mixHash": data(value.prev_randao),
        "sha3Uncles": data(value.ommers_hash),
        "logsBloom": data(value.bloom),
        "transactionsRoot": data(value.transactions_root),
        "stateRoot": data(value.state_root),
        "receiptsRoot": data(value.receipts_root),
        "miner": data(value.coinbase),
        "difficulty": quantity(value.difficulty),
        "extraData": data(value.extra_data),
        "gasLimit": quantity(value.gas_limit),
        "gasUsed": quantity(value.gas_used),
        "timestamp": quantity(value.timestamp_s),
    }
    if value.has_base_fee:
        encoded["baseFeePerGas"] = quantity(value.base_fee_wei)
    return encoded | _fields_of_later_forks(value)


def _fields_of_later_forks(value: Header) -> Json:
    """An empty hash in the record means that the header is older than the field."""
    encoded: Json = {}
    if value.withdrawals_root:
        encoded["withdrawalsRoot"] = data(value.withdrawals_root)
    if value.parent_beacon_block_root:
        encoded["blobGasUsed"] = quantity(value.blob_gas_used)
        encoded["excessBlobGas"] = quantity(value.excess_blob_gas)
        encoded["parentBeaconBlockRoot"] = data(value.parent_beacon_block_root)
    if value.requests_hash:
        encoded["requestsHash"] = data(value.requests_hash)
    return encoded


def raw_block(value: Block) -> bytes:
    """The block's RLP; its length is the object's `size`."""
    raws = tuple(transaction.raw for transaction in value.transactions)
    return encode_block(value.header, raws, value.withdrawals, value.ommers)


def block(value: Block, *, full: bool) -> Json:
    """`full`: transaction objects instead of hashes."""
    if full:
        transactions: list[Any] = [mined_transaction(value, index) for index in range(len(value.receipts))]
    else:
        transactions = [data(item.hash) for item in value.transactions]
    encoded = header(value.header) | {
        "size": quantity(len(raw_block(value))),
        "transactions": transactions,
        "uncles": [data(ommer.hash) for ommer in value.ommers],
    }
    if value.header.withdrawals_root:
        encoded["withdrawals"] = [withdrawal(item) for item in value.withdrawals]
    return encoded


def ommer(value: Header) -> Json:
    """An ommer as a block without a body."""
    size = len(encode_block(value, ()))
    return header(value) | {"size": quantity(size), "uncles": []}


def withdrawal(value: Withdrawal) -> Json:
    return {
        "index": quantity(value.index),
        "validatorIndex": quantity(value.validator_index),
        "address": data(value.address),
        "amount": quantity(value.amount_gwei),
    }


# --- Transactions -----------------------------------------------------------------------------------------


def mined_transaction(block: Block, index: int) -> Json:
    value, receipt = block.transactions[index], block.receipts[index]
    place = {
        "blockHash": data(block.header.hash),
        "blockNumber": quantity(block.header.number),
        "blockTimestamp": quantity(block.header.timestamp_s),
        "transactionIndex": quantity(index),
    }
    if value.type == DEPOSIT_TYPE:
        return place | _deposit(value, receipt.deposit_nonce)
    return place | _signed(value, receipt.effective_gas_price_wei)


def pending_transaction(value: Transaction) -> Json:
    """A transaction that is in no block: its place is null, its gas price the most it pays."""
    place = {"blockHash": None, "blockNumber": None, "blockTimestamp": None, "transactionIndex": None}
    return place | _signed(value, value.max_fee_wei)


def bare_transaction(value: Transaction) -> Json:
    """A transaction as geth shows what it signs: no place, no sender, fees of the other kind null."""
    has_gas_price = value.type < 2
    encoded = _signed(value, value.max_fee_wei)
    del encoded["from"]
    return encoded | {
        "gasPrice": quantity(value.max_fee_wei) if has_gas_price else None,
        "maxPriorityFeePerGas": None if has_gas_price else quantity(value.max_priority_fee_wei),
        "maxFeePerGas": None if has_gas_price else quantity(value.max_fee_wei),
    }


def _common(value: Transaction) -> Json:
    return {
        "type": quantity(value.type),
        "hash": data(value.hash),
        "from": data(value.sender),
        "to": optional_data(value.to),
        "gas": quantity(value.gas),
        "value": quantity(value.value_wei),
        "input": data(value.data),
    }


def _deposit(value: Transaction, nonce: int | None) -> Json:
    fields = value.deposit
    if fields is None:
        raise ValueError("a deposit transaction carries deposit fields")
    encoded = _common(value) | {
        "nonce": quantity(nonce or 0),
        "gasPrice": "0x0",
        "sourceHash": data(fields.source_hash),
        "depositReceiptVersion": quantity(DEPOSIT_RECEIPT_VERSION),
        "v": "0x0",
        "r": "0x0",
        "s": "0x0",
    }
    if fields.mint_wei:
        encoded["mint"] = quantity(fields.mint_wei)
    if fields.is_system:
        # op-geth leaves it out where it is false; Foundry's decoder takes no JSON boolean.
        encoded["isSystemTx"] = True
    return encoded


def _signed(value: Transaction, gas_price_wei: int) -> Json:
    encoded = _common(value) | {
        "nonce": quantity(value.nonce),
        "gasPrice": quantity(gas_price_wei),
        "v": quantity(value.v),
        "r": quantity(value.r),
        "s": quantity(value.s),
    }
    if value.chain_id is not None:
        encoded["chainId"] = quantity(value.chain_id)
    if value.type >= 1:
        encoded["accessList"] = access_list(value.access_list)
        encoded["yParity"] = quantity(value.v)
    if value.type >= 2:
        encoded["maxFeePerGas"] = quantity(value.max_fee_wei)
        encoded["maxPriorityFeePerGas"] = quantity(value.max_priority_fee_wei)
    if value.type == 3:
        encoded["maxFeePerBlobGas"] = quantity(value.max_blob_fee_wei)
        encoded["blobVersionedHashes"] = [data(item) for item in value.blob_hashes]
    if value.type == 4:
        encoded["authorizationList"] = [_authorization(item) for item in value.authorizations]
    return encoded


def access_list(entries: Sequence[AccessListEntry]) -> list[Json]:
    return [
        {"address": data(entry.address), "storageKeys": [data(slot) for slot in entry.slots]}
        for entry in entries
    ]


def _authorization(value: Authorization) -> Json:
    return {
        "chainId": quantity(value.chain_id),
        "address": data(value.address),
        "nonce": quantity(value.nonce),
        "yParity": quantity(value.y_parity),
        "r": quantity(value.r),
        "s": quantity(value.s),
    }


# --- State ------------------------------------------------------------------------------------------------


def proof(value: AccountProof, keys: Sequence[str]) -> Json:
    """`keys` names each proved slot in the client's form."""
    return {
        "address": data(value.address),
        "balance": quantity(value.balance_wei),
        "nonce": quantity(value.nonce),
        "codeHash": data(value.code_hash),
        "storageHash": data(value.storage_root),
        "accountProof": [data(node) for node in value.nodes],
        "storageProof": [
            {"key": key, "value": quantity(item.value), "proof": [data(node) for node in item.nodes]}
            for key, item in zip(keys, value.storage, strict=True)
        ],
    }
