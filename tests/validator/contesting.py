"""A provider's settled and posted answers, one query forged or none, and what their customer kept."""

import numpy as np

from genesis.policy import DEV_POLICY
from genesis.shares import query_weight
from openledger_node.client.account import dev_account
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.posts import PostNotice
from openledger_node.client.purchase_journal import KeptReceipt
from openledger_node.client.sender import Sender
from openledger_node.jobs.settlement import SettlementPlan
from openledger_node.validator.challenger import Challenger
from openledger_node.validator.documents import Documents
from openledger_node.validator.query_cases import QueryCases
from tests.jobs.economy import CUSTOMER, PROVIDER, Economy, opening, paid_plan
from tests.validator.posting import right_post, send_post, send_settlement
from workers.artifacts.store import ArtifactId
from workers.attribution.queries import Queries, encode_queries, read_queries
from workers.jobs.queries import queries
from workers.protocol import QueriesRequest, ReceiptInput

COUNT = 3
FORGED = 1
"""The receipt whose query is another's."""


def kept(plan: SettlementPlan) -> list[KeptReceipt]:
    return [KeptReceipt(r.receipt_hash, r.fee_wei, opening(r.features or ())) for r in plan.receipts]


async def posted(
    economy: Economy, *, forges: bool, provider: int = PROVIDER
) -> tuple[SettlementPlan, PostNotice]:
    """A settled and posted batch; a forger commits another query for one receipt, and posts what follows."""
    plan = paid_plan(economy, COUNT)
    receipts = tuple(
        ReceiptInput(r.number, query_weight(r.fee_wei, DEV_POLICY.platform_ppm), r.features or ())
        for r in plan.receipts
    )
    request = QueriesRequest(ArtifactId(economy.trained.index.index), receipts)
    asked = queries(economy.store, request)
    name, root = asked.queries, asked.queries_root
    if forges:
        honest = read_queries(economy.store, name)
        vectors = honest.vectors.copy()
        vectors[FORGED] = np.roll(vectors[FORGED], 1)
        forged = Queries(vectors, honest.numbers, honest.weights)
        name, root = economy.store.put(encode_queries(forged)), forged.root()
    settlement_id = await send_settlement(economy, plan, name, root, provider)
    post = await right_post(economy, name, provider, settlement_id)
    return plan, await send_post(economy, post, provider)


def of_customer(economy: Economy) -> tuple[QueryCases, Challenger]:
    """Who contests, and by whose key."""
    ethereum, account = Ethereum(economy.node), dev_account(CUSTOMER)
    cases = QueryCases(economy.reader, Documents(economy.reader, [economy.store]))
    return cases, Challenger(economy.reader, Sender(ethereum, account), account)
