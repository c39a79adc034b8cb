"""What a payment by x402 says and whether it is one for us: requirements, headers, the signed authorisation.

Scheme `upto` on Permit2: the payer signs the most that may be taken, for which recipient and by whom; what is
taken is what was used. Source: x402 version 2, scheme `upto` for EVM chains.

Covered: reading the header, the requirements of a call, every comparison that needs no chain.
Not covered: signature, balance, approval and nonce, which a dry run on the chain decides (`x402_receivers`).
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from eth_utils.address import to_checksum_address

from genesis.addresses import OP_WETH9, X402_UPTO_PROXY
from genesis.types import Address
from openledger_node.gateway.errors import PaymentRequiredError

PAYMENT_HEADER = "PAYMENT-SIGNATURE"
REQUIRED_HEADER = "PAYMENT-REQUIRED"
RESPONSE_HEADER = "PAYMENT-RESPONSE"
VERSION = 2
SCHEME = "upto"
MAX_HEADER_BYTES = 16_384
LIFETIME_S = 3_600
"""What clients are asked to sign for: an answer may take long, and is collected afterwards."""
LEAST_LEFT_S = 60


@dataclass(frozen=True, slots=True)
class Offer:
    """How one call may be paid: at most `amount_wei` of the token, to a receiver that is facilitator too."""

    chain_id: int
    receiver: Address
    amount_wei: int

    @property
    def network(self) -> str:
        """CAIP-2."""
        return f"eip155:{self.chain_id}"

    def requirements(self) -> dict[str, Any]:
        """x402's `PaymentRequirements`."""
        receiver = to_checksum_address(self.receiver)
        return {
            "scheme": SCHEME,
            "network": self.network,
            "asset": to_checksum_address(OP_WETH9),
            "amount": str(self.amount_wei),
            "payTo": receiver,
            "maxTimeoutSeconds": LIFETIME_S,
            "extra": {
                "assetTransferMethod": "permit2",
                "facilitatorAddress": receiver,
                "name": "Wrapped OPEN",
                "decimals": 18,
            },
        }


@dataclass(frozen=True, slots=True)
class Authorization:
    """What the payer signed, besides what must be as it is; addresses are 20 bytes, times unix seconds."""

    scheme: str
    network: str
    payer: Address
    token: Address
    spender: Address
    to: Address
    facilitator: Address
    most_wei: int
    nonce: int
    deadline_s: int
    valid_after_s: int
    signature: bytes

    def to_json(self) -> dict[str, Any]:
        """For the disk; `from_json` reads it."""
        return {
            name: f"0x{value.hex()}" if isinstance(value, bytes) else str(value)
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_json(cls, data: Mapping[str, str]) -> "Authorization":
        addresses = {
            name: Address(bytes.fromhex(data[name][2:]))
            for name in ("payer", "token", "spender", "to", "facilitator")
        }
        return cls(
            scheme=data["scheme"],
            network=data["network"],
            most_wei=int(data["most_wei"]),
            nonce=int(data["nonce"]),
            deadline_s=int(data["deadline_s"]),
            valid_after_s=int(data["valid_after_s"]),
            signature=bytes.fromhex(data["signature"][2:]),
            **addresses,
        )


def decode_payment(header: str) -> Authorization:
    """A payment header's authorisation; raises PaymentRequiredError("malformed_payment")."""
    if len(header) > MAX_HEADER_BYTES:
        raise _malformed(f"longer than {MAX_HEADER_BYTES} bytes")
    try:
        data = orjson.loads(base64.b64decode(header, validate=True))
    except (binascii.Error, ValueError) as error:
        raise _malformed("not base64 of JSON") from error
    try:
        accepted, payload = data["accepted"], data["payload"]
        said = payload["permit2Authorization"]
        witness = said["witness"]
        if data["x402Version"] != VERSION:
            raise _malformed(f"x402Version is not {VERSION}")
        return Authorization(
            scheme=str(accepted["scheme"]),
            network=str(accepted["network"]),
            payer=_address(said["from"]),
            token=_address(said["permitted"]["token"]),
            spender=_address(said["spender"]),
            to=_address(witness["to"]),
            facilitator=_address(witness["facilitator"]),
            most_wei=_number(said["permitted"]["amount"]),
            nonce=_number(said["nonce"]),
            deadline_s=_number(said["deadline"]),
            valid_after_s=_number(witness["validAfter"]),
            signature=_bytes(payload["signature"]),
        )
    except KeyError as error:
        raise _malformed(f"{error} is missing") from error
    except (TypeError, AttributeError) as error:
        raise _malformed("a part of it is not an object or text where one is needed") from error


def check_payment(payment: Authorization, offer: Offer, now_s: float) -> None:
    """Refuse a payment that is not for this offer; raises PaymentRequiredError with the reason."""
    refusals = (
        (payment.scheme != SCHEME, "wrong_scheme", f"the scheme is {SCHEME!r}"),
        (payment.network != offer.network, "wrong_chain", f"the payment is not for {offer.network}"),
        (payment.token != OP_WETH9, "wrong_asset", "calls are paid in WOPEN"),
        (payment.spender != X402_UPTO_PROXY, "wrong_spender", "the spender is x402's upto proxy"),
        (payment.to != offer.receiver, "wrong_recipient", "the payment is for another recipient"),
        (payment.facilitator != offer.receiver, "wrong_facilitator", "it names another facilitator"),
        (payment.deadline_s < now_s + LEAST_LEFT_S, "payment_expired", "its deadline is too near or over"),
        (payment.valid_after_s > now_s, "payment_too_early", "it is not valid yet"),
        (
            payment.most_wei < offer.amount_wei,
            "payment_too_small",
            f"it allows {payment.most_wei} wei, the call may cost {offer.amount_wei}",
        ),
    )
    for refused, reason, message in refusals:
        if refused:
            raise PaymentRequiredError(reason, message)


def challenge(offer: Offer, url: str, reason: str) -> dict[str, Any]:
    """x402's `PaymentRequired`, which is the header of a 402."""
    return {
        "x402Version": VERSION,
        "error": reason,
        "resource": {"url": url, "description": "one answer", "mimeType": "application/json"},
        "accepts": [offer.requirements()],
    }


def encoded(value: Mapping[str, Any]) -> str:
    """A header's value."""
    return base64.b64encode(orjson.dumps(dict(value))).decode()


def _malformed(why: str) -> PaymentRequiredError:
    return PaymentRequiredError("malformed_payment", f"the payment cannot be read: {why}")


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError as error:
        raise _malformed("bytes that are not hex") from error


def _address(text: str) -> Address:
    data = _bytes(text)
    if len(data) != 20:
        raise _malformed("an address that is not 20 bytes")
    return Address(data)


def _number(text: Any) -> int:
    if not isinstance(text, str) or not text.isascii() or not text.isdecimal() or len(text) > 78:
        raise _malformed("a number that is not a decimal string")
    return int(text)
