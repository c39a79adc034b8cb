"""What a provider must do next about receipts it wants paid: one pure decision over record and chain.

The life of a settlement: compute queries → `settle` → score → `post` → challenge window → `finalize`.

Invariants, held by `decide`:
1. Nothing is sent that the chain shows as done: every step is recognised from chain state, so a restart
   neither loses nor repeats one.
2. A post names the carry it was computed for, and the chain refuses it where there is less: a changed carry
   means scoring again. One post of ours per model is open at a time; strangers' are not waited for, or who
   always has one open could hold ours back until a late fee is due.
3. A post that was voided, whoever signed it, is followed by our own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from genesis.addresses import INFERENCE_METERING
from genesis.commitments import KIND_RECEIPTS, SumNode, sum_leaf, sum_tree_id, sum_tree_layers
from genesis.types import Address, Hash32
from openledger_node.client.economy import POST_FINAL, POST_PENDING
from openledger_node.client.retrieval_shares import SharedLeaves
from precompiles.views.attribution import Post
from workers.artifacts import canonical_json
from workers.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class PaidReceipt:
    """A receipt as settlement needs it; `features` is the private input, None once settled before.

    `response` are a language model's output tokens, as private as the input.
    """

    number: int
    receipt_hash: Hash32
    fee_wei: int
    features: tuple[int, ...] | None
    response: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class AgreedRetrieval:
    """What retrieved records get of a settlement, with the voucher key's signature of it."""

    shares: tuple[SharedLeaves, ...]
    signature: bytes


@dataclass(frozen=True, slots=True)
class SettlementPlan:
    """Receipts `first_receipt` to `receipt_count - 1` of a channel, under the payer's newest voucher.

    `receipts` holds all of the channel's, from number 0, because the signed root spans them.
    """

    channel_id: Hash32
    model_id: int
    feature_index: int
    policy_version: int
    first_receipt: int
    receipt_count: int
    cumulative_fee_wei: int
    receipts_root: Hash32
    signature: bytes
    receipts: tuple[PaidReceipt, ...]
    hold_post_s: int = 0
    """Seconds after settling that the provider lets others post first; 0 in normal operation."""
    retrieval: AgreedRetrieval | None = None

    @property
    def key(self) -> str:
        """Names the plan: a channel is settled once per receipt count."""
        return f"{self.channel_id.hex()}-{self.receipt_count}"


@dataclass(frozen=True, slots=True)
class SettlementProgress:
    """What is done so far; absent parts are None, 0 or empty. `transactions` maps step to hash."""

    queries: str = ""
    queries_root: Hash32 | None = None
    uri: str = ""
    settlement_id: int = 0
    settled_at_s: int = 0
    pool_wei: int = 0
    attribution: Mapping[str, Any] | None = None
    """An `AttributionResult` as JSON."""
    carry_wei: int = 0
    """The carry that `attribution` was computed with."""
    post_id: int = 0
    final: bool = False
    error: str = ""
    transactions: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ChainView:
    """What the chain says about one settlement now. Times are block timestamps in seconds."""

    now_s: int
    settled_receipts: int
    settlement_id: int
    """The settlement with this plan's receipts root, 0 when there is none."""
    post_id: int
    """The post that covers the settlement, 0 when there is none."""
    post: Post | None
    carry_wei: int
    """What a post of the settlement takes of what waits for the model."""
    has_open_post: bool
    """Whether a post of ours on the model is still open."""


class Step(StrEnum):
    """What to do next."""

    COMPUTE_QUERIES = "compute_queries"
    SETTLE = "settle"
    ADOPT_SETTLEMENT = "adopt_settlement"
    GIVE_UP = "give_up"
    COMPUTE_ATTRIBUTION = "compute_attribution"
    POST = "post"
    ADOPT_POST = "adopt_post"
    FINALIZE = "finalize"
    CLOSE = "close"
    WAIT = "wait"
    STOP = "stop"


