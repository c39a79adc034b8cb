"""Something is hidden: anybody demands the content of one committed hash, anybody shows it for the fee.

A demand names a tree and a place in it and shows all that was opened above, from the root down; what is
demanded is the content of the next hash: a node's children, a leaf, or 1,024 coordinates of a vector (at
most 16 KiB). Until it is over the post is not final and the index not usable. An answer keeps them
open to challenges for one reveal window more, so that what was shown late can still be contested. Without an
answer in the policy's demand window the post or index is void and its signer slashed; for the queries and
receipts of a settlement it is the settlement, and its provider.

Covered: everything under a post's, an index's and a settlement's roots. Not covered: files named by their
sha256 (the preconditioner, a model); what a receipt says under its hash, which provider and customer keep.
Source: protocol, section 3 "Challenges" (something is hidden).
"""

from dataclasses import replace

from genesis.addresses import ATTRIBUTION
from genesis.keccak import keccak256
from genesis.types import Hash32
from precompiles import gas
from precompiles.attribution_indexes import existing_index, void_index_by_default
from precompiles.attribution_interface import (
    DEMAND_ANSWERED,
    DEMAND_EXPIRED,
    DEMAND_NOT_FOUND,
    DEMANDED,
    INVALID_PROOF,
    WINDOW_CLOSED,
    WINDOW_OPEN,
    WRONG_BOND,
    WRONG_STATUS,
    Batches,
)
from precompiles.attribution_query_games import contestable_post
from precompiles.attribution_trees import Step, Tree, index_tree, post_tree, steps
from precompiles.attribution_verdict import guilty_of, void_by_default
from precompiles.checks import require
from precompiles.host import Host
from precompiles.slots import add_to_slot, store_struct, update_struct
from precompiles.views import attribution as view
from precompiles.views import disputes, models, policy
from precompiles.views.disputes import Demand, DemandPath

MAXIMUM_OPENED = 64
MAXIMUM_STEP_BYTES = 161
"""A row's leaf; what is above a demand is never longer."""


def demand_of_index(host: Host, index_id: int, path: DemandPath) -> int:
    """Demand content under a feature index, before it is usable, from its signer."""
    gas.charge(host, gas.ATTRIBUTION["demandOfIndex"], len(path.opened))
    index = existing_index(host, index_id)
    is_void = view.index_status(host, index_id) == view.INDEX_VOID
    if is_void or host.timestamp_s >= index.usable_at_s:
        raise WINDOW_CLOSED(index.usable_at_s)
    tree = index_tree(index, path.tree, path.position)
    key = view.INDEX_KEY + index_id
    found = Demand(key, 0, index.signer, host.caller, *_wanted(tree, path), 0, 0)
    return _begin(host, found, index.policy_version)


def demand_of_post(host: Host, post_id: int, batches: Batches, path: DemandPath) -> int:
    """Demand content under a post or one of its settlements, within the post's window, from who committed
    it."""
    gas.charge(host, gas.ATTRIBUTION["demandOfPost"], len(batches), len(path.opened))
    posted = contestable_post(host, post_id, batches)
    if host.timestamp_s > posted.contestable_until_s:
        raise WINDOW_CLOSED(posted.contestable_until_s)
    tree = post_tree(host, post_id, posted, batches, path.tree, path.position)
    respondent = guilty_of(host, posted, tree.settlement_id)
    wanted = _wanted(tree, path)
    found = Demand(post_id, tree.settlement_id, respondent, host.caller, *wanted, 0, 0)
    return _begin(host, found, view.case(host, post_id).policy_version)


def answer_demand(host: Host, demand_id: int, content: bytes) -> None:
    """Show what is demanded, by anybody, for the fee."""
    gas.charge(host, gas.ATTRIBUTION["answerDemand"], gas.words(content))
    found = _open_demand(host, demand_id)
    if host.timestamp_s > found.until_s:
        raise WINDOW_CLOSED(found.until_s)
    is_whole = len(content) == found.size_bytes and keccak256(content) == found.content_hash
    if not is_whole or keccak256(content[: found.head_bytes]) != found.head_hash:
        raise INVALID_PROOF(b"content")
    _close(host, demand_id, found)
    reveal_s = policy.parameter(host, _version(host, found), "challenge_reveal_s")
    slot = disputes.extension_slot(found.key)
    host.store(slot, max(host.load(ATTRIBUTION, slot), host.timestamp_s + reveal_s))
    host.transfer(host.caller, found.fee_wei)
    DEMAND_ANSWERED.emit(host, demand_id, host.caller, content)


