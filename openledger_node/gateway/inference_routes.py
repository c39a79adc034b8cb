"""How inference is bought over HTTP: models, prices, paid classification, channels, settlements.

Covered: OpenAI's `/v1/models`, vLLM's classification shape, vouchers by header, 402 with terms.
Not covered: language models (`text_routes`); x402.
"""

from typing import Any

from aiohttp import web

from genesis.addresses import INFERENCE_METERING
from genesis.shares import receipt_fee
from genesis.types import Address
from openledger_node.errors import UserError
from openledger_node.gateway.attributions import Attributions
from openledger_node.gateway.catalog import Catalog, CatalogEntry
from openledger_node.gateway.channels import Channels
from openledger_node.gateway.errors import NotFoundError, PaymentRequiredError
from openledger_node.gateway.http import json_response, read_json
from openledger_node.gateway.metering import TOKENS_OUT, Call, Metering
from openledger_node.gateway.receipts import ReceiptTable
from openledger_node.gateway.settling import Settling
from openledger_node.gateway.text_models import TextModels
from openledger_node.gateway.values import channel_id_of
from openledger_node.gateway.vouchers import (
    Ledger,
    decode_voucher,
    voucher_from_json,
    voucher_terms,
)
from openledger_node.jobs.settlement import SettlementPlan, SettlementProgress, shares_to_json
from openledger_node.jobs.settlements import SettlementTable
from precompiles.views.metering import Channel

VOUCHER_HEADER = "X-OpenLedger-Voucher"
KEY_HEADER = "Idempotency-Key"
MAX_FEATURES = 65_536
MAX_HOLD_S = 3_600


class InferenceRoutes:
    def __init__(
        self,
        *,
        catalog: Catalog,
        text_models: TextModels,
        channels: Channels,
        metering: Metering,
        receipts: ReceiptTable,
        settling: Settling,
        settlements: SettlementTable,
        attributions: Attributions,
        chain_id: int,
    ) -> None:
        self._catalog = catalog
        self._text_models = text_models
        self._channels = channels
        self._metering = metering
        self._receipts = receipts
        self._settling = settling
        self._settlements = settlements
        self._attributions = attributions
        self._chain_id = chain_id

    def add_to(self, router: web.UrlDispatcher) -> None:
        router.add_get("/v1/models", self.models)
        router.add_get("/v1/models/{name:.+}/price", self.price)
        router.add_get("/v1/models/{name:.+}", self.model)
        router.add_post("/v1/classify", self.classify)
        router.add_get("/v1/channels/{id}", self.channel)
        router.add_get("/v1/channels/{id}/receipts/{number}", self.receipt)
        router.add_post("/v1/channels/{id}/voucher", self.voucher)
        router.add_post("/api/channels/{id}/settle", self.settle)
        router.add_get("/api/settlements/{key}", self.settlement)
        router.add_get("/v1/attributions/{id}", self.attribution)

    async def models(self, _request: web.Request) -> web.StreamResponse:
        """OpenAI's list, with what is particular to us under `x_openledger`."""
        entries = await self._catalog.entries()
        listed = [await self._model_to_json(entry) for entry in entries]
        return json_response({"object": "list", "data": listed})

    async def model(self, request: web.Request) -> web.StreamResponse:
        return json_response(await self._model_to_json(await self._entry(request.match_info["name"])))

    async def price(self, request: web.Request) -> web.StreamResponse:
        """Prices in wei per 1,000 tokens, and the fee of a call of `?tokens_in=64` and `?tokens_out=1`."""
        entry = await self._entry(request.match_info["name"])
        tokens_in = _whole(request.query.get("tokens_in", "64"), "tokens_in", MAX_FEATURES)
        tokens_out = _whole(request.query.get("tokens_out", str(TOKENS_OUT)), "tokens_out", MAX_FEATURES)
        return json_response(self._quote(entry, tokens_in, tokens_out))

    async def classify(self, request: web.Request) -> web.StreamResponse:
        """One paid classification: `{model, input}` and a voucher; 402 says what the voucher must be."""
        body = await read_json(request)
        entry = await self._catalog.entry(str(body.get("model")))
        features = _features(body.get("input"))
        header = request.headers.get(VOUCHER_HEADER)
        if header is None:
            raise PaymentRequiredError(
                "missing_voucher", f"send a voucher in {VOUCHER_HEADER}", self._quote(entry, len(features))
            )
        key = request.headers.get(KEY_HEADER, "")
        answer = await self._metering.classify(Call(entry, features, decode_voucher(header), key))
        return json_response(answer)

    async def channel(self, request: web.Request) -> web.StreamResponse:
        """What a channel owes so far: enough to sign its next voucher."""
        session = await self._channels.session(channel_id_of(request.match_info["id"]))
        channel = await self._channels.channel(session, fresh=True)
        return json_response(_channel_to_json(session.ledger, channel))

    async def receipt(self, request: web.Request) -> web.StreamResponse:
        """A receipt's public part: what its hash is made of, without salts and content."""
        channel_id = channel_id_of(request.match_info["id"])
        number = _whole(request.match_info["number"], "number", 1 << 62)
        found = await self._receipts.get(channel_id, number)
        if found is None:
            raise NotFoundError(f"no receipt {number} in this channel")
        return json_response(
            {
                "channelId": f"0x{channel_id.hex()}",
                "number": number,
                "receiptHash": f"0x{found.receipt_hash.hex()}",
                "tokensIn": found.tokens_in,
                "tokensOut": found.tokens_out,
                "fee": str(found.fee_wei),
            }
        )

    async def voucher(self, request: web.Request) -> web.StreamResponse:
        """The payer's acknowledgement of everything so far, without a call."""
        signed = voucher_from_json(await read_json(request))
        if signed.voucher.channel_id != channel_id_of(request.match_info["id"]):
            raise PaymentRequiredError("wrong_channel", "the voucher is for another channel")
        ledger = await self._channels.acknowledge(signed)
        return json_response(
            {"acknowledged": ledger.receipts, "cumulativeFee": str(signed.voucher.cumulative_fee_wei)}
        )

    async def settle(self, request: web.Request) -> web.StreamResponse:
        """Start settling; `{hold_post_s}` lets other providers post first. 202 with where to look."""
        body = await read_json(request) if request.can_read_body else {}
        hold_post_s = _whole(str(body.get("hold_post_s", 0)), "hold_post_s", MAX_HOLD_S)
        plan = await self._settling.settle(channel_id_of(request.match_info["id"]), hold_post_s, again=True)
        return json_response({"key": plan.key, "url": f"/api/settlements/{plan.key}"}, 202)

    async def settlement(self, request: web.Request) -> web.StreamResponse:
        found = await self._settlements.get(request.match_info["key"])
        if found is None:
            raise NotFoundError(f"no settlement {request.match_info['key']}")
        return json_response(settlement_to_json(*found))

    async def attribution(self, request: web.Request) -> web.StreamResponse:
        """Who made one paid answer possible, by receipt id."""
        return json_response(await self._attributions.explain(request.match_info["id"]))

    async def _entry(self, name: str) -> CatalogEntry:
        """A model by either of its names; raises NotFoundError."""
        return (await self._text_models.find(name)).entry if "/" in name else await self._catalog.entry(name)

    async def _model_to_json(self, entry: CatalogEntry) -> dict[str, Any]:
        found = await self._text_models.of_entry(entry)
        return _model_to_json(entry, "classifier" if found is None else "text", found.alias if found else "")

    def _quote(self, entry: CatalogEntry, tokens_in: int, tokens_out: int = TOKENS_OUT) -> dict[str, Any]:
        model = entry.model
        return {
            "model": entry.name,
            "modelId": entry.model_id,
            "provider": _hex(self._channels.provider),
            "chainId": self._chain_id,
            "metering": _hex(INFERENCE_METERING),
            "inputPrice": str(model.input_price_wei),
            "outputPrice": str(model.output_price_wei),
            "tokensIn": tokens_in,
            "tokensOut": tokens_out,
            "maximumFee": str(
                receipt_fee(tokens_in, tokens_out, model.input_price_wei, model.output_price_wei)
            ),
        }


