"""How a wrong batch query is proved wrong: a game over one coordinate of `Q = Σ w·q`, down to one receipt."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from genesis.commitments import (
    BATCH_QUERY_BYTES,
    QUERY_BYTES,
    merkle_layers,
    merkle_proof,
    pack_vector,
    query_leaf,
    vector_root,
)
from openledger_node.client.disputes import vector_chunk
from openledger_node.validator.challenger import Challenger
from openledger_node.validator.games import Game, Games
from openledger_node.validator.index_check import parts
from openledger_node.validator.records import Batch, PostInputs, WrongQuery
from precompiles.views.disputes import QueryLeaf


class QueryGames:
    """One account's games over batch queries."""

    def __init__(self, games: Games, challenger: Challenger) -> None:
        self._games = games
        self._challenger = challenger

    async def play(self, inputs: PostInputs, batches: Any, verdict: WrongQuery) -> bool:
        """Open a game or make its next move; True when it was opened now."""
        batch = inputs.batches[verdict.batch]
        game_id = await self._games.opened("QueryGameOpened", inputs.post_id)
        if game_id is None:
            packed = pack_vector(batch.posted_query, BATCH_QUERY_BYTES)
            chunk = tuple(asdict(vector_chunk(packed, BATCH_QUERY_BYTES, verdict.coordinate)).values())
            bond_wei = await self._challenger.bond_wei()
            await self._challenger.send(
                "openQueryGame",
                inputs.post_id,
                batches,
                verdict.batch,
                verdict.coordinate,
                chunk,
                value_wei=bond_wei,
            )
            return True

        async def prove(number: int, game: Game) -> None:
            leaf = query_evidence(batch, game["first"])
            query = pack_vector(batch.queries[game["first"]].vector, QUERY_BYTES)
            chunk = tuple(asdict(vector_chunk(query, QUERY_BYTES, game["coordinate"])).values())
            await self._challenger.send("proveQueryGame", number, tuple(asdict(leaf).values()), chunk)

        await self._games.play(
            game_id, lambda first, count: query_partial_sums(batch, verdict.coordinate, first, count), prove
        )
        return False


def query_evidence(batch: Batch, place: int) -> QueryLeaf:
    """One receipt's query with its path to the settlement's queries; `place` counts within the settlement."""
    roots = [vector_root(pack_vector(query.vector, QUERY_BYTES), QUERY_BYTES) for query in batch.queries]
    leaves = [
        query_leaf(number=query.number, weight=query.weight, query_root=root)
        for query, root in zip(batch.queries, roots, strict=True)
    ]
    query = batch.queries[place]
    proof = tuple(merkle_proof(merkle_layers(leaves), place))
    return QueryLeaf(query.number, query.weight, roots[place], proof)


def query_partial_sums(batch: Batch, coordinate: int, first: int, count: int) -> Sequence[int]:
    """What the parts of a range of receipts add to one coordinate of the batch query."""
    products = [query.weight * query.vector[coordinate] for query in batch.queries]
    return [sum(products[part.start : part.stop]) for part in parts(first, count)]
