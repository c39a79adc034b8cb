"""Whatever is signed or committed counts once, and only where it was meant: a matrix of things and bindings.

A row is a genuine call and the same call with one binding changed. The changed one is refused and moves
nothing; then the genuine one goes through, so that it was the binding that was refused.
Covered: vouchers, shares for retrieved records and claims of them, claims, claim orders, posts, challenges,
answers to requests, record proofs, bought usage;
across chain, Datanet, model, provider, payer, channel, post, job and time.
Not covered here: deposits and withdrawals (`test_conservation`, `tests/contracts/test_conservation.py`),
disputes (`test_replay_disputes`).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest

from genesis.addresses import (
    ATTRIBUTION,
    CALLBACK_CALLER,
    DATANET_REGISTRY,
    INFERENCE_METERING,
    MODEL_REGISTRY,
)
from genesis.commitments import contribution_leaf, merkle_layers, merkle_proof, sum_leaf
from genesis.spec import MAINNET_L2_CHAIN_ID
from genesis.typed_data import claim_digest
from genesis.types import Address, Hash32
from precompiles.views.attribution import VOID, ClaimOrder
from precompiles.views.metering import SettleOrder
from tests.precompiles.calls import UNIT, Account, number
from tests.precompiles.evidence import Posted
from tests.precompiles.retrieval_scene import RetrievalScene
from tests.precompiles.scene import FEES_WEI, HASH, Scene
from tests.precompiles.world import NativeMachine, Outcome

ELSEWHERE = Address(b"\x99" * 20)
PLENTY_S = 1_000_000


@dataclass(frozen=True)
class Attempt:
    """One call, not made yet."""

    sender: Account | Address
    target: Address
    name: str
    arguments: tuple[Any, ...]
    value_wei: int = 0

    def on(self, scene: Scene) -> Outcome:
        return scene.attempt(self.sender, self.target, self.name, *self.arguments, value_wei=self.value_wei)


Row = tuple[Attempt, Attempt]
"""What is genuine, and the same with one binding changed."""


class Street(RetrievalScene):
    """Two of everything that a signature or proof could be carried over to."""

    def __init__(self, machine_type: Any = NativeMachine) -> None:
        super().__init__(machine_type=machine_type)
        self.rival, self.other_payer = Account(17), Account(18)
        for account in (self.rival, self.other_payer):
            self.machine.fund(account.address, 100_000 * UNIT)
        self.stake(self.rival)
        self.second_channel = self.open_channel()
        self.rivals_channel = self._opened(self.payer, self.rival, self.model_id)
        self.other_payers_channel = self._opened(self.other_payer, self.provider, self.model_id)
        first = (self.model_id, self.index_id, self.index)
        self.other_model = self.model()
        self.other_models_channel = self._opened(self.payer, self.provider, self.other_model)
        self.model_id, self.index_id, self.index = first

    def _opened(self, payer: Account, provider: Account, model_id: int) -> Hash32:
        """A channel whose vouchers are signed with the same key."""
        arguments = (provider.address, model_id, self.key.address)
        outcome = self.do(payer, INFERENCE_METERING, "openChannel", *arguments, value_wei=100 * UNIT)
        assert outcome.data is not None
        return Hash32(outcome.data)

    def final_post(self, settlement_id: int) -> tuple[int, Posted]:
        posted = self.prepare_post([settlement_id])
        post_id = self.send_post(posted)
        self.wait(self.policy.post_window_s + 1)
        self.do(self.stranger, ATTRIBUTION, "finalize", post_id)
        return post_id, posted


def state(scene: Scene) -> tuple[Any, ...]:
    """All the money and storage there is."""
    words = {address: dict(slots) for address, slots in scene.native.words.items()}
    return dict(scene.native.balances), words


# --- Vouchers ---------------------------------------------------------------------------------------------


def voucher(scene: Street, change: str) -> Row:
    arguments = scene.settle_arguments(scene.channel_id)
    genuine = Attempt(scene.provider, INFERENCE_METERING, "settle", arguments)
    channels = {
        "channel": scene.second_channel,
        "provider": scene.rivals_channel,
        "payer": scene.other_payers_channel,
        "model": scene.other_models_channel,
    }
    if change in channels:
        sender = scene.rival if change == "provider" else scene.provider
        return genuine, replace(genuine, sender=sender, arguments=(channels[change], *arguments[1:]))
    if change == "chain":
        changed = scene.settle_arguments(scene.channel_id, chain_id=MAINNET_L2_CHAIN_ID)
    elif change == "receipts":
        other = scene.settle_arguments(scene.channel_id, fees_wei=(6 * UNIT, 6 * UNIT + 1, 3))
        changed = (*arguments[:3], other[3], arguments[4], *other[5:])
    else:
        changed = scene.settle_arguments(scene.channel_id, signer=scene.stranger)
    return genuine, replace(genuine, arguments=changed)


def shares(scene: Street, change: str) -> Row:
    order, signed, signature = scene.arguments(scene.share(scene.tree([5, 7])))
    genuine = Attempt(scene.provider, INFERENCE_METERING, "settleWithRetrieval", (order, signed, signature))
    channels = {
        "channel": scene.second_channel,
        "provider": scene.rivals_channel,
        "payer": scene.other_payers_channel,
    }
    if change in channels:
        elsewhere = SettleOrder(*scene.settle_arguments(channels[change]))
        sender = scene.rival if change == "provider" else scene.provider
        return genuine, replace(genuine, sender=sender, arguments=(elsewhere, signed, signature))
    if change == "chain":
        _, _, signature = scene.arguments(*signed, chain_id=MAINNET_L2_CHAIN_ID)
    elif change == "signer":
        _, _, signature = scene.arguments(*signed, signer=scene.stranger)
    elif change == "receipts":
        order = SettleOrder(*scene.settle_arguments(scene.channel_id, fees_wei=(*FEES_WEI, UNIT)))
    else:
        signed = (replace(signed[0], amount_wei=13),)
    return genuine, replace(genuine, arguments=(order, signed, signature))


# --- Claims -----------------------------------------------------------------------------------------------


def shared(scene: Street, change: str) -> Row:
    tree = scene.tree([10**15, 2 * 10**15])
    scene.settle_shares(scene.share(tree))
    first, scene.channel_id = scene.channel_id, scene.second_channel
    scene.settle_shares(scene.share(scene.tree([10**15, 2 * 10**15])))
    scene.channel_id = first
    arguments = scene.claim_arguments_of(tree, 0)
    places: dict[str, tuple[int, Any]] = {
        "settlement": (0, 2),
        "place": (1, 1),
        "contributor": (2, scene.contributors[1]),
        "amount": (3, arguments[3] - 1),
        "contribution": (6, scene.membership(1)),
    }
    place, value = places[change]
    changed = (*arguments[:place], value, *arguments[place + 1 :])
    genuine = Attempt(scene.stranger, INFERENCE_METERING, "claimRetrieval", arguments)
    return genuine, replace(genuine, arguments=changed)


def claim(scene: Street, change: str) -> Row:
    post_id, posted = scene.final_post(scene.settle(scene.channel_id))
    other_id, _ = scene.final_post(scene.settle(scene.second_channel))
    arguments = scene.claim_arguments(post_id, posted, 0)
    places: dict[str, tuple[int, Any]] = {
        "post": (0, other_id),
        "place": (1, 1),
        "contributor": (2, posted.index.contributors[1]),
        "amount": (3, arguments[3] - 1),
        "recipient": (6, ELSEWHERE),
    }
    place, value = places[change]
    changed = (*arguments[:place], value, *arguments[place + 1 :])
    genuine = Attempt(scene.stranger, ATTRIBUTION, "claim", arguments)
    return genuine, replace(genuine, arguments=changed)


def order(scene: Street, change: str) -> Row:
    post_id, posted = scene.final_post(scene.settle(scene.channel_id))
    other_id, _ = scene.final_post(scene.settle(scene.second_channel))
    until_s = scene.machine.moment.timestamp_s + PLENTY_S
    signed = ClaimOrder(post_id, 0, posted.index.contributors[0], ELSEWHERE, until_s)
    fields = (signed.post_id, signed.contributor_index, signed.contributor, signed.recipient)
    chain_id = MAINNET_L2_CHAIN_ID if change == "chain" else scene.native.chain_id
    right, other = (
        Account(21).sign(claim_digest(*fields, until_s, each)) for each in (scene.native.chain_id, chain_id)
    )
    changes: dict[str, Any] = {
        "chain": {},
        "post": {"post_id": other_id},
        "place": {"contributor_index": 1},
        "contributor": {"contributor": posted.index.contributors[1]},
        "recipient": {"recipient": scene.stranger.address},
        "time": {"deadline_s": until_s + 1},
    }
    proof = (posted.amounts.leaves[0][1], *posted.amounts.siblings(0))
    genuine = Attempt(scene.stranger, ATTRIBUTION, "claimFor", (signed, *proof, right))
    moved = replace(signed, **changes[change])
    return genuine, replace(genuine, arguments=(moved, *proof, other))


# --- Posts and challenges ---------------------------------------------------------------------------------


def challenge(scene: Street, change: str) -> Row:
    """A right challenge of a wrong post."""
    wrong = [_wrong_post(scene, each) for each in (scene.channel_id, scene.second_channel)]
    (post_id, posted), (other_id, other) = wrong
    scene.commit(post_id)
    arguments = scene.score_challenge(post_id, posted, 0)
    genuine = Attempt(scene.validator, ATTRIBUTION, "challengeScore", arguments)
    if change == "account":
        return genuine, replace(genuine, sender=scene.stranger)
    if change == "post":
        return genuine, replace(genuine, arguments=scene.score_challenge(other_id, other, 0))
    salt = Hash32(b"\x22" * 32)
    return genuine, replace(genuine, arguments=(arguments[0], salt, *arguments[2:]))


def _wrong_post(scene: Street, channel_id: Hash32) -> tuple[int, Posted]:
    posted = scene.prepare_post([scene.settle(channel_id)])
    key, score = posted.scores[0].leaves[0]
    tree = posted.scores[0]
    tree.leaves[0] = (key, score + 1)
    tree.nodes[0] = sum_leaf(tree.id, 0, key, score + 1)
    scene.reclaim(posted)
    return scene.send_post(posted), posted


# --- Requests ---------------------------------------------------------------------------------------------


def answer(scene: Street, change: str) -> Row:
    request_id, other_id = _asked(scene, scene.provider), _asked(scene, scene.rival)
    arguments = (request_id, HASH, 1_000, 1_000, HASH, b"sha256:66")
    genuine = Attempt(scene.provider, INFERENCE_METERING, "fulfil", arguments)
    if change == "provider":
        return genuine, replace(genuine, sender=scene.rival)
    return genuine, replace(genuine, arguments=(other_id, *arguments[1:]))


def payout(scene: Street, change: str) -> Row:
    """What an answer is paid, refunded or delivered by."""
    request_id = _asked(scene, scene.provider)
    arguments = (request_id, HASH, 1_000, 1_000, HASH, b"sha256:66")
    scene.do(scene.provider, INFERENCE_METERING, "fulfil", *arguments)
    if change == "caller":
        delivered = Attempt(CALLBACK_CALLER, INFERENCE_METERING, "markDelivered", (request_id, ELSEWHERE))
        return delivered, replace(delivered, sender=scene.stranger)
    scene.wait(scene.policy.request_window_s + 1)
    genuine = Attempt(scene.stranger, INFERENCE_METERING, "settleRequest", (request_id,))
    if change == "refund":
        return genuine, replace(genuine, name="refundRequest")
    return genuine, replace(genuine, arguments=(_asked(scene, scene.rival),))


def _asked(scene: Street, provider: Account) -> int:
    arguments = (scene.model_id, provider.address, HASH, 100, 50_000, UNIT, b"sha256:55")
    return number(
        scene.do(scene.payer, INFERENCE_METERING, "requestInference", *arguments, value_wei=20 * UNIT)
    )


# --- Data -------------------------------------------------------------------------------------------------


def record(scene: Street, change: str) -> Row:
    """A proof that a record is in a version."""
    leaves = [HASH, Hash32(b"\x12" * 32)]
    datanet_id, other_id = scene.datanet(), scene.datanet()
    numbers = [_accepted(scene, each, leaves) for each in (datanet_id, other_id)]
    contribution_id, block = numbers[0]
    leaf = contribution_leaf(
        contribution_id=contribution_id,
        contributor=scene.contributors[0],
        root=merkle_layers(leaves)[-1][0],
        records=len(leaves),
        first_record=0,
        commit_block=block,
    )
    versions = merkle_proof(merkle_layers([leaf]), 0)
    proof = merkle_proof(merkle_layers(leaves), 1)
    arguments = (datanet_id, 1, 0, contribution_id, 0, versions, leaves[1], 1, proof)
    places: dict[str, tuple[int, Any]] = {
        "datanet": (0, other_id),
        "version": (1, 2),
        "contribution": (3, numbers[1][0]),
        "record": (6, leaves[0]),
        "place": (7, 0),
    }
    place, value = places[change]
    genuine = Attempt(scene.stranger, DATANET_REGISTRY, "verifyRecord", arguments)
    return genuine, replace(genuine, arguments=(*arguments[:place], value, *arguments[place + 1 :]))


def _accepted(scene: Street, datanet_id: int, leaves: list[Hash32]) -> tuple[int, int]:
    """A contribution in version 1, and its commit's block."""
    block = scene.machine.moment.block_number
    contribution_id = scene.contribution(datanet_id, scene.contributors[0], leaves)
    scene.do(scene.owner, DATANET_REGISTRY, "review", contribution_id, True, 9_000)
    scene.do(scene.owner, DATANET_REGISTRY, "publishVersion", datanet_id)
    return contribution_id, block


