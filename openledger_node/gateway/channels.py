"""What a provider remembers of each channel: its receipts, its state on chain, and what a call must bring.

Covered: sessions rebuilt from their receipts after a restart, vouchers against the chain (`vouchers`),
earlier answers found by idempotency key, receipts numbered and stored together with their voucher.
Not covered: who computes an answer (`metering` for classifiers, `text_calls` for language models).

Invariants:
1. Receipt numbers of a channel are 0, 1, 2, … without gaps; the tree in memory equals the table.
2. Whoever adds a receipt holds the session's lock from the check of its voucher on.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from genesis.commitments import receipt_hash
from genesis.typed_data import voucher_digest
from genesis.types import ZERO_ADDRESS, Address, Hash32
from openledger_node.client.account import recover_signer
from openledger_node.client.economy import EconomyReader
from openledger_node.client.errors import RevertedError
from openledger_node.client.receipt_tree import ReceiptTree, salted_hash
from openledger_node.client.vouchers import SignedVoucher
from openledger_node.clock import Clock
from openledger_node.errors import UserError
from openledger_node.gateway.errors import ConflictError, PaymentRequiredError
from openledger_node.gateway.receipts import ReceiptTable, StoredReceipt
from openledger_node.gateway.servable import Servable
from openledger_node.gateway.vouchers import Ledger, check_voucher
from precompiles.views.metering import Channel

SALT_BYTES = 32
CHANNEL_FRESH_S = 1.0
MAX_KEY_CHARACTERS = 200


@dataclass(slots=True)
class ChannelSession:
    """One channel's running state; `lock` makes its calls take turns."""

    channel_id: Hash32
    tree: ReceiptTree
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    channel: Channel | None = None
    read_s: float = 0.0
    left_over: bool = False
    """An answer is on disk whose payment is still to be collected."""

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.channel_id, self.tree.count, self.tree.total_fee_wei, self.tree.root().hash)


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one call came to. `output` is what the output hash is over; `prompt` and `response` are private.

    `prompt` is a classifier's input or the prompt's token ids, `response` the answer's token ids.
    """

    prompt: tuple[int, ...]
    response: tuple[int, ...]
    output: Any
    tokens_in: int
    tokens_out: int
    fee_wei: int


@dataclass(frozen=True, slots=True)
class NewReceipt:
    """A receipt that is not stored yet; `paid` is the `x_openledger` of its answer."""

    hash: Hash32
    prompt_salt: bytes
    output_salt: bytes
    tree: ReceiptTree
    paid: Mapping[str, Any]


class Channels:
    """All channels of one provider."""

    def __init__(
        self,
        *,
        reader: EconomyReader,
        receipts: ReceiptTable,
        servable: Servable,
        provider: Address,
        clock: Clock,
        salt: Callable[[], bytes] = lambda: secrets.token_bytes(SALT_BYTES),
    ) -> None:
        self._reader = reader
        self._receipts = receipts
        self._servable = servable
        self.provider = provider
        self._clock = clock
        self._salt = salt
        self._sessions: dict[Hash32, ChannelSession] = {}

    async def session(self, channel_id: Hash32) -> ChannelSession:
        """The running state of a channel, rebuilt from its receipts after a restart."""
        session = self._sessions.get(channel_id)
        if session is None:
            tree = ReceiptTree(await self._reader.ethereum.chain_id(), channel_id)
            for receipt in await self._receipts.of_channel(channel_id):
                tree.append(receipt.receipt_hash, receipt.fee_wei)
            session = self._sessions.setdefault(channel_id, ChannelSession(channel_id, tree))
        return session

    async def channel(self, session: ChannelSession, fresh: bool = False) -> Channel:
        """The channel on chain, at most CHANNEL_FRESH_S old; raises PaymentRequiredError if there is none."""
        now_s = self._clock.now_s()
        if session.channel is None or fresh or now_s - session.read_s >= CHANNEL_FRESH_S:
            try:
                session.channel = await self._reader.channel(session.channel_id)
            except RevertedError as error:
                raise _unknown_channel() from error
            session.read_s = now_s
        if session.channel.payer == ZERO_ADDRESS:
            raise _unknown_channel()
        return session.channel

    async def earlier(
        self, session: ChannelSession, voucher: SignedVoucher, key: str, request_hash: bytes
    ) -> StoredReceipt | None:
        """The receipt of an earlier attempt of the same call, for the channel's payer only.

        Raises ConflictError when the key was used for something else.
        """
        if len(key) > MAX_KEY_CHARACTERS:
            raise UserError(f"an idempotency key has at most {MAX_KEY_CHARACTERS} characters")
        found = await self.kept(session, key)
        if found is None:
            return None
        if found.request_hash != request_hash:
            raise ConflictError("the idempotency key was used for another request", "use a new key")
        await self._assert_signed(voucher, await self.channel(session))
        return found

    async def admit(
        self, session: ChannelSession, voucher: SignedVoucher, model_id: int, call_wei: int
    ) -> None:
        """Accept a voucher for one call of at most `call_wei`; raises PaymentRequiredError, UserError."""
        channel = await self.channel(session)
        _assert_model(channel, model_id)
        await self._check(session, channel, voucher, call_wei)
        await self._servable.check(channel.feature_index, channel.model_id)

    async def assert_serves(self, session: ChannelSession, model_id: int) -> None:
        """The channel is for this model, whose index holds; raises PaymentRequiredError, UserError."""
        channel = await self.channel(session)
        _assert_model(channel, model_id)
        await self._servable.check(channel.feature_index, channel.model_id)

    async def kept(self, session: ChannelSession, key: str) -> StoredReceipt | None:
        """The receipt under an idempotency key, None without one."""
        return await self._receipts.by_key(session.channel_id, key) if key else None

    async def acknowledge(self, voucher: SignedVoucher) -> Ledger:
        """Keep a voucher that acknowledges everything so far; raises PaymentRequiredError."""
        session = await self.session(voucher.voucher.channel_id)
        async with session.lock:
            await self._check(session, await self.channel(session), voucher, 0)
            await self._receipts.keep_voucher(voucher)
            return session.ledger

    def receipt(self, session: ChannelSession, delivered: Delivered) -> NewReceipt:
        """The channel's next receipt."""
        prompt_salt, output_salt = self._salt(), self._salt()
        number = session.tree.count
        hashed = receipt_hash(
            channel_id=session.channel_id,
            number=number,
            prompt_hash=salted_hash(prompt_salt, list(delivered.prompt)),
            output_hash=salted_hash(output_salt, delivered.output),
            tokens_in=delivered.tokens_in,
            tokens_out=delivered.tokens_out,
            fee_wei=delivered.fee_wei,
        )
        tree = session.tree.grown(hashed, delivered.fee_wei)
        paid = {
            "receipt": {
                "id": receipt_name(session.channel_id, number),
                "channelId": f"0x{session.channel_id.hex()}",
                "number": number,
                "promptSalt": f"0x{prompt_salt.hex()}",
                "outputSalt": f"0x{output_salt.hex()}",
                "tokensIn": delivered.tokens_in,
                "tokensOut": delivered.tokens_out,
                "fee": str(delivered.fee_wei),
                "receiptHash": f"0x{hashed.hex()}",
            },
            "root": f"0x{tree.root().hash.hex()}",
            "count": tree.count,
            "fee": str(delivered.fee_wei),
            "feesSoFar": str(tree.total_fee_wei),
        }
        return NewReceipt(hashed, prompt_salt, output_salt, tree, paid)

    def stored(
        self,
        session: ChannelSession,
        delivered: Delivered,
        receipt: NewReceipt,
        *,
        answer: Mapping[str, Any],
        request_hash: bytes,
        key: str,
    ) -> StoredReceipt:
        """The receipt with everything that is kept beside it."""
        return StoredReceipt(
            channel_id=session.channel_id,
            number=session.tree.count,
            receipt_hash=receipt.hash,
            tokens_in=delivered.tokens_in,
            tokens_out=delivered.tokens_out,
            fee_wei=delivered.fee_wei,
            prompt_salt=receipt.prompt_salt,
            output_salt=receipt.output_salt,
            features=delivered.prompt,
            answer=answer,
            request_hash=request_hash,
            idempotency_key=key or f"none-{session.tree.count}-{secrets.token_hex(8)}",
            created_s=self._clock.now_s(),
            response=delivered.response,
        )

    async def _check(
        self, session: ChannelSession, channel: Channel, voucher: SignedVoucher, call_wei: int
    ) -> None:
        check_voucher(
            voucher,
            channel=channel,
            ledger=session.ledger,
            provider=self.provider,
            chain_id=await self._reader.ethereum.chain_id(),
            call_wei=call_wei,
        )

    async def _assert_signed(self, signed: SignedVoucher, channel: Channel) -> None:
        digest = voucher_digest(signed.voucher, await self._reader.ethereum.chain_id())
        if recover_signer(digest, signed.signature) != channel.voucher_key:
            raise PaymentRequiredError("bad_signature", "the voucher is not signed by the channel's key")


def receipt_name(channel_id: Hash32, number: int) -> str:
    """The public id of a receipt, for instance in `/v1/attributions/{id}`."""
    return f"{channel_id.hex()}-{number}"


def _assert_model(channel: Channel, model_id: int) -> None:
    if channel.model_id != model_id:
        raise PaymentRequiredError(
            "wrong_model", f"the channel pays for model {channel.model_id}, not {model_id}"
        )


def _unknown_channel() -> PaymentRequiredError:
    return PaymentRequiredError("unknown_channel", "no such channel on chain")
