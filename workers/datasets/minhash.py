"""How alike two texts are: a MinHash sketch of 257 integers, compared by the same rule as vectors.

Text is read as words (NFKC, case folded, runs of letters and digits); its shingles are every three words in
a row, or all of them when there are fewer. Each of 256 hash functions `(a·h + b) mod 2^64` keeps bit 32 of
its smallest value, as +1 or -1; a constant 69 comes first. Equal bits are as likely as shingles are shared,
so the cosine of two sketches is about (4761 + 256·J)/(4761 + 256) for shingle sets of Jaccard similarity J:
the rule's default τ = 0.99 is J = 0.80 (standard error 0.04).

`h` is the first 8 bytes of sha256 of a shingle's words joined by single spaces, big-endian; a and b are the
first and second 8 bytes of sha256("openledger-minhash/1" ‖ i as 2 bytes), a made odd.

Source: Broder 1997; Li and König 2010 (b-bit minwise hashing).
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from workers.datasets.sketch import Sketch

FUNCTIONS = 256
OFFSET = 69
SHINGLE_WORDS = 3
KEPT_BIT = 32
SEED = b"openledger-minhash/1"
BLOCK_SHINGLES = 4_096
_WORD = re.compile(r"\w+")


def text_sketch(text: str) -> bytes:
    """One text's packed sketch, as `genesis.commitments.record_leaf` takes it."""
    packed: bytes = _sketch(text).tobytes()
    return packed


def text_sketches(texts: Sequence[str]) -> Sketch:
    """Sketches (N, 257)."""
    return np.stack([_sketch(text) for text in texts])


def words(text: str) -> list[str]:
    """The words of a text as the rule sees them."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def shingles(text: str) -> set[str]:
    """Every three words in a row, or the whole text; without words there is one empty shingle."""
    found = words(text)
    if len(found) <= SHINGLE_WORDS:
        return {" ".join(found)}
    return {" ".join(found[i : i + SHINGLE_WORDS]) for i in range(len(found) - SHINGLE_WORDS + 1)}


def _sketch(text: str) -> Sketch:
    digests = b"".join(hashlib.sha256(shingle.encode()).digest()[:8] for shingle in shingles(text))
    hashes = np.frombuffer(digests, dtype=">u8").astype(np.uint64)
    factors, offsets = _functions()
    smallest = np.full(FUNCTIONS, np.iinfo(np.uint64).max, dtype=np.uint64)
    for first in range(0, len(hashes), BLOCK_SHINGLES):
        block = hashes[first : first + BLOCK_SHINGLES]
        values = factors[:, None] * block[None, :] + offsets[:, None]
        smallest = np.minimum(smallest, values.min(axis=1))
    bits = (smallest >> np.uint64(KEPT_BIT)) & np.uint64(1)
    return np.concatenate([[OFFSET], 2 * bits.astype(np.int64) - 1]).astype(np.int8)


@cache
def _functions() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    digests = [hashlib.sha256(SEED + number.to_bytes(2, "big")).digest() for number in range(FUNCTIONS)]
    factors = [int.from_bytes(digest[:8], "big") | 1 for digest in digests]
    offsets = [int.from_bytes(digest[8:16], "big") for digest in digests]
    return np.array(factors, dtype=np.uint64), np.array(offsets, dtype=np.uint64)
