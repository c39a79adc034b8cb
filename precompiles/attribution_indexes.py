"""Challenges of a feature index that one transaction proves: a row out of its rules, a sum of another norm.

Like a post's, a challenge is committed against a bond and proved within its reveal window; commitments are
taken until the index becomes usable, and a pending one puts that off. The first proof voids the index for
good. Its signer loses provider stake as for a post, as far as it has any: who registers a model need not be
staked. Wrong sums are settled by `attribution_sum_games`.

Covered: range, exponent and norm of a row, its canonical record and contributor; the norm of a sum. Not
covered: rows that are not their records' gradients (`attribution_jury_cases`), records wrongly kept or
dropped as duplicates (`attribution_records`).
Source: protocol, section 3 "Widths" and "Challenges".
"""

from collections.abc import Sequence
from dataclasses import replace

from genesis.addresses import ATTRIBUTION, TREASURY
from genesis.commitments import (
    MAX_NORM_SQUARED,
    ROW_BYTES,
    SUM_BYTES,
    address_word,
    merkle_root_from_proof,
    row_leaf,
    tree_depth,
    unpack_vector,
    vector_root,
    word,
)
from genesis.keccak import keccak256
from genesis.shares import PPM
from genesis.types import ZERO_HASH, Address, Hash32
from precompiles import gas
from precompiles.attribution_evidence import check_sum
from precompiles.attribution_interface import (
    CHALLENGE_FAILED,
    COMMITMENT_NOT_FOUND,
    FEATURE_INDEX_NOT_USABLE,
    INDEX_CASE_SETTLED,
    INDEX_CHALLENGE_COMMITTED,
    INDEX_CHALLENGE_PROVED,
    INDEX_VOIDED,
    INVALID_PROOF,
    NOTHING_TO_CLAIM,
    WINDOW_CLOSED,
    WINDOW_OPEN,
    WRONG_BOND,
)
from precompiles.attribution_verdict import (
    NUMBER_OF_GAMES,
    Award,
    challenger_ppm,
    credit_default,
    credit_reward,
    settle_case,
    share_of_earlier,
    slash,
)
from precompiles.checks import require
from precompiles.host import Host
from precompiles.slots import add_to_slot, hash_word, load_address, mapping_slot, store_struct, update_struct
from precompiles.views import attribution as view
from precompiles.views import disputes, models, policy
from precompiles.views.attribution import Case, Commitment, RowEvidence, SumEvidence
from precompiles.views.juries import RowLeaf
from precompiles.views.models import FeatureIndex

MAXIMUM_EXPONENT = 7
MAXIMUM_MANTISSA = 127
LEAST_TOP_MANTISSA = 64
"""With a smaller top and a positive exponent the next lower exponent would do."""


def commit_index_challenge(host: Host, index_id: int, commitment: Hash32) -> None:
    """Reserve a place among the challengers of an index, against the policy's bond; one per account."""
    gas.charge(host, gas.ATTRIBUTION["commitIndexChallenge"])
    index = existing_index(host, index_id)
    key = view.INDEX_KEY + index_id
    before = view.case(host, key)
    if not is_contestable(host, index_id, index) or before.challenger_number != 0:
        raise WINDOW_CLOSED(index.usable_at_s)
    require(commitment != ZERO_HASH, "commitment")
    require(view.commitment(host, key, host.caller).hash == ZERO_HASH, "challenger")
    bond_wei = policy.parameter(host, index.policy_version, "challenge_bond_wei")
    if host.value_wei != bond_wei:
        raise WRONG_BOND(bond_wei, host.value_wei)
    reveal_s = policy.parameter(host, index.policy_version, "challenge_reveal_s")
    number = before.commitments + 1
    committed = Commitment(commitment, bond_wei, host.timestamp_s + reveal_s, number, 0)
    store_struct(host, view.commitment_slot(key, host.caller), view.COMMITMENT, committed)
    after = replace(
        before,
        policy_version=index.policy_version,
        commitments=number,
        reveals_until_s=committed.reveal_until_s,
        bonds_wei=before.bonds_wei + bond_wei,
    )
    update_struct(host, view.case_slot(key), view.CASE, before, after)
    INDEX_CHALLENGE_COMMITTED.emit(host, index_id, host.caller, commitment)


