"""A chain up to one final block in a folder of files, and back: all blocks, and the state after the last.

    manifest.json   format, chain id, genesis hash, block number and hash, state root; sha256 and size of
                    each chunk
    000000.chunk …  entries of the store: key length (4, big-endian), value length (4), key, value

Covered: every chunk against the manifest, every entry against the kinds a snapshot may hold, then the whole
store (`integrity`): headers linked to the genesis, roots, receipts, signatures, each node and code of the
state. A crash leaves no snapshot (the manifest is written last) and no restored store (it is moved into place
last). Not covered: whether the chain is the network's: whoever restores names the block's hash, or has it
compared with the L1's outputs (`node/snapshots`); what no root commits to (prices and L1 fees of receipts).
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import chain as joined
from pathlib import Path
from random import Random
from typing import Any

from genesis.types import Hash32
from openledger_node.chain.block_store import BlockStore, canonical_entries
from openledger_node.chain.heads import head_entries, id_of, stored_heads
from openledger_node.chain.integrity import check_store
from openledger_node.chain.records import Heads
from openledger_node.chain.state_pruning import keep_recent_states
from openledger_node.errors import StartError
from openledger_node.evm.account_leaf import EMPTY_CODE_HASH, decode_account
from openledger_node.evm.node_store import MissingStateError, NodeStore
from openledger_node.evm.records import Header
from openledger_node.evm.state_difference import state_difference
from openledger_node.evm.trie import EMPTY_ROOT
from openledger_node.storage import keys
from openledger_node.storage.identity import identity_entry
from openledger_node.storage.keyvalue import KeyValue
from openledger_node.storage.migrations import migrate

FORMAT = "openledger-snapshot/1"
MANIFEST = "manifest.json"
CHUNK_BYTES = 16 * 2**20
_LENGTH_BYTES = 4
_LARGEST_CHUNK_BYTES = 4 * CHUNK_BYTES
_OF_BLOCKS = (keys.HEADER, keys.BODY, keys.RECEIPTS, keys.SUPPLY)
_ALLOWED = frozenset((*_OF_BLOCKS, keys.CANONICAL, keys.BLOOM, keys.TRANSACTION, keys.NODE, keys.CODE))

Entry = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Chunk:
    name: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """Hashes as 0x hex. Nothing in it is believed before it is checked."""

    format: str
    chain_id: int
    genesis_hash: str
    number: int
    block_hash: str
    state_root: str
    chunks: tuple[Chunk, ...]


def create_snapshot(store: KeyValue, folder: Path, number: int | None = None) -> Manifest:
    """Write the chain up to block `number`, the newest final one if None, into a new folder.

    Raises `StartError` for a block that is not final or whose state is gone, and for a folder that exists.
    """
    identity = store.get(keys.IDENTITY)
    if identity is None:
        raise StartError("the database holds no chain", "correct --datadir")
    if store.get(keys.DETACHED) is not None:
        raise StartError("the state was changed by development methods", "nobody could derive such a chain")
    blocks = BlockStore(store, int.from_bytes(identity[32:], "big"))
    header = _final_header(store, blocks, number)
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise StartError(f"cannot make {folder} ({error.strerror})", "choose another with --out") from None
    entries = joined(_block_entries(store, blocks, header), _state_entries(store, header))
    manifest = Manifest(
        format=FORMAT,
        chain_id=int.from_bytes(identity[32:], "big"),
        genesis_hash=_hex(identity[:32]),
        number=header.number,
        block_hash=_hex(header.hash),
        state_root=_hex(header.state_root),
        chunks=tuple(_write_chunks(folder, entries)),
    )
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2) + "\n")
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """Raises `StartError` for a folder without a readable one."""
    try:
        data: Any = json.loads((folder / MANIFEST).read_text())
        chunks = tuple(Chunk(**each) for each in data.pop("chunks"))
        manifest = Manifest(**data, chunks=chunks)
        _assert_plain(manifest)
    except OSError as error:
        raise StartError(
            f"{folder} holds no whole snapshot: {MANIFEST} ({error.strerror})", "copy all of it again"
        ) from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StartError(
            f"{folder / MANIFEST} is not a snapshot's manifest ({error})", "copy it again"
        ) from None
    return manifest


def restore_entries(folder: Path, manifest: Manifest, store: KeyValue, state_history: int) -> Header:
    """Fill an empty store from a snapshot and check all of it; the header of its block.

    `state_history` is how many states behind the head the store keeps from now on. Raises `StartError`
    naming the chunk or the fact that is wrong; the store is of no use then.
    """
    for chunk in manifest.chunks:
        store.write(list(_read_chunk(folder, chunk)), sync=False)
    genesis_hash, block_hash = (_unhex(each) for each in (manifest.genesis_hash, manifest.block_hash))
    blocks = BlockStore(store, manifest.chain_id)
    header = blocks.header_by_hash(block_hash)
    if header is None or header.number != manifest.number or _hex(header.state_root) != manifest.state_root:
        raise StartError(f"the snapshot does not hold block {manifest.number} as it says", "copy it again")
    head = id_of(header)
    store.write([*head_entries(Heads(head, head, head)), identity_entry(genesis_hash, manifest.chain_id)])
    migrate(store)
    try:
        keep_recent_states(store, [(header.number, header.state_root)], state_history)
    except MissingStateError as error:
        raise StartError(f"the snapshot's state is not whole ({error.cause})", "copy it again") from None
    for report in check_store(store, sample=None, random=Random(0)):  # noqa: S311 - everything is checked
        if report.problems:
            raise StartError(f"the snapshot is wrong: {report.problems[0]}", "get another one")
    return header


def _final_header(store: KeyValue, blocks: BlockStore, number: int | None) -> Header:
    final = stored_heads(store, blocks).finalized
    wanted = final.number if number is None else number
    block_hash = blocks.canonical_hash(wanted)
    header = None if block_hash is None else blocks.header_by_hash(block_hash)
    if header is None or wanted > final.number:
        raise StartError(f"block {wanted} is not final: {final.number} is", "choose an older --block")
    return header


def _block_entries(store: KeyValue, blocks: BlockStore, last: Header) -> Iterator[Entry]:
    for number in range(last.number + 1):
        block_hash = blocks.canonical_hash(number)
        block = None if block_hash is None else blocks.block_by_hash(block_hash)
        if block is None:
            raise StartError(f"the database lacks block {number}", "run openledger-node db check")
        for prefix in _OF_BLOCKS:
            yield _stored(store, keys.by_hash(prefix, block.header.hash))
        yield from canonical_entries(block)


def _state_entries(store: KeyValue, header: Header) -> Iterator[Entry]:
    codes: set[bytes] = set()

    def note_code(leaf: bytes) -> None:
        codes.add(decode_account(leaf).code_hash)

    try:
        nodes = state_difference(NodeStore(store).node, EMPTY_ROOT, header.state_root, note_code)
    except MissingStateError:
        raise StartError(
            f"the state of block {header.number} is not kept", "choose a newer --block, or none"
        ) from None
    yield from (_stored(store, keys.node(node_hash)) for node_hash in sorted(nodes))
    yield from (_stored(store, keys.code(code_hash)) for code_hash in sorted(codes - {EMPTY_CODE_HASH}))


def _stored(store: KeyValue, key: bytes) -> Entry:
    value = store.get(key)
    if value is None:
        raise StartError("the database is damaged", "run openledger-node db check")
    return key, value


def _write_chunks(folder: Path, entries: Iterator[Entry]) -> Iterator[Chunk]:
    pending, count = bytearray(), 0
    for key, value in entries:
        pending += len(key).to_bytes(_LENGTH_BYTES, "big") + len(value).to_bytes(_LENGTH_BYTES, "big")
        pending += key + value
        if len(pending) >= CHUNK_BYTES:
            yield _write_chunk(folder, count, bytes(pending))
            pending, count = bytearray(), count + 1
    yield _write_chunk(folder, count, bytes(pending))


def _write_chunk(folder: Path, index: int, data: bytes) -> Chunk:
    name = f"{index:06}.chunk"
    (folder / name).write_bytes(data)
    return Chunk(name, hashlib.sha256(data).hexdigest(), len(data))


def _read_chunk(folder: Path, chunk: Chunk) -> Iterator[Entry]:
    path = folder / chunk.name
    try:
        size_bytes = path.stat().st_size
        data = path.read_bytes() if size_bytes == chunk.size_bytes else b""
    except OSError as error:
        raise StartError(f"cannot read {path} ({error.strerror})", "copy the snapshot again") from None
    if size_bytes != chunk.size_bytes:
        raise StartError(f"{path} has {size_bytes} bytes, not {chunk.size_bytes}", "copy it again")
    if hashlib.sha256(data).hexdigest() != chunk.sha256:
        raise StartError(f"{path} does not have the sha256 the manifest says", "copy it again")
    yield from _parse(path, data)


def _parse(path: Path, data: bytes) -> Iterator[Entry]:
    at = 0
    while at < len(data):
        lengths = data[at : at + 2 * _LENGTH_BYTES]
        key_bytes, value_bytes = (int.from_bytes(lengths[i : i + 4], "big") for i in (0, _LENGTH_BYTES))
        start = at + 2 * _LENGTH_BYTES
        at = start + key_bytes + value_bytes
        key, value = data[start : start + key_bytes], data[start + key_bytes : at]
        if at > len(data) or key[:1] not in _ALLOWED:
            raise StartError(f"{path} holds what belongs in no snapshot", "get it from somebody else")
        yield key, value


def _assert_plain(manifest: Manifest) -> None:
    """Types, and names without paths. Raises ValueError."""
    if manifest.format != FORMAT:
        raise ValueError(f"format {manifest.format!r}, not {FORMAT!r}")
    if not all(type(each) is int and each >= 0 for each in (manifest.chain_id, manifest.number)):
        raise ValueError("chain_id and number must be whole numbers")
    for text in (manifest.genesis_hash, manifest.block_hash, manifest.state_root):
        _unhex(text)
    for index, chunk in enumerate(manifest.chunks):
        if chunk.name != f"{index:06}.chunk" or not 0 <= chunk.size_bytes <= _LARGEST_CHUNK_BYTES:
            raise ValueError(f"chunk {index} cannot be {chunk.name!r} of {chunk.size_bytes} bytes")


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def _unhex(text: str) -> Hash32:
    data = bytes.fromhex(text.removeprefix("0x"))
    if len(data) != 32:
        raise ValueError(f"{text!r} is not a hash")
    return Hash32(data)
