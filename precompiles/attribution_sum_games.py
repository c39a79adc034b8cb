"""Disputes over a contributor's sum: one coordinate, bisected down to one row of the index.

The moves are in `attribution_games`. A sum of more than 4,096 coordinates does not fit one transaction; it is
disputed by the root of its vector and the one chunk that holds the coordinate.
Source: protocol, section 3 "Challenges" (a sum is wrong).
"""

from genesis.commitments import CHUNK_COORDINATES, ROW_BYTES, SUM_BYTES, unpack_vector
from genesis.types import ZERO_HASH, Address
from precompiles import gas
from precompiles.abi import TWO_256
from precompiles.attribution_evidence import check_chunk, check_sum, check_wide_sum
from precompiles.attribution_games import begin_game, check_bond, end_game, first_turn, game_in_turn
from precompiles.attribution_indexes import check_row, existing_index, is_contestable
from precompiles.attribution_interface import SUM_GAME_OPENED, WINDOW_CLOSED
from precompiles.checks import require
from precompiles.host import Host
from precompiles.views import attribution as view
from precompiles.views import models
from precompiles.views.attribution import RowEvidence, SumEvidence, SumGame
from precompiles.views.disputes import VectorChunk, WideSum
from precompiles.views.models import FeatureIndex


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
    index = _disputed_index(host, index_id)
    require(contributor_index < index.contributors, "contributorIndex")
    check_sum(index, contributor_index, contributor, evidence)
    require(coordinate < index.dimensions, "coordinate")
    place = coordinate * SUM_BYTES
    value = evidence.vector[place : place + SUM_BYTES]
    return _begin(host, index_id, index, contributor_index, coordinate, value)


def open_wide_sum_game(  # noqa: PLR0917 - the method's arguments
    host: Host,
    index_id: int,
    contributor_index: int,
    contributor: Address,
    coordinate: int,
    evidence: WideSum,
    chunk: VectorChunk,
) -> int:
    """The same for a sum of any width, by the chunk that holds the coordinate."""
    hashes = len(evidence.proof) + 2 * len(chunk.chunks)
    gas.charge(host, gas.ATTRIBUTION["openWideSumGame"], len(chunk.chunk) // SUM_BYTES, hashes)
    index = _disputed_index(host, index_id)
    require(contributor_index < index.contributors, "contributorIndex")
    check_wide_sum(index, contributor_index, contributor, evidence)
    require(coordinate < index.dimensions, "coordinate")
    check_chunk(index, evidence.vector_root, coordinate, chunk, SUM_BYTES)
    place = coordinate % CHUNK_COORDINATES * SUM_BYTES
    value = chunk.chunk[place : place + SUM_BYTES]
    return _begin(host, index_id, index, contributor_index, coordinate, value)


def prove_sum_game(host: Host, game_id: int, row: RowEvidence) -> None:
    """Show the last row, by anybody: its value decides the game."""
    gas.charge(host, gas.ATTRIBUTION["proveSumGame"], len(row.row), len(row.proof))
    game = game_in_turn(host, game_id, view.PROOF)
    require(row.index == game.first and game.post_id == 0, "index")
    check_row(models.feature_index(host, game.index_id), row)
    end_game(host, game_id, game, accused_wins=_value(game, row) == game.claimed)


def _disputed_index(host: Host, index_id: int) -> FeatureIndex:
    """An index that may be disputed, after the bond was paid."""
    index = existing_index(host, index_id)
    is_void = view.index_status(host, index_id) == view.INDEX_VOID
    if is_void or not is_contestable(host, index_id, index):
        raise WINDOW_CLOSED(index.usable_at_s)
    check_bond(host, index.policy_version)
    return index


def _begin(  # noqa: PLR0917 - what is disputed
    host: Host, index_id: int, index: FeatureIndex, contributor_index: int, coordinate: int, value: bytes
) -> int:
    claimed = unpack_vector(value, SUM_BYTES)[0] % TWO_256
    game = SumGame(
        index_id,
        contributor_index,
        coordinate,
        host.caller,
        0,
        index.rows,
        claimed,
        ZERO_HASH,
        first_turn(index.rows),
        0,
        host.value_wei,
        0,
        0,
    )
    game_id, until_s = begin_game(host, game)
    SUM_GAME_OPENED.emit(host, game_id, index_id, host.caller, contributor_index, coordinate, until_s)
    return game_id


def _value(game: SumGame, row: RowEvidence) -> int:
    """What the row adds to the disputed coordinate: nothing unless it is canonical and the contributor's."""
    if row.canonical_index != row.index or row.contributor_index != game.contributor_index:
        return 0
    mantissa = unpack_vector(row.row[game.coordinate : game.coordinate + 1], ROW_BYTES)[0]
    return (mantissa << min(row.exponent, 255)) % TWO_256