def challenge_row(host: Host, index_id: int, salt: Hash32, row: RowEvidence) -> None:
    """Prove that a committed row breaks a rule: range, least exponent, norm, canonical record, owner."""
    gas.charge(host, gas.ATTRIBUTION["challengeRow"], len(row.row), len(row.proof))
    index = challenged_index(host, index_id, salt)
    check_row(index, row)
    if not _breaks_a_rule(index, row):
        raise CHALLENGE_FAILED(row.index, row.index)
    convict_index(host, index_id, index)


def challenge_norm(  # noqa: PLR0917 - the method's arguments
    host: Host,
    index_id: int,
    salt: Hash32,
    contributor_index: int,
    contributor: Address,
    evidence: SumEvidence,
) -> None:
    """Prove that a contributor's committed squared norm is not that of its committed sum."""
    coordinates = len(evidence.vector) // SUM_BYTES
    gas.charge(host, gas.ATTRIBUTION["challengeNorm"], coordinates, len(evidence.proof))
    index = challenged_index(host, index_id, salt)
    require(contributor_index < index.contributors, "contributorIndex")
    check_sum(index, contributor_index, contributor, evidence)
    computed = sum(value * value for value in unpack_vector(evidence.vector, SUM_BYTES))
    if computed == evidence.norm_squared:
        raise CHALLENGE_FAILED(evidence.norm_squared, computed)
    convict_index(host, index_id, index)


def settle_index_case(host: Host, index_id: int) -> None:
    """After all reveal windows: the caller's bond and reward if it proved its challenge; bonds of challenges
    that nobody proved go to the model's next pool."""
    gas.charge(host, gas.ATTRIBUTION["settleIndexCase"])
    index = existing_index(host, index_id)
    key = view.INDEX_KEY + index_id
    before = view.case(host, key)
    if host.timestamp_s <= before.reveals_until_s:
        raise WINDOW_OPEN(before.reveals_until_s)
    own = view.commitment(host, key, host.caller)
    returned_wei = own.bond_wei if own.used else 0
    if returned_wei + before.bonds_wei == 0:
        raise NOTHING_TO_CLAIM()
    record_slot = mapping_slot(view.INDEX_CHALLENGERS_SLOT, index_id)
    is_record = own.used != 0 and load_address(host, ATTRIBUTION, record_slot) == host.caller
    reward_wei = before.reward_wei if is_record else 0
    after = replace(before, bonds_wei=0, reward_wei=before.reward_wei - reward_wei)
    update_struct(host, view.case_slot(key), view.CASE, before, after)
    add_to_slot(host, ATTRIBUTION, view.carry_slot(index.model_id), before.bonds_wei)
    if returned_wei:
        credit_reward(host, host.caller, reward_wei)
        slot = view.commitment_slot(key, host.caller)
        update_struct(host, slot, view.COMMITMENT, own, replace(own, bond_wei=0))
        host.transfer(host.caller, returned_wei)
    INDEX_CASE_SETTLED.emit(host, index_id, host.caller, returned_wei, before.bonds_wei)


def index_status(host: Host, index_id: int) -> int:
    """0 uncontested, 1 contested, 2 void."""
    gas.charge(host, gas.ATTRIBUTION["indexStatus"])
    return view.index_status(host, index_id)


def existing_index(host: Host, index_id: int) -> FeatureIndex:
    """The index, or a revert."""
    if not models.index_exists(host, index_id):
        raise FEATURE_INDEX_NOT_USABLE(index_id)
    return models.feature_index(host, index_id)


def is_contestable(host: Host, index_id: int, index: FeatureIndex) -> bool:
    """True until the index is usable, and as long as an answered demand keeps it open."""
    extended_until_s = disputes.extension(host, view.INDEX_KEY + index_id)
    return host.timestamp_s < index.usable_at_s or host.timestamp_s <= extended_until_s


def check_row(index: FeatureIndex, row: RowEvidence) -> None:
    """The row has the index's dimensions and is the committed one."""
    require(len(row.row) == index.dimensions * ROW_BYTES, "row")
    root = vector_root(row.row, ROW_BYTES)
    place = (row.index, row.canonical_index, row.contributor_index, row.exponent)
    check_row_leaf(index, RowLeaf(*place, root, row.proof))


def check_row_leaf(index: FeatureIndex, row: RowLeaf) -> None:
    """The row, by the root of its coordinates, is the committed one."""
    require(row.index < index.rows, "index")
    leaf = row_leaf(
        index=row.index,
        canonical_index=row.canonical_index,
        contributor_index=row.contributor_index,
        exponent=row.exponent,
        row_root=row.row_root,
    )
    is_whole_path = len(row.proof) == tree_depth(index.rows)
    if not is_whole_path or merkle_root_from_proof(leaf, row.index, row.proof) != index.rows_root:
        raise INVALID_PROOF(b"row")


