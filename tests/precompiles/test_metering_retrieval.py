"""Retrieved records: paid where payer, provider and model owner agree, each leaf once, nothing lost."""

from dataclasses import replace
from typing import Any

import pytest

from genesis.addresses import ATTRIBUTION, DATANET_REGISTRY, INFERENCE_METERING, MODEL_REGISTRY
from genesis.shares import PPM
from genesis.typed_data import RetrievalShare
from precompiles import metering_interface as law
from precompiles.checks import INVALID_ARGUMENT
from precompiles.views.metering import SettleOrder
from tests.precompiles.calls import UNIT, event, number
from tests.precompiles.retrieval_scene import RetrievalScene
from tests.precompiles.scene import FEES_WEI, HASH
from tests.precompiles.world import NativeMachine, TwinMachine


@pytest.fixture(params=[NativeMachine, TwinMachine])
def scene(request: pytest.FixtureRequest) -> RetrievalScene:
    return RetrievalScene(request.param)


def test_the_shares_leave_the_pool_and_stay_until_they_are_claimed(scene: RetrievalScene) -> None:
    limit = scene.limit()
    tree = scene.tree([limit - 5 * 10**13, 5 * 10**13])
    arguments = scene.arguments(scene.share(tree))
    outcome = scene.do(scene.provider, INFERENCE_METERING, "settleWithRetrieval", *arguments)
    assert outcome.logs[-1][1][0] == event(INFERENCE_METERING, "RetrievalSettled").topic
    whole = limit * PPM // scene.policy.retrieval_ppm
    pool = scene.pool_of(1)
    assert whole <= pool + limit < whole + 10
    assert scene.machine.balance(ATTRIBUTION) - scene.read(ATTRIBUTION, "auditFund") == pool
    root = int.from_bytes(tree.root.hash, "big")
    fields = scene.fields(INFERENCE_METERING, "getRetrieval", 1)
    assert fields == [1, scene.facts, 1, 2, root, limit, 0]
    before = scene.machine.balance(scene.contributors[0]), scene.machine.balance(INFERENCE_METERING)
    scene.do(scene.stranger, INFERENCE_METERING, "claimRetrieval", *scene.claim_arguments_of(tree, 0))
    paid = limit - 5 * 10**13
    assert scene.machine.balance(scene.contributors[0]) == before[0] + paid
    assert scene.machine.balance(INFERENCE_METERING) == before[1] - paid
    scene.do(scene.stranger, INFERENCE_METERING, "claimRetrieval", *scene.claim_arguments_of(tree, 1))
    dust_owner = scene.contributors[1]
    assert scene.read(INFERENCE_METERING, "earningsOf", dust_owner) == 5 * 10**13, "below the minimum"
    assert scene.fields(INFERENCE_METERING, "getRetrieval", 1)[6] == limit
    scene.do(dust_owner, INFERENCE_METERING, "withdrawEarnings", dust_owner)
    for position in (0, 1):
        assert scene.fields(INFERENCE_METERING, "isRetrievalClaimed", 1, position) == [1]
        again = scene.claim_arguments_of(tree, position)
        refused = scene.refuse(scene.stranger, INFERENCE_METERING, "claimRetrieval", *again)
        assert refused == law.ALREADY_CLAIMED(1, position).data


def test_settling_without_shares_is_as_before(scene: RetrievalScene) -> None:
    scene.settle(scene.channel_id)
    assert scene.machine.balance(ATTRIBUTION) - scene.read(ATTRIBUTION, "auditFund") == scene.pool_of(1)
    refused = scene.refuse(scene.stranger, INFERENCE_METERING, "getRetrieval", 1)
    assert refused == law.RETRIEVAL_NOT_FOUND(1).data


def test_the_policys_part_is_the_most(scene: RetrievalScene) -> None:
    limit = scene.limit()
    above = scene.share(scene.tree([limit, 1]))
    assert scene.refused(*scene.arguments(above)) == law.RETRIEVAL_ABOVE_LIMIT(limit + 1, limit).data
    scene.do(scene.owner, DATANET_REGISTRY, "publishVersion", scene.facts)
    first = scene.share(scene.tree([limit]))
    second = scene.share(scene.tree([1], version=2), version=2)
    refused = scene.refused(*scene.arguments(first, second))
    assert refused == law.RETRIEVAL_ABOVE_LIMIT(limit + 1, limit).data


def test_three_have_to_agree(scene: RetrievalScene) -> None:
    share = scene.share(scene.tree([5, 7]))
    invalid = law.INVALID_SIGNATURE().data
    assert scene.refused(*scene.arguments(share), sender=scene.payer) == (
        law.NOT_PROVIDER(scene.payer.address).data
    )
    assert scene.refused(*scene.arguments(share, signer=scene.provider)) == invalid
    assert scene.refused(*scene.arguments(share, chain_id=1)) == invalid
    order, shares, signature = scene.arguments(share)
    richer = (replace(share, amount_wei=13),)
    assert scene.refused(order, richer, signature) == invalid
    scene.do(scene.owner, MODEL_REGISTRY, "setRetrieval", scene.model_id, scene.facts, False)
    not_allowed = law.RETRIEVAL_NOT_ALLOWED(scene.model_id, scene.facts).data
    assert scene.refused(order, shares, signature) == not_allowed
    scene.key = scene.provider
    own = scene.open_channel()
    scene.channel_id = own
    assert scene.refused(*scene.arguments(share)) == INVALID_ARGUMENT(b"voucherKey").data


