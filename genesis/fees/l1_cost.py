"""What a rollup transaction pays for its bytes on L1: the OP Stack's Fjord formula.

Covered: the fee and the size estimate it rests on. Not covered: who pays it and where it goes.
"""

from dataclasses import dataclass
from functools import lru_cache

# Source: OP Stack specification, Fjord. Linear model of the Brotli-compressed size, scaled by 10^6.
_INTERCEPT_SCALED = -42_585_600
_SLOPE_SCALED = 836_500
_MINIMUM_SIZE_SCALED = 100_000_000
_SCALE = 1_000_000
_CALLDATA_GAS_PER_BYTE = 16

# FastLZ level 1 as the specification fixes it.
_HASH_MULTIPLIER = 2_654_435_769
_HASH_SHIFT = 19
_WINDOW = 0x1FFF
_LONGEST_MATCH = 262
_LONGEST_LITERAL_RUN = 32
_TAIL = 13
"""Bytes at the end in which no match may start."""
_MATCH_TAIL = 4
"""Bytes at the end which no match may reach."""


@dataclass(frozen=True, slots=True)
class L1FeeInputs:
    """What L1Block knows about the price of L1 data. Scalars are millionths; fees are wei per gas."""

    base_fee_wei: int
    blob_base_fee_wei: int
    base_fee_scalar: int
    blob_base_fee_scalar: int


def _literal_run_size(length: int) -> int:
    """Bytes that `length` literals take: each run of up to 32 costs one more byte."""
    return length + -(-length // _LONGEST_LITERAL_RUN)


def _match_size(length: int) -> int:
    """Bytes that a match of `length` (at least 3) takes."""
    long_parts, rest = divmod(length - 1, _LONGEST_MATCH)
    return 3 * long_parts + (3 if rest >= 6 else 2)


def fast_lz_size(data: bytes) -> int:
    """Length in bytes of `data` compressed by FastLZ level 1, without compressing it.

    Source: OP Stack specification, Fjord, "FastLZ implementation" (the Solady variant).
    """
    size = len(data)
    literals_from = 0
    compressed = 0
    limit = max(size - _TAIL, 0)
    last_seen: dict[int, int] = {}
    position = 2
    while position < limit:
        candidate, position = _find_match(data, position, limit, last_seen)
        if candidate is None:
            break
        if position > literals_from:
            compressed += _literal_run_size(position - literals_from)
        length = _common_length(data, candidate + 3, position + 3, size - _MATCH_TAIL)
        compressed += _match_size(length)
        position += length
        for _ in range(2):
            last_seen[_hash(_three_bytes(data, position))] = position
            position += 1
        literals_from = position
    return compressed + _literal_run_size(size - literals_from)


def _three_bytes(data: bytes, position: int) -> int:
    return data[position] | data[position + 1] << 8 | data[position + 2] << 16


def _hash(sequence: int) -> int:
    return (sequence * _HASH_MULTIPLIER & 0xFFFFFFFF) >> _HASH_SHIFT


def _find_match(data: bytes, position: int, limit: int, last_seen: dict[int, int]) -> tuple[int | None, int]:
    """(start of an earlier equal sequence, position of the later one), or (None, limit) when there is none.

    An empty hash slot reads as position 0, as in the reference. Written out flat: most of the time that a
    rollup's transfer takes would go into calls here."""
    sequence = _three_bytes(data, position) << 8
    while position < limit:
        sequence = sequence >> 8 | data[position + 2] << 16
        slot = (sequence * _HASH_MULTIPLIER & 0xFFFFFFFF) >> _HASH_SHIFT
        candidate = last_seen.get(slot, 0)
        last_seen[slot] = position
        is_equal = data[candidate : candidate + 3] == data[position : position + 3]
        if is_equal and position - candidate <= _WINDOW:
            return candidate, position
        position += 1
    return None, limit


def _common_length(data: bytes, earlier: int, later: int, end: int) -> int:
    """The reference's match counter: equal bytes from `earlier` and `later` on, plus one for the byte that
    differed; the whole rest if none did."""
    most = end - later
    for length in range(most):
        if data[earlier + length] != data[later + length]:
            return length + 1
    return most


def estimated_size_scaled(raw_transaction: bytes) -> int:
    """Estimated compressed size of a signed transaction, in millionths of a byte."""
    is_small = len(raw_transaction) <= _SMALL_BYTES
    return (_small if is_small else _large)(raw_transaction)


def _estimate(raw_transaction: bytes) -> int:
    if len(raw_transaction) <= _ALWAYS_MINIMUM_BYTES:
        return _MINIMUM_SIZE_SCALED
    return max(_MINIMUM_SIZE_SCALED, _linear(fast_lz_size(raw_transaction)))


def _linear(compressed_bytes: int) -> int:
    return _INTERCEPT_SCALED + _SLOPE_SCALED * compressed_bytes


_ALWAYS_MINIMUM_BYTES = 164
"""A transaction this short costs the minimum even if nothing of it can be compressed, like most transfers."""


_SMALL_BYTES = 4_096
# A transaction is estimated at admission, when it is built into a block and when the block is verified: one
# of 98 KB takes 40 ms each time, and sixteen of them are a tally. Remembered are the last 40 MB and 8 MB.
_small = lru_cache(maxsize=10_000)(_estimate)
_large = lru_cache(maxsize=64)(_estimate)


def l1_gas_used(raw_transaction: bytes) -> int:
    """The `l1GasUsed` of a receipt: the estimated size as calldata gas."""
    return estimated_size_scaled(raw_transaction) * _CALLDATA_GAS_PER_BYTE // _SCALE


def l1_data_fee(raw_transaction: bytes, prices: L1FeeInputs) -> int:
    """Wei that a transaction pays for its L1 data. Deposits pay none: do not ask for them."""
    fee_scaled = (
        prices.base_fee_scalar * _CALLDATA_GAS_PER_BYTE * prices.base_fee_wei
        + prices.blob_base_fee_scalar * prices.blob_base_fee_wei
    )
    return estimated_size_scaled(raw_transaction) * fee_scaled // _SCALE**2