def settlement_to_json(plan: SettlementPlan, progress: SettlementProgress) -> dict[str, Any]:
    """A settlement as the API shows it; amounts are decimal strings in wei."""
    return {
        "key": plan.key,
        "channelId": f"0x{plan.channel_id.hex()}",
        "modelId": plan.model_id,
        "firstReceipt": plan.first_receipt,
        "receiptCount": plan.receipt_count,
        "settlementId": progress.settlement_id,
        "queries": progress.queries,
        "uri": progress.uri,
        "pool": str(progress.pool_wei),
        "retrieval": [] if plan.retrieval is None else shares_to_json(plan.retrieval.shares),
        "carry": str(progress.carry_wei),
        "attribution": progress.attribution,
        "postId": progress.post_id,
        "final": progress.final,
        "error": progress.error,
        "transactions": dict(progress.transactions or {}),
    }


def _model_to_json(entry: CatalogEntry, kind: str, alias: str) -> dict[str, Any]:
    model, index = entry.model, entry.index
    return {
        "id": entry.name,
        "object": "model",
        "created": entry.registered_s,
        "owned_by": _hex(model.owner),
        "x_openledger": {
            "modelId": entry.model_id,
            "kind": kind,
            "alias": alias,
            "artifact": model.artifact_hash.hex(),
            "manifest": model.manifest_hash.hex(),
            "parent": model.parent,
            "inputPrice": str(model.input_price_wei),
            "outputPrice": str(model.output_price_wei),
            "featureIndex": model.feature_index,
            "usableAt": index.usable_at_s if index else 0,
        },
    }


def _channel_to_json(ledger: Ledger, channel: Channel) -> dict[str, Any]:
    return {
        **voucher_terms(ledger, channel, ledger.fees_wei),
        "payer": _hex(channel.payer),
        "provider": _hex(channel.provider),
        "voucherKey": _hex(channel.voucher_key),
        "modelId": channel.model_id,
        "settledReceipts": channel.settled_receipts,
        "settledFee": str(channel.settled_fee_wei),
        "closableAt": channel.closable_at_s,
    }


def _features(value: Any) -> tuple[int, ...]:
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]
    whole = isinstance(value, list) and 0 < len(value) <= MAX_FEATURES
    if not whole or not all(type(v) is int and 0 <= v <= 255 for v in value):
        raise UserError("input must be one list of integers 0..255", "one input per call")
    return tuple(value)


def _whole(text: str, name: str, limit: int) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 19 or int(text) > limit:
        raise UserError(f"{name} must be a whole number up to {limit}")
    return int(text)


def _hex(address: Address) -> str:
    return f"0x{address.hex()}"
