"""Which trie nodes a block brought and which it replaced, and how the store lays that out."""

from collections import Counter
from collections.abc import Iterator, Mapping

from openledger_node.evm.trie import NodeChanges
from openledger_node.storage import keys

_HASH_BYTES = 32
_COUNT_BYTES = 4


def created_places(places: Mapping[bytes, int]) -> dict[bytes, int]:
    """Node hash → places it gains."""
    return {node_hash: more for node_hash, more in places.items() if more > 0}


def replaced_places(places: Mapping[bytes, int]) -> dict[bytes, int]:
    """Node hash → places it loses, as a positive number."""
    return {node_hash: -more for node_hash, more in places.items() if more < 0}


def net_places(changes: NodeChanges) -> Counter[bytes]:
    """Node hash → places it gains, or loses if negative; without zeros."""
    net = Counter(changes.created)
    net.subtract(Counter(changes.replaced))
    return Counter({node_hash: places for node_hash, places in net.items() if places})


def journal_entry(number: int, places: Mapping[bytes, int]) -> tuple[bytes, bytes]:
    """A block's journal: the number of created places (4), their hashes, then those of replaced ones."""
    created = [node_hash * more for node_hash, more in places.items() if more > 0]
    replaced = [node_hash * -more for node_hash, more in places.items() if more < 0]
    hashes = b"".join(created)
    count = (len(hashes) // _HASH_BYTES).to_bytes(_COUNT_BYTES, "big")
    return keys.by_number(keys.JOURNAL, number), b"".join((count, hashes, *replaced))


def decode_journal(encoded: bytes) -> Counter[bytes]:
    """The inverse of `journal_entry`: node hash → places."""
    created = int.from_bytes(encoded[:_COUNT_BYTES], "big")
    places: Counter[bytes] = Counter()
    for index, node_hash in enumerate(_hashes(encoded[_COUNT_BYTES:])):
        places[node_hash] += 1 if index < created else -1
    return places


def _hashes(joined: bytes) -> Iterator[bytes]:
    for start in range(0, len(joined), _HASH_BYTES):
        yield joined[start : start + _HASH_BYTES]
