"""How a payer's voucher is signed and written down. Source: EIP-712; protocol, section 3 "Channels"."""

import base64
from dataclasses import dataclass

import orjson

from genesis.typed_data import Voucher, voucher_digest
from openledger_node.client.account import Account


@dataclass(frozen=True, slots=True)
class SignedVoucher:
    """A voucher with its 65-byte signature."""

    voucher: Voucher
    signature: bytes


def sign_voucher(voucher: Voucher, key: Account, chain_id: int) -> SignedVoucher:
    """A voucher under the channel's voucher key, for one chain (EIP-712)."""
    return SignedVoucher(voucher, key.sign_digest(voucher_digest(voucher, chain_id)))


def encode_voucher(signed: SignedVoucher) -> str:
    """The header's value: base64url of compact JSON, integers as decimal strings."""
    return base64.urlsafe_b64encode(orjson.dumps(voucher_to_json(signed))).decode()


def voucher_to_json(signed: SignedVoucher) -> dict[str, str]:
    """Field names are those of the signed EIP-712 struct."""
    return {
        "channelId": f"0x{signed.voucher.channel_id.hex()}",
        "receiptCount": str(signed.voucher.receipt_count),
        "cumulativeFee": str(signed.voucher.cumulative_fee_wei),
        "receiptsRoot": f"0x{signed.voucher.receipts_root.hex()}",
        "signature": f"0x{signed.signature.hex()}",
    }
