"""How one answer is bought without a channel: x402's own client signs for the most it can cost.

Covered: the offer's price against a limit of one's own, the fee against the tokens that came.
Not covered: WOPEN and Permit2's leave to move it, which the payer needs before (`infer once` sees to both).
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from eth_account.messages import encode_typed_data
from eth_utils.address import to_checksum_address

from genesis.keccak import keccak256
from genesis.shares import receipt_fee
from openledger_node.client.account import Account
from openledger_node.client.errors import DishonestReceiptError
from openledger_node.client.gateway import GatewayClient, GatewayError
from openledger_node.errors import UserError

CHAT_PATH = "/v1/chat/completions"
PAYMENT_HEADER = "PAYMENT-SIGNATURE"
PAYMENT_REQUIRED = 402


async def buy_once(
    gateway: GatewayClient, body: Mapping[str, Any], account: Account, most_wei: int
) -> Mapping[str, Any]:
    """A chat answer for at most `most_wei`; raises GatewayError, UserError, DishonestReceiptError."""
    terms = await _terms(gateway, body)
    if "x402" not in terms:
        raise UserError("this gateway takes no single payments", "open a channel")
    asked_wei = int(terms["x402"]["accepts"][0]["amount"])
    if asked_wei > most_wei:
        raise UserError(f"the answer may cost {asked_wei} wei, the limit is {most_wei}", "raise it")
    payment = await asyncio.to_thread(_signed, terms["x402"], account)
    answer: Mapping[str, Any] = await gateway.post(CHAT_PATH, body, {PAYMENT_HEADER: payment})
    paid = answer["x_openledger"]
    fee_wei = receipt_fee(
        len(paid["promptTokens"]),
        len(paid["responseTokens"]),
        int(terms["inputPrice"]),
        int(terms["outputPrice"]),
    )
    if not fee_wei == int(paid["fee"]) == int(paid["x402"]["amount"]):
        raise DishonestReceiptError(f"{paid['x402']['amount']} wei were taken for {fee_wei}")
    return answer


async def _terms(gateway: GatewayClient, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the gateway asks for an answer."""
    try:
        await gateway.post(CHAT_PATH, body)
    except GatewayError as error:
        if error.status != PAYMENT_REQUIRED:
            raise
        found: Mapping[str, Any] = error.body["x_openledger"]["terms"]
        return found
    raise UserError("the gateway answered without being paid", "there is nothing to buy")


class _Signer:
    """One of our accounts as x402's client wants it."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self.address = to_checksum_address(account.address)

    def sign_typed_data(self, domain: Any, types: Any, _primary_type: str, message: Any) -> bytes:
        """65 bytes over EIP-712 data."""
        fields = {name: [{"name": f.name, "type": f.type} for f in of] for name, of in types.items()}
        said = encode_typed_data(_plain(domain), fields, message)
        return self._account.sign_digest(keccak256(b"\x19" + said.version + said.header + said.body))


def _plain(domain: Any) -> dict[str, Any]:
    return dict(domain) if isinstance(domain, Mapping) else dict(vars(domain))


def _signed(required: Mapping[str, Any], account: Account) -> str:
    """x402's client's header for a payment that its rules allow."""
    from x402 import SchemeRegistration, x402ClientConfig, x402ClientSync  # noqa: PLC0415 - takes a second
    from x402.http.utils import encode_payment_signature_header  # noqa: PLC0415
    from x402.mechanisms.evm.upto import UptoEvmClientScheme  # noqa: PLC0415
    from x402.schemas import PaymentRequired  # noqa: PLC0415

    schemes = [SchemeRegistration("eip155:*", UptoEvmClientScheme(_Signer(account)))]
    client = x402ClientSync.from_config(x402ClientConfig(schemes, spend_controls=False))
    payload = client.create_payment_payload(PaymentRequired.model_validate(dict(required)))
    return encode_payment_signature_header(payload)
