"""Disputes over a batch query: one coordinate of `Q = Σ w·q`, bisected down to one receipt's query.

The post's signer answers for the sum; the queries and weights under it are the provider's, who committed
them when it settled (`attribution_receipts`). The moves are in `attribution_games`.
Source: protocol, section 3 "Challenges" (a sum is wrong).
"""

from genesis.commitments import (
    BATCH_QUERY_BYTES,
    CHUNK_COORDINATES,
    QUERY_BYTES,
    unpack_vector,
)
from genesis.types import ZERO_HASH
from precompiles import gas
from precompiles.abi import TWO_256
from precompiles.attribution_evidence import check_chunk, check_query_leaf
from precompiles.attribution_games import begin_game, check_bond, end_game, first_turn, game_in_turn
from precompiles.attribution_interface import (
    INVALID_PROOF,
    QUERY_GAME_OPENED,
    WINDOW_CLOSED,
    WRONG_STATUS,
    Batches,
    batches_hash,
    existing_post,
)
from precompiles.checks import require
from precompiles.host import Host
from precompiles.views import attribution as view
from precompiles.views import disputes, metering, models
from precompiles.views.attribution import Post, SumGame
from precompiles.views.disputes import QueryLeaf, VectorChunk


def open_query_game(  # noqa: PLR0917 - the method's arguments
    host: Host, post_id: int, batches: Batches, batch: int, coordinate: int, chunk: VectorChunk
) -> int:
    """Dispute one coordinate of a posted batch query against the policy's bond, within the post's window."""
    counts = (len(batches), len(chunk.chunk) // BATCH_QUERY_BYTES, 2 * len(chunk.chunks))
    gas.charge(host, gas.ATTRIBUTION["openQueryGame"], *counts)
    posted = contestable_post(host, post_id, batches)
    check_bond(host, view.case(host, post_id).policy_version)
    require(batch < len(batches), "batch")
    index = models.feature_index(host, posted.feature_index)
    require(coordinate < index.dimensions, "coordinate")
    claimed = batches[batch]
    check_chunk(index, claimed.query_root, coordinate, chunk, BATCH_QUERY_BYTES)
    place = coordinate % CHUNK_COORDINATES * BATCH_QUERY_BYTES
    value = unpack_vector(chunk.chunk[place : place + BATCH_QUERY_BYTES], BATCH_QUERY_BYTES)[0]
    count = metering.settlement(host, claimed.settlement_id).receipts
    game = SumGame(
        0,
        0,
        coordinate,
        host.caller,
        0,
        count,
        value % TWO_256,
        ZERO_HASH,
        first_turn(count),
        0,
        host.value_wei,
        post_id,
        claimed.settlement_id,
    )
    game_id, until_s = begin_game(host, game)
    QUERY_GAME_OPENED.emit(host, game_id, post_id, host.caller, claimed.settlement_id, coordinate, until_s)
    return game_id


def prove_query_game(host: Host, game_id: int, leaf: QueryLeaf, chunk: VectorChunk) -> None:
    """Show the last receipt's query, by anybody: its weighted value decides the game."""
    hashes = len(leaf.proof) + 2 * len(chunk.chunks)
    gas.charge(host, gas.ATTRIBUTION["proveQueryGame"], len(chunk.chunk) // QUERY_BYTES, hashes)
    game = game_in_turn(host, game_id, view.PROOF)
    require(game.post_id != 0, "gameId")
    settlement = metering.settlement(host, game.settlement_id)
    require(leaf.number == settlement.first_receipt + game.first, "number")
    check_query_leaf(settlement, leaf)
    index = models.feature_index(host, settlement.feature_index)
    check_chunk(index, leaf.query_root, game.coordinate, chunk, QUERY_BYTES)
    place = game.coordinate % CHUNK_COORDINATES * QUERY_BYTES
    value = unpack_vector(chunk.chunk[place : place + QUERY_BYTES], QUERY_BYTES)[0]
    end_game(host, game_id, game, accused_wins=leaf.weight * value % TWO_256 == game.claimed)


def contestable_post(host: Host, post_id: int, batches: Batches) -> Post:
    """A post that may be disputed now, if `batches` are what it claimed."""
    posted = existing_post(host, post_id)
    if posted.status != view.PENDING:
        raise WRONG_STATUS(posted.status)
    until_s = max(posted.contestable_until_s, disputes.extension(host, post_id))
    if host.timestamp_s > until_s:
        raise WINDOW_CLOSED(until_s)
    if batches_hash(batches) != posted.batches_hash:
        raise INVALID_PROOF(b"batches")
    return posted
