"""Where trie nodes and codes are read from: the store, behind a cache that any thread may use."""

from collections.abc import Callable, Iterable
from functools import lru_cache

from genesis.types import Hash32
from openledger_node.errors import CriticalError
from openledger_node.evm.trie import NodeChanges, Trie
from openledger_node.evm.trie_nodes import DecodedNodes
from openledger_node.storage import keys
from openledger_node.storage.keyvalue import KeyValue

_CACHED_NODES = 200_000
_CACHED_CODES = 1_000
_DECODED_NODES = 50_000
"""About 1.3 kB each."""
_OVERLAY_NODES = 4_096


class MissingStateError(CriticalError):
    """The store has no such node: the state is not kept any more, or the store is damaged. Worded as geth
    words it, for clients look for that."""

    code = "OL-1411"

    def __init__(self, cause: str) -> None:
        super().__init__(
            cause,
            "this node keeps the states of recent blocks only, ask one that keeps them all; "
            "if the block is recent, stop the node and run openledger-node db check",
        )


class NodeStore:
    """Content-addressed, so a cached entry is never stale.

    `decoded` also holds nodes of states that are not stored: who names one of them writes it, too.
    """

    def __init__(self, store: KeyValue) -> None:
        self._store = store
        self.decoded = DecodedNodes(_DECODED_NODES)
        self.node: Callable[[bytes], bytes] = lru_cache(_CACHED_NODES)(self._read_node)
        self.code: Callable[[bytes], bytes] = lru_cache(_CACHED_CODES)(self._read_code)

    def trie(self, root: Hash32, changes: NodeChanges | None = None) -> Trie:
        """The stored trie with this root, for reading and for changes on top."""
        return Trie(root, self.node, changes, self.decoded)

    def _read_node(self, node_hash: bytes) -> bytes:
        node = self._store.get(keys.node(node_hash))
        if node is None:
            raise MissingStateError(f"missing trie node {node_hash.hex()} (path )")
        return node

    def _read_code(self, code_hash: bytes) -> bytes:
        code = self._store.get(keys.code(code_hash))
        if code is None:
            raise MissingStateError(f"missing code {code_hash.hex()}")
        return code


class OverlayNodes(NodeStore):
    """A store with more nodes and codes on top, which are never written."""

    def __init__(self, base: NodeStore) -> None:
        self._base = base
        self.decoded = DecodedNodes(_OVERLAY_NODES)
        self._added: dict[bytes, bytes] = {}
        self.node = self._find_node
        self.code = self._find_code

    def add(self, entries: Iterable[tuple[bytes, bytes]]) -> None:
        """`entries` as `state_writes` makes them."""
        self._added.update(entries)

    def _find_node(self, node_hash: bytes) -> bytes:
        return self._added.get(keys.node(node_hash)) or self._base.node(node_hash)

    def _find_code(self, code_hash: bytes) -> bytes:
        return self._added.get(keys.code(code_hash)) or self._base.code(code_hash)


def state_writes(nodes: dict[bytes, bytes], codes: dict[Hash32, bytes]) -> tuple[tuple[bytes, bytes], ...]:
    """New nodes and codes as the store's (key, value) pairs."""
    return (
        *((keys.node(node_hash), node) for node_hash, node in nodes.items()),
        *((keys.code(code_hash), code) for code_hash, code in codes.items()),
    )
