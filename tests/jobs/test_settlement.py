"""The settlement decision: a whole life in order, from every point it may have stopped at."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis.addresses import INFERENCE_METERING
from genesis.commitments import KIND_RECEIPTS, sum_leaf, sum_node, sum_tree_id, sum_tree_root
from genesis.types import Address, Hash32
from openledger_node.client.economy import POST_FINAL, POST_PENDING, POST_VOID
from openledger_node.jobs.settlement import (
    ChainView,
    PaidReceipt,
    SettlementPlan,
    SettlementProgress,
    Step,
    decide,
    receipts_root_children,
    settlement_document,
)
from precompiles.views.attribution import Post

HASH = Hash32(b"\x01" * 32)
PLAN = SettlementPlan(
    channel_id=HASH,
    model_id=1,
    feature_index=1,
    policy_version=1,
    first_receipt=2,
    receipt_count=5,
    cumulative_fee_wei=50,
    receipts_root=HASH,
    signature=b"",
    receipts=(),
)
NEW = SettlementProgress()
QUERIED = replace(NEW, queries="q", queries_root=HASH)
SETTLED = replace(QUERIED, settlement_id=3, settled_at_s=100, pool_wei=10)
SCORED = replace(SETTLED, attribution={}, carry_wei=7)
POSTED = replace(SCORED, post_id=4)


def post(status: int) -> Post:
    return Post(1, 1, Address(bytes(20)), HASH, HASH, 5, 10, 7, 200, status, Address(bytes(20)))


VIEW = ChainView(
    now_s=110,
    settled_receipts=2,
    settlement_id=0,
    post_id=0,
    post=None,
    carry_wei=7,
    has_open_post=False,
)
AFTER = replace(VIEW, settled_receipts=5, settlement_id=3)
PENDING = replace(AFTER, post_id=4, post=post(POST_PENDING))


@pytest.mark.parametrize(
    ("progress", "view", "step"),
    [
        (NEW, VIEW, Step.COMPUTE_QUERIES),
        (QUERIED, VIEW, Step.SETTLE),
        (QUERIED, replace(VIEW, settled_receipts=0), Step.WAIT),
        (QUERIED, AFTER, Step.ADOPT_SETTLEMENT),
        (NEW, replace(VIEW, settled_receipts=3), Step.GIVE_UP),
        (QUERIED, replace(AFTER, settlement_id=0), Step.GIVE_UP),
        (SETTLED, AFTER, Step.COMPUTE_ATTRIBUTION),
        (SETTLED, replace(AFTER, has_open_post=True), Step.WAIT),
        (SCORED, AFTER, Step.POST),
        (SCORED, replace(AFTER, carry_wei=8), Step.COMPUTE_ATTRIBUTION),
        (SCORED, PENDING, Step.ADOPT_POST),
        (POSTED, PENDING, Step.WAIT),
        (POSTED, replace(PENDING, now_s=200), Step.WAIT),
        (POSTED, replace(PENDING, now_s=201), Step.FINALIZE),
        (POSTED, replace(AFTER, post_id=4, post=post(POST_FINAL)), Step.CLOSE),
        (POSTED, replace(AFTER, post_id=4, post=post(POST_VOID)), Step.POST),
        (POSTED, AFTER, Step.POST),
        (replace(POSTED, final=True), PENDING, Step.STOP),
        (replace(SETTLED, error="no index"), AFTER, Step.STOP),
    ],
)
def test_every_station(progress: SettlementProgress, view: ChainView, step: Step) -> None:
    assert decide(PLAN, progress, view) is step


def test_a_held_post_waits_but_answers_a_voided_one_at_once() -> None:
    held = replace(PLAN, hold_post_s=30)
    assert decide(held, SCORED, AFTER) is Step.WAIT
    assert decide(held, SCORED, replace(AFTER, now_s=130)) is Step.POST
    assert decide(held, POSTED, AFTER) is Step.POST


@given(st.lists(st.integers(0, 2**100), min_size=1, max_size=20))
def test_the_children_prove_the_total(fees: list[int]) -> None:
    receipts = tuple(PaidReceipt(n, Hash32(bytes([n]) * 32), fee, (1,)) for n, fee in enumerate(fees))
    left, right = receipts_root_children(replace(PLAN, receipts=receipts), 31338)
    tree = sum_tree_id(KIND_RECEIPTS, 31338, INFERENCE_METERING, int.from_bytes(HASH, "big"))
    leaves = [sum_leaf(tree, r.number, r.receipt_hash, r.fee_wei) for r in receipts]
    assert sum_node(left, right) == sum_tree_root(leaves)


def test_the_published_document_holds_nothing_private() -> None:
    receipts = (PaidReceipt(0, HASH, 5, (1, 2, 3)),)
    document = settlement_document(replace(PLAN, receipts=receipts), 31338, "ab")
    assert document["receipts"] == [{"receipt_hash": "0x" + "01" * 32, "fee_wei": "5"}]
