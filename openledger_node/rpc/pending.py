"""What the next block looks like from here: the head's successor with the pool's ready transactions.

Nothing is executed for it: gas used and roots are those of an empty block, hash and nonce are null.
"""

from genesis.types import ZERO_HASH
from openledger_node.evm.records import Transaction
from openledger_node.rpc import encode
from openledger_node.rpc.context import RpcContext
from openledger_node.rpc.encode import Json, data, quantity

MAXIMUM_SHOWN = 1_000
EMPTY_BLOCK_SIZE_BYTES = 600


def pending_transactions(context: RpcContext) -> list[Transaction]:
    """What the pool would put into the next block, in order."""
    base_fee_wei = context.chain.base_fee_after(context.chain.head.header)
    return list(context.pool.ask(lambda: context.pool.best(base_fee_wei, MAXIMUM_SHOWN)))


def pending_block(context: RpcContext, *, full: bool) -> Json:
    head = context.chain.head.header
    base_fee_wei = context.chain.base_fee_after(head)
    shown = pending_transactions(context)
    return encode.header(head) | {
        "number": quantity(head.number + 1),
        "hash": None,
        "nonce": None,
        "miner": data(head.coinbase),
        "parentHash": data(head.hash),
        "mixHash": data(ZERO_HASH),
        "timestamp": quantity(head.timestamp_s + 1),
        "gasUsed": "0x0",
        "logsBloom": data(bytes(256)),
        "baseFeePerGas": quantity(base_fee_wei),
        "size": quantity(EMPTY_BLOCK_SIZE_BYTES + sum(len(item.raw) for item in shown)),
        "transactions": [encode.pending_transaction(item) if full else data(item.hash) for item in shown],
        "uncles": [],
        "withdrawals": [],
    }