def expire_demand(host: Host, demand_id: int) -> None:
    """Convict who did not show what was demanded; by anybody. The fee goes back."""
    gas.charge(host, gas.ATTRIBUTION["expireDemand"])
    found = _open_demand(host, demand_id)
    if host.timestamp_s <= found.until_s:
        raise WINDOW_OPEN(found.until_s)
    _close(host, demand_id, found)
    if found.key < view.INDEX_KEY:
        void_by_default(host, found.key, found.demander, found.settlement_id)
    else:
        void_index_by_default(host, found.key - view.INDEX_KEY, found.demander)
    host.transfer(found.demander, found.fee_wei)
    DEMAND_EXPIRED.emit(host, demand_id, found.respondent)


def get_demand(host: Host, demand_id: int) -> Demand:
    """One demand."""
    gas.charge(host, gas.ATTRIBUTION["getDemand"])
    return _existing(host, demand_id)


def _wanted(tree: Tree, path: DemandPath) -> tuple[Hash32, int, int, Hash32]:
    """Hash, length, head's length and head's hash of the content that `path` leads to."""
    require(len(path.opened) <= MAXIMUM_OPENED, "opened")
    node = tree.root
    opened = list(path.opened)
    way = list(steps(tree, path.chunk))
    require(len(opened) < len(way), "opened")
    for content, step in zip(opened, way, strict=False):
        if len(content) > MAXIMUM_STEP_BYTES or not _is(step, content) or keccak256(content) != node:
            raise INVALID_PROOF(b"opened")
        node = Hash32(content[step.below : step.below + 32])
    last = way[len(opened)]
    return node, last.size_bytes, len(last.head), keccak256(last.head)


def _is(step: Step, content: bytes) -> bool:
    return len(content) == step.size_bytes and content.startswith(step.head)


def _begin(host: Host, found: Demand, version: int) -> int:
    fee_wei = policy.parameter(host, version, "demand_fee_wei")
    if host.value_wei != fee_wei:
        raise WRONG_BOND(fee_wei, host.value_wei)
    until_s = host.timestamp_s + policy.parameter(host, version, "demand_window_s")
    demand_id = host.load(ATTRIBUTION, disputes.DEMAND_COUNT_SLOT) + 1
    host.store(disputes.DEMAND_COUNT_SLOT, demand_id)
    begun = replace(found, until_s=until_s, fee_wei=fee_wei)
    store_struct(host, disputes.demand_slot(demand_id), disputes.DEMAND, begun)
    add_to_slot(host, ATTRIBUTION, view.open_disputes_slot(found.key), 1)
    DEMANDED.emit(host, demand_id, found.key, found.respondent, found.content_hash, found.size_bytes, until_s)
    return demand_id


def _existing(host: Host, demand_id: int) -> Demand:
    if not disputes.demand_exists(host, demand_id):
        raise DEMAND_NOT_FOUND(demand_id)
    return disputes.demand(host, demand_id)


def _open_demand(host: Host, demand_id: int) -> Demand:
    found = _existing(host, demand_id)
    if found.until_s == 0:
        raise WRONG_STATUS(0)
    return found


def _close(host: Host, demand_id: int, found: Demand) -> None:
    over = replace(found, until_s=0, fee_wei=0)
    update_struct(host, disputes.demand_slot(demand_id), disputes.DEMAND, found, over)
    add_to_slot(host, ATTRIBUTION, view.open_disputes_slot(found.key), -1)


def _version(host: Host, found: Demand) -> int:
    """The policy version that the demanded post or index runs under."""
    if found.key < view.INDEX_KEY:
        return view.case(host, found.key).policy_version
    return models.feature_index(host, found.key - view.INDEX_KEY).policy_version
