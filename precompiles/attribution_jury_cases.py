"""Opening a case before a drawn jury: what only a recomputation in floating point can settle.

A case takes the place of a proof: the caller opens its committed challenge by its salt, and the commitment's
bond moves into the case, where it covers both rounds of jurors. Until the case is closed the post is not
final and the index not usable. Validators' stake at the second before the request decides who may be drawn;
without any but the parties' there is no jury, and the case is refused.

Covered: rows that are not their record's gradient; a preconditioner that is not the model's. Not covered:
queries of receipts (`attribution_query_cases`); outputs that are not the model's.
Source: protocol, section 3 "Challenges" (the last line of the table; jury and draws).
"""

from dataclasses import replace
from itertools import permutations

from genesis.addresses import ATTRIBUTION
from genesis.types import ZERO_HASH, Hash32
from precompiles import gas
from precompiles.attribution_indexes import challenged_index, check_row_leaf, index_challenger_ppm
from precompiles.attribution_interface import (
    JURY_CASE_OPENED,
    NO_JURORS,
    WRONG_STATUS,
)
from precompiles.host import Host
from precompiles.slots import add_to_slot, store_struct, update_struct
from precompiles.views import attribution as view
from precompiles.views import juries, l1_block, policy, staking
from precompiles.views.attribution import Commitment
from precompiles.views.juries import JuryCase, JuryDraw, RowLeaf
from precompiles.views.models import FeatureIndex


def open_row_case(host: Host, index_id: int, salt: Hash32, row: RowLeaf) -> int:
    """Say that a committed row is not the profile's recomputation of its record."""
    gas.charge(host, gas.ATTRIBUTION["openRowCase"], len(row.proof))
    index = _accused_index(host, index_id, salt)
    check_row_leaf(index, row)
    found = _of_index(host, index_id, index, juries.ROW)
    return open_committed(
        host, replace(found, position=row.index, content=row.row_root, exponent=row.exponent)
    )


def open_preconditioner_case(host: Host, index_id: int, salt: Hash32) -> int:
    """Say that an index's preconditioner is not one of its model and records."""
    gas.charge(host, gas.ATTRIBUTION["openPreconditionerCase"])
    index = _accused_index(host, index_id, salt)
    found = _of_index(host, index_id, index, juries.PRECONDITIONER)
    return open_committed(host, replace(found, content=index.preconditioner_hash))


def _accused_index(host: Host, index_id: int, salt: Hash32) -> FeatureIndex:
    """The index, if the caller has an open commitment on it and nobody has refuted it."""
    index = challenged_index(host, index_id, salt)
    if view.index_status(host, index_id) == view.INDEX_VOID:
        raise WRONG_STATUS(view.INDEX_VOID)
    return index


def _of_index(host: Host, index_id: int, index: FeatureIndex, subject: int) -> JuryCase:
    key = view.INDEX_KEY + index_id
    own = view.commitment(host, key, host.caller)
    share_ppm = index_challenger_ppm(host, index, own)
    return replace(
        blank_case(host, key, subject, own),
        accused=index.signer,
        keeper=index.signer,
        policy_version=index.policy_version,
        share_ppm=share_ppm,
    )


def blank_case(host: Host, key: int, subject: int, own: Commitment) -> JuryCase:
    """A case of the caller's about nothing and nobody yet, by its commitment."""
    return JuryCase(
        key,
        subject,
        0,
        ZERO_HASH,
        0,
        0,
        host.caller,
        host.caller,
        0,
        host.timestamp_s - 1,
        0,
        own.bond_wei,
        0,
        1,
        0,
        ZERO_HASH,
        0,
        0,
        juries.OPEN,
        0,
        host.caller,
    )


def open_committed(host: Host, asked: JuryCase) -> int:
    """Move the commitment's bond into a new case."""
    _take_bond(host, asked.key)
    return begin_case(host, asked)


def begin_case(host: Host, asked: JuryCase) -> int:
    """Write a new case down, whose bond is held, and ask for its first jury; returns its id."""
    found = replace(asked, stake_wei=_stake_of_others(host, asked))
    if found.stake_wei == 0:
        raise NO_JURORS()
    case_id = juries.case_count(host) + 1
    host.store(juries.CASE_COUNT_SLOT, case_id)
    store_struct(host, juries.case_slot(case_id), juries.JURY_CASE, found)
    size = policy.parameter(host, found.policy_version, "jury_seats")
    origin = ask_for_draw(host, case_id, found, size)
    add_to_slot(host, ATTRIBUTION, view.open_disputes_slot(found.key), 1)
    JURY_CASE_OPENED.emit(
        host,
        case_id,
        found.key,
        found.challenger,
        found.subject,
        found.position,
        found.content,
        origin,
    )
    return case_id


def ask_for_draw(host: Host, case_id: int, found: JuryCase, size: int) -> int:
    """Note that a case's round waits for an L1 block's randomness; returns that block's number."""
    delay = policy.parameter(host, found.policy_version, "jury_delay_blocks")
    origin = l1_block.origin(host) + delay
    asked = JuryDraw(origin, ZERO_HASH, size, 0, 0)
    store_struct(host, juries.draw_slot(case_id, found.rounds), juries.JURY_DRAW, asked)
    return origin


def _stake_of_others(host: Host, asked: JuryCase) -> int:
    """All validators' stake before the request but the parties': their own pools, and what they delegated to
    others'. What one delegated to another's is in both, and counts once."""
    parties, time_s = asked.parties, asked.staked_at_s
    own_wei = sum(
        staking.validator_weight_at(host, each, time_s)
        + staking.delegated_at(host, staking.TOTAL, each, time_s)
        for each in parties
    )
    twice_wei = sum(
        staking.delegated_at(host, operator, delegator, time_s)
        for operator, delegator in permutations(parties, 2)
    )
    return max(staking.validator_total_at(host, time_s) + twice_wei - own_wei, 0)


def _take_bond(host: Host, key: int) -> None:
    """The caller's commitment is used, and its bond no longer among those that wait."""
    own = view.commitment(host, key, host.caller)
    used = replace(own, bond_wei=0, used=1)
    update_struct(host, view.commitment_slot(key, host.caller), view.COMMITMENT, own, used)
    before = view.case(host, key)
    after = replace(before, bonds_wei=before.bonds_wei - own.bond_wei)
    update_struct(host, view.case_slot(key), view.CASE, before, after)
