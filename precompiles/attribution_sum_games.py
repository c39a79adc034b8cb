"""Disputes over a contributor's sum: one coordinate, bisected sixteen ways down to one row.

The challenger names a coordinate of a committed sum. The index's signer answers with the partial sums of
sixteen equal ranges of rows, which must add up to what is claimed; the challenger picks a range, and so on
until one row is left, which anybody shows. Then the row's value is what was claimed, or it is not. Whoever
does not move in the policy's demand window loses; the last row is the signer's to show, since hiding it
must not pay. All sums are modulo 2^256; honest ones are below 2^63, so nothing is lost by that. Each game
is the challenger's own: its bond pays the signer if it loses, and no other challenge of the index waits for
it but its becoming usable.
Source: protocol, section 3 "Challenges" (a sum is wrong).
"""

from collections.abc import Sequence
from dataclasses import replace

from genesis.addresses import ATTRIBUTION, TREASURY
from genesis.commitments import ROW_BYTES, SUM_BYTES, unpack_vector, word
from genesis.keccak import keccak256
from genesis.shares import PPM
from genesis.types import ZERO_HASH, Address, Hash32
from precompiles import gas
from precompiles.abi import TWO_256
from precompiles.attribution_evidence import check_sum
from precompiles.attribution_indexes import check_row, existing_index, void_index
from precompiles.attribution_interface import (
    CHALLENGE_FAILED,
    GAME_NOT_FOUND,
    INDEX_VOIDED,
    INVALID_PROOF,
    NOT_PARTY,
    SUM_GAME_ANSWERED,
    SUM_GAME_CHOSEN,
    SUM_GAME_ENDED,
    SUM_GAME_OPENED,
    WINDOW_CLOSED,
    WINDOW_OPEN,
    WRONG_BOND,
    WRONG_STATUS,
)
from precompiles.attribution_verdict import credit_reward
from precompiles.checks import require
from precompiles.host import Host
from precompiles.slots import add_to_slot, load_struct, mapping_slot, store_struct, update_struct
from precompiles.views import attribution as view
from precompiles.views import models, policy
from precompiles.views.attribution import RowEvidence, SumEvidence, SumGame
from precompiles.views.models import FeatureIndex

WAYS = 16
NUMBER_OF_GAMES = 2**200
"""In place of a commitment's number for a challenger that won a game: later than any commitment."""


def open_sum_game(  # noqa: PLR0917 - the method's arguments
    host: Host,
    index_id: int,
    contributor_index: int,
    contributor: Address,
    coordinate: int,
    evidence: SumEvidence,
) -> int:
    """Dispute one coordinate of a contributor's sum against the policy's bond, before the index is usable."""
    coordinates = len(evidence.vector) // SUM_BYTES
    gas.charge(host, gas.ATTRIBUTION["openSumGame"], coordinates, len(evidence.proof))
    index = existing_index(host, index_id)
    if host.timestamp_s >= index.usable_at_s or view.index_status(host, index_id) == view.INDEX_VOID:
        raise WINDOW_CLOSED(index.usable_at_s)
    bond_wei = policy.parameter(host, index.policy_version, "challenge_bond_wei")
    if host.value_wei != bond_wei:
        raise WRONG_BOND(bond_wei, host.value_wei)
    require(contributor_index < index.contributors, "contributorIndex")
    check_sum(index, contributor_index, contributor, evidence)
    require(coordinate < index.dimensions, "coordinate")
    claimed = unpack_vector(evidence.vector, SUM_BYTES)[coordinate] % TWO_256
    turn = view.ANSWER if index.rows > 1 else view.PROOF
    until_s = _move_until(host, index)
    game = SumGame(
        index_id,
        contributor_index,
        coordinate,
        host.caller,
        0,
        index.rows,
        claimed,
        ZERO_HASH,
        turn,
        until_s,
        bond_wei,
    )
    game_id = host.load(ATTRIBUTION, view.GAME_COUNT_SLOT) + 1
    host.store(view.GAME_COUNT_SLOT, game_id)
    store_struct(host, view.game_slot(game_id), view.SUM_GAME, game)
    add_to_slot(host, ATTRIBUTION, mapping_slot(view.OPEN_GAMES_SLOT, index_id), 1)
    SUM_GAME_OPENED.emit(host, game_id, index_id, host.caller, contributor_index, coordinate, until_s)
    return game_id


def answer_sum_game(host: Host, game_id: int, partials: Sequence[int]) -> None:
    """The signer's move: the partial sums of the range in sixteen parts, or in rows when it has fewer."""
    gas.charge(host, gas.ATTRIBUTION["answerSumGame"], len(partials))
    game, index = _game(host, game_id, view.ANSWER)
    if host.caller != index.signer:
        raise NOT_PARTY(host.caller)
    require(len(partials) == min(WAYS, game.count), "partials")
    total = sum(partials) % TWO_256
    if total != game.claimed:
        raise CHALLENGE_FAILED(game.claimed, total)
    until_s = _move_until(host, index)
    answered = replace(game, partials=_hash(partials), turn=view.CHOICE, until_s=until_s)
    update_struct(host, view.game_slot(game_id), view.SUM_GAME, game, answered)
    SUM_GAME_ANSWERED.emit(host, game_id, partials, until_s)


