"""Users who contest batch queries, receipts and wide vectors, and who demand what is hidden."""

from typing import Any

from genesis.addresses import ATTRIBUTION
from genesis.commitments import BATCH_QUERY_BYTES, LEAF, NODE, SUM_BYTES, vector_root, word
from genesis.types import ZERO_HASH, Address
from precompiles.views.attribution import PENDING
from precompiles.views.disputes import DemandPath, VectorChunk, WideSum
from tests.precompiles.attribution_actors import AttributionActors
from tests.precompiles.batches import Batch, chunk_hashes, chunk_of
from tests.precompiles.calls import call, number
from tests.precompiles.evidence import Index, Posted, Tree
from tests.precompiles.memory import Chosen
from tests.precompiles.world import Call, Outcome


class BatchActors(AttributionActors):
    """Users who contest batch queries, receipts and wide vectors, and who demand what is hidden."""

    def _play_sum_game(self) -> Call:
        raise NotImplementedError

    def _contested(self) -> tuple[int, Index]:
        raise NotImplementedError

    def _challenger(self) -> Any:
        raise NotImplementedError

    def _open_query_case(self) -> Call:
        raise NotImplementedError

    def _challenge_fault(self) -> Call:
        drawn = self.random.random()
        if drawn < 0.2:
            return self._open_query_case()
        return self._challenge_batch() if drawn < 0.5 else super()._challenge_fault()

    # --- Batch queries ------------------------------------------------------------------------------------

    def _pending(self) -> tuple[int, Posted]:
        """A post that can still be contested, if there is one."""
        post_id = self.random.choice(self._posts_with(PENDING) or list(self.posts))
        return post_id, self.posts[post_id]

    def _open_query_game(self) -> Call:
        post_id, posted = self._pending()
        batch = self.random.randrange(len(posted.claims))
        if posted.claims[batch].settlement_id not in self.batches:
            return self._garbage()

        def learn(outcome: Outcome) -> None:
            self.games.append(number(outcome))
            self._follow_up.extend([self._play_sum_game] * 5)

        self._learn = learn
        coordinate = self.random.randrange(posted.index.dimensions)
        chunk = chunk_of(posted.queries[batch], BATCH_QUERY_BYTES, coordinate)
        arguments = (post_id, posted.claims, batch, coordinate, chunk)
        bond_wei = self._version_parameter("challenge_bond_wei")
        return call(self._account().address, ATTRIBUTION, "openQueryGame", *arguments, value_wei=bond_wei)

    def _prove_query_game(self, game_id: int, settlement_id: int, coordinate: int, first: int) -> Call:
        batch = self.batches[settlement_id]
        place = batch.first + first
        evidence = (batch.query(place), batch.query_chunk(place, coordinate))
        return call(self._account().address, ATTRIBUTION, "proveQueryGame", game_id, *evidence)

    def _contested_receipt(self) -> tuple[Address, tuple[Any, ...], Batch, int] | None:
        """A challenger, what its challenge of a post begins with, a batch of that and one of its receipts;
        mostly one that lies."""
        post_id, challenger, salt, posted = self._challenge()
        place = self.random.randrange(len(posted.claims))
        batch = self.batches.get(posted.claims[place].settlement_id)
        if batch is None or batch.first == len(batch.receipts):
            return None
        numbers = range(batch.first, len(batch.receipts))
        lying = [each for each in numbers if self._lies(batch.receipts[each])]
        head = (post_id, salt, posted.claims, place)
        return challenger, head, batch, self.random.choice(lying or numbers)

    def _challenge_batch(self) -> Call:
        """A challenge of a receipt, a weight or a query."""
        found = self._contested_receipt()
        if found is None:
            return self._garbage()
        challenger, head, batch, chosen = found
        leaf, receipt = batch.query(chosen), batch.receipt(chosen)
        self._learn = self._proved
        moves: tuple[tuple[str, tuple[Any, ...]], ...] = (
            ("challengeReceipt", (receipt,)),
            ("challengeWeight", (leaf, receipt)),
            ("challengeQuery", (leaf, batch.packed_query(chosen))),
        )
        fitting = 2 if max(batch.receipts[chosen].query) > 99 else self.random.randrange(3)
        name, tail = moves[fitting]
        return call(challenger, ATTRIBUTION, name, *head, *tail)

    @staticmethod
    def _lies(receipt: Any) -> bool:
        is_paid = receipt.fee_wei == receipt.amount_wei
        return not is_paid or max(receipt.query) > 99 or receipt.tokens_in > 3_001

    # --- Wide vectors -------------------------------------------------------------------------------------

    def _tally(self) -> Call:
        _, posted = self._pending()
        batch = self.random.randrange(len(posted.claims))
        place = self.random.randrange(len(posted.index.contributors))
        vector, query = posted.index.vectors[place], posted.queries[batch]
        return self._tally_call(vector, query)

    def _tally_call(self, vector: bytes, query: bytes) -> Call:
        chunks = (chunk_hashes(vector, SUM_BYTES), chunk_hashes(query, BATCH_QUERY_BYTES))
        return call(self._account().address, ATTRIBUTION, "tallyProducts", *chunks, vector, query)

    def _product_challenge(self, chosen: Chosen, number_: int) -> Call:
        """Sometimes by a tally instead."""
        posted = chosen[3]
        tree = posted.trees[number_]
        place = self._position(tree)
        if place >= len(posted.index.contributors) or self.random.random() < 0.6:
            return super()._product_challenge(chosen, number_)
        batch = (number_ - 1) // 2
        is_debt = number_ % 2 == 0
        self._learn = lambda _: self._follow_up.insert(
            0, lambda: self._wide_score(chosen[0], batch, place, chosen[1], is_debt=is_debt)
        )
        return self._tally_call(posted.index.vectors[place], posted.queries[batch])

    def _challenge_wide_score(self) -> Call:
        post_id, challenger, _, posted = self._challenge()
        place = self.random.randrange(len(posted.index.contributors))
        batch = self.random.randrange(len(posted.claims))
        return self._wide_score(post_id, batch, place, challenger, is_debt=self.random.random() < 0.3)

    def _wide_score(
        self, post_id: int, batch: int, place: int, challenger: Address, *, is_debt: bool
    ) -> Call:
        posted = self.posts[post_id]
        self._challenging = (post_id, challenger)
        salt = self.salts.get((post_id, challenger), ZERO_HASH)
        tree = (posted.debts if is_debt else posted.scores)[batch]
        self._learn = self._proved
        tail = (posted.index.contributors[place], wide_sum(posted.index, place), self._leaf(tree, place))
        arguments = (post_id, salt, posted.claims, batch, place, *tail, is_debt)
        return call(challenger, ATTRIBUTION, "challengeWideScore", *arguments)

    def _tally_norm(self) -> Call:
        _, _, _, index = self._challenger()
        if not index.contributors:
            return self._garbage()
        self._learn = lambda _: self._follow_up.append(self._challenge_wide_norm)
        return self._tally_call(index.vectors[self.random.randrange(len(index.contributors))], b"")

    def _challenge_wide_norm(self) -> Call:
        index_id, challenger, salt, index = self._challenger()
        if not index.contributors:
            return self._garbage()
        place = self.random.randrange(len(index.contributors))
        arguments = (index_id, salt, place, index.contributors[place], wide_sum(index, place))
        return call(challenger, ATTRIBUTION, "challengeWideNorm", *arguments)

    def _open_wide_sum_game(self) -> Call:
        index_id, index = self._contested()
        if not index.contributors:
            return self._garbage()
        place = self.random.randrange(len(index.contributors))

        def learn(outcome: Outcome) -> None:
            self.games.append(number(outcome))
            self._follow_up.extend([self._play_sum_game] * 4)

        self._learn = learn
        coordinate = self.random.randrange(index.dimensions)
        chunk = chunk_of(index.vectors[place], SUM_BYTES, coordinate)
        if self.random.random() < 0.1:
            chunk = VectorChunk((*chunk.chunks, *chunk.chunks), chunk.chunk)
        who = (index_id, place, index.contributors[place], coordinate)
        arguments = (*who, wide_sum(index, place), chunk)
        bond_wei = self._version_parameter("challenge_bond_wei")
        return call(self._account().address, ATTRIBUTION, "openWideSumGame", *arguments, value_wei=bond_wei)

    # --- Demands ------------------------------------------------------------------------------------------

    def _demand_of_post(self) -> Call:
        post_id, posted = self._pending()
        number_ = self.random.randrange(len(posted.claims) * 5 + 2)
        way = self._way(posted, number_)
        return self._demand("demandOfPost", (post_id, posted.claims), number_, way)

    def _way(self, posted: Posted, number_: int) -> tuple[int, list[bytes]]:
        """A position in a tree of a post, and contents on the way down to it."""
        batch, kind = divmod(max(number_ - 1, 0), 5)
        if number_ == 0 or (kind < 2 and batch < len(posted.claims)):
            trees = (posted.scores, posted.debts)
            tree = posted.amounts if number_ == 0 else trees[kind][batch]
            position = self.random.randrange(len(posted.index.contributors))
            return position, sum_way(tree, position)
        if kind == 2 and batch < len(posted.queries):
            return 0, [LEAF + posted.queries[batch]]
        return self.random.randrange(3), [self.random.randbytes(65)]

    def _demand_of_index(self) -> Call:
        index_id, index = self._contested()
        way = (self.random.randrange(max(1, len(index.contributors))), [b""])
        return self._demand("demandOfIndex", (index_id,), self.random.choice((0, 1, 1, 2)), way)

    def _demand(self, name: str, head: tuple[Any, ...], tree: int, way: tuple[int, list[bytes]]) -> Call:
        position, contents = way
        shown = self.random.randrange(len(contents))
        path = DemandPath(tree, position, 0, tuple(contents[:shown]))

        def learn(outcome: Outcome) -> None:
            self.demands.append((number(outcome), contents[shown]))
            self._follow_up.append(self._end_demand)

        self._learn = learn
        fee_wei = self._version_parameter("demand_fee_wei")
        return call(self._account().address, ATTRIBUTION, name, *head, path, value_wei=fee_wei)

    def _end_demand(self) -> Call:
        demand_id, content = self.random.choice(self.demands[-4:])
        sender = self._account().address
        if self.random.random() < 0.6:
            return call(sender, ATTRIBUTION, "answerDemand", demand_id, content)
        return call(sender, ATTRIBUTION, "expireDemand", demand_id)


def wide_sum(index: Index, place: int) -> WideSum:
    """A contributor's sum by the root of its vector."""
    found = index.evidence(place)
    root = vector_root(found.vector, SUM_BYTES)
    return WideSum(found.records, found.norm_squared, root, found.proof)


def sum_way(tree: Tree, position: int) -> list[bytes]:
    """Contents from a Merkle-sum tree's root down to a leaf, as they were meant."""
    contents = []
    layers = tree.layers
    for level in range(len(layers) - 2, -1, -1):
        first = position >> level & ~1
        left, right = layers[level][first : first + 2]
        contents.append(NODE + left.hash + word(left.sum) + right.hash + word(right.sum))
    key, amount = tree.leaves[position]
    return [*contents, LEAF + tree.id + word(position) + key + word(amount)]
