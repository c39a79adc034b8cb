"""Users who settle with shares for retrieved records, and claim them."""

from dataclasses import replace

from genesis.addresses import INFERENCE_METERING
from genesis.commitments import KIND_RETRIEVAL, address_word, merkle_proof, sum_tree_id
from genesis.spec import DEV_L2_CHAIN_ID
from genesis.typed_data import RetrievalShare, RetrievalVoucher, retrieval_voucher_digest
from genesis.types import Hash32
from precompiles.metering_interface import RETRIEVAL_SETTLED
from precompiles.views.metering import Membership, SettleOrder
from tests.precompiles.calls import call, number
from tests.precompiles.data_actors import DataActors
from tests.precompiles.evidence import Tree
from tests.precompiles.memory import Contribution
from tests.precompiles.money_actors import MoneyActors
from tests.precompiles.world import Call, Outcome

NOWHERE = Membership(0, 0, 0, ())


class RetrievalActors(DataActors, MoneyActors):
    """Users who settle with shares for retrieved records, and claim them."""

    def _settle_with_retrieval(self) -> Call:
        channel = self._channel()
        batch, order = self._settle_order(channel)
        allowed = set().union(*self.consents.values()) if self.random.random() < 0.9 else self.datanets
        versions = [each for each in self.versions if each[0] in allowed]
        chosen = sorted(self.random.sample(versions, min(len(versions), self.random.choice((0, 1, 1, 2)))))
        first = batch.first if self.random.random() < 0.95 else batch.first + 1
        trees = [(*each[:2], self._shared_tree(order, first, each)) for each in chosen]
        shares = tuple(
            RetrievalShare(datanet_id, version, len(tree.leaves), tree.root.hash, tree.root.sum)
            for datanet_id, version, tree in trees
        )
        voucher = RetrievalVoucher(channel.id, first, order.receipt_count, order.receipts_root, shares)
        signature = channel.key.sign(retrieval_voucher_digest(voucher, DEV_L2_CHAIN_ID))
        if self.random.random() < 0.05:
            shares = tuple(replace(share, amount_wei=share.amount_wei + 1) for share in shares)

        def learn(outcome: Outcome) -> None:
            self._settled(number(outcome), channel, batch)
            settled = [topics[1] for _, topics, _ in outcome.logs if topics[0] == RETRIEVAL_SETTLED.topic]
            for topic, tree in zip(settled, trees, strict=True):
                self.retrievals[int.from_bytes(topic, "big")] = tree
            self._follow_up.extend([self._claim_retrieval] * 3)

        self._learn = learn
        arguments = (order, shares, signature)
        return call(channel.provider.address, INFERENCE_METERING, "settleWithRetrieval", *arguments)

    def _shared_tree(self, order: SettleOrder, first: int, chosen: tuple[int, int, int]) -> Tree:
        """What some contributors of a version, and sometimes a stranger, get."""
        datanet_id, version, count = chosen
        paid = {each.owner.address for each in self.accepted[datanet_id][:count]}
        if not paid or self.random.random() < 0.2:
            paid.add(self._account().address)
        channel = int.from_bytes(order.channel_id, "big")
        parts = (channel, first, order.receipt_count, datanet_id, version)
        tree_id = sum_tree_id(KIND_RETRIEVAL, DEV_L2_CHAIN_ID, INFERENCE_METERING, *parts)
        amounts = (0, 7, 10**13, 10**15, 10**15, 10**17)
        keys = [Hash32(address_word(each)) for each in sorted(paid)]
        return Tree(tree_id, [(key, self.random.choice(amounts)) for key in keys])

    def _claim_retrieval(self) -> Call:
        retrieval_id = self._some(self.retrievals)
        datanet_id, version, tree = self.retrievals.get(retrieval_id, (0, 0, Tree(self._hash(), [])))
        index = self.random.randrange(len(tree.leaves) + (self.random.random() < 0.05) or 1)
        key, amount = tree.leaves[min(index, len(tree.leaves) - 1)] if tree.leaves else (self._hash(), 1)
        path = tree.siblings(index) if index < len(tree.leaves) else ((), ())
        amount += self.random.random() < 0.05
        membership = self._membership(datanet_id, version, key)
        arguments = (retrieval_id, index, key[12:], amount, *path, membership)
        return call(self._account().address, INFERENCE_METERING, "claimRetrieval", *arguments)

    def _membership(self, datanet_id: int, version: int, key: Hash32) -> Membership:
        """A contribution of the leaf's account in the version, sometimes another one."""
        counts = [
            count for found, number_, count in self.versions if (found, number_) == (datanet_id, version)
        ]
        accepted: list[Contribution] = self.accepted.get(datanet_id, [])[: counts[0] if counts else 0]
        own = [each for each in accepted if each.owner.address == key[12:] or self.random.random() < 0.05]
        if not own:
            return NOWHERE
        chosen = self.random.choice(own)
        proof = merkle_proof(self._contribution_layers(accepted), chosen.position)
        return Membership(chosen.position, chosen.id, chosen.first_record, tuple(proof))
