"""Where Attribution keeps who contests which explanation, and which receipts were falsely explained."""

from genesis.addresses import ATTRIBUTION
from genesis.commitments import address_word
from genesis.keccak import keccak256
from genesis.typed_data import Explanation, Span
from genesis.types import Address, Hash32
from precompiles.abi import Struct
from precompiles.host import Host
from precompiles.slots import mapping_slot

SPAN_COMMITMENTS_SLOT = 36
SPANS_PROVED_SLOT = 37

SPAN = Struct("Span", Span, "uint256 start, uint256 end, uint256 record, uint256 offset, bytes32 textHash")
EXPLANATION = Struct(
    "Explanation",
    Explanation,
    "bytes32 channelId, uint256 number, uint256 featureIndex, bytes32 outputHash",
)


def span_commitment(digest: Hash32, challenger: Address, salt: Hash32) -> Hash32:
    """What a challenger of an explanation commits to."""
    return keccak256(digest + address_word(challenger) + salt)


def committed_at_slot(commitment: Hash32) -> int:
    """Slot of the time of a commitment."""
    return mapping_slot(SPAN_COMMITMENTS_SLOT, commitment)


def proved_slot(channel_id: Hash32, number: int) -> int:
    """Slot that is 1 once an explanation of this receipt was proved false."""
    return mapping_slot(SPANS_PROVED_SLOT, channel_id, number)


def committed_at(host: Host, commitment: Hash32) -> int:
    """When this was committed to, in seconds; 0 for never."""
    return host.load(ATTRIBUTION, committed_at_slot(commitment))
