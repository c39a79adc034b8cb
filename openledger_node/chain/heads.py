"""Which blocks the store calls unsafe, safe and finalized."""

from genesis.spec import BlockId
from genesis.types import Hash32
from openledger_node.chain.block_store import BlockStore, Puts
from openledger_node.chain.records import Heads
from openledger_node.errors import StartError
from openledger_node.evm.records import Header
from openledger_node.evm.rlp_codec import RlpError
from openledger_node.storage import keys
from openledger_node.storage.keyvalue import KeyValue


def stored_heads(store: KeyValue, blocks: BlockStore) -> Heads:
    """Raises `StartError` if one of them is not in the store."""
    return Heads(*(_stored(store, blocks, key) for key in (keys.UNSAFE, keys.SAFE, keys.FINALIZED)))


def _stored(store: KeyValue, blocks: BlockStore, key: bytes) -> BlockId:
    block_hash = store.get(key)
    header = None if block_hash is None else _sound_header(blocks, Hash32(block_hash))
    if header is None:
        raise StartError("the database names a head it does not hold", "restore a backup")
    return id_of(header)


def assert_linked(blocks: BlockStore, head: BlockId, most: int) -> None:
    """Raises `StartError` if one of the newest blocks is missing: a damaged log loses single writes."""
    expected = head.hash
    for number in range(head.number, max(-1, head.number - most), -1):
        header = _sound_header(blocks, expected)
        if header is None or blocks.canonical_hash(number) != expected:
            raise StartError(
                f"the database is damaged: it lacks block {number}",
                "restore a backup, or remove it to derive the chain again from the L1",
            )
        expected = header.parent_hash


def _sound_header(blocks: BlockStore, block_hash: Hash32) -> Header | None:
    """None for one that is missing, or not what was written."""
    try:
        header = blocks.header_by_hash(block_hash)
    except RlpError:
        return None
    return header if header is not None and header.hash == block_hash else None


def head_entries(heads: Heads) -> Puts:
    """What a write batch must put so that these are the heads."""
    return [
        (keys.UNSAFE, bytes(heads.unsafe.hash)),
        (keys.SAFE, bytes(heads.safe.hash)),
        (keys.FINALIZED, bytes(heads.finalized.hash)),
    ]


def id_of(header: Header) -> BlockId:
    """A header's hash and number."""
    return BlockId(header.hash, header.number)


def lower(left: BlockId, right: BlockId) -> BlockId:
    """The one of smaller number; `left` where they are equal."""
    return left if left.number <= right.number else right