def usage(scene: Street, change: str) -> Row:
    """A bought right to train."""
    priced, other = scene.published_datanet(usage=2), scene.published_datanet(usage=2)
    for each in (priced, other):
        scene.do(scene.owner, DATANET_REGISTRY, "setUsage", each, 2, UNIT)
    scene.do(scene.payer, DATANET_REGISTRY, "buyUsage", priced, value_wei=UNIT)
    arguments = (HASH, 0, HASH, [priced], [1], b"sha256:22")
    genuine = Attempt(scene.payer, MODEL_REGISTRY, "registerModel", arguments)
    if change == "builder":
        return genuine, replace(genuine, sender=scene.stranger)
    return genuine, replace(genuine, arguments=(*arguments[:3], [other], *arguments[4:]))


Maker = Callable[[Street, str], Row]
MATRIX: dict[Maker, tuple[str, ...]] = {
    voucher: ("chain", "channel", "provider", "payer", "model", "receipts", "signer"),
    shares: ("chain", "channel", "provider", "payer", "receipts", "signer", "amount"),
    shared: ("settlement", "place", "contributor", "amount", "contribution"),
    claim: ("post", "place", "contributor", "amount", "recipient"),
    order: ("chain", "post", "place", "contributor", "recipient", "time"),
    challenge: ("account", "post", "salt"),
    answer: ("provider", "request"),
    payout: ("refund", "request", "caller"),
    record: ("datanet", "version", "contribution", "record", "place"),
    usage: ("builder", "datanet"),
}
ROWS = [
    pytest.param(maker, change, id=f"{maker.__name__}-{change}")
    for maker, changes in MATRIX.items()
    for change in changes
]
ONCE = [
    pytest.param(maker, changes[0], id=maker.__name__)
    for maker, changes in MATRIX.items()
    if maker not in {record, usage}
]
"""Proofs and bought rights are for use as often as one likes."""