def decide(plan: SettlementPlan, progress: SettlementProgress, view: ChainView) -> Step:
    """The next step; WAIT when only time or somebody else can move it."""
    if progress.final or progress.error:
        return Step.STOP
    if progress.settlement_id == 0:
        return _before_settlement(plan, progress, view)
    if view.post is not None and view.post.status == POST_FINAL:
        return Step.CLOSE
    if view.post is not None and view.post.status == POST_PENDING:
        if view.post_id != progress.post_id:
            return Step.ADOPT_POST
        return Step.FINALIZE if view.now_s > view.post.contestable_until_s else Step.WAIT
    return _before_post(plan, progress, view)


def _before_settlement(plan: SettlementPlan, progress: SettlementProgress, view: ChainView) -> Step:
    if view.settlement_id != 0:
        return Step.ADOPT_SETTLEMENT
    if view.settled_receipts > plan.first_receipt:
        return Step.GIVE_UP
    if progress.queries_root is None:
        return Step.COMPUTE_QUERIES
    if view.settled_receipts < plan.first_receipt:
        return Step.WAIT
    return Step.SETTLE


def _before_post(plan: SettlementPlan, progress: SettlementProgress, view: ChainView) -> Step:
    if not progress.queries:
        return Step.COMPUTE_QUERIES
    first_try = progress.post_id == 0
    if first_try and view.now_s < progress.settled_at_s + plan.hold_post_s:
        return Step.WAIT
    if view.has_open_post:
        return Step.WAIT
    if progress.attribution is None or progress.carry_wei != view.carry_wei:
        return Step.COMPUTE_ATTRIBUTION
    return Step.POST


def receipts_root_children(plan: SettlementPlan, chain_id: int) -> tuple[SumNode, SumNode]:
    """The two children of the signed root, which prove its total to `settle`."""
    tree_id = sum_tree_id(KIND_RECEIPTS, chain_id, INFERENCE_METERING, int.from_bytes(plan.channel_id, "big"))
    leaves = [sum_leaf(tree_id, r.number, r.receipt_hash, r.fee_wei) for r in plan.receipts]
    left, right = sum_tree_layers(leaves)[-2]
    return left, right


def settlement_document(plan: SettlementPlan, chain_id: int, queries: str) -> dict[str, Any]:
    """What `settle` publishes under its URI: enough to check every weight and query root, nothing private."""
    shared = {} if plan.retrieval is None else {"retrieval": shares_to_json(plan.retrieval.shares)}
    return shared | {
        "format": SETTLEMENT_FORMAT,
        "chain_id": chain_id,
        "channel_id": f"0x{plan.channel_id.hex()}",
        "first_receipt": plan.first_receipt,
        "receipts": [
            {"receipt_hash": f"0x{r.receipt_hash.hex()}", "fee_wei": str(r.fee_wei)} for r in plan.receipts
        ],
        "queries": queries,
    }


def shares_to_json(shares: Sequence[SharedLeaves]) -> list[dict[str, Any]]:
    """What retrieved records get, as it is published; amounts are decimal strings in wei."""
    return [
        {
            "datanet": each.datanet_id,
            "version": each.version,
            "leaves": [[f"0x{contributor.hex()}", str(wei)] for contributor, wei in each.leaves],
        }
        for each in shares
    ]


def shares_from_json(data: Any) -> tuple[SharedLeaves, ...]:
    """The inverse of `shares_to_json`; raises KeyError, TypeError, ValueError."""
    return tuple(
        SharedLeaves(
            int(each["datanet"]),
            int(each["version"]),
            tuple((Address(bytes.fromhex(who[2:])), int(wei)) for who, wei in each["leaves"]),
        )
        for each in data
    )


def read_shares(document: bytes) -> tuple[SharedLeaves, ...]:
    """What a settlement's document says of retrieved records; raises InvalidInputError."""
    try:
        return shares_from_json(canonical_json.decode(document).get("retrieval", []))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InvalidInputError(f"the settlement's document cannot be read: {error}") from error


SETTLEMENT_FORMAT = "openledger-settlement/1"
