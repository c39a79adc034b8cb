"""How to read the one ABI shape that L1 events of the rollup carry: a single `bytes` argument.

Source: Solidity contract ABI specification, dynamic types.
"""

from rollup_bridge.errors import MalformedError

_WORD = 32


def single_bytes(data: bytes) -> bytes:
    """Content of log data that is ABI-encoded `(bytes)`: offset 32, length, content, padding below one
    word."""
    size = word(data, 1)
    padded = len(data) - 2 * _WORD
    if word(data, 0) != _WORD or not size <= padded < size + _WORD:
        raise MalformedError("log data is not one ABI-encoded bytes argument")
    return data[2 * _WORD : 2 * _WORD + size]


def word(data: bytes, index: int) -> int:
    """The 32-byte unsigned integer at a word position."""
    piece = data[index * _WORD : (index + 1) * _WORD]
    if len(piece) != _WORD:
        raise MalformedError("ABI data is cut off")
    return int.from_bytes(piece, "big")
