"""The MinHash sketch of a plain text that needs no tables: ASCII, whose words are `[0-9A-Za-z_]+`.

Normalisation (NFKC) leaves ASCII as it is and case folding is lower case, so for such texts the rule is the
same in every implementation and for ever. Of a text with any other byte nothing is decided: it reverts with
`UnsupportedText(offset)`.

Covered: the sketch of `docs/formats.md`, "Text records", for ASCII texts. Not covered: all others, whose
words follow Unicode's tables (`workers.datasets.minhash`).
Source: Broder 1997; Li and König 2010 (b-bit minwise hashing).
"""

import hashlib
import re
from collections.abc import Sequence
from functools import cache

from precompiles.attribution_interface import UNSUPPORTED_TEXT

FUNCTIONS = 256
OFFSET = 69
SHINGLE_WORDS = 3
KEPT_BIT = 32
SEED = b"openledger-minhash/1"
LANE_BITS = 128
"""All functions are worked out at once, in lanes of one wide integer: a product of 64 bits each fits."""
VALUE_BITS = 64
_WORD = re.compile(rb"[0-9a-z_]+")
_NOT_ASCII = re.compile(rb"[\x80-\xff]")


def ascii_words(text: bytes) -> list[bytes]:
    """The words of a text in lower case; reverts at the first byte that is not ASCII."""
    other = _NOT_ASCII.search(text)
    if other is not None:
        raise UNSUPPORTED_TEXT(other.start())
    return _WORD.findall(text.lower())


def shingle_count(words: Sequence[bytes]) -> int:
    """How many shingles so many words make, repeated ones counted each time."""
    return max(1, len(words) - SHINGLE_WORDS + 1)


def sketch_of_words(words: Sequence[bytes]) -> bytes:
    """257 int8: the offset, then +1 or -1 by one bit of the least value of each function over shingles."""
    factors, offsets, low, top = _lanes()
    least = low
    for shingle in {b" ".join(words[i : i + SHINGLE_WORDS]) for i in range(shingle_count(words))}:
        hashed = int.from_bytes(hashlib.sha256(shingle).digest()[:8], "big")
        values = (factors * hashed + offsets) & low
        not_greater = ((least | top) - values) & top
        least ^= (least ^ values) & (not_greater - (not_greater >> VALUE_BITS))
    bits = ((least >> (LANE_BITS * i + KEPT_BIT)) & 1 for i in range(FUNCTIONS))
    return bytes([OFFSET, *(1 if bit else 255 for bit in bits)])


@cache
def _lanes() -> tuple[int, int, int, int]:
    """Factors, offsets, all ones in each lane's value, and the bit above each."""
    digests = [hashlib.sha256(SEED + number.to_bytes(2, "big")).digest() for number in range(FUNCTIONS)]
    factors = _packed([int.from_bytes(digest[:8], "big") | 1 for digest in digests])
    offsets = _packed([int.from_bytes(digest[8:16], "big") for digest in digests])
    low = _packed([2**VALUE_BITS - 1] * FUNCTIONS)
    return factors, offsets, low, _packed([2**VALUE_BITS] * FUNCTIONS)


def _packed(values: Sequence[int]) -> int:
    return sum(value << (LANE_BITS * lane) for lane, value in enumerate(values))
