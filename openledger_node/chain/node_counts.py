"""How many places of kept states name each trie node: on top of the store while a batch is made."""

from collections.abc import Mapping

from openledger_node.chain.batch import Batch
from openledger_node.errors import CriticalError
from openledger_node.storage import keys
from openledger_node.storage.keyvalue import KeyValue

_COUNT_BYTES = 4


class NodeCounts:
    """Places that name each node, on top of what the store says; a node that is stored has at least one."""

    def __init__(self, store: KeyValue) -> None:
        self._store = store
        self._stored: dict[bytes, int] = {}
        self._now: dict[bytes, int] = {}

    def add(self, places: Mapping[bytes, int]) -> None:
        for node_hash, more in places.items():
            self._now[node_hash] = self._of(node_hash) + more

    def subtract(self, places: Mapping[bytes, int]) -> None:
        for node_hash, fewer in places.items():
            self._now[node_hash] = self._of(node_hash) - fewer

    def _of(self, node_hash: bytes) -> int:
        if node_hash not in self._now:
            self._stored[node_hash] = stored_places(self._store, node_hash)
            return self._stored[node_hash]
        return self._now[node_hash]

    def into(self, batch: Batch) -> Batch:
        """Add what changed; raises `CriticalError` rather than count below zero."""
        for node_hash, places in self._now.items():
            if places < 0:
                raise CriticalError(
                    f"state node 0x{node_hash.hex()} is given up more often than it is named",
                    "run openledger-node db prune, which counts anew",
                )
            if places > 1:
                batch.puts.append((keys.references(node_hash), places.to_bytes(_COUNT_BYTES, "big")))
            elif self._stored[node_hash] > 1:
                batch.deletes.append(keys.references(node_hash))
            if not places:
                batch.deletes.append(keys.node(node_hash))
        return batch


def stored_places(store: KeyValue, node_hash: bytes) -> int:
    """How many places name the node, as the store counts; 0 if it is not stored."""
    if store.get(keys.node(node_hash)) is None:  # most new nodes: one look is enough
        return 0
    found = store.get(keys.references(node_hash))
    return 1 if found is None else int.from_bytes(found, "big")
