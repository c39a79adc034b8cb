"""What a customer signs: the EIP-712 voucher of a metering channel.

Source: EIP-712; protocol, section 3 "Channels".
"""

from dataclasses import dataclass

from genesis.addresses import INFERENCE_METERING
from genesis.commitments import address_word, word
from genesis.keccak import keccak256
from genesis.types import Hash32

DOMAIN_TYPE = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
VOUCHER_TYPE = b"Voucher(bytes32 channelId,uint256 receiptCount,uint256 cumulativeFee,bytes32 receiptsRoot)"
DOMAIN_NAME = b"OpenLedger Inference Metering"
DOMAIN_VERSION = b"1"


@dataclass(frozen=True, slots=True)
class Voucher:
    """A payer's word that `receipt_count` receipts under `receipts_root` stand, and that the channel may be
    charged up to `cumulative_fee_wei` in all."""

    channel_id: Hash32
    receipt_count: int
    cumulative_fee_wei: int
    receipts_root: Hash32


def domain_separator(chain_id: int) -> Hash32:
    """The EIP-712 domain of the metering precompile on chain `chain_id`."""
    return keccak256(
        keccak256(DOMAIN_TYPE)
        + keccak256(DOMAIN_NAME)
        + keccak256(DOMAIN_VERSION)
        + word(chain_id)
        + address_word(INFERENCE_METERING)
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
