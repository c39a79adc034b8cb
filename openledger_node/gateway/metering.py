"""How one paid inference runs: voucher, worker, receipt on disk, answer.

Covered: the voucher's rules (`vouchers`), an index that is what the chain says (`servable`), exactly one
receipt per idempotency key, receipts durable before the answer leaves, one call at a time per channel.
Not covered: settling (`settling`); free calls.

Invariants:
1. A receipt exists iff its answer was computed; nothing is charged for a worker's failure.
2. Receipt numbers of a channel are 0, 1, 2, … without gaps; the tree in memory equals the table.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from genesis.commitments import receipt_hash
from genesis.keccak import keccak256
from genesis.shares import receipt_fee
from genesis.typed_data import voucher_digest
from genesis.types import ZERO_ADDRESS, Address, Hash32
from openledger_node.client.account import recover_signer
from openledger_node.client.economy import Channel, EconomyReader
from openledger_node.client.errors import RevertedError
from openledger_node.client.receipt_tree import ReceiptTree, salted_hash
from openledger_node.client.vouchers import SignedVoucher
from openledger_node.clock import Clock
from openledger_node.errors import UserError
from openledger_node.gateway.catalog import CatalogEntry
from openledger_node.gateway.errors import ConflictError, PaymentRequiredError
from openledger_node.gateway.receipts import ReceiptTable, StoredReceipt
from openledger_node.gateway.servable import Servable
from openledger_node.gateway.vouchers import Ledger, check_voucher
from openledger_node.jobs.ports import WorkerLostError, WorkerPool
from workers.artifacts import canonical_json
from workers.artifacts.store import ArtifactId
from workers.jobs.codec import from_json, to_json
from workers.jobs.types import PredictRequest, PredictResult

SALT_BYTES = 32
TOKENS_OUT = 1
CHANNEL_FRESH_S = 1.0
MAX_KEY_CHARACTERS = 200
ANSWER_PATIENCE_S = 30.0
"""How long a customer waits for a worker before the call is given up, unbilled."""


@dataclass(slots=True)
class ChannelSession:
    """One channel's running state; `lock` makes its calls take turns."""

    channel_id: Hash32
    tree: ReceiptTree
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    channel: Channel | None = None
    read_s: float = 0.0

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.channel_id, self.tree.count, self.tree.total_fee_wei, self.tree.root().hash)


@dataclass(frozen=True, slots=True)
class Call:
    """A paid call as it came in. `idempotency_key` "" means the caller will not retry."""

    entry: CatalogEntry
    features: tuple[int, ...]
    voucher: SignedVoucher
    idempotency_key: str

    @property
    def request_hash(self) -> bytes:
        return keccak256(canonical_json.encode([self.entry.name, list(self.features)]))


