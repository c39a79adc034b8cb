"""How many bytes a block takes on the wire, counted without encoding it.

Source: EIP-7934 (the limit), Yellow Paper appendix B (RLP).
"""

from collections.abc import Iterable

from genesis.forks import Fork
from openledger_node.evm.blocks import RawBlock, encode_withdrawal
from openledger_node.evm.errors import InvalidBlockError

MOST_BLOCK_BYTES = 8 * 1024 * 1024
LARGEST_FRAME_BYTES = 1024
"""More than a header and the heads of all lists ever take."""

_FIRST_LIST_HEAD = b"\xc0"
_LONGEST_SHORT = 55


def check_size(block: RawBlock, fork: Fork) -> None:
    """Raises `InvalidBlockError` for a block over the limit."""
    if fork >= Fork.OSAKA and (size := block_bytes(block)) > MOST_BLOCK_BYTES:
        raise InvalidBlockError(f"block of {size} bytes is over the limit of {MOST_BLOCK_BYTES}")


def transaction_bytes(raw: bytes) -> int:
    """Bytes that a transaction takes in its block: typed ones are strings there, legacy ones lists."""
    return len(raw) if raw[:1] >= _FIRST_LIST_HEAD else _headed(len(raw))


def block_bytes(block: RawBlock) -> int:
    """Size of the whole encoding."""
    payload = len(block.header.rlp) + _headed(_total(map(transaction_bytes, block.transactions)))
    payload += _headed(_total(len(ommer.rlp) for ommer in block.ommers))
    if block.header.withdrawals_root:
        payload += _headed(_total(len(encode_withdrawal(entry)) for entry in block.withdrawals))
    return _headed(payload)


def _total(sizes: Iterable[int]) -> int:
    return sum(sizes)


def _headed(payload_bytes: int) -> int:
    """Size of a string or list with so much in it."""
    if payload_bytes <= _LONGEST_SHORT:
        return 1 + payload_bytes
    return 1 + (payload_bytes.bit_length() + 7) // 8 + payload_bytes
