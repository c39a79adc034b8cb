"""A scene whose model shares with a Datanet's retrieved records: trees, shares, signatures, proofs."""

from dataclasses import replace
from typing import Any

from genesis.addresses import DATANET_REGISTRY, INFERENCE_METERING, MODEL_REGISTRY
from genesis.commitments import (
    KIND_RETRIEVAL,
    address_word,
    contribution_leaf,
    merkle_layers,
    merkle_proof,
    sum_tree_id,
)
from genesis.shares import PPM
from genesis.spec import DEV_L2_CHAIN_ID
from genesis.typed_data import RetrievalShare, RetrievalVoucher, retrieval_voucher_digest
from genesis.types import Hash32
from precompiles.views.metering import Membership, SettleOrder
from tests.precompiles.calls import Account, number
from tests.precompiles.evidence import Tree
from tests.precompiles.scene import FEES_WEI, HASH, Scene
from tests.precompiles.world import MachineType, NativeMachine

LEAVES = ([HASH, HASH], [Hash32(b"\x12" * 32)], [Hash32(b"\x13" * 32)] * 3)


class RetrievalScene(Scene):
    """A channel on a model whose owner lets Datanet `facts` share; three contributors, one of them late."""

    def __init__(self, machine_type: MachineType = NativeMachine) -> None:
        super().__init__(machine_type=machine_type)
        self.channel_id = self.channel()
        self.facts = self.datanet()
        self.contributions: list[tuple[int, int]] = []
        for contributor, leaves in zip(self.contributors, LEAVES, strict=True):
            if contributor == self.contributors[2]:
                self.do(self.owner, DATANET_REGISTRY, "publishVersion", self.facts)
            block = self.machine.moment.block_number
            contribution_id = self.contribution(self.facts, contributor, leaves)
            self.do(self.owner, DATANET_REGISTRY, "review", contribution_id, True, 9_000)
            self.contributions.append((contribution_id, block))
        self.do(self.owner, MODEL_REGISTRY, "setRetrieval", self.model_id, self.facts, True)

    def tree(self, amounts: list[int], **changed: int) -> Tree:
        named = {
            "channel": int.from_bytes(self.channel_id, "big"),
            "first": 0,
            "count": 3,
            "datanet": self.facts,
            "version": 1,
            "chain": DEV_L2_CHAIN_ID,
        } | changed
        chain = named.pop("chain")
        tree_id = sum_tree_id(KIND_RETRIEVAL, chain, INFERENCE_METERING, *named.values())
        keys = [Hash32(address_word(each)) for each in self.contributors]
        return Tree(tree_id, list(zip(keys, amounts, strict=False)))

    def share(self, tree: Tree, **changed: Any) -> RetrievalShare:
        root = tree.root
        return replace(RetrievalShare(self.facts, 1, len(tree.leaves), root.hash, root.sum), **changed)

    def arguments(
        self, *shares: RetrievalShare, signer: Account | None = None, chain_id: int = DEV_L2_CHAIN_ID
    ) -> tuple[Any, ...]:
        order = SettleOrder(*self.settle_arguments(self.channel_id))
        voucher = RetrievalVoucher(self.channel_id, 0, order.receipt_count, order.receipts_root, shares)
        signature = (signer or self.key).sign(retrieval_voucher_digest(voucher, chain_id))
        return order, shares, signature

    def settle_shares(self, *shares: RetrievalShare) -> int:
        arguments = self.arguments(*shares)
        return number(self.do(self.provider, INFERENCE_METERING, "settleWithRetrieval", *arguments))

    def refused(self, *arguments: Any, sender: Account | None = None) -> bytes:
        return self.refuse(sender or self.provider, INFERENCE_METERING, "settleWithRetrieval", *arguments)

    def limit(self) -> int:
        """The most that retrieved records can get of the three receipts."""
        rest = sum(FEES_WEI) - sum(FEES_WEI) * self.policy.platform_ppm // PPM
        parts = (self.policy.provider_ppm, self.policy.owner_ppm, self.policy.stakers_ppm)
        pool = rest - sum(rest * part // PPM for part in parts)
        return pool * self.policy.retrieval_ppm // PPM

    def membership(self, position: int) -> Membership:
        """The path of a contribution to version 1, which froze the first two."""
        leaves, first = [], 0
        for (contribution_id, block), who, records in zip(
            self.contributions[:2], self.contributors, LEAVES, strict=False
        ):
            leaves.append(
                contribution_leaf(
                    contribution_id=contribution_id,
                    contributor=who,
                    root=merkle_layers(records)[-1][0],
                    records=len(records),
                    first_record=first,
                    commit_block=block,
                )
            )
            first += len(records)
        proof = tuple(merkle_proof(merkle_layers(leaves), position))
        return Membership(position, self.contributions[position][0], 2 * position, proof)

    def claim_arguments_of(self, tree: Tree, position: int) -> tuple[Any, ...]:
        amount = tree.leaves[position][1]
        path = tree.siblings(position)
        return (1, position, self.contributors[position], amount, *path, self.membership(position))
