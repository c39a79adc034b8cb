"""What BLOCKHASH answers: hashes of the last 256 blocks, read only as far back as asked."""

from typing import Protocol

from genesis.types import Hash32
from openledger_node.evm.records import Header

_REACH = 256


class HeaderSource(Protocol):
    """Where the engine finds ancestors."""

    def header_by_hash(self, block_hash: Hash32) -> Header | None: ...


class Ancestors:
    """Ancestors of a block whose parent is `parent_number`, `parent_hash`."""

    def __init__(self, headers: HeaderSource, parent_number: int, parent_hash: Hash32) -> None:
        self._headers = headers
        self._parent_number = parent_number
        self._hashes = [parent_hash]

    def hash_of(self, number: int) -> Hash32:
        """Hash of an ancestor, or no bytes (which reads as zero) outside the reach."""
        depth = self._parent_number - number
        if not 0 <= depth < _REACH or number < 0:
            return Hash32(b"")
        while len(self._hashes) <= depth:
            header = self._headers.header_by_hash(self._hashes[-1])
            if header is None:
                return Hash32(b"")
            self._hashes.append(header.parent_hash)
        return self._hashes[depth]