def choose_sum_game(host: Host, game_id: int, partials: Sequence[int], choice: int) -> None:
    """The challenger's move: which of the answered parts it disputes."""
    gas.charge(host, gas.ATTRIBUTION["chooseSumGame"], len(partials))
    game, index = _game(host, game_id, view.CHOICE)
    if host.caller != game.challenger:
        raise NOT_PARTY(host.caller)
    if _hash(partials) != game.partials:
        raise INVALID_PROOF(b"partials")
    require(choice < len(partials), "choice")
    start, end = (game.count * place // len(partials) for place in (choice, choice + 1))
    until_s = _move_until(host, index)
    chosen = replace(
        game,
        first=game.first + start,
        count=end - start,
        claimed=partials[choice],
        turn=view.ANSWER if end - start > 1 else view.PROOF,
        until_s=until_s,
    )
    update_struct(host, view.game_slot(game_id), view.SUM_GAME, game, chosen)
    SUM_GAME_CHOSEN.emit(host, game_id, chosen.first, chosen.count, chosen.claimed, until_s)


def prove_sum_game(host: Host, game_id: int, row: RowEvidence) -> None:
    """Show the last row, by anybody: its value decides the game."""
    gas.charge(host, gas.ATTRIBUTION["proveSumGame"], len(row.row), len(row.proof))
    game, index = _game(host, game_id, view.PROOF)
    require(row.index == game.first, "index")
    check_row(index, row)
    _end(host, game_id, game, index, signer_wins=_value(game, row) == game.claimed)


def end_sum_game(host: Host, game_id: int) -> None:
    """Decide a game against whoever did not move in time; by anybody."""
    gas.charge(host, gas.ATTRIBUTION["endSumGame"])
    game = _existing(host, game_id)
    if game.turn == 0:
        raise WRONG_STATUS(game.turn)
    if host.timestamp_s <= game.until_s:
        raise WINDOW_OPEN(game.until_s)
    index = models.feature_index(host, game.index_id)
    _end(host, game_id, game, index, signer_wins=game.turn == view.CHOICE)


def get_sum_game(host: Host, game_id: int) -> SumGame:
    """One game."""
    gas.charge(host, gas.ATTRIBUTION["getSumGame"])
    return _existing(host, game_id)


def _existing(host: Host, game_id: int) -> SumGame:
    if not 0 < game_id <= host.load(ATTRIBUTION, view.GAME_COUNT_SLOT):
        raise GAME_NOT_FOUND(game_id)
    return load_struct(host, ATTRIBUTION, view.game_slot(game_id), view.SUM_GAME)


def _game(host: Host, game_id: int, turn: int) -> tuple[SumGame, FeatureIndex]:
    """A game whose turn it is, in time, and its index."""
    game = _existing(host, game_id)
    if game.turn != turn:
        raise WRONG_STATUS(game.turn)
    if host.timestamp_s > game.until_s:
        raise WINDOW_CLOSED(game.until_s)
    return game, models.feature_index(host, game.index_id)


def _move_until(host: Host, index: FeatureIndex) -> int:
    return host.timestamp_s + policy.parameter(host, index.policy_version, "demand_window_s")


def _hash(partials: Sequence[int]) -> Hash32:
    return keccak256(b"".join(map(word, partials)))


def _value(game: SumGame, row: RowEvidence) -> int:
    """What the row adds to the disputed coordinate: nothing unless it is canonical and the contributor's."""
    if row.canonical_index != row.index or row.contributor_index != game.contributor_index:
        return 0
    mantissa = unpack_vector(row.row[game.coordinate : game.coordinate + 1], ROW_BYTES)[0]
    return (mantissa << min(row.exponent, 255)) % TWO_256


def _end(host: Host, game_id: int, game: SumGame, index: FeatureIndex, *, signer_wins: bool) -> None:
    """Close the game: the bond to the winner; an index whose signer lost is void and its signer slashed."""
    over = replace(game, turn=0, bond_wei=0)
    update_struct(host, view.game_slot(game_id), view.SUM_GAME, game, over)
    add_to_slot(host, ATTRIBUTION, mapping_slot(view.OPEN_GAMES_SLOT, game.index_id), -1)
    winner = index.signer if signer_wins else game.challenger
    if not signer_wins and view.case(host, view.INDEX_KEY + game.index_id).challenger_number == 0:
        _, slashed_wei = void_index(host, game.index_id, index, NUMBER_OF_GAMES)
        full_ppm = policy.parameter(host, index.policy_version, "challenger_ppm")
        reward_wei = slashed_wei * full_ppm // PPM
        credit_reward(host, TREASURY, slashed_wei - reward_wei)
        credit_reward(host, game.challenger, reward_wei)
        INDEX_VOIDED.emit(host, game.index_id, game.challenger, index.signer, slashed_wei, reward_wei)
    host.transfer(winner, game.bond_wei)
    SUM_GAME_ENDED.emit(host, game_id, winner)
