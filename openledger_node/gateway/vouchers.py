"""Whether a voucher pays for a call: the metering channel's rules as a pure function.

The voucher of call n + 1 acknowledges receipts 0 to n - 1 by their count and root, and allows the channel to
be charged up to `cumulative_fee_wei` in all, this call included. Each side risks at most one call.

Covered: signature, channel, count, root, ceiling, deposit, closing, provider. Not covered: whether the
signer's channel exists on chain (the caller read it), balances of the payer (the deposit is escrowed).
Source: protocol, section 3 "Channels"; EIP-712.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from genesis.typed_data import Voucher, voucher_digest
from genesis.types import Address, Hash32
from openledger_node.client.account import recover_signer
from openledger_node.client.vouchers import SignedVoucher
from openledger_node.gateway.errors import PaymentRequiredError
from precompiles.views.metering import Channel

MAX_HEADER_BYTES = 2_048


@dataclass(frozen=True, slots=True)
class Ledger:
    """What a channel owes so far: receipts handed out, the sum of their fees, the root over them."""

    channel_id: Hash32
    receipts: int
    fees_wei: int
    root: Hash32


def decode_voucher(header: str) -> SignedVoucher:
    """The inverse of `encode_voucher`; raises PaymentRequiredError("malformed_voucher")."""
    if len(header) > MAX_HEADER_BYTES:
        raise malformed(f"longer than {MAX_HEADER_BYTES} bytes")
    try:
        data = orjson.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    except (binascii.Error, ValueError) as error:
        raise malformed("not base64url JSON") from error
    return voucher_from_json(data)


def voucher_from_json(data: Any) -> SignedVoucher:
    """The inverse of `voucher_to_json`; raises PaymentRequiredError("malformed_voucher")."""
    if not isinstance(data, Mapping):
        raise malformed("not an object")
    voucher = Voucher(
        channel_id=Hash32(_bytes(data, "channelId", 32)),
        receipt_count=_number(data, "receiptCount"),
        cumulative_fee_wei=_number(data, "cumulativeFee"),
        receipts_root=Hash32(_bytes(data, "receiptsRoot", 32)),
    )
    return SignedVoucher(voucher, _bytes(data, "signature", 65))


def check_voucher(
    signed: SignedVoucher,
    *,
    channel: Channel,
    ledger: Ledger,
    provider: Address,
    chain_id: int,
    call_wei: int,
) -> None:
    """Accept a voucher for one more call that costs at most `call_wei` (0: an acknowledgement only).

    Raises PaymentRequiredError with the reason and the terms of a voucher that would do.
    """
    voucher = signed.voucher
    needed_wei = ledger.fees_wei + call_wei
    terms = voucher_terms(ledger, channel, needed_wei)
    refusals = (
        (voucher.channel_id != ledger.channel_id, "wrong_channel", "the voucher is for another channel"),
        (channel.provider != provider, "wrong_provider", "the channel pays another provider"),
        (channel.closable_at_s != 0 and call_wei > 0, "channel_closing", "the channel is being closed"),
        (
            recover_signer(voucher_digest(voucher, chain_id), signed.signature) != channel.voucher_key,
            "bad_signature",
            "the voucher is not signed by the channel's voucher key",
        ),
        (voucher.receipt_count != ledger.receipts, "wrong_count", "the voucher counts other receipts"),
        (voucher.receipts_root != ledger.root, "wrong_root", "the voucher signs another receipts root"),
        (voucher.cumulative_fee_wei < needed_wei, "insufficient_voucher", "the voucher allows too little"),
        (
            voucher.cumulative_fee_wei > channel.deposit_wei,
            "above_deposit",
            "the voucher allows more than the channel's deposit; top it up",
        ),
    )
    for refused, reason, message in refusals:
        if refused:
            raise PaymentRequiredError(reason, message, terms)


def voucher_terms(ledger: Ledger, channel: Channel, needed_wei: int) -> dict[str, Any]:
    """What the next voucher of a channel must say, for machines."""
    return {
        "channelId": f"0x{ledger.channel_id.hex()}",
        "receiptCount": str(ledger.receipts),
        "receiptsRoot": f"0x{ledger.root.hex()}",
        "feesSoFar": str(ledger.fees_wei),
        "minimumCumulativeFee": str(needed_wei),
        "deposit": str(channel.deposit_wei),
    }


def malformed(why: str) -> PaymentRequiredError:
    return PaymentRequiredError("malformed_voucher", f"the voucher cannot be read: {why}")


def _bytes(data: Mapping[str, Any], name: str, length: int) -> bytes:
    value = data.get(name)
    if not isinstance(value, str) or not value.startswith("0x") or len(value) != 2 + 2 * length:
        raise malformed(f"{name} must be 0x and {length} bytes in hex")
    try:
        return bytes.fromhex(value[2:])
    except ValueError as error:
        raise malformed(f"{name} is not hex") from error


def _number(data: Mapping[str, Any], name: str) -> int:
    value = data.get(name)
    if not isinstance(value, str) or not value.isascii() or not value.isdecimal() or len(value) > 78:
        raise malformed(f"{name} must be a decimal string")
    number = int(value)
    if number >= 1 << 256:
        raise malformed(f"{name} does not fit 256 bits")
    return number
