"""How retrieved records are paid over HTTP: what is offered, the payer's signature, a contributor's proof."""

from aiohttp import web

from openledger_node.errors import UserError
from openledger_node.gateway.http import json_response, read_json
from openledger_node.gateway.retrieval_claims import RetrievalClaims
from openledger_node.gateway.retrieval_pay import RetrievalPay
from openledger_node.gateway.values import address_of, channel_id_of, signature_of

MOST_DIGITS = 18


class RetrievalRoutes:
    def __init__(self, pay: RetrievalPay, claims: RetrievalClaims) -> None:
        self._pay = pay
        self._claims = claims

    def add_to(self, router: web.UrlDispatcher) -> None:
        router.add_get("/v1/channels/{id}/retrieval", self.offer)
        router.add_post("/v1/channels/{id}/retrieval", self.agree)
        router.add_get("/v1/retrievals/{id}/{contributor}", self.proof)

    async def offer(self, request: web.Request) -> web.StreamResponse:
        """What the receipts that are not settled would pay the records that were looked up for them."""
        offer = await self._pay.offer(channel_id_of(request.match_info["id"]))
        return json_response(offer.to_json())

    async def agree(self, request: web.Request) -> web.StreamResponse:
        """`{receiptCount, signature}`: the voucher key's signature of the offer."""
        body = await read_json(request)
        count = body.get("receiptCount")
        if type(count) is not int:
            raise UserError("receiptCount must be a whole number")
        channel_id = channel_id_of(request.match_info["id"])
        offer = await self._pay.agree(channel_id, signature_of(body.get("signature")), count)
        return json_response(offer.to_json())

    async def proof(self, request: web.Request) -> web.StreamResponse:
        """Everything that `claimRetrieval` takes for a contributor."""
        number = request.match_info["id"]
        if not number.isascii() or not number.isdecimal() or len(number) > MOST_DIGITS:
            raise UserError("a retrieval is named by its number")
        contributor = address_of(request.match_info["contributor"])
        return json_response(await self._claims.proof(int(number), contributor))
