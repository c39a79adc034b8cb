"""Where x402 payments arrive: a provider's receivers on chain, payers' channels behind them, collecting.

Covered: one receiver per model, made when it is first needed; a payer's channel at the price of now; a dry
run of a payment before any work, with the reason when it would fail; collecting exactly once.
Not covered: what a call costs, what a payment must say (`x402_payments`).
"""

import asyncio

from genesis.addresses import PERMIT2, X402_RECEIVERS, X402_UPTO_PROXY
from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from openledger_node.client.account import Account
from openledger_node.client.contract import Contract
from openledger_node.client.economy import EconomyReader
from openledger_node.client.errors import RemoteError, RevertedError
from openledger_node.client.ethereum import hex_bytes
from openledger_node.client.predeploys import WOPEN, predeploy_interface
from openledger_node.client.sender import Sender
from openledger_node.gateway.errors import PaymentRequiredError
from openledger_node.gateway.x402_payments import Authorization
from precompiles.views.models import Model

FACTORY = Contract(X402_RECEIVERS, predeploy_interface("X402Receivers"))
PROXY = Contract(X402_UPTO_PROXY, predeploy_interface("X402UptoPermit2Proxy"))
NO_CHANNEL = bytes(32)
OPENING_WEI = 1

_REASONS = {
    keccak256(signature.encode())[:4]: reason
    for signature, reason in (
        ("InvalidNonce()", ("payment_used", "its nonce was used or given up")),
        ("SignatureExpired(uint256)", ("payment_expired", "its deadline is over")),
        ("InvalidSigner()", ("bad_signature", "it is not signed by its payer")),
        ("InvalidSignature()", ("bad_signature", "it is not signed by its payer")),
        ("InvalidSignatureLength()", ("bad_signature", "it is not signed by its payer")),
        ("InvalidContractSignature()", ("bad_signature", "it is not signed by its payer")),
    )
}
"""Permit2's errors, by selector."""


class Receivers:
    """All receivers of one provider."""

    def __init__(self, reader: EconomyReader, sender: Sender) -> None:
        self._reader = reader
        self._sender = sender
        self._addresses: dict[int, Address] = {}
        self._opening = asyncio.Lock()

    @property
    def provider(self) -> Account:
        return self._sender.account

    async def receiver(self, model_id: int) -> Contract | None:
        """The receiver of a model's payments, made already or not; None on a chain that has none."""
        if model_id not in self._addresses:
            if not await self._has_code(X402_RECEIVERS):
                return None
            self._addresses[model_id] = await self._reader.ethereum.read(
                FACTORY, "receiverOf", self._sender.address, model_id
            )
        return Contract(self._addresses[model_id], predeploy_interface("X402Receiver"))

    async def channel_of(self, receiver: Contract, model: Model, payer: Address) -> Hash32 | None:
        """The payer's channel at today's price and index, None when there is none."""
        if not await self._has_code(receiver.address):
            return None
        channel_id = Hash32(await self._reader.ethereum.read(receiver, "channelOf", payer))
        if channel_id == NO_CHANNEL:
            return None
        channel = await self._reader.channel(channel_id)
        opened_at = (channel.input_price_wei, channel.output_price_wei, channel.feature_index)
        is_current = opened_at == (model.input_price_wei, model.output_price_wei, model.feature_index)
        return channel_id if is_current else None

    async def open_channel(self, receiver: Contract, model_id: int, model: Model, payer: Address) -> Hash32:
        """The payer's channel, opened if there is none."""
        async with self._opening:
            found = await self.channel_of(receiver, model, payer)
            if found is not None:
                return found
            if not await self._has_code(receiver.address):
                await self._sender.transact(FACTORY, "create", self._sender.address, model_id)
            mined = await self._sender.transact(receiver, "openChannel", payer, value_wei=OPENING_WEI)
            return Hash32(mined.event("ChannelOpened").arguments["channelId"])

    async def assert_collectable(self, payment: Authorization) -> None:
        """A dry run for all that was signed; raises PaymentRequiredError with what stands in its way."""
        ethereum = self._reader.ethereum
        if await ethereum.read(WOPEN, "balanceOf", payment.payer) < payment.most_wei:
            raise PaymentRequiredError("insufficient_balance", "the payer has less WOPEN than it signed for")
        if await ethereum.read(WOPEN, "allowance", payment.payer, PERMIT2) < payment.most_wei:
            raise PaymentRequiredError("insufficient_allowance", "Permit2 may not move so much of its WOPEN")
        arguments = (_permit(payment), payment.most_wei, payment.payer, _witness(payment), payment.signature)
        try:
            await ethereum.read(PROXY, "settle", *arguments, sender=payment.facilitator)
        except RevertedError as error:
            reason = _REASONS.get(error.data[:4], ("payment_refused", str(error)))
            raise PaymentRequiredError(*reason) from error

    async def collected_wei(self, receiver: Contract, payment: Authorization) -> int:
        """What the payment came to already; 0 when it was not collected."""
        return int(await self._reader.ethereum.read(receiver, "collectedOf", payment.payer, payment.nonce))

    async def collect(
        self, receiver: Contract, channel_id: Hash32, payment: Authorization, amount_wei: int
    ) -> Hash32:
        """Take what was used into the payer's channel; raises RevertedError, NotIncludedError."""
        mined = await self._sender.transact(
            receiver,
            "collect",
            channel_id,
            _permit(payment),
            amount_wei,
            payment.payer,
            payment.valid_after_s,
            payment.signature,
        )
        return mined.hash

    async def transaction_of(self, receiver: Contract, channel_id: Hash32, payment: Authorization) -> Hash32:
        """The transaction that collected a payment; raises LookupError when none did."""
        events = await self._reader.ethereum.events(receiver, "Collected", payment.payer, channel_id)
        return next(event.transaction_hash for event in events if event.arguments["nonce"] == payment.nonce)

    async def _has_code(self, address: Address) -> bool:
        try:
            code = await self._reader.ethereum.rpc.call("eth_getCode", hex_bytes(address), "latest")
        except RemoteError:
            return False
        return str(code) != "0x"


def _permit(payment: Authorization) -> tuple[tuple[Address, int], int, int]:
    return (payment.token, payment.most_wei), payment.nonce, payment.deadline_s


def _witness(payment: Authorization) -> tuple[Address, Address, int]:
    return payment.to, payment.facilitator, payment.valid_after_s
