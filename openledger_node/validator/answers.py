"""Who was asked answers: hidden content is shown, disputed sums are broken down, silence is punished.

Anybody may show what a demand asks for and earn its fee, so every validator does, from published documents;
what nobody showed in time convicts who was to show it. Games over sums are answered by the one account that
signed: a provider or model owner runs this with its own key, which otherwise loses them by the clock.

Covered: contents under posts, indexes and settlements; answers and last elements in games over sums and
batch queries. Not covered: opening games and choosing in them (`indexes`, `games`).
Source: protocol, section 3 "Challenges" (something is hidden; a sum is wrong).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict
from functools import partial
from itertools import chain
from typing import Any

import structlog

from genesis.addresses import INFERENCE_METERING
from genesis.commitments import (
    BATCH_QUERY_BYTES,
    KIND_AMOUNTS,
    KIND_DEBTS,
    KIND_RECEIPTS,
    KIND_SCORES,
    QUERY_BYTES,
    ROW_BYTES,
    SUM_BYTES,
    address_word,
    merkle_layers,
    merkle_proof,
    pack_vector,
    query_leaf,
    sum_tree_id,
    vector_root,
    word,
)
from genesis.keccak import keccak256
from genesis.types import Hash32
from openledger_node.client.contract import Event
from openledger_node.client.disputes import (
    paid_leaves,
    sum_tree_contents,
    tree_contents,
    vector_chunk,
    vector_contents,
)
from openledger_node.client.economy import ATTRIBUTION, EconomyReader
from openledger_node.client.errors import RemoteError, RevertedError
from openledger_node.client.patience import Patience
from openledger_node.client.posts import posted
from openledger_node.clock import Clock
from openledger_node.errors import TemporaryError
from openledger_node.validator.challenger import Challenger
from openledger_node.validator.documents import REFUSALS, DocumentError, Documents
from openledger_node.validator.index_check import (
    IndexInputs,
    partial_sums,
    parts,
    row_evidence,
    rows_layers,
)
from openledger_node.validator.leaves import tree_id
from openledger_node.validator.records import Batch, ContributorSum, PostInputs
from precompiles.views.attribution import ANSWER, INDEX_KEY, PROOF

POLL_S = 1.0

log = structlog.get_logger(__name__)


class Answers:
    """`run` repeats `look`; `answered` is for metrics."""

    def __init__(self, reader: EconomyReader, documents: Documents, sender: Challenger, clock: Clock) -> None:
        self._reader = reader
        self._documents = documents
        self._sender = sender
        self._clock = clock
        self._next_block = 0
        self._demands: set[int] = set()
        self._games: set[int] = set()
        self._patience = Patience()
        self.answered = 0

    async def run(self) -> None:
        """Answer until cancelled."""
        while True:
            try:
                await self.look()
            except (TemporaryError, RemoteError, RevertedError) as error:
                log.warning("answers delayed", reason=str(error))
            await self._clock.sleep(POLL_S)

    async def look(self) -> None:
        """One round over new and open demands and games."""
        await self._discover()
        if not self._demands and not self._games:
            return
        now_s = await self._reader.ethereum.timestamp_s()
        for demand_id in sorted(self._demands):
            await self._try(self._attend_demand, now_s, demand=demand_id)
        for game_id in sorted(self._games):
            await self._try(self._attend_game, now_s, game=game_id)

    async def _try(self, attend: Callable[[int], Awaitable[None]], now_s: int, **what: int) -> None:
        ((kind, number),) = what.items()
        failure = await self._patience.attempt((kind, number), now_s, partial(attend, number), REFUSALS)
        if failure is not None and failure.is_news:
            log.warning("not answered yet", reason=str(failure.error), **what)

    async def _discover(self) -> None:
        ethereum = self._reader.ethereum
        head = await ethereum.block_number()
        if head < self._next_block:
            return
        found: dict[str, list[Event]] = {}
        for name in ("Demanded", "SumGameOpened", "QueryGameOpened"):
            found[name] = await ethereum.events(
                ATTRIBUTION, name, first_block=self._next_block, last_block=head
            )
        self._next_block = head + 1
        self._demands.update(int(event.arguments["demandId"]) for event in found.pop("Demanded"))
        self._games.update(int(event.arguments["gameId"]) for event in chain(*found.values()))

    # --- Demands ------------------------------------------------------------------------------------------

    async def _attend_demand(self, demand_id: int) -> None:
        demand = await self._reader.ethereum.read(ATTRIBUTION, "getDemand", demand_id)
        if demand["until"] == 0:
            self._demands.discard(demand_id)
        elif await self._reader.ethereum.timestamp_s() > demand["until"]:
            await self._sender.send("expireDemand", demand_id)
        else:
            content = await self._content(demand["key"], demand["contentHash"])
            if content is None:
                raise DocumentError("what is demanded is not published")
            await self._sender.send("answerDemand", demand_id, content)
            self.answered += 1
            log.info("demand answered", demand=demand_id, bytes=len(content))

    async def _content(self, key: int, content_hash: bytes) -> bytes | None:
        if key >= INDEX_KEY:
            contents = index_contents(await self._documents.index_inputs(key - INDEX_KEY))
        else:
            contents = post_contents(await self._post_inputs(key))
        return await asyncio.to_thread(_first_of, contents, content_hash)

    async def _post_inputs(self, post_id: int) -> PostInputs:
        return await self._documents.inputs(
            await posted(self._reader, post_id), await self._reader.post(post_id)
        )

    # --- Games --------------------------------------------------------------------------------------------

    async def _attend_game(self, game_id: int) -> None:
        game = await self._reader.ethereum.read(ATTRIBUTION, "getSumGame", game_id)
        if game["turn"] == 0 or await self._signer(game) != self._sender.address_bytes:
            self._games.discard(game_id)
        elif game["turn"] == ANSWER:
            await self._sender.send("answerSumGame", game_id, await self._partials(game))
            self.answered += 1
        elif game["turn"] == PROOF:
            await self._prove(game_id, game)

    async def _signer(self, game: Any) -> bytes:
        if game["postId"]:
            return bytes((await self._reader.post(game["postId"])).signer)
        return bytes((await self._reader.feature_index(game["indexId"])).signer)

    async def _partials(self, game: Any) -> list[int]:
        place = (game["coordinate"], game["first"], game["count"])
        if game["postId"]:
            batch = await self._batch(game)
            sums = query_partials(batch, *place)
        else:
            inputs = await self._documents.index_inputs(game["indexId"])
            sums = partial_sums(inputs.rows, game["contributorIndex"], *place)
        return [value % 2**256 for value in sums]

    async def _prove(self, game_id: int, game: Any) -> None:
        if game["postId"]:
            evidence = query_evidence(await self._batch(game), game["first"], game["coordinate"])
            await self._sender.send("proveQueryGame", game_id, *evidence)
            return
        rows = (await self._documents.index_inputs(game["indexId"])).rows
        row = row_evidence(rows, rows_layers(rows), game["first"])
        await self._sender.send("proveSumGame", game_id, tuple(asdict(row).values()))

    async def _batch(self, game: Any) -> Batch:
        inputs = await self._post_inputs(game["postId"])
        settlement_id = game["settlementId"]
        return next(each for each in inputs.batches if each.claim.settlement_id == settlement_id)


# --- What there is to show --------------------------------------------------------------------------------


def query_partials(batch: Batch, coordinate: int, first: int, count: int) -> list[int]:
    """What an honest answer in a game over a batch query says."""
    return [
        sum(batch.queries[i].weight * batch.queries[i].vector[coordinate] for i in part)
        for part in parts(first, count)
    ]


def query_evidence(batch: Batch, place: int, coordinate: int) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """`QueryLeaf` and `VectorChunk` of one receipt of a settlement."""
    query = batch.queries[place]
    packed = pack_vector(query.vector, QUERY_BYTES)
    leaves = [
        query_leaf(number=each.number, weight=each.weight, query_root=_query_root(each.vector))
        for each in batch.queries
    ]
    proof = merkle_proof(merkle_layers(leaves), place)
    leaf = (query.number, query.weight, vector_root(packed, QUERY_BYTES), proof)
    chunk = vector_chunk(packed, QUERY_BYTES, coordinate)
    return leaf, (list(chunk.chunks), chunk.chunk)


def index_contents(inputs: IndexInputs) -> Iterator[bytes]:
    """Every content under an index's roots."""
    rows = inputs.rows
    packed = [row.tobytes() for row in rows.mantissas]
    leaves = [
        word(i)
        + word(int(rows.canonical[i]))
        + word(int(rows.owners[i]))
        + word(int(rows.exponents[i]))
        + vector_root(row, ROW_BYTES)
        for i, row in enumerate(packed)
    ]
    yield from tree_contents(leaves)
    yield from chain.from_iterable(vector_contents(row, ROW_BYTES) for row in packed)
    yield from tree_contents([_sum_content(place, each) for place, each in enumerate(inputs.sums)])
    yield from chain.from_iterable(vector_contents(each.vector, SUM_BYTES) for each in inputs.sums)