def refused(outcome: Outcome) -> bool:
    """Reverted with a reason, or a view's plain no."""
    return bool(outcome.data) and (not outcome.succeeded or not any(outcome.data or b""))


@pytest.mark.parametrize(("maker", "change"), ROWS)
def test_nothing_counts_where_it_was_not_meant(maker: Maker, change: str) -> None:
    scene = Street()
    genuine, changed = maker(scene, change)
    before = state(scene)
    assert refused(changed.on(scene))
    assert state(scene) == before
    assert not refused(genuine.on(scene))


@pytest.mark.parametrize(("maker", "change"), ONCE)
def test_nothing_counts_twice(maker: Maker, change: str) -> None:
    scene = Street()
    genuine, _ = maker(scene, change)
    assert not refused(genuine.on(scene))
    before = state(scene)
    assert refused(genuine.on(scene))
    assert state(scene) == before


def test_a_settlement_is_posted_once() -> None:
    scene = Street()
    posted = scene.prepare_post([scene.settle(scene.channel_id)])
    scene.send_post(posted)
    again = Attempt(posted.signer, ATTRIBUTION, "post", scene.post_arguments(posted))
    assert refused(again.on(scene))


# --- Copied posts -----------------------------------------------------------------------------------------


def another_settlement(scene: Street, posted: Posted) -> tuple[Posted, Account]:
    other = scene.settle(scene.second_channel)
    claims = tuple(replace(each, settlement_id=other) for each in posted.claims)
    return replace(posted, claims=claims), scene.provider


