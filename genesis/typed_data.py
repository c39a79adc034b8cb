"""What is signed for the precompiles (EIP-712): vouchers, contributors' claim orders, explanations.

Source: EIP-712; protocol, section 3 "Channels" and "Attribution".
"""

from collections.abc import Sequence
from dataclasses import dataclass

from genesis.addresses import ATTRIBUTION, INFERENCE_METERING
from genesis.commitments import address_word, word
from genesis.keccak import keccak256
from genesis.types import Address, Hash32

DOMAIN_TYPE = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
VOUCHER_TYPE = b"Voucher(bytes32 channelId,uint256 receiptCount,uint256 cumulativeFee,bytes32 receiptsRoot)"
SHARE_TYPE = (
    b"RetrievalShare(uint256 datanetId,uint256 version,uint256 contributors,bytes32 root,uint256 amount)"
)
RETRIEVAL_VOUCHER_TYPE = (
    b"RetrievalVoucher(bytes32 channelId,uint256 firstReceipt,uint256 receiptCount,bytes32 receiptsRoot,"
    b"RetrievalShare[] shares)" + SHARE_TYPE
)
DOMAIN_NAME = b"OpenLedger Inference Metering"
ATTRIBUTION_DOMAIN_NAME = b"OpenLedger Attribution"
CLAIM_TYPE = (
    b"Claim(uint256 postId,uint256 contributorIndex,address contributor,address recipient,uint256 deadline)"
)
DOMAIN_VERSION = b"1"


@dataclass(frozen=True, slots=True)
class Voucher:
    """A payer's word that `receipt_count` receipts under `receipts_root` stand, and that the channel may be
    charged up to `cumulative_fee_wei` in all."""

    channel_id: Hash32
    receipt_count: int
    cumulative_fee_wei: int
    receipts_root: Hash32


@dataclass(frozen=True, slots=True)
class RetrievalShare:
    """What the retrieved records of one Datanet version get of a settlement: the root of a Merkle-sum tree
    with a leaf for each of its `contributors` that is paid, and the sum of all leaves."""

    datanet_id: int
    version: int
    contributors: int
    root: Hash32
    amount_wei: int


@dataclass(frozen=True, slots=True)
class RetrievalVoucher:
    """A payer's word that the settlement of receipts `first_receipt` to `receipt_count - 1` under
    `receipts_root` pays these shares; ascending by Datanet and version."""

    channel_id: Hash32
    first_receipt: int
    receipt_count: int
    receipts_root: Hash32
    shares: Sequence[RetrievalShare]


def domain_separator(chain_id: int) -> Hash32:
    """The EIP-712 domain of the metering precompile on chain `chain_id`."""
    return _domain(DOMAIN_NAME, INFERENCE_METERING, chain_id)


def _domain(name: bytes, contract: Address, chain_id: int) -> Hash32:
    return keccak256(
        keccak256(DOMAIN_TYPE)
        + keccak256(name)
        + keccak256(DOMAIN_VERSION)
        + word(chain_id)
        + address_word(contract)
    )


def voucher_digest(voucher: Voucher, chain_id: int) -> Hash32:
    """The 32 bytes the voucher key signs."""
    struct = keccak256(
        keccak256(VOUCHER_TYPE)
        + voucher.channel_id
        + word(voucher.receipt_count)
        + word(voucher.cumulative_fee_wei)
        + voucher.receipts_root
    )
    return keccak256(b"\x19\x01" + domain_separator(chain_id) + struct)


def retrieval_voucher_digest(voucher: RetrievalVoucher, chain_id: int) -> Hash32:
    """The 32 bytes the voucher key signs for retrieved records."""
    struct = keccak256(
        keccak256(RETRIEVAL_VOUCHER_TYPE)
        + voucher.channel_id
        + word(voucher.first_receipt)
        + word(voucher.receipt_count)
        + voucher.receipts_root
        + keccak256(b"".join(map(_share_hash, voucher.shares)))
    )
    return keccak256(b"\x19\x01" + domain_separator(chain_id) + struct)


def _share_hash(share: RetrievalShare) -> Hash32:
    return keccak256(
        keccak256(SHARE_TYPE)
        + word(share.datanet_id)
        + word(share.version)
        + word(share.contributors)
        + share.root
        + word(share.amount_wei)
    )


def claim_digest(  # noqa: PLR0917 - the signed fields
    post_id: int,
    contributor_index: int,
    contributor: Address,
    recipient: Address,
    deadline_s: int,
    chain_id: int,
) -> Hash32:
    """The 32 bytes a contributor signs so that anybody can have its amount paid to `recipient`."""
    struct = keccak256(
        keccak256(CLAIM_TYPE)
        + word(post_id)
        + word(contributor_index)
        + address_word(contributor)
        + address_word(recipient)
        + word(deadline_s)
    )
    return keccak256(b"\x19\x01" + _domain(ATTRIBUTION_DOMAIN_NAME, ATTRIBUTION, chain_id) + struct)


# --- Explanations -----------------------------------------------------------------------------------------

SPAN_TYPE = b"Span(uint256 start,uint256 end,uint256 record,uint256 offset,bytes32 textHash)"
EXPLANATION_TYPE = (
    b"Explanation(bytes32 channelId,uint256 number,uint256 featureIndex,bytes32 outputHash,Span[] spans)"
) + SPAN_TYPE


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `start` to `end` of an answer's text stand in the plain text of `record`, a row of the feature
    index, from byte `offset` on; all in UTF-8, and `text_hash` is their keccak-256."""

    start: int
    end: int
    record: int
    offset: int
    text_hash: Hash32


@dataclass(frozen=True, slots=True)
class Explanation:
    """Which receipt is explained, by which feature index, and the hash of its salted output."""

    channel_id: Hash32
    number: int
    feature_index: int
    output_hash: Hash32


def explanation_digest(explanation: Explanation, spans: Sequence[Span], chain_id: int) -> Hash32:
    """The 32 bytes a provider signs under the passages it shows for an answer."""
    struct = keccak256(
        keccak256(EXPLANATION_TYPE)
        + explanation.channel_id
        + word(explanation.number)
        + word(explanation.feature_index)
        + explanation.output_hash
        + keccak256(b"".join(map(_span_hash, spans)))
    )
    return keccak256(b"\x19\x01" + _domain(ATTRIBUTION_DOMAIN_NAME, ATTRIBUTION, chain_id) + struct)


def _span_hash(span: Span) -> Hash32:
    fields = (span.start, span.end, span.record, span.offset)
    return keccak256(keccak256(SPAN_TYPE) + b"".join(map(word, fields)) + span.text_hash)
