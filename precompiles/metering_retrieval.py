"""Paying the records that were looked up for a settlement's answers: a share of the model's own pool.

Payer and provider agree on it: the voucher key signs, for each Datanet version, the root of a Merkle-sum tree
with one leaf for each contributor whose records were used, and the provider sends that with the settlement.
What it pays stays here and is claimed leaf by leaf, for a contributor of that version only.

Covered: the owner's consent, the policy's share as it was when the channel opened, amounts to the wei, one
payment for each leaf. Not covered: which records an answer used and with what weight, for which both sides'
signatures stand; channels whose voucher key is the provider's (x402), where it alone would say.
Source: protocol, section 3 "Attribution" (retrieval); `docs/decisions/0014`.
"""

from collections.abc import Sequence

from genesis.addresses import INFERENCE_METERING
from genesis.commitments import (
    KIND_RETRIEVAL,
    SumNode,
    address_word,
    contribution_leaf,
    merkle_root_from_proof,
    sum_leaf,
    sum_tree_id,
    tree_depth,
)
from genesis.shares import PPM
from genesis.typed_data import RetrievalShare, RetrievalVoucher, retrieval_voucher_digest
from genesis.types import Address, Hash32
from precompiles import gas
from precompiles.attribution_interface import sum_root
from precompiles.checks import MAXIMUM_COUNT, MAXIMUM_WEI, require
from precompiles.host import Host
from precompiles.metering_access import credit, pay
from precompiles.metering_interface import (
    ALREADY_CLAIMED,
    INVALID_PROOF,
    INVALID_SIGNATURE,
    RETRIEVAL_ABOVE_LIMIT,
    RETRIEVAL_CLAIMED,
    RETRIEVAL_NOT_ALLOWED,
    RETRIEVAL_NOT_FOUND,
    RETRIEVAL_SETTLED,
)
from precompiles.slots import field_slot, store_struct
from precompiles.views import datanets, models, policy
from precompiles.views import metering as view
from precompiles.views.metering import Channel, Membership, Retrieval, Settlement, SettleOrder

MAXIMUM_SHARES = 16
"""Datanet versions that one settlement pays."""


def check_shares(
    host: Host, order: SettleOrder, channel: Channel, shares: Sequence[RetrievalShare], signature: bytes
) -> None:
    """Revert unless the voucher key signed these shares for this settlement and the owner consents."""
    require(0 < len(shares) <= MAXIMUM_SHARES, "shares")
    require(channel.voucher_key != channel.provider, "voucherKey")
    voucher = RetrievalVoucher(
        order.channel_id, channel.settled_receipts, order.receipt_count, order.receipts_root, shares
    )
    if host.recover(retrieval_voucher_digest(voucher, host.chain_id), signature) != channel.voucher_key:
        raise INVALID_SIGNATURE()
    before = (0, 0)
    for share in shares:
        require(before < (share.datanet_id, share.version), "shares")
        _check_share(host, channel.model_id, share)
        before = (share.datanet_id, share.version)


def shared_wei(host: Host, channel: Channel, pool_wei: int, shares: Sequence[RetrievalShare]) -> int:
    """What the shares take of the model's own pool; reverts above the policy's part of it."""
    if not shares:
        return 0
    amount_wei = sum(share.amount_wei for share in shares)
    limit_wei = pool_wei * policy.parameter(host, channel.policy_version, "retrieval_ppm") // PPM
    if amount_wei > limit_wei:
        raise RETRIEVAL_ABOVE_LIMIT(amount_wei, limit_wei)
    return amount_wei


def record_retrievals(host: Host, settlement_id: int, shares: Sequence[RetrievalShare]) -> None:
    """Write down what can be claimed from now on."""
    for share in shares:
        retrieval_id = host.load(INFERENCE_METERING, view.RETRIEVAL_COUNT_SLOT) + 1
        host.store(view.RETRIEVAL_COUNT_SLOT, retrieval_id)
        place = (settlement_id, share.datanet_id, share.version, share.contributors)
        found = Retrieval(*place, share.root, share.amount_wei, 0)
        store_struct(host, view.retrieval_slot(retrieval_id), view.RETRIEVAL, found)
        RETRIEVAL_SETTLED.emit(
            host,
            retrieval_id,
            settlement_id,
            share.datanet_id,
            share.version,
            share.contributors,
            share.root,
            share.amount_wei,
        )