def post_contents(inputs: PostInputs) -> Iterator[bytes]:
    """Every content under a post's roots and its settlements', but the receipts' own."""
    first = inputs.batches[0].claim.settlement_id
    contributors = inputs.posted_contributors
    amounts = paid_leaves(contributors, inputs.posted_amounts)
    yield from sum_tree_contents(tree_id(inputs, KIND_AMOUNTS, first), amounts)
    for batch in inputs.batches:
        settlement_id = batch.claim.settlement_id
        positive = paid_leaves(contributors, (max(0, score) for score in batch.scores))
        negative = paid_leaves(contributors, (max(0, -score) for score in batch.scores))
        yield from sum_tree_contents(tree_id(inputs, KIND_SCORES, settlement_id), positive)
        yield from sum_tree_contents(tree_id(inputs, KIND_DEBTS, settlement_id), negative)
        yield from vector_contents(pack_vector(batch.posted_query, BATCH_QUERY_BYTES), BATCH_QUERY_BYTES)
        yield from settlement_contents(inputs.chain_id, batch)


def settlement_contents(chain_id: int, batch: Batch) -> Iterator[bytes]:
    """Every content under a settlement's queries, and under its receipts down to their hashes."""
    leaves = [word(query.number) + word(query.weight) + _query_root(query.vector) for query in batch.queries]
    yield from tree_contents(leaves)
    for query in batch.queries:
        yield from vector_contents(pack_vector(query.vector, QUERY_BYTES), QUERY_BYTES)
    channel = int.from_bytes(batch.settlement.channel_id, "big")
    receipts = sum_tree_id(KIND_RECEIPTS, chain_id, INFERENCE_METERING, channel)
    paid = [(bytes(each.receipt_hash), each.fee_wei) for each in batch.receipts]
    yield from sum_tree_contents(receipts, paid)


def _query_root(vector: tuple[int, ...]) -> Hash32:
    return vector_root(pack_vector(vector, QUERY_BYTES), QUERY_BYTES)


def _sum_content(place: int, each: ContributorSum) -> bytes:
    head = word(place) + address_word(each.contributor) + word(each.records)
    return head + word(each.norm_squared) + vector_root(each.vector, SUM_BYTES)


def _first_of(contents: Iterator[bytes], content_hash: bytes) -> bytes | None:
    return next((content for content in contents if keccak256(content) == content_hash), None)
