"""What the root of a Merkle-Patricia trie is after a batch of changes, and which new nodes it takes.

Keys must be prefix-free (hashes, or RLP of indexes), which is all Ethereum has; so branches hold no value.
Source: Ethereum yellow paper, appendix D; execution-specs `trie.py`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from genesis.keccak import keccak256
from genesis.types import Hash32
from openledger_node.evm.rlp_codec import Item, decode_list, encode, uint

EMPTY_ROOT = keccak256(b"\x80")

LoadNode: TypeAlias = Callable[[bytes], bytes]
"""RLP of the node with this hash; raises `KeyError`."""

_NIBBLES = tuple(bytes((byte >> 4, byte & 15)) for byte in range(256))


def to_nibbles(key: bytes) -> bytes:
    """One byte per half byte."""
    return b"".join([_NIBBLES[byte] for byte in key])


class _Node:
    """A node in memory. Branch: 16 `children`. Extension: `path` and `child`. Leaf: `path` and `value`.

    `reference` is how a parent names it while it is unchanged, else None.
    """

    __slots__ = ("child", "children", "path", "reference", "value")

    def __init__(self) -> None:
        self.path = b""
        self.value: bytes | None = None
        self.child: _Slot = None
        self.children: list[_Slot] | None = None
        self.reference: Item | None = None


_Slot: TypeAlias = "_Node | bytes | None"
"""A child: loaded, the hash of one not loaded yet, or none."""


def _leaf(path: bytes, value: bytes) -> _Node:
    node = _Node()
    node.path, node.value = path, value
    return node


def _extension(path: bytes, child: _Slot) -> _Node:
    node = _Node()
    node.path, node.child = path, child
    return node


def _branch() -> _Node:
    node = _Node()
    node.children = [None] * 16
    return node


def _compact(path: bytes, is_leaf: bool) -> bytes:
    """Hex-prefix encoding of a nibble path."""
    flag = 2 if is_leaf else 0
    nibbles = bytes((flag + 1, *path)) if len(path) % 2 else bytes((flag, 0, *path))
    return bytes([nibbles[i] << 4 | nibbles[i + 1] for i in range(0, len(nibbles), 2)])


def expand_path(compact: bytes) -> tuple[bytes, bool]:
    """(path, is leaf) of a hex-prefix encoding."""
    nibbles = to_nibbles(compact)
    return nibbles[1 if nibbles[0] & 1 else 2 :], nibbles[0] >= 2


def _decode(item: Item) -> _Node:
    node = _Node()
    if len(item) == 17:
        node.children = [_slot(child) for child in item[:16]]  # type: ignore[arg-type]  # 17 items: a list
        return node
    compact, content = item
    assert isinstance(compact, bytes)
    node.path, is_leaf = expand_path(compact)
    if is_leaf:
        assert isinstance(content, bytes)
        node.value = content
    else:
        node.child = _slot(content)  # type: ignore[arg-type]  # an item of a node is an item
    return node


def _slot(item: Item) -> _Slot:
    """A child as a node names it: nothing, a hash, or a small node written out in place."""
    if isinstance(item, bytes):
        return item or None
    node = _decode(item)
    node.reference = item
    return node


def _common_prefix(left: bytes, right: bytes) -> int:
    length = min(len(left), len(right))
    for i in range(length):
        if left[i] != right[i]:
            return i
    return length


@dataclass(slots=True)
class NodeChanges:
    """Hashes of nodes, once for each place in a trie that names them from now on, or does not any more."""

    created: list[bytes] = field(default_factory=list)
    replaced: list[bytes] = field(default_factory=list)


class Trie:
    """A batch of changes on top of an existing root; `changes` hears of every node that comes or goes."""

    def __init__(self, root: bytes, load: LoadNode, changes: NodeChanges | None = None) -> None:
        self._load = load
        self._changes = changes or NodeChanges()
        self._root: _Slot = None if root == EMPTY_ROOT else bytes(root)

    def get(self, key: bytes) -> bytes | None:
        slot: _Slot = self._root
        path = to_nibbles(key)
        while slot is not None:
            node = self._loaded(slot)
            if node.children is not None:
                slot, path = node.children[path[0]], path[1:]
            elif node.value is not None:
                return node.value if node.path == path else None
            elif path.startswith(node.path):
                slot, path = node.child, path[len(node.path) :]
            else:
                return None
        return None

    def set(self, key: bytes, value: bytes) -> None:
        """Store a value; an empty value deletes the key."""
        path = to_nibbles(key)
        if value:
            self._root = self._insert(self._root, path, value)
        elif self.get(key) is not None:
            self._root = self._delete(self._root, path)

    def commit(self, writes: dict[bytes, bytes]) -> Hash32:
        """Root hash after the changes; adds every new node (hash to RLP) to `writes`."""
        if self._root is None:
            return EMPTY_ROOT
        if isinstance(self._root, bytes):
            return Hash32(self._root)
        reference = self._reference(self._root, writes)
        if isinstance(reference, bytes):
            return Hash32(reference)
        encoded = encode(reference)
        root = keccak256(encoded)
        writes[root] = encoded
        self._changes.created.append(root)
        return root

    def _loaded(self, slot: "_Node | bytes") -> _Node:
        if isinstance(slot, _Node):
            return slot
        node = _decode(decode_list(self._load(slot)))
        node.reference = slot
        return node

    def _gives_up(self, node: _Node) -> None:
        """What names the node now does so no longer."""
        if isinstance(node.reference, bytes):
            self._changes.replaced.append(node.reference)
        node.reference = None

    def _insert(self, slot: _Slot, path: bytes, value: bytes) -> _Node:
        if slot is None:
            return _leaf(path, value)
        node = self._loaded(slot)
        self._gives_up(node)
        if node.children is not None:
            node.children[path[0]] = self._insert(node.children[path[0]], path[1:], value)
            return node
        shared = _common_prefix(node.path, path)
        if shared == len(node.path):
            if node.value is not None:
                node.value = value
            else:
                node.child = self._insert(node.child, path[shared:], value)
            return node
        return self._split(node, shared, path, value)

    def _split(self, node: _Node, shared: int, path: bytes, value: bytes) -> _Node:
        """Replace a leaf or extension, of whose path only `shared` nibbles match, by a branch."""
        branch = _branch()
        assert branch.children is not None
        old_index, old_rest = node.path[shared], node.path[shared + 1 :]
        if node.value is not None:
            branch.children[old_index] = _leaf(old_rest, node.value)
        else:
            branch.children[old_index] = _extension(old_rest, node.child) if old_rest else node.child
        branch.children[path[shared]] = _leaf(path[shared + 1 :], value)
        return _extension(path[:shared], branch) if shared else branch

    def _delete(self, slot: _Slot, path: bytes) -> _Slot:
        """`slot` without `path`, which is known to be there."""
        assert slot is not None
        node = self._loaded(slot)
        self._gives_up(node)
        if node.children is not None:
            node.children[path[0]] = self._delete(node.children[path[0]], path[1:])
            return self._collapsed(node)
        if node.value is not None:
            return None
        child = self._delete(node.child, path[len(node.path) :])
        return self._prefixed(node.path, child) if child is not None else None

    def _collapsed(self, branch: _Node) -> _Slot:
        """A branch with one child left is no branch."""
        assert branch.children is not None
        left = [index for index, child in enumerate(branch.children) if child is not None]
        if len(left) > 1:
            return branch
        child = branch.children[left[0]]
        assert child is not None
        return self._prefixed(bytes(left), child)

    def _prefixed(self, path: bytes, slot: "_Node | bytes") -> _Node:
        """`slot` reached by `path`: merged into its own path if it has one."""
        node = self._loaded(slot)
        if node.children is not None:
            return _extension(path, slot)
        self._gives_up(node)
        if node.value is not None:
            return _leaf(path + node.path, node.value)
        return _extension(path + node.path, node.child)

    def _reference(self, slot: _Slot, writes: dict[bytes, bytes]) -> Item:
        """How the parent names `slot`: hash, or the structure itself if its RLP is shorter than a hash."""
        if slot is None:
            return b""
        if isinstance(slot, bytes):
            return slot
        if slot.reference is not None:
            return slot.reference
        structure = self._structure(slot, writes)
        encoded = encode(structure)
        if len(encoded) < 32:
            slot.reference = structure
        else:
            slot.reference = keccak256(encoded)
            writes[slot.reference] = encoded
            self._changes.created.append(slot.reference)
        return slot.reference

    def _structure(self, node: _Node, writes: dict[bytes, bytes]) -> list[Item]:
        if node.children is not None:
            return [*(self._reference(child, writes) for child in node.children), b""]
        if node.value is not None:
            return [_compact(node.path, True), node.value]
        return [_compact(node.path, False), self._reference(node.child, writes)]


def proof(root: bytes, key: bytes, load: LoadNode) -> tuple[bytes, ...]:
    """RLP of the nodes from the root towards `key`, as EIP-1186 lists them; also proves absence."""
    if root == EMPTY_ROOT:
        return ()
    nodes = [load(root)]
    item: Item = decode_list(nodes[0])
    path = to_nibbles(key)
    while True:
        if len(item) == 17:
            if not path:
                return tuple(nodes)
            child, path = item[path[0]], path[1:]
        else:
            compact, child = item
            assert isinstance(compact, bytes)
            own, is_leaf = expand_path(compact)
            if is_leaf or not path.startswith(own):
                return tuple(nodes)
            path = path[len(own) :]
        if child == b"":
            return tuple(nodes)
        if isinstance(child, bytes):
            nodes.append(load(child))
            item = decode_list(nodes[-1])
        else:
            item = child  # type: ignore[assignment]  # an item of a node is an item


def _no_node(node_hash: bytes) -> bytes:
    raise KeyError(node_hash)


def ordered_root(values: Iterable[bytes]) -> Hash32:
    """Root of the trie that maps RLP of each index to its value (transactions, receipts, withdrawals)."""
    trie = Trie(EMPTY_ROOT, _no_node)
    for index, value in enumerate(values):
        trie.set(encode(uint(index)), value)
    return trie.commit({})


def secure_root(entries: Mapping[bytes, bytes]) -> Hash32:
    """Root of the trie that maps the hash of each key to its value."""
    trie = Trie(EMPTY_ROOT, _no_node)
    for key, value in entries.items():
        trie.set(keccak256(key), value)
    return trie.commit({})
