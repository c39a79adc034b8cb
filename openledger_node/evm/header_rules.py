"""Whether a header may follow its parent, and what its parent decides in it.

Covered: every rule that needs no execution, and that the body is the header's. Not covered: state and receipt
roots, gas used, bloom (compare with the execution).
Source: execution-specs, Prague `validate_header` and `check_gas_limit`; EIP-4844.
"""

from genesis.fees.base_fee import next_base_fee
from genesis.forks import BLOB_RULES, Fork
from genesis.spec import ChainSpec
from openledger_node.evm.blocks import EMPTY_OMMERS_HASH, ZERO_NONCE, RawBlock, encode_withdrawal
from openledger_node.evm.errors import InvalidBlockError
from openledger_node.evm.records import Header
from openledger_node.evm.trie import ordered_root

_GAS_LIMIT_STEP = 1024
_MINIMUM_GAS_LIMIT = 5000
_MAXIMUM_GAS_LIMIT = 2**63 - 1
_MAXIMUM_EXTRA_DATA_BYTES = 32


def base_fee_after(spec: ChainSpec, parent: Header) -> int:
    """Base fee in wei per gas of the block after `parent`."""
    return next_base_fee(spec.fees, parent.base_fee_wei, parent.gas_used, parent.gas_limit)


def excess_blob_gas_after(parent: Header, fork: Fork) -> int:
    return max(parent.excess_blob_gas + parent.blob_gas_used - BLOB_RULES[fork].target_gas, 0)


def check_header(spec: ChainSpec, fork: Fork, parent: Header, header: Header) -> None:
    """Raises `InvalidBlockError` naming the rule."""
    _require(header.number == parent.number + 1, "number does not follow the parent's")
    _require(header.parent_hash == parent.hash, "parent hash is another block's")
    _require(header.timestamp_s > parent.timestamp_s, "timestamp is not after the parent's")
    _require(len(header.extra_data) <= _MAXIMUM_EXTRA_DATA_BYTES, "extra data is too long")
    _require(header.difficulty == 0 and header.nonce == ZERO_NONCE, "difficulty and nonce must be zero")
    _require(header.ommers_hash == EMPTY_OMMERS_HASH, "ommers are not allowed")
    _require(header.gas_used <= header.gas_limit, "gas used exceeds the limit")
    _require(header.gas_limit <= _MAXIMUM_GAS_LIMIT, "gas limit does not fit 63 bits")
    _require(spec.is_rollup or _gas_limit_follows(parent, header), "gas limit moved too far")
    _require(header.base_fee_wei == base_fee_after(spec, parent), "base fee does not follow the parent's")
    _require(header.excess_blob_gas == excess_blob_gas_after(parent, fork), "excess blob gas does not follow")
    _require(header.blob_gas_used <= BLOB_RULES[fork].maximum_gas, "blob gas exceeds the limit")
    _require(bool(header.requests_hash) == (fork >= Fork.PRAGUE), "header fields are of another fork")


def check_body(block: RawBlock) -> None:
    """Whether the header commits to this body. Raises `InvalidBlockError`."""
    header = block.header
    transactions_root = ordered_root(block.transactions)
    withdrawals_root = ordered_root(encode_withdrawal(withdrawal) for withdrawal in block.withdrawals)
    _require(header.transactions_root == transactions_root, "transactions root is of another body")
    _require(header.withdrawals_root == withdrawals_root, "withdrawals root is of another body")


def _gas_limit_follows(parent: Header, header: Header) -> bool:
    step = parent.gas_limit // _GAS_LIMIT_STEP
    return abs(header.gas_limit - parent.gas_limit) < step and header.gas_limit >= _MINIMUM_GAS_LIMIT


def _require(holds: bool, rule: str) -> None:
    if not holds:
        raise InvalidBlockError(f"invalid header: {rule}")
