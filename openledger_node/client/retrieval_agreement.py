"""How a customer agrees that the records which its answers used are paid: it checks the offer and signs it.

Covered: shares recomputed from the citations of the answers that came; the receipts they are for.
Not covered: how much of the pool the policy gives (the chain refuses more; it is not the customer's money).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from genesis.typed_data import RetrievalVoucher, retrieval_voucher_digest
from genesis.types import Hash32
from openledger_node.client.account import Account
from openledger_node.client.errors import DishonestReceiptError
from openledger_node.client.gateway import GatewayClient, GatewayError
from openledger_node.client.retrieval_shares import Bought, Span, shared_leaves

CONFLICT = 409
ATTEMPTS = 3


async def agree_on_retrieval(
    gateway: GatewayClient,
    key: Account,
    place: tuple[int, Hash32],
    bought: Sequence[Bought],
    receipts_root: Hash32,
) -> int:
    """Sign for the records used by answers that are not settled; returns from which receipt on that is.

    `place` is chain id and channel. Raises GatewayError, DishonestReceiptError.
    """
    chain_id, channel_id = place
    path = f"/v1/channels/0x{channel_id.hex()}/retrieval"
    for attempt in range(ATTEMPTS):
        offer = await gateway.get(path)
        first = int(offer["firstReceipt"])
        voucher = _checked(offer, Span(chain_id, channel_id, first, len(bought)), bought, receipts_root)
        if not voucher.shares:
            return first
        signature = key.sign_digest(retrieval_voucher_digest(voucher, chain_id))
        body = {"receiptCount": voucher.receipt_count, "signature": f"0x{signature.hex()}"}
        try:
            await gateway.post(path, body)
            return first
        except GatewayError as error:
            if error.status != CONFLICT or attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def _checked(
    offer: Mapping[str, Any], span: Span, bought: Sequence[Bought], receipts_root: Hash32
) -> RetrievalVoucher:
    """What to sign: exactly what the citations give; raises DishonestReceiptError for another offer."""
    if (offer["receiptCount"], offer["receiptsRoot"]) != (len(bought), f"0x{receipts_root.hex()}"):
        raise DishonestReceiptError("the offer for retrieved records is for other receipts")
    new = bought[span.first_receipt :]
    limit_wei = int(offer["limit"])
    if limit_wei > sum(each.fee_wei for each in new):
        raise DishonestReceiptError("the offer gives retrieved records more than the answers cost")
    shares = tuple(each.share(span) for each in shared_leaves(new, limit_wei, set(offer["datanets"])))
    said = [(each["datanet"], each["version"], each["root"], each["amount"]) for each in offer["shares"]]
    if said != [
        (each.datanet_id, each.version, f"0x{each.root.hex()}", str(each.amount_wei)) for each in shares
    ]:
        raise DishonestReceiptError("the offer for retrieved records is not what the answers cited")
    return RetrievalVoucher(span.channel_id, span.first_receipt, span.receipt_count, receipts_root, shares)
