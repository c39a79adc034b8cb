"""What a trie node looks like in memory, how its path is written, and which ones are kept decoded.

Source: Ethereum yellow paper, appendix C (hex-prefix encoding) and D.
"""

from typing import TypeAlias

from openledger_node.evm.rlp_codec import Item, decode_trusted

Structure: TypeAlias = "list[Item]"
"""A node in memory, as its RLP has it: 17 items of a branch, or compact path and content; empty for none.
Never changed in place, so that any number of tries and threads may hold it."""

NO_NODE: Structure = []
NOTHING = b""
BRANCH_ITEMS = 17
_FULL_BRANCH_BYTES = 532
HASH_BYTES = 32
NIBBLE = {digit: value for value, digit in enumerate("0123456789abcdef")}


def expand_path(compact: bytes) -> tuple[bytes, bool]:
    """(path, is leaf) of a hex-prefix encoding; the path has one byte per half byte."""
    path, is_leaf = expanded(compact)
    return bytes([NIBBLE[digit] for digit in path]), is_leaf


def expanded(compact: Item) -> tuple[str, bool]:
    """The same with the path as hex digits."""
    assert isinstance(compact, bytes), "the first of two items is a string"
    digits = compact.hex()
    flag = digits[0]
    return digits[1 if flag in "13" else 2 :], flag in "23"


def compact_path(path: str, is_leaf: bool) -> bytes:
    """Hex-prefix encoding of a path of hex digits."""
    if len(path) % 2:
        return bytes.fromhex(("3" if is_leaf else "1") + path)
    return bytes.fromhex(("20" if is_leaf else "00") + path)


def decode_node(encoded: bytes) -> Structure:
    """A node of our own store. A branch of 16 hashes, which most nodes near the root are, is cut by hand:
    several times faster than the library."""
    if len(encoded) == _FULL_BRANCH_BYTES:
        return [*(encoded[i : i + HASH_BYTES] for i in range(4, _FULL_BRANCH_BYTES - 1, 33)), NOTHING]
    return decode_trusted(encoded)


class DecodedNodes:
    """Nodes by hash, the least recently used half forgotten now and then. Any thread may use it: what is lost
    in a race is read again."""

    def __init__(self, most: int) -> None:
        self._half = most // 2
        self._recent: dict[bytes, Structure] = {}
        self._older: dict[bytes, Structure] = {}

    def get(self, node_hash: bytes) -> "Structure | None":
        found = self._recent.get(node_hash)
        if found is None and (found := self._older.get(node_hash)) is not None:
            self.put(node_hash, found)
        return found

    def put(self, node_hash: bytes, node: Structure) -> None:
        self._recent[node_hash] = node
        if len(self._recent) > self._half:
            self._older, self._recent = self._recent, {}