class Metering:
    """Serves paid calls for one provider."""

    def __init__(
        self,
        *,
        reader: EconomyReader,
        receipts: ReceiptTable,
        servable: Servable,
        pool: WorkerPool,
        provider: Address,
        clock: Clock,
        salt: Callable[[], bytes] = lambda: secrets.token_bytes(SALT_BYTES),
    ) -> None:
        self._reader = reader
        self._receipts = receipts
        self._servable = servable
        self._pool = pool
        self.provider = provider
        self._clock = clock
        self._salt = salt
        self._sessions: dict[Hash32, ChannelSession] = {}

    async def classify(self, call: Call) -> Mapping[str, Any]:
        """Answer one call; a repeated idempotency key brings back the first answer and costs nothing.

        Raises PaymentRequiredError, ConflictError, UserError.
        """
        if len(call.idempotency_key) > MAX_KEY_CHARACTERS:
            raise UserError(f"an idempotency key has at most {MAX_KEY_CHARACTERS} characters")
        session = await self.session(call.voucher.voucher.channel_id)
        async with session.lock:
            channel = await self.channel(session)
            earlier = await self._earlier(session, call)
            if earlier is not None:
                await self._assert_signed(call.voucher, channel)
                return earlier.answer
            fee_wei = receipt_fee(len(call.features), TOKENS_OUT, channel.input_price, channel.output_price)
            await self._check(session, channel, call, fee_wei)
            prediction = await self._predict(call)
            receipt, grown = self._receipt(session, call, prediction, fee_wei)
            await self._receipts.add(receipt, call.voucher)
            session.tree = grown
        return receipt.answer

    async def acknowledge(self, voucher: SignedVoucher) -> Ledger:
        """Keep a voucher that acknowledges everything so far; raises PaymentRequiredError."""
        session = await self.session(voucher.voucher.channel_id)
        async with session.lock:
            channel = await self.channel(session)
            check_voucher(
                voucher,
                channel=channel,
                ledger=session.ledger,
                provider=self.provider,
                chain_id=await self._reader.ethereum.chain_id(),
                call_wei=0,
            )
            await self._receipts.keep_voucher(voucher)
            return session.ledger

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

    async def _earlier(self, session: ChannelSession, call: Call) -> StoredReceipt | None:
        if not call.idempotency_key:
            return None
        earlier = await self._receipts.by_key(session.channel_id, call.idempotency_key)
        if earlier is not None and earlier.request_hash != call.request_hash:
            raise ConflictError("the idempotency key was used for another request", "use a new key")
        return earlier

    async def _assert_signed(self, signed: SignedVoucher, channel: Channel) -> None:
        digest = voucher_digest(signed.voucher, await self._reader.ethereum.chain_id())
        if recover_signer(digest, signed.signature) != channel.voucher_key:
            raise PaymentRequiredError("bad_signature", "the voucher is not signed by the channel's key")

    async def _check(self, session: ChannelSession, channel: Channel, call: Call, fee_wei: int) -> None:
        if channel.model_id != call.entry.model_id:
            raise PaymentRequiredError(
                "wrong_model", f"the channel pays for model {channel.model_id}, not {call.entry.model_id}"
            )
        check_voucher(
            call.voucher,
            channel=channel,
            ledger=session.ledger,
            provider=self.provider,
            chain_id=await self._reader.ethereum.chain_id(),
            call_wei=fee_wei,
        )
        await self._servable.check(channel.feature_index, channel.model_id)

    async def _predict(self, call: Call) -> PredictResult:
        request = PredictRequest(ArtifactId(call.entry.manifest), (call.features,))
        try:
            async with asyncio.timeout(ANSWER_PATIENCE_S):
                answer = await self._pool.run("predict", to_json(request))
        except TimeoutError:
            raise WorkerLostError(f"no worker answered in {ANSWER_PATIENCE_S:.0f} s", "try again") from None
        return from_json(PredictResult, answer)

    def _receipt(
        self, session: ChannelSession, call: Call, prediction: PredictResult, fee_wei: int
    ) -> tuple[StoredReceipt, ReceiptTree]:
        prompt_salt, output_salt = self._salt(), self._salt()
        output = {"label": prediction.labels[0], "probabilities": list(prediction.probabilities[0])}
        tokens_in = len(call.features)
        hashed = receipt_hash(
            channel_id=session.channel_id,
            number=session.tree.count,
            prompt_hash=salted_hash(prompt_salt, list(call.features)),
            output_hash=salted_hash(output_salt, output),
            tokens_in=tokens_in,
            tokens_out=TOKENS_OUT,
            fee_wei=fee_wei,
        )
        now_s = self._clock.now_s()
        receipt = {
            "id": receipt_name(session.channel_id, session.tree.count),
            "channelId": f"0x{session.channel_id.hex()}",
            "number": session.tree.count,
            "promptSalt": f"0x{prompt_salt.hex()}",
            "outputSalt": f"0x{output_salt.hex()}",
            "tokensIn": tokens_in,
            "tokensOut": TOKENS_OUT,
            "fee": str(fee_wei),
            "receiptHash": f"0x{hashed.hex()}",
        }
        grown = session.tree.grown(hashed, fee_wei)
        stored = StoredReceipt(
            channel_id=session.channel_id,
            number=session.tree.count,
            receipt_hash=hashed,
            tokens_in=tokens_in,
            tokens_out=TOKENS_OUT,
            fee_wei=fee_wei,
            prompt_salt=prompt_salt,
            output_salt=output_salt,
            features=call.features,
            answer=_answer(call, output, receipt, grown, int(now_s)),
            request_hash=call.request_hash,
            idempotency_key=call.idempotency_key or f"none-{session.tree.count}-{secrets.token_hex(8)}",
            created_s=now_s,
        )
        return stored, grown


def receipt_name(channel_id: Hash32, number: int) -> str:
    """The public id of a receipt, for instance in `/v1/attributions/{id}`."""
    return f"{channel_id.hex()}-{number}"


def _answer(
    call: Call, output: Mapping[str, Any], receipt: Mapping[str, Any], tree: ReceiptTree, created_s: int
) -> dict[str, Any]:
    """vLLM's classification response, with the receipt beside it."""
    return {
        "id": f"classify-{receipt['id']}",
        "object": "list",
        "created": created_s,
        "model": call.entry.name,
        "data": [
            {
                "index": 0,
                "label": str(output["label"]),
                "probs": output["probabilities"],
                "num_classes": len(output["probabilities"]),
            }
        ],
        "usage": {
            "prompt_tokens": receipt["tokensIn"],
            "completion_tokens": receipt["tokensOut"],
            "total_tokens": receipt["tokensIn"] + receipt["tokensOut"],
        },
        "x_openledger": {
            "receipt": dict(receipt),
            "root": f"0x{tree.root().hash.hex()}",
            "count": tree.count,
            "fee": receipt["fee"],
            "feesSoFar": str(tree.total_fee_wei),
        },
    }


def _unknown_channel() -> PaymentRequiredError:
    return PaymentRequiredError("unknown_channel", "no such channel on chain")