def void_index(host: Host, index_id: int, index: FeatureIndex, number: int) -> tuple[Case, int]:
    """Refuse an index for good and slash its signer; returns the case before and what was taken."""
    key = view.INDEX_KEY + index_id
    before = view.case(host, key)
    slashed_wei = slash(host, index.signer, index.policy_version)
    host.store(mapping_slot(view.INDEX_CHALLENGERS_SLOT, index_id), hash_word(host.caller))
    voided = replace(before, policy_version=index.policy_version, challenger_number=number)
    update_struct(host, view.case_slot(key), view.CASE, before, voided)
    return voided, slashed_wei


def void_index_by_default(host: Host, index_id: int, challenger: Address, award: Award | None = None) -> None:
    """Refuse an index that stands because its signer lost a game or before a jury, or did not show what was
    demanded; the challenger has its share at once."""
    if view.case(host, view.INDEX_KEY + index_id).challenger_number != 0:
        return
    index = models.feature_index(host, index_id)
    _, slashed_wei = void_index(host, index_id, index, NUMBER_OF_GAMES)
    reward_wei = credit_default(host, challenger, slashed_wei, index.policy_version, award)
    INDEX_VOIDED.emit(host, index_id, challenger, index.signer, slashed_wei, reward_wei)


def challenged_index(host: Host, index_id: int, salt: Hash32) -> FeatureIndex:
    """The index, if the caller has an open commitment on it."""
    index = existing_index(host, index_id)
    key = view.INDEX_KEY + index_id
    own = view.commitment(host, key, host.caller)
    if own.hash != keccak256(word(key) + address_word(host.caller) + salt) or own.used != 0:
        raise COMMITMENT_NOT_FOUND()
    if host.timestamp_s > own.reveal_until_s:
        raise WINDOW_CLOSED(own.reveal_until_s)
    return index


def _breaks_a_rule(index: FeatureIndex, row: RowEvidence) -> bool:
    if row.exponent > MAXIMUM_EXPONENT or row.canonical_index >= index.rows:
        return True
    if row.contributor_index >= index.contributors:
        return True
    mantissas: Sequence[int] = unpack_vector(row.row, ROW_BYTES)
    top = max(map(abs, mantissas))
    if top > MAXIMUM_MANTISSA or (row.exponent > 0 and top < LEAST_TOP_MANTISSA):
        return True
    return sum(m * m for m in mantissas) << 2 * row.exponent > MAX_NORM_SQUARED


def index_challenger_ppm(host: Host, index: FeatureIndex, own: Commitment) -> int:
    """The challenger's share of the slash, by how long after the index was committed its challenge was."""
    window_s = policy.parameter(host, index.policy_version, "index_window_s")
    return challenger_ppm(host, index.policy_version, own, index.usable_at_s, window_s)


def convict_index(host: Host, index_id: int, index: FeatureIndex) -> None:
    """Use the caller's commitment; void the index if it stands, and settle who its challenger is."""
    key = view.INDEX_KEY + index_id
    slot = view.commitment_slot(key, host.caller)
    own = view.commitment(host, key, host.caller)
    update_struct(host, slot, view.COMMITMENT, own, replace(own, used=1))
    before = view.case(host, key)
    is_first = before.challenger_number == 0
    leads = is_first or own.number < before.challenger_number
    share_ppm = index_challenger_ppm(host, index, own)
    reward_wei, slashed_wei = before.reward_wei, before.slashed_wei
    record_slot = mapping_slot(view.INDEX_CHALLENGERS_SLOT, index_id)
    if is_first:
        before, slashed_wei = void_index(host, index_id, index, own.number)
        reward_wei = slashed_wei * share_ppm // PPM
        credit_reward(host, TREASURY, slashed_wei - reward_wei)
        INDEX_VOIDED.emit(host, index_id, host.caller, index.signer, slashed_wei, reward_wei)
    elif leads:
        reward_wei = share_of_earlier(host, reward_wei, slashed_wei, share_ppm)
        host.store(record_slot, hash_word(host.caller))
    after = replace(before, reward_wei=reward_wei, slashed_wei=slashed_wei)
    settle_case(host, key, before, after, own, leads=leads)
    record = load_address(host, ATTRIBUTION, record_slot)
    INDEX_CHALLENGE_PROVED.emit(host, index_id, host.caller, record)
