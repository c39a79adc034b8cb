"""What users of the economy sign and commit to, as 32-byte values.

Source: `genesis.typed_data` (EIP-712), `genesis.commitments`; challenges: `IAttribution`.
"""

from collections.abc import Sequence

from genesis.addresses import INFERENCE_METERING
from genesis.commitments import KIND_RECEIPTS, address_word, sum_leaf, sum_tree_id, sum_tree_layers, word
from genesis.keccak import keccak256
from genesis.typed_data import RetrievalShare, RetrievalVoucher, Voucher, claim_digest
from genesis.typed_data import retrieval_voucher_digest as typed_retrieval_voucher_digest
from genesis.typed_data import voucher_digest as typed_voucher_digest
from genesis.types import Address, Hash32
from precompiles.views.attribution import INDEX_KEY

Root = tuple[Hash32, int, Hash32, int, Hash32, int]
"""Root hash and total, left child and its sum, right child and its sum: what `settle` takes."""


def voucher_digest(
    channel_id: bytes, receipt_count: int, cumulative_fee_wei: int, receipts: bytes, chain_id: int
) -> Hash32:
    """What the voucher key signs: `receipts` is the root of the receipts it acknowledges."""
    voucher = Voucher(Hash32(channel_id), receipt_count, cumulative_fee_wei, Hash32(receipts))
    return typed_voucher_digest(voucher, chain_id)


def retrieval_voucher_digest(  # noqa: PLR0917 - the signed fields
    channel_id: bytes,
    first_receipt: int,
    receipt_count: int,
    receipts: bytes,
    shares: Sequence[RetrievalShare],
    chain_id: int,
) -> Hash32:
    """What the voucher key signs so that a settlement pays retrieved records these shares, ascending."""
    voucher = RetrievalVoucher(Hash32(channel_id), first_receipt, receipt_count, Hash32(receipts), shares)
    return typed_retrieval_voucher_digest(voucher, chain_id)


def claim_order_digest(  # noqa: PLR0917 - the signed fields
    post_id: int,
    contributor_index: int,
    contributor: bytes,
    recipient: bytes,
    deadline_s: int,
    chain_id: int,
) -> Hash32:
    """What a contributor signs so that anybody can have its amount of one post paid to `recipient`."""
    parties = (Address(contributor), Address(recipient))
    return claim_digest(post_id, contributor_index, *parties, deadline_s, chain_id)


def challenge_commitment(post_id: int, challenger: bytes, salt: bytes) -> Hash32:
    """The argument of `commitChallenge`."""
    return keccak256(word(post_id) + address_word(Address(challenger)) + salt)


def index_challenge_commitment(index_id: int, challenger: bytes, salt: bytes) -> Hash32:
    """The argument of `commitIndexChallenge`."""
    return challenge_commitment(INDEX_KEY + index_id, challenger, salt)


def receipts_root(channel_id: bytes, receipts: Sequence[tuple[bytes, int]], chain_id: int) -> Root:
    """The Merkle-sum tree over a channel's (receipt hash, fee in wei), from the first receipt on."""
    tree = sum_tree_id(KIND_RECEIPTS, chain_id, INFERENCE_METERING, int.from_bytes(channel_id, "big"))
    leaves = [sum_leaf(tree, i, Hash32(receipt), fee) for i, (receipt, fee) in enumerate(receipts)]
    layers = sum_tree_layers(leaves)
    root, (left, right) = layers[-1][0], layers[-2]
    return root.hash, root.sum, left.hash, left.sum, right.hash, right.sum