def another_signer(scene: Street, posted: Posted) -> tuple[Posted, Account]:
    scene.wait(scene.policy.post_delay_s + 1)
    return replace(posted, signer=scene.rival.address), scene.rival


def another_chain(_: Street, posted: Posted) -> tuple[Posted, Account]:
    return posted, Account(12)


@pytest.mark.parametrize("carry_over", [another_settlement, another_signer, another_chain])
def test_a_copied_post_pays_nobody_and_convicts_its_signer(
    carry_over: Callable[[Street, Posted], tuple[Posted, Account]],
) -> None:
    """Its roots are accepted as any are, but its leaves bind chain, settlement and signer: whoever looks at
    one proves it wrong, and no proof from the original claims anything."""
    elsewhere = carry_over is another_chain
    machine_type = partial(NativeMachine, chain_id=MAINNET_L2_CHAIN_ID) if elsewhere else NativeMachine
    scene = Street(machine_type)
    if elsewhere:
        scene.settle_arguments = partial(scene.settle_arguments, chain_id=MAINNET_L2_CHAIN_ID)  # type: ignore[method-assign] # the customer signs for that chain
    original = scene.prepare_post([scene.settle(scene.channel_id)])
    copied, signer = carry_over(scene, original)
    post_id = scene.send_post(copied)
    scene.commit(post_id)
    bare = scene.score_challenge(post_id, copied, 0, bare=True)
    scene.do(scene.validator, ATTRIBUTION, "challengeScore", *bare)
    assert scene.fields(ATTRIBUTION, "getPost", post_id)[9] == VOID
    assert scene.read(ATTRIBUTION, "slashedOf", signer.address) > 0
    claim_ = Attempt(scene.stranger, ATTRIBUTION, "claim", scene.claim_arguments(post_id, copied, 0))
    assert refused(claim_.on(scene))
