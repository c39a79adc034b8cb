"""Whether a header may follow its parent, and what its parent decides in it.

Covered: every rule that needs no execution, and that the body is the header's. Not covered: state and receipt
roots, gas used, bloom (compare with the execution).
Source: execution-specs, `validate_header` and `check_gas_limit`; EIP-4844.
"""

from genesis.fees.base_fee import next_base_fee
from genesis.forks import Fork, blob_rules
from genesis.spec import ChainSpec
from openledger_node.evm.blob_fees import excess_blob_gas_after
from openledger_node.evm.blocks import (
    EMPTY_OMMERS_HASH,
    ZERO_NONCE,
    RawBlock,
    encode_withdrawal,
    ommers_hash,
)
from openledger_node.evm.errors import InvalidBlockError
from openledger_node.evm.proof_of_work import check_ommers, difficulty_after
from openledger_node.evm.records import Header
from openledger_node.evm.trie import ordered_root

_GAS_LIMIT_STEP = 1024
_MINIMUM_GAS_LIMIT = 5000
_MAXIMUM_GAS_LIMIT = 2**63 - 1
_MAXIMUM_EXTRA_DATA_BYTES = 32
_FIRST_BASE_FEE_WEI = 10**9
_LONDON_GAS_LIMIT_FACTOR = 2


def base_fee_after(spec: ChainSpec, parent: Header, fork: Fork = Fork.LONDON) -> int:
    """Base fee in wei per gas of a block of `fork` on `parent`; 0 where there is none."""
    if not parent.has_base_fee:
        return _FIRST_BASE_FEE_WEI if fork >= Fork.LONDON else 0
    return next_base_fee(spec.fees, parent.base_fee_wei, parent.gas_used, parent.gas_limit)


def check_header(spec: ChainSpec, fork: Fork, parent: Header, header: Header) -> None:
    """Raises `InvalidBlockError` naming the rule."""
    _require(header.number == parent.number + 1, "number does not follow the parent's")
    _require(header.parent_hash == parent.hash, "parent hash is another block's")
    _require(header.timestamp_s > parent.timestamp_s, "timestamp is not after the parent's")
    _require(len(header.extra_data) <= _MAXIMUM_EXTRA_DATA_BYTES, "extra data is too long")
    _check_fields(fork, header)
    if fork >= Fork.PARIS:
        _require(header.difficulty == 0 and header.nonce == ZERO_NONCE, "difficulty and nonce must be zero")
        _require(header.ommers_hash == EMPTY_OMMERS_HASH, "ommers are not allowed")
    else:
        difficulty = difficulty_after(fork, parent, header.timestamp_s)
        _require(header.difficulty == difficulty, "difficulty does not follow the parent's")
    _require(header.gas_used <= header.gas_limit, "gas used exceeds the limit")
    _require(header.gas_limit <= _MAXIMUM_GAS_LIMIT, "gas limit does not fit 63 bits")
    _require(spec.is_rollup or _gas_limit_follows(parent, header), "gas limit moved too far")
    _require(
        header.base_fee_wei == base_fee_after(spec, parent, fork), "base fee does not follow the parent's"
    )
    _require(header.excess_blob_gas == excess_blob_gas_after(parent, fork), "excess blob gas does not follow")
    _require(header.blob_gas_used <= blob_rules(fork).maximum_gas, "blob gas exceeds the limit")


def _check_fields(fork: Fork, header: Header) -> None:
    present = (
        (header.has_base_fee, Fork.LONDON),
        (header.withdrawals_root, Fork.SHANGHAI),
        (header.parent_beacon_block_root, Fork.CANCUN),
        (header.requests_hash, Fork.PRAGUE),
    )
    for field, first in present:
        _require(bool(field) == (fork >= first), "header fields are of another fork")


def check_body(block: RawBlock) -> None:
    """Whether the header commits to this body. Raises `InvalidBlockError`."""
    header = block.header
    transactions_root = ordered_root(block.transactions)
    _require(header.transactions_root == transactions_root, "transactions root is of another body")
    _require(header.ommers_hash == ommers_hash(block.ommers), "ommers hash is of another body")
    check_ommers(header.number, block.ommers)
    if header.withdrawals_root:
        withdrawals_root = ordered_root(encode_withdrawal(withdrawal) for withdrawal in block.withdrawals)
        _require(header.withdrawals_root == withdrawals_root, "withdrawals root is of another body")


def _gas_limit_follows(parent: Header, header: Header) -> bool:
    before = parent.gas_limit
    if header.has_base_fee and not parent.has_base_fee:
        before *= _LONDON_GAS_LIMIT_FACTOR
    step = before // _GAS_LIMIT_STEP
    return abs(header.gas_limit - before) < step and header.gas_limit >= _MINIMUM_GAS_LIMIT


def _require(holds: bool, rule: str) -> None:
    if not holds:
        raise InvalidBlockError(f"invalid header: {rule}")