def claim_retrieval(  # noqa: PLR0917 - the method's arguments
    host: Host,
    retrieval_id: int,
    contributor_index: int,
    contributor: Address,
    amount_wei: int,
    siblings: Sequence[Hash32],
    sibling_sums: Sequence[int],
    membership: Membership,
) -> None:
    """Pay a leaf to its contributor, by anybody; less than the policy's minimum is added to its earnings."""
    hashes = len(siblings) + len(membership.proof)
    gas.charge(host, gas.INFERENCE_METERING["claimRetrieval"], hashes)
    found = _existing(host, retrieval_id)
    require(contributor_index < found.contributors, "contributorIndex")
    claimed_slot = view.retrieval_claimed_slot(retrieval_id, contributor_index)
    if host.load(INFERENCE_METERING, claimed_slot) != 0:
        raise ALREADY_CLAIMED(retrieval_id, contributor_index)
    settlement = view.settlement(host, found.settlement_id)
    tree_id = retrieval_tree_id(host.chain_id, settlement, found)
    leaf = sum_leaf(tree_id, contributor_index, address_word(contributor), amount_wei)
    root = sum_root(leaf, contributor_index, found.contributors, siblings, sibling_sums)
    if root != SumNode(found.root, found.amount_wei):
        raise INVALID_PROOF(b"amount")
    if not _is_contributor(host, found, contributor, membership):
        raise INVALID_PROOF(b"contributor")
    host.store(claimed_slot, 1)
    host.store(
        field_slot(view.retrieval_slot(retrieval_id), view.CLAIMED_FIELD), found.claimed_wei + amount_wei
    )
    is_held = amount_wei < policy.parameter(host, settlement.policy_version, "minimum_claim_wei")
    if is_held:
        credit(host, contributor, amount_wei)
    else:
        pay(host, contributor, amount_wei)
    RETRIEVAL_CLAIMED.emit(host, retrieval_id, contributor, contributor_index, amount_wei, is_held)


def get_retrieval(host: Host, retrieval_id: int) -> Retrieval:
    """What one settlement left one Datanet version's records."""
    gas.charge(host, gas.INFERENCE_METERING["getRetrieval"])
    return _existing(host, retrieval_id)


def is_retrieval_claimed(host: Host, retrieval_id: int, contributor_index: int) -> bool:
    """True once a leaf was paid."""
    gas.charge(host, gas.INFERENCE_METERING["isRetrievalClaimed"])
    return host.load(INFERENCE_METERING, view.retrieval_claimed_slot(retrieval_id, contributor_index)) != 0


def retrieval_tree_id(chain_id: int, settlement: Settlement, found: Retrieval) -> Hash32:
    """Names the tree: chain, channel, the receipts settled, Datanet and version."""
    return sum_tree_id(
        KIND_RETRIEVAL,
        chain_id,
        INFERENCE_METERING,
        int.from_bytes(settlement.channel_id, "big"),
        settlement.first_receipt,
        settlement.first_receipt + settlement.receipts,
        found.datanet_id,
        found.version,
    )


def _existing(host: Host, retrieval_id: int) -> Retrieval:
    if not view.retrieval_exists(host, retrieval_id):
        raise RETRIEVAL_NOT_FOUND(retrieval_id)
    return view.retrieval(host, retrieval_id)


def _check_share(host: Host, model_id: int, share: RetrievalShare) -> None:
    """A published version of a Datanet that the model's owner lets share, and a tree that can be one."""
    require(0 < share.contributors <= MAXIMUM_COUNT, "contributors")
    require(0 < share.amount_wei <= MAXIMUM_WEI, "amount")
    if not models.may_retrieve(host, model_id, share.datanet_id):
        raise RETRIEVAL_NOT_ALLOWED(model_id, share.datanet_id)
    require(0 < share.version <= datanets.datanet(host, share.datanet_id).versions, "version")


def _is_contributor(host: Host, found: Retrieval, contributor: Address, membership: Membership) -> bool:
    """True iff the contribution is the contributor's and stands in the version at its place."""
    version = datanets.version(host, found.datanet_id, found.version)
    contribution = datanets.contribution(host, membership.contribution_id)
    in_version = membership.position < version.contributions
    if not in_version or len(membership.proof) != tree_depth(version.contributions):
        return False
    leaf = contribution_leaf(
        contribution_id=membership.contribution_id,
        contributor=contributor,
        root=contribution.root,
        records=contribution.records,
        first_record=membership.first_record,
        commit_block=contribution.commit_block,
    )
    return merkle_root_from_proof(leaf, membership.position, membership.proof) == version.root
