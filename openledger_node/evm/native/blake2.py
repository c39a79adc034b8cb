"""The compression function F of BLAKE2b over the precompile's encoding.

Source: EIP-152; RFC 7693, 3.2.
"""

import struct

from blake2b import compress

from openledger_node.evm.native.errors import InvalidInputError

INPUT_BYTES = 213
# Rounds, state, message block, offset counters, flag of the last block.
_LAYOUT = struct.Struct("<8Q16Q2Q")


def rounds_of(data: bytes) -> int:
    """Rounds that the input asks for. Raises `InvalidInputError`."""
    if len(data) != INPUT_BYTES or data[-1] not in (0, 1):
        raise InvalidInputError("blake2: wrong length or flag")
    return int.from_bytes(data[:4], "big")


def compress_block(data: bytes) -> bytes:
    """The new state, 64 bytes. Raises `InvalidInputError`."""
    rounds = rounds_of(data)
    words = _LAYOUT.unpack_from(data, 4)
    state: bytes = compress(rounds, words[:8], words[8:24], words[24:], data[-1] == 1)
    return state