def test_shares_are_signed_for_one_settlement(scene: RetrievalScene) -> None:
    """Signed for receipts 0 to 2; two of them are settled first, so it is for others."""
    order, shares, signature = scene.arguments(scene.share(scene.tree([5, 7])))
    scene.settle(scene.channel_id, FEES_WEI[:2])
    assert scene.refused(order, shares, signature) == law.INVALID_SIGNATURE().data
    scene.settle(scene.channel_id)
    assert scene.refused(order, shares, signature) == law.STALE_VOUCHER(3).data
    other = scene.open_channel()
    elsewhere = SettleOrder(*scene.settle_arguments(other))
    assert scene.refused(elsewhere, shares, signature) == law.INVALID_SIGNATURE().data


def test_shares_have_rules(scene: RetrievalScene) -> None:
    tree = scene.tree([5, 7])
    share = scene.share(tree)
    cases: tuple[tuple[tuple[RetrievalShare, ...], bytes], ...] = (
        ((), b"shares"),
        ((share,) * 17, b"shares"),
        ((share, share), b"shares"),
        ((replace(share, contributors=0),), b"contributors"),
        ((replace(share, amount_wei=0),), b"amount"),
        ((replace(share, amount_wei=10**27 + 1),), b"amount"),
        ((replace(share, version=0),), b"version"),
        ((replace(share, version=2),), b"version"),
    )
    for shares, name in cases:
        assert scene.refused(*scene.arguments(*shares)) == INVALID_ARGUMENT(name).data, name


def test_only_the_leaf_is_paid_and_to_a_contributor_of_the_version(scene: RetrievalScene) -> None:
    tree = scene.tree([10**15, 2 * 10**15, 3 * 10**15])
    scene.settle_shares(scene.share(tree))
    right = scene.claim_arguments_of(tree, 0)

    def refused(**changed: Any) -> bytes:
        names = ("id", "index", "contributor", "amount", "siblings", "sums", "membership")
        arguments = dict(zip(names, right, strict=True)) | changed
        return scene.refuse(scene.stranger, INFERENCE_METERING, "claimRetrieval", *arguments.values())

    amount = law.INVALID_PROOF(b"amount").data
    assert refused(id=2) == law.RETRIEVAL_NOT_FOUND(2).data
    assert refused(index=3) == INVALID_ARGUMENT(b"contributorIndex").data
    assert refused(index=1) == amount
    assert refused(amount=right[3] + 1) == amount
    assert refused(contributor=scene.stranger.address) == amount
    assert refused(siblings=right[4][:-1]) == amount
    assert refused(sums=(2**256 - 1, *right[5][1:])) == amount
    wrong = law.INVALID_PROOF(b"contributor").data
    assert refused(membership=scene.membership(1)) == wrong, "somebody else's contribution"
    for field in ("position", "contribution_id", "first_record"):
        value = getattr(right[6], field) + 1
        assert refused(membership=replace(right[6], **{field: value})) == wrong, field
    late = (1, 2, scene.contributors[2], 3 * 10**15, *tree.siblings(2), replace(right[6], position=2))
    assert scene.refuse(scene.stranger, INFERENCE_METERING, "claimRetrieval", *late) == wrong, "not in it"
    scene.do(scene.stranger, INFERENCE_METERING, "claimRetrieval", *right)


@pytest.mark.parametrize("part", ["channel", "first", "count", "datanet", "version", "chain"])
def test_a_leaf_belongs_to_one_tree(scene: RetrievalScene, part: str) -> None:
    """A tree whose leaves name something else can be signed, and pays nothing."""
    tree = scene.tree([10**15, 10**15], **{part: 77})
    scene.settle_shares(scene.share(tree))
    arguments = scene.claim_arguments_of(tree, 0)
    refused = scene.refuse(scene.stranger, INFERENCE_METERING, "claimRetrieval", *arguments)
    assert refused == law.INVALID_PROOF(b"amount").data


def test_an_adapters_share_is_of_its_own_pool(scene: RetrievalScene) -> None:
    """What passes to the parent is the parent's owner's to give."""
    share_ppm = scene.policy.parent_share_ppm
    base_pool = scene.limit() * PPM // scene.policy.retrieval_ppm
    arguments = (HASH, scene.model_id, HASH, (), (), b"uri")
    scene.model_id = number(scene.do(scene.owner, MODEL_REGISTRY, "registerModel", *arguments))
    scene.do(scene.owner, MODEL_REGISTRY, "setPrice", scene.model_id, UNIT, UNIT)
    scene.commit_index(scene.model_id)
    scene.wait(scene.policy.index_window_s)
    scene.do(scene.owner, MODEL_REGISTRY, "setRetrieval", scene.model_id, scene.facts, True)
    scene.channel_id = scene.open_channel()
    most = (base_pool - base_pool * share_ppm // PPM) * scene.policy.retrieval_ppm // PPM
    above = scene.arguments(scene.share(scene.tree([most + 1, 1])))
    assert scene.refused(*above)[:4] == law.RETRIEVAL_ABOVE_LIMIT(0, 0).data[:4]
    scene.settle_shares(scene.share(scene.tree([most - 1, 1])))
