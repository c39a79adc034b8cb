"""Audits: posts drawn by lot whose index a jury recomputes at one row, chosen by what the post pays.

Whether a post is audited, and where, comes from the randomness of an L1 block after it. The place is one wei
of the posted sum: the contributor whose amount it lies in is audited, at one of its canonical rows by the
same lot. So rows are audited in proportion to what they earn, and so are posts that pay less than a jury
costs: dust does not farm the fund. Anybody opens a drawn audit within the post's
window. The fund pays its jury, and has back what that leaves; a policy share of the platform's part of each
settlement flows into it. A wrong row voids the index, whose signer is
slashed, and the post without blame; its settlements can never be attributed by that index, and their pools go
to the model's next post.

Covered: draw, opening, the fund, what becomes of settlements of a void index. Not covered: receipts by lot;
other posts of the same index that are final.
Source: protocol, section 3 "Challenges" (each post is audited with policy probability).
"""

from genesis.addresses import ATTRIBUTION
from genesis.commitments import address_word, sum_leaf, word
from genesis.keccak import keccak256
from genesis.shares import PPM
from genesis.types import ZERO_HASH, Address, Hash32
from precompiles import gas
from precompiles.attribution_evidence import check_wide_sum
from precompiles.attribution_interface import (
    ALREADY_ATTRIBUTED,
    INVALID_PROOF,
    NOT_AUDITED,
    NOT_DUE_YET,
    SETTLEMENT_RELEASED,
    WINDOW_CLOSED,
    WRONG_BOND,
    WRONG_STATUS,
    amounts_tree,
    existing_post,
)
from precompiles.attribution_jury_cases import begin_case
from precompiles.checks import require
from precompiles.host import Host
from precompiles.policy import JURY_SEATS_PER_CASE
from precompiles.slots import add_to_slot
from precompiles.views import attribution as view
from precompiles.views import disputes, juries, l1_block, metering, models, policy
from precompiles.views.attribution import Post, SumLeaf
from precompiles.views.disputes import WideSum
from precompiles.views.juries import JuryCase
from precompiles.views.models import FeatureIndex


def audit_of(host: Host, post_id: int) -> tuple[bool, int]:
    """Whether a post is audited, and at which wei of its sum; reverts until that is known."""
    gas.charge(host, gas.ATTRIBUTION["auditOf"])
    posted = existing_post(host, post_id)
    return _lot(host, post_id, posted, _seed(host, post_id, posted))


def open_audit(  # noqa: PLR0917 - the method's arguments
    host: Host,
    post_id: int,
    contributor_index: int,
    contributor: Address,
    amount: SumLeaf,
    evidence: WideSum,
) -> int:
    """Open a drawn audit, by anybody, within the post's window. Value sent goes to the fund, which pays."""
    hashes = 2 * len(amount.siblings) + len(evidence.proof)
    gas.charge(host, gas.ATTRIBUTION["openAudit"], hashes)
    posted = existing_post(host, post_id)
    _check_open(host, post_id, posted)
    seed = _seed(host, post_id, posted)
    is_drawn, place = _lot(host, post_id, posted, seed)
    if not is_drawn:
        raise NOT_AUDITED(post_id)
    index = models.feature_index(host, posted.feature_index)
    require(contributor_index < index.contributors, "contributorIndex")
    _check_place(host, post_id, posted, index, contributor_index, contributor, amount, place)
    check_wide_sum(index, contributor_index, contributor, evidence)
    require(evidence.records > 0, "records")
    ordinal = int.from_bytes(keccak256(seed + word(1)), "big") % evidence.records
    case_id = begin_case(host, _case(host, post_id, index, contributor_index, ordinal))
    host.store(juries.audit_slot(post_id), case_id)
    return case_id


def fund_audits(host: Host) -> None:
    """Give the value sent to the fund that pays audits' juries, on top of what the platform's parts bring."""
    gas.charge(host, gas.ATTRIBUTION["fundAudits"])
    add_to_slot(host, ATTRIBUTION, juries.AUDIT_FUND_SLOT, host.value_wei)


def audit_fund(host: Host) -> int:
    """What waits for audits' juries."""
    gas.charge(host, gas.ATTRIBUTION["auditFund"])
    return juries.audit_fund(host)


