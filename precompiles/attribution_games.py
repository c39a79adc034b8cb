"""How a disputed sum is bisected: the moves that both kinds of game share, and how a game ends.

The challenger names a coordinate of a committed vector that is a sum. Who committed it answers with the
partial sums of sixteen equal ranges, which must add up to what is claimed; the challenger picks a range, and
so on until one element is left, which anybody shows. Then the element's value is what was claimed, or it is
not. Whoever does not move in the policy's demand window loses; the last element is the accused's to show,
since hiding it must not pay. All sums are modulo 2^256; honest ones are far below 2^255, so nothing is lost
by that. Each game is the challenger's own: its bond pays the accused if it loses.
Source: protocol, section 3 "Challenges" (a sum is wrong).
"""

from collections.abc import Sequence
from dataclasses import replace

from genesis.addresses import ATTRIBUTION
from genesis.commitments import word
from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from precompiles import gas
from precompiles.abi import TWO_256
from precompiles.attribution_indexes import void_index_by_default
from precompiles.attribution_interface import (
    CHALLENGE_FAILED,
    GAME_NOT_FOUND,
    INVALID_PROOF,
    NOT_PARTY,
    SUM_GAME_ANSWERED,
    SUM_GAME_CHOSEN,
    SUM_GAME_ENDED,
    WINDOW_CLOSED,
    WINDOW_OPEN,
    WRONG_BOND,
    WRONG_STATUS,
)
from precompiles.attribution_verdict import void_by_default
from precompiles.checks import require
from precompiles.host import Host
from precompiles.slots import add_to_slot, load_struct, store_struct, update_struct
from precompiles.views import attribution as view
from precompiles.views import models, policy
from precompiles.views.attribution import SumGame

WAYS = 16


def answer_sum_game(host: Host, game_id: int, partials: Sequence[int]) -> None:
    """The accused's move: the partial sums of the range in sixteen parts, or one by one when it is short."""
    gas.charge(host, gas.ATTRIBUTION["answerSumGame"], len(partials))
    game = game_in_turn(host, game_id, view.ANSWER)
    if host.caller != accused_of(host, game):
        raise NOT_PARTY(host.caller)
    require(len(partials) == min(WAYS, game.count), "partials")
    total = sum(partials) % TWO_256
    if total != game.claimed:
        raise CHALLENGE_FAILED(game.claimed, total)
    until_s = host.timestamp_s + move_window_s(host, game)
    answered = replace(game, partials=_hash(partials), turn=view.CHOICE, until_s=until_s)
    update_struct(host, view.game_slot(game_id), view.SUM_GAME, game, answered)
    SUM_GAME_ANSWERED.emit(host, game_id, partials, until_s)


def choose_sum_game(host: Host, game_id: int, partials: Sequence[int], choice: int) -> None:
    """The challenger's move: which of the answered parts it disputes."""
    gas.charge(host, gas.ATTRIBUTION["chooseSumGame"], len(partials))
    game = game_in_turn(host, game_id, view.CHOICE)
    if host.caller != game.challenger:
        raise NOT_PARTY(host.caller)
    if _hash(partials) != game.partials:
        raise INVALID_PROOF(b"partials")
    require(choice < len(partials), "choice")
    start, end = (game.count * place // len(partials) for place in (choice, choice + 1))
    until_s = host.timestamp_s + move_window_s(host, game)
    chosen = replace(
        game,
        first=game.first + start,
        count=end - start,
        claimed=partials[choice],
        turn=first_turn(end - start),
        until_s=until_s,
    )
    update_struct(host, view.game_slot(game_id), view.SUM_GAME, game, chosen)
    SUM_GAME_CHOSEN.emit(host, game_id, chosen.first, chosen.count, chosen.claimed, until_s)


def end_sum_game(host: Host, game_id: int) -> None:
    """Decide a game against whoever did not move in time; by anybody."""
    gas.charge(host, gas.ATTRIBUTION["endSumGame"])
    game = _existing(host, game_id)
    if game.turn == 0:
        raise WRONG_STATUS(game.turn)
    if host.timestamp_s <= game.until_s:
        raise WINDOW_OPEN(game.until_s)
    end_game(host, game_id, game, accused_wins=game.turn == view.CHOICE)


def get_sum_game(host: Host, game_id: int) -> SumGame:
    """One game."""
    gas.charge(host, gas.ATTRIBUTION["getSumGame"])
    return _existing(host, game_id)


# --- For the two kinds of game ----------------------------------------------------------------------------


def check_bond(host: Host, version: int) -> None:
    """The value is the bond of a policy version."""
    bond_wei = policy.parameter(host, version, "challenge_bond_wei")
    if host.value_wei != bond_wei:
        raise WRONG_BOND(bond_wei, host.value_wei)


def begin_game(host: Host, game: SumGame) -> tuple[int, int]:
    """Write a new game down; returns its id and until when the first move must come."""
    game_id = host.load(ATTRIBUTION, view.GAME_COUNT_SLOT) + 1
    until_s = host.timestamp_s + move_window_s(host, game)
    host.store(view.GAME_COUNT_SLOT, game_id)
    store_struct(host, view.game_slot(game_id), view.SUM_GAME, replace(game, until_s=until_s))
    add_to_slot(host, ATTRIBUTION, view.open_disputes_slot(_key(game)), 1)
    return game_id, until_s


def first_turn(count: int) -> int:
    """Whose turn it is when so many elements are left."""
    return view.ANSWER if count > 1 else view.PROOF


def game_in_turn(host: Host, game_id: int, turn: int) -> SumGame:
    """A game whose turn it is, in time."""
    game = _existing(host, game_id)
    if game.turn != turn:
        raise WRONG_STATUS(game.turn)
    if host.timestamp_s > game.until_s:
        raise WINDOW_CLOSED(game.until_s)
    return game


def accused_of(host: Host, game: SumGame) -> Address:
    """Who committed what is disputed: the signer of the post or of the index."""
    if game.post_id:
        return view.post(host, game.post_id).signer
    return models.feature_index(host, game.index_id).signer


def move_window_s(host: Host, game: SumGame) -> int:
    """How long a move may take."""
    if game.post_id:
        version = view.case(host, game.post_id).policy_version
    else:
        version = models.feature_index(host, game.index_id).policy_version
    return policy.parameter(host, version, "demand_window_s")


def end_game(host: Host, game_id: int, game: SumGame, *, accused_wins: bool) -> None:
    """Close the game: the bond to the winner; what was committed wrongly is void and its signer slashed."""
    over = replace(game, turn=0, bond_wei=0)
    update_struct(host, view.game_slot(game_id), view.SUM_GAME, game, over)
    add_to_slot(host, ATTRIBUTION, view.open_disputes_slot(_key(game)), -1)
    winner = accused_of(host, game) if accused_wins else game.challenger
    if not accused_wins and game.post_id:
        void_by_default(host, game.post_id, game.challenger)
    elif not accused_wins:
        void_index_by_default(host, game.index_id, game.challenger)
    host.transfer(winner, game.bond_wei)
    SUM_GAME_ENDED.emit(host, game_id, winner)


def _existing(host: Host, game_id: int) -> SumGame:
    if not 0 < game_id <= host.load(ATTRIBUTION, view.GAME_COUNT_SLOT):
        raise GAME_NOT_FOUND(game_id)
    return load_struct(host, ATTRIBUTION, view.game_slot(game_id), view.SUM_GAME)


def _key(game: SumGame) -> int:
    return game.post_id or view.INDEX_KEY + game.index_id


def _hash(partials: Sequence[int]) -> Hash32:
    return keccak256(b"".join(map(word, partials)))
