"""How bodies, receipts and supply are laid out in the store (keys are in `storage/keys.py`).

A body is [[raw transaction, sender]…, [index, validator, address, gwei]…] and, if there are any, [RLP of an
ommer…]. A receipt is [status, gas used, cumulative gas, price, logs, bloom or nothing, contract, deposit
nonce + 1, L1 fee fields] and, before Byzantium, the state root.
"""

from dataclasses import dataclass

from genesis.types import Address, Hash32
from openledger_node.evm.blocks import decode_header
from openledger_node.evm.receipts import EMPTY_BLOOM, log_item
from openledger_node.evm.records import Block, Header, L1Fee, Log, Receipt, Transaction, Withdrawal
from openledger_node.evm.rlp_codec import Item, decode_list, encode, to_bytes, to_list, to_uint, uint
from openledger_node.evm.transactions import decode_stored


@dataclass(frozen=True, slots=True)
class Body:
    """What a block has besides its header."""

    transactions: tuple[Transaction, ...]
    withdrawals: tuple[Withdrawal, ...]
    ommers: tuple[Header, ...]


def encode_body(block: Block) -> bytes:
    """RLP of transactions with their senders, withdrawals, and ommers where there are any."""
    parts: list[Item] = [
        [[transaction.raw, transaction.sender] for transaction in block.transactions],
        [[uint(w.index), uint(w.validator_index), w.address, uint(w.amount_gwei)] for w in block.withdrawals],
    ]
    if block.ommers:
        parts.append([ommer.rlp for ommer in block.ommers])
    return encode(parts)


def decode_body(encoded: bytes, chain_id: int) -> Body:
    """The inverse of `encode_body`. Raises `RlpError`."""
    transactions, withdrawals, *rest = (to_list(part) for part in decode_list(encoded))
    return Body(
        tuple(_transaction(to_list(item), chain_id) for item in transactions),
        tuple(_withdrawal(to_list(item)) for item in withdrawals),
        tuple(decode_header(to_bytes(item)) for item in (rest[0] if rest else [])),
    )


def _transaction(item: list[Item], chain_id: int) -> Transaction:
    return decode_stored(to_bytes(item[0]), chain_id, Address(to_bytes(item[1])))


def _withdrawal(item: list[Item]) -> Withdrawal:
    return Withdrawal(to_uint(item[0]), to_uint(item[1]), Address(to_bytes(item[2])), to_uint(item[3]))


def encode_receipts(receipts: tuple[Receipt, ...]) -> bytes:
    """RLP of a block's receipts as the store keeps them: with what consensus leaves out."""
    return encode([_receipt_item(receipt) for receipt in receipts])


def decode_receipts(encoded: bytes) -> tuple[Receipt, ...]:
    """The inverse of `encode_receipts`. Raises `RlpError`."""
    return tuple(_receipt(to_list(item)) for item in decode_list(encoded))


def _receipt_item(receipt: Receipt) -> Item:
    nonce = receipt.deposit_nonce
    root = [] if receipt.state_root is None else [receipt.state_root]
    return [
        uint(receipt.succeeded),
        uint(receipt.gas_used),
        uint(receipt.cumulative_gas_used),
        uint(receipt.effective_gas_price_wei),
        [log_item(log) for log in receipt.logs],
        receipt.bloom if receipt.logs else b"",
        receipt.contract_address or b"",
        uint(0 if nonce is None else nonce + 1),
        [] if receipt.l1_fee is None else _l1_fee_item(receipt.l1_fee),
        *root,
    ]


def _l1_fee_item(fee: L1Fee) -> Item:
    return [
        uint(fee.fee_wei),
        uint(fee.gas_used),
        uint(fee.base_fee_wei),
        uint(fee.blob_base_fee_wei),
        uint(fee.base_fee_scalar),
        uint(fee.blob_base_fee_scalar),
    ]


def _receipt(item: list[Item]) -> Receipt:
    nonce = to_uint(item[7])
    contract = to_bytes(item[6])
    fee = to_list(item[8])
    return Receipt(
        succeeded=bool(to_uint(item[0])),
        gas_used=to_uint(item[1]),
        cumulative_gas_used=to_uint(item[2]),
        effective_gas_price_wei=to_uint(item[3]),
        logs=tuple(_log(to_list(log)) for log in to_list(item[4])),
        bloom=to_bytes(item[5]) or EMPTY_BLOOM,
        contract_address=Address(contract) if contract else None,
        deposit_nonce=nonce - 1 if nonce else None,
        l1_fee=L1Fee(*(to_uint(field) for field in fee)) if fee else None,
        state_root=Hash32(to_bytes(item[9])) if len(item) > 9 else None,
    )


def _log(item: list[Item]) -> Log:
    topics = tuple(Hash32(to_bytes(topic)) for topic in to_list(item[1]))
    return Log(Address(to_bytes(item[0])), topics, to_bytes(item[2]))
