"""What the sequencer tells of a block before L1 does: everything to build it again, and a signature.

    message   = rlp[parent hash, parent number, timestamp, prevRandao, fee recipient, gas limit,
                    parent beacon block root, [raw transactions], block hash] ‖ signature 65
    signature = r ‖ s ‖ y parity over keccak("openledger-feed/1" ‖ chain id 32 ‖ keccak(rlp))

Covered: bounds, canonical form; whose signature it is, low s included, is for the house to say (`recover`).
Not covered: whether the block is right: whoever builds it again sees that by its hash, and L1 decides.
"""

from collections.abc import Callable
from dataclasses import dataclass

import rlp

from genesis.keccak import keccak256
from genesis.spec import BlockId
from genesis.types import Address, Hash32
from rollup_bridge.codec import rlp_reader
from rollup_bridge.errors import MalformedError
from rollup_bridge.ports import L2Block

_DOMAIN = b"openledger-feed/1"
_SIGNATURE_BYTES = 65
_FIELDS = 9
MAX_MESSAGE_BYTES = 16 * 2**20

Recover = Callable[[Hash32, bytes], Address | None]
"""Who signed a digest with 65 bytes r ‖ s ‖ y parity; None for no valid signature."""


@dataclass(frozen=True, slots=True)
class FeedBlock:
    """An unsafe block by its inputs; `hash` is what building it must lead to."""

    parent: BlockId
    timestamp_s: int
    prev_randao: Hash32
    fee_recipient: Address
    gas_limit: int
    parent_beacon_block_root: Hash32
    transactions: tuple[bytes, ...]
    hash: Hash32

    @property
    def id(self) -> BlockId:
        return BlockId(self.hash, self.parent.number + 1)


def feed_block(block: L2Block) -> FeedBlock:
    """The inputs of a block."""
    return FeedBlock(
        parent=BlockId(block.parent_hash, block.number - 1),
        timestamp_s=block.timestamp_s,
        prev_randao=block.prev_randao,
        fee_recipient=block.fee_recipient,
        gas_limit=block.gas_limit,
        parent_beacon_block_root=block.parent_beacon_block_root,
        transactions=block.transactions,
        hash=block.hash,
    )


def encode_block(block: FeedBlock) -> bytes:
    body: bytes = rlp.encode(
        [
            block.parent.hash,
            block.parent.number,
            block.timestamp_s,
            block.prev_randao,
            block.fee_recipient,
            block.gas_limit,
            block.parent_beacon_block_root,
            list(block.transactions),
            block.hash,
        ]
    )
    return body


def digest(chain_id: int, body: bytes) -> Hash32:
    """What is signed."""
    return keccak256(_DOMAIN + chain_id.to_bytes(32, "big") + keccak256(body))


def open_message(message: bytes, chain_id: int, signer: Address, recover: Recover) -> FeedBlock:
    """The block of a message that `signer` signed; `MalformedError` for any other."""
    body, signature = message[:-_SIGNATURE_BYTES], message[-_SIGNATURE_BYTES:]
    if not body or len(message) > MAX_MESSAGE_BYTES:
        raise MalformedError("too short or too long for a feed message")
    if recover(digest(chain_id, body), signature) != signer:
        raise MalformedError("the feed message is not signed by the sequencer")
    return _decode(body)


def _decode(body: bytes) -> FeedBlock:
    item = rlp_reader.read_item(body, 0)
    if item.end != len(body):
        raise MalformedError("bytes behind a feed message")
    parent, number, time, randao, fees, gas, root, transactions, own = rlp_reader.fields(body, item, _FIELDS)
    return FeedBlock(
        parent=BlockId(
            Hash32(rlp_reader.as_fixed(body, parent, 32)), rlp_reader.as_integer(body, number, 64)
        ),
        timestamp_s=rlp_reader.as_integer(body, time, 64),
        prev_randao=Hash32(rlp_reader.as_fixed(body, randao, 32)),
        fee_recipient=Address(rlp_reader.as_fixed(body, fees, 20)),
        gas_limit=rlp_reader.as_integer(body, gas, 64),
        parent_beacon_block_root=Hash32(rlp_reader.as_fixed(body, root, 32)),
        transactions=tuple(
            rlp_reader.as_bytes(body, each) for each in rlp_reader.children(body, transactions)
        ),
        hash=Hash32(rlp_reader.as_fixed(body, own, 32)),
    )
