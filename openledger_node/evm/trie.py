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
from openledger_node.evm.trie_nodes import (
    BRANCH_ITEMS,
    HASH_BYTES,
    NIBBLE,
    NO_NODE,
    NOTHING,
    DecodedNodes,
    Structure,
    compact_path,
    decode_node,
    expanded,
)

EMPTY_ROOT = keccak256(b"\x80")

LoadNode: TypeAlias = Callable[[bytes], bytes]
"""RLP of the node with this hash; raises `KeyError`."""

Batch: TypeAlias = "list[tuple[str, bytes]]"
"""Sorted (key in hex digits, new value)."""

_PRIVATE_NODES = 1_024


@dataclass(slots=True)
class NodeChanges:
    """Hashes of nodes, once for each place in a trie that names them from now on, or does not any more."""

    created: list[bytes] = field(default_factory=list)
    replaced: list[bytes] = field(default_factory=list)


def _shared(left: str, right: str, start: int) -> int:
    """How many digits `left` and `right[start:]` have in common at their beginning."""
    most = min(len(left), len(right) - start)
    for i in range(most):
        if left[i] != right[start + i]:
            return i
    return most


class Trie:
    """A batch of changes on top of an existing root; `changes` hears of every node that comes or goes."""

    def __init__(
        self,
        root: bytes,
        load: LoadNode,
        changes: NodeChanges | None = None,
        decoded: DecodedNodes | None = None,
    ) -> None:
        self._load = load
        self._changes = NodeChanges() if changes is None else changes
        self._decoded = DecodedNodes(_PRIVATE_NODES) if decoded is None else decoded
        self._root: bytes = NOTHING if root == EMPTY_ROOT else bytes(root)
        self._pending: dict[str, bytes] = {}
        self._writes: dict[bytes, bytes] = {}

    def get(self, key: bytes) -> bytes | None:
        path = key.hex()
        if path in self._pending:
            return self._pending[path] or None
        node: Item = self._root
        position = 0
        while node:
            node = self._structure(node)
            if len(node) == BRANCH_ITEMS:
                node = node[NIBBLE[path[position]]]
                position += 1
                continue
            own, is_leaf = expanded(node[0])
            if is_leaf:
                return node[1] if own == path[position:] else None  # type: ignore[return-value]  # a leaf's
            if not path.startswith(own, position):
                return None
            position += len(own)
            node = node[1]
        return None

    def set(self, key: bytes, value: bytes) -> None:
        """Store a value; an empty value deletes the key."""
        self._pending[key.hex()] = value

    def commit(self, writes: dict[bytes, bytes]) -> Hash32:
        """Root hash after the changes; adds every new node (hash to RLP) to `writes`."""
        batch = sorted(self._pending.items())
        self._pending, self._writes = {}, writes
        before = self._structure(self._root) if self._root else NO_NODE
        after = self._changed(before, batch, 0) if batch else before
        if after is not before:
            self._give_up(self._root)
            self._root = self._hashed(after, encode(after)) if after else NOTHING
        return Hash32(self._root or EMPTY_ROOT)

    # -- reading

    def _structure(self, node: Item) -> Structure:
        """The node that a parent names by its hash, or holds in place."""
        if not isinstance(node, bytes):
            return node  # type: ignore[return-value]  # written out in place: a list
        found = self._decoded.get(node)
        if found is None:
            found = decode_node(self._load(node))
            self._decoded.put(node, found)
        return found

    # -- changing: from a node to the one that takes its place, the same object if nothing changed

    def _changed(self, node: Structure, batch: Batch, depth: int) -> Structure:
        """`node`, which stands `depth` digits below the root, after `batch`, which is sorted by key."""
        if not node:
            return self._built([item for item in batch if item[1]], depth)
        if len(node) == BRANCH_ITEMS:
            return self._changed_branch(node, batch, depth)
        own, is_leaf = expanded(node[0])
        if is_leaf:
            return self._changed_leaf(node, own, batch, depth)
        return self._changed_extension(node, own, batch, depth)

    def _changed_leaf(self, leaf: Structure, own: str, batch: Batch, depth: int) -> Structure:
        values: dict[str, bytes] = {batch[0][0][:depth] + own: leaf[1]}  # type: ignore[dict-item]  # a leaf's
        before = dict(values)
        values.update(batch)
        left = {key: value for key, value in values.items() if value}
        return leaf if left == before else self._built(sorted(left.items()), depth)

    def _changed_extension(self, node: Structure, own: str, batch: Batch, depth: int) -> Structure:
        # To delete what is not there must not split the path.
        batch = [item for item in batch if item[1] or item[0].startswith(own, depth)]
        if not batch:
            return node
        shared = min(_shared(own, batch[0][0], depth), _shared(own, batch[-1][0], depth))
        if shared == len(own):
            child = self._structure(node[1])
            changed = self._changed(child, batch, depth + shared)
            if changed is child:
                return node
            self._give_up(node[1])
            return self._prefixed(own, changed)
        branch: Structure = [NOTHING] * BRANCH_ITEMS
        index, rest = NIBBLE[own[shared]], own[shared + 1 :]
        branch[index] = [compact_path(rest, False), node[1]] if rest else node[1]
        below = self._changes_below(branch, batch, depth + shared)
        if rest:
            below.setdefault(index, branch[index])  # type: ignore[arg-type]  # a list, made above
        return self._prefixed(own[:shared], self._with_children(branch, below))

    def _changed_branch(self, branch: Structure, batch: Batch, depth: int) -> Structure:
        changed = self._changes_below(branch, batch, depth)
        return self._with_children(branch, changed) if changed else branch

    def _changes_below(self, branch: Structure, batch: Batch, depth: int) -> dict[int, Structure]:
        """The children that change, by position."""
        changed: dict[int, Structure] = {}
        begin, end = 0, len(batch)
        while begin < end:
            digit = batch[begin][0][depth]
            stop = begin + 1
            while stop < end and batch[stop][0][depth] == digit:
                stop += 1
            index = NIBBLE[digit]
            child = self._structure(branch[index]) if branch[index] else NO_NODE
            part = batch if stop - begin == end else batch[begin:stop]
            after = self._changed(child, part, depth + 1)
            if after is not child:
                self._give_up(branch[index])
                changed[index] = after
            begin = stop
        return changed

    def _with_children(self, branch: Structure, changed: dict[int, Structure]) -> Structure:
        """A branch with one child left is no branch."""
        if NO_NODE in changed.values():
            left = [index for index in range(16) if changed.get(index, branch[index])]
            if not left:
                return NO_NODE
            if len(left) == 1:
                return self._collapsed(f"{left[0]:x}", changed.get(left[0], branch[left[0]]))
        children = list(branch)
        for index, child in changed.items():
            children[index] = self._reference(child)
        return children

    def _collapsed(self, digit: str, child: Item) -> Structure:
        """What takes the place of a branch that has only this child."""
        node = self._structure(child)
        if isinstance(child, bytes):
            if len(node) == BRANCH_ITEMS:
                return [compact_path(digit, False), child]
            self._give_up(child)
        return self._prefixed(digit, node)

    def _prefixed(self, path: str, node: Structure) -> Structure:
        """`node`, which no parent names yet, reached by `path`: merged into its own path if it has one."""
        if not node or not path:
            return node
        if len(node) == BRANCH_ITEMS:
            return [compact_path(path, False), self._reference(node)]
        own, is_leaf = expanded(node[0])
        return [compact_path(path + own, is_leaf), node[1]]

    def _built(self, batch: Batch, depth: int) -> Structure:
        """A new node with just these values."""
        if not batch:
            return NO_NODE
        first, last = batch[0][0], batch[-1][0]
        if len(batch) == 1:
            return [compact_path(first[depth:], True), batch[0][1]]
        fork = depth
        while first[fork] == last[fork]:
            fork += 1
        children: Structure = [NOTHING] * BRANCH_ITEMS
        begin, end = 0, len(batch)
        while begin < end:
            digit = batch[begin][0][fork]
            stop = begin + 1
            while stop < end and batch[stop][0][fork] == digit:
                stop += 1
            children[NIBBLE[digit]] = self._reference(self._built(batch[begin:stop], fork + 1))
            begin = stop
        return self._prefixed(first[depth:fork], children)

    # -- naming

    def _reference(self, node: Structure) -> Item:
        """How a parent names `node`: its hash, or the node itself if its RLP is shorter than a hash."""
        if not node:
            return NOTHING
        encoded = encode(node)
        return node if len(encoded) < HASH_BYTES else self._hashed(node, encoded)

    def _hashed(self, node: Structure, encoded: bytes) -> bytes:
        node_hash = keccak256(encoded)
        self._writes[node_hash] = encoded
        self._changes.created.append(node_hash)
        self._decoded.put(node_hash, node)
        return node_hash

    def _give_up(self, reference: Item) -> None:
        """What names this node does so no longer."""
        if isinstance(reference, bytes) and reference:
            self._changes.replaced.append(reference)


def proof(root: bytes, key: bytes, load: LoadNode) -> tuple[bytes, ...]:
    """RLP of the nodes from the root towards `key`, as EIP-1186 lists them; also proves absence."""
    if root == EMPTY_ROOT:
        return ()
    nodes = [load(root)]
    item: Item = decode_list(nodes[0])
    path = key.hex()
    while True:
        if len(item) == BRANCH_ITEMS:
            child, path = item[NIBBLE[path[0]]], path[1:]
        else:
            compact, child = item
            own, is_leaf = expanded(compact)  # type: ignore[arg-type]  # the first of two items
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