def release_settlement(host: Host, settlement_id: int) -> None:
    """Pass the pool of a settlement whose index turned out void to the model's next post; by anybody."""
    gas.charge(host, gas.ATTRIBUTION["releaseSettlement"])
    require(metering.settlement_exists(host, settlement_id), "settlementId")
    if view.post_of_settlement(host, settlement_id) != 0:
        raise ALREADY_ATTRIBUTED(settlement_id)
    settlement = metering.settlement(host, settlement_id)
    status = view.index_status(host, settlement.feature_index)
    if status != view.INDEX_VOID:
        raise WRONG_STATUS(status)
    host.store(view.post_of_settlement_slot(settlement_id), view.VOID_SETTLEMENT)
    model_id = models.feature_index(host, settlement.feature_index).model_id
    add_to_slot(host, ATTRIBUTION, view.carry_slot(model_id), settlement.pool_wei)
    SETTLEMENT_RELEASED.emit(host, settlement_id, model_id, settlement.pool_wei)


def _check_open(host: Host, post_id: int, posted: Post) -> None:
    if posted.status != view.PENDING:
        raise WRONG_STATUS(posted.status)
    until_s = max(posted.contestable_until_s, disputes.extension(host, post_id))
    if host.timestamp_s > until_s:
        raise WINDOW_CLOSED(until_s)
    require(host.load(ATTRIBUTION, juries.audit_slot(post_id)) == 0, "postId")


def _seed(host: Host, post_id: int, posted: Post) -> Hash32:
    """What the lot is cast with, once the L1 block some time after the post is there."""
    version = view.case(host, post_id).policy_version
    delay = policy.parameter(host, version, "jury_delay_blocks")
    origin = host.load(ATTRIBUTION, juries.post_origin_slot(post_id)) + delay
    if l1_block.origin(host) < origin:
        raise NOT_DUE_YET(origin)
    randomness = l1_block.randomness(host, origin)
    if randomness is None:
        raise WINDOW_CLOSED(posted.contestable_until_s)
    return keccak256(randomness + word(host.chain_id) + word(post_id))


def _lot(host: Host, post_id: int, posted: Post, seed: Hash32) -> tuple[bool, int]:
    """Whether a post is drawn: less often than the policy says where it pays less than a jury costs."""
    version = view.case(host, post_id).policy_version
    audit_ppm = policy.parameter(host, version, "audit_ppm")
    pay_wei = policy.parameter(host, version, "jury_seats") * policy.parameter(host, version, "juror_fee_wei")
    weighed_wei = min(posted.amount_sum_wei, pay_wei)
    if weighed_wei == 0 or int.from_bytes(seed, "big") % (PPM * pay_wei) >= audit_ppm * weighed_wei:
        return False, 0
    return True, int.from_bytes(keccak256(seed), "big") % posted.amount_sum_wei


def _check_place(  # noqa: PLR0917 - a place in a posted tree
    host: Host,
    post_id: int,
    posted: Post,
    index: FeatureIndex,
    position: int,
    contributor: Address,
    amount: SumLeaf,
    place: int,
) -> None:
    """The contributor's posted amount covers this wei of the sum."""
    tree = amounts_tree(host, post_id, posted, index)
    key = address_word(contributor)
    leaf = sum_leaf(tree.id, position, key, amount.amount)
    is_posted = tree.contains(leaf, position, amount.siblings, amount.sibling_sums)
    if amount.key != key or not is_posted:
        raise INVALID_PROOF(b"amount")
    before = sum(each for level, each in enumerate(amount.sibling_sums) if (position >> level) & 1)
    if not before <= place < before + amount.amount:
        raise INVALID_PROOF(b"place")


def _case(host: Host, post_id: int, index: FeatureIndex, position: int, ordinal: int) -> JuryCase:
    """The case as it begins, its jury paid by the fund."""
    version = view.case(host, post_id).policy_version
    seats = JURY_SEATS_PER_CASE * policy.parameter(host, version, "jury_seats")
    pay_wei = seats * policy.parameter(host, version, "juror_fee_wei")
    fund_wei = juries.audit_fund(host) + host.value_wei
    if fund_wei < pay_wei:
        raise WRONG_BOND(pay_wei, fund_wei)
    host.store(juries.AUDIT_FUND_SLOT, fund_wei - pay_wei)
    host.store(juries.AUDITS_TAKEN_SLOT, metering.audits_total(host))
    share_ppm = policy.parameter(host, version, "challenger_ppm")
    return JuryCase(
        key=post_id,
        subject=juries.AUDIT,
        position=position,
        content=Hash32(word(ordinal)),
        exponent=0,
        settlement_id=0,
        accused=index.signer,
        challenger=host.caller,
        policy_version=version,
        staked_at_s=host.timestamp_s - 1,
        stake_wei=0,
        bond_wei=pay_wei,
        share_ppm=share_ppm,
        rounds=1,
        revealed=0,
        leader=ZERO_HASH,
        leader_seats=0,
        leader_verdict=0,
        outcome=juries.OPEN,
        pay_per_seat_wei=0,
        keeper=index.signer,
    )
