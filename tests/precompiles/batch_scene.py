"""A settled batch with everything behind its roots, posted, and disputed."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from genesis.addresses import ATTRIBUTION, INFERENCE_METERING
from genesis.commitments import BATCH_QUERY_BYTES
from genesis.spec import DEV_L2_CHAIN_ID
from genesis.typed_data import Voucher, voucher_digest
from precompiles.views.disputes import DemandPath
from tests.precompiles.batches import Batch, Receipt, chunk_of, honest_receipt
from tests.precompiles.calls import UNIT, number
from tests.precompiles.evidence import Posted
from tests.precompiles.scene import SCENE_POLICY, Scene
from tests.precompiles.world import MachineType

BATCH_POLICY = replace(SCENE_POLICY, post_window_s=40, challenge_reveal_s=10, demand_window_s=12)
PRICES = (UNIT, 2 * UNIT)
QUERIES = ((900, -20, 3, 4), (-5, 700, 30, -8), (60, 70, -80, 900))


class BatchScene(Scene):
    """A channel whose receipts are all real; `settle_batch` may be told to lie about some."""

    def __init__(
        self,
        machine_type: MachineType,
        vectors: Sequence[Sequence[int]] | None = None,
        queries: Sequence[Sequence[int]] = QUERIES,
    ) -> None:
        super().__init__(BATCH_POLICY, machine_type)
        if vectors is not None:
            self.vectors = vectors
        self.channel_id = self.channel()
        self.stake(self.validator)
        self.batch = Batch(self.channel_id, tuple(self.honest(query) for query in queries))

    def honest(self, query: Sequence[int], tokens: tuple[int, int] = (3_000, 10)) -> Receipt:
        return honest_receipt(PRICES, tokens, query, self.policy.platform_ppm)

    def lie(self, place: int, **changes: Any) -> None:
        """Change what one receipt says."""
        receipts = list(self.batch.receipts)
        receipts[place] = replace(receipts[place], **changes)
        self.batch = replace(self.batch, receipts=tuple(receipts))

    def settle_batch(self) -> int:
        tree = self.batch.tree
        left, right = tree.layers[-2]
        voucher = Voucher(self.channel_id, len(self.batch.receipts), tree.root.sum, tree.root.hash)
        signature = self.key.sign(voucher_digest(voucher, DEV_L2_CHAIN_ID))
        children = (left.hash, left.sum, right.hash, right.sum)
        head = (self.channel_id, voucher.receipt_count, tree.root.sum, tree.root.hash, signature)
        arguments = (*head, *children, self.batch.queries_root, b"")
        self.settlement_id = number(self.do(self.provider, INFERENCE_METERING, "settle", *arguments))
        return self.settlement_id

    def posted(self, off_by: int = 0, coordinate: int = 0) -> tuple[int, Posted]:
        """Settle and post; the batch query is off by so much at a coordinate."""
        self.settle_batch()
        query = [self.batch.part(k, 0, len(self.batch.receipts)) for k in range(self.index.dimensions)]
        query[coordinate] += off_by
        self.query = query
        posted = self.prepare_post([self.settlement_id])
        return self.send_post(posted), posted

    # --- Games over the batch query -----------------------------------------------------------------------

    def dispute(self, post_id: int, posted: Posted, coordinate: int) -> int:
        chunk = chunk_of(posted.queries[0], BATCH_QUERY_BYTES, coordinate)
        arguments = (post_id, posted.claims, 0, coordinate, chunk)
        bond_wei = self.policy.challenge_bond_wei
        outcome = self.do(self.validator, ATTRIBUTION, "openQueryGame", *arguments, value_wei=bond_wei)
        return number(outcome)

    def game(self, game_id: int) -> list[int]:
        return self.fields(ATTRIBUTION, "getSumGame", game_id)

    def true_partials(self, game_id: int) -> list[int]:
        _, _, coordinate, _, first, count = self.game(game_id)[:6]
        ends = [count * i // min(16, count) for i in range(min(16, count) + 1)]
        return [self.batch.part(coordinate, first + a, b - a) % 2**256 for a, b in pairwise(ends)]

    def answer_and_choose(self, game_id: int) -> None:
        """One round: the signer hides the difference in the first part, the challenger finds it."""
        true = self.true_partials(game_id)
        told = list(true)
        told[0] = (told[0] + self.game(game_id)[6] - sum(true)) % 2**256
        self.do(self.provider, ATTRIBUTION, "answerSumGame", game_id, told)
        self.do(self.validator, ATTRIBUTION, "chooseSumGame", game_id, told, 0)

    def prove_game(self, game_id: int) -> None:
        _, _, coordinate, _, first = self.game(game_id)[:5]
        evidence = (self.batch.query(first), self.batch.query_chunk(first, coordinate))
        self.do(self.stranger, ATTRIBUTION, "proveQueryGame", game_id, *evidence)

    # --- Demands ------------------------------------------------------------------------------------------

    def demand(self, post_id: int, posted: Posted, path: DemandPath) -> int:
        arguments = (post_id, posted.claims, path)
        fee_wei = self.policy.demand_fee_wei
        outcome = self.do(self.validator, ATTRIBUTION, "demandOfPost", *arguments, value_wei=fee_wei)
        return number(outcome)

    def status(self, post_id: int) -> int:
        return self.fields(ATTRIBUTION, "getPost", post_id)[9]
