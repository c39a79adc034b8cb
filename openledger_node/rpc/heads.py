"""Which block does a reference mean right now?"""

from genesis.spec import BlockId
from genesis.types import Hash32
from openledger_node.chain.chain import Chain
from openledger_node.evm.records import Block, Header
from openledger_node.evm.snapshot import Snapshot
from openledger_node.rpc.errors import ServerError
from openledger_node.rpc.requests import BlockReference, HashReference, Tag


class Heads:
    """Resolves references against one chain. `pending` reads as the head, the newest state there is."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain

    def number(self, reference: Tag | int) -> int:
        """The height a tag stands for; a height itself, existing or not."""
        if isinstance(reference, int):
            return reference
        return 0 if reference is Tag.EARLIEST else self._head(reference).number

    def find_header(self, reference: BlockReference) -> Header | None:
        if isinstance(reference, HashReference):
            header = self._chain.header_by_hash(reference.hash)
            return header if header is None else self._canonical(header, reference)
        place = self._place(reference)
        return (
            self._chain.header_by_number(place)
            if isinstance(place, int)
            else self._chain.header_by_hash(place)
        )

    def find_block(self, reference: BlockReference) -> Block | None:
        if isinstance(reference, HashReference):
            block = self._chain.block_by_hash(reference.hash)
            if block is not None:
                self._canonical(block.header, reference)
            return block
        place = self._place(reference)
        return (
            self._chain.block_by_number(place) if isinstance(place, int) else self._chain.block_by_hash(place)
        )

    def _place(self, reference: Tag | int) -> Hash32 | int:
        """A head's hash, else a height: when a head goes back meanwhile, its height has no block any more."""
        if isinstance(reference, int) or reference is Tag.EARLIEST:
            return self.number(reference)
        return self._head(reference).hash

    def _head(self, tag: Tag) -> BlockId:
        heads = self._chain.heads
        return {Tag.SAFE: heads.safe, Tag.FINALIZED: heads.finalized}.get(tag, heads.unsafe)

    def _canonical(self, header: Header, reference: HashReference) -> Header:
        """The header; raises ServerError for one that left the chain where that matters."""
        if reference.require_canonical and not self._chain.is_canonical(header.hash):
            raise ServerError("hash is not currently canonical")
        return header

    def header(self, reference: BlockReference) -> Header:
        """Raises ServerError where there is no such block."""
        header = self.find_header(reference)
        if header is None:
            by_hash = isinstance(reference, HashReference)
            raise ServerError("header for hash not found" if by_hash else "header not found")
        return header

    def state(self, reference: BlockReference) -> Snapshot:
        """The state after the block. Raises ServerError where there is no such block or state."""
        return self.state_after(self.header(reference))

    def state_after(self, header: Header) -> Snapshot:
        """Raises ServerError for a state that is pruned, in words by which clients know geth's."""
        oldest = self._chain.oldest_state
        if header.number < oldest:
            raise ServerError(
                f"missing trie node {header.state_root.hex()} (path ): the state of block {header.number} is "
                f"pruned, this node keeps those from block {oldest} on; ask one that keeps all"
            )
        return self._chain.snapshot(header)
