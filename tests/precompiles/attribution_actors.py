"""Users who post, challenge and claim, honest or not."""

from genesis.addresses import (
    ATTRIBUTION,
    POLICY,
    TREASURY,
)
from genesis.commitments import (
    BATCH_QUERY_BYTES,
    EMPTY_SUM_NODE,
    KIND_DEBTS,
    SumNode,
    address_word,
    pack_vector,
    sum_leaf,
    word,
)
from genesis.keccak import keccak256
from genesis.shares import carry_taken
from genesis.spec import DEV_L2_CHAIN_ID
from genesis.typed_data import claim_digest
from genesis.types import Address, Hash32
from precompiles.views.attribution import FINAL, PENDING, VOID, ClaimOrder, SumEvidence, SumLeaf
from tests.precompiles.calls import call, number, words
from tests.precompiles.evidence import (
    Posted,
    Tree,
    amount_tree,
    amounts_from,
    batch_claim,
    honest_debts,
    honest_scores,
    score_tree,
)
from tests.precompiles.memory import Chosen
from tests.precompiles.money_actors import MoneyActors
from tests.precompiles.world import Call, Outcome


class AttributionActors(MoneyActors):
    """Users who post, challenge and claim, honest or not."""

    def _post(self) -> Call:
        recent = list(self.settlements)[-8:]
        known = [each for each in recent if self.settlements[each].index_id in self.indexes]
        open_ids = [each for each in known if not self._read("postOfSettlement", each)]
        if not open_ids:
            return self._garbage()
        first = self.settlements[self.random.choice(open_ids)]
        same = [each for each in open_ids if self.settlements[each].index_id == first.index_id]
        ids = sorted(self.random.sample(same, self.random.randrange(1, min(len(same), 3) + 1)))
        posted = self._prepare_post(first.index_id, ids, first.provider.address)

        def learn(outcome: Outcome) -> None:
            self.posts[number(outcome)] = posted
            commits = [self._commit_challenge] * self.random.randrange(4)
            tries = [self._challenge_fault] * 3
            self._follow_up.extend([*commits, *(tries if commits else ())])

        self._learn = learn
        root = posted.amounts.root
        return call(
            posted.signer,
            ATTRIBUTION,
            "post",
            posted.index_id,
            posted.claims,
            posted.carry_in_wei,
            root.hash,
            root.sum,
            self._text(),
        )

    def _posts_with(self, status: int) -> list[int]:
        """Recent posts in a state."""
        recent = list(self.posts)[-6:]
        return [each for each in recent if self._post_status(each) == status]

    def _post_status(self, post_id: int) -> int:
        return words(self.machine.call(call(TREASURY, ATTRIBUTION, "getPost", post_id)))[9]

    def _prepare_post(self, index_id: int, ids: list[int], provider: Address) -> Posted:
        """An honest post, or one with a defect somewhere."""
        index = self.indexes[index_id]
        signer = provider if self.random.random() < 0.8 else self._account().address
        model_id = next((model for model, newest in self.index_of_model.items() if newest == index_id), 1)
        carry = carry_taken(self._read("carryOf", model_id), self._settlement_word(ids[0], 9))
        queries, trees, debts, claims = [], [], [], []
        for settlement_id in ids:
            top = self.random.choice((3, 1000, 2**70, 2**76))
            values = [self.random.randint(-top, top) for _ in range(index.dimensions)]
            query = pack_vector(values, BATCH_QUERY_BYTES)
            batch = self.batches.get(settlement_id)
            if batch is not None and self.random.random() < 0.6:
                query = batch.batch_query(index.dimensions)
            scores = honest_scores(index, query, self._significance(settlement_id))
            tree = score_tree(index_id, settlement_id, signer, index, scores)
            self._damage(tree)
            owed = honest_debts(index, query, self._significance(settlement_id))
            debt = score_tree(index_id, settlement_id, signer, index, owed, KIND_DEBTS)
            self._damage(debt)
            queries.append(query)
            trees.append(tree)
            debts.append(debt)
            claims.append(batch_claim(settlement_id, query, tree, debt))
        pools = [self._settlement_word(each, 9) for each in ids]
        amounts = amounts_from(pools, carry, trees, self.policy.maximum_share_ppm)
        amount = amount_tree(index_id, ids[0], signer, index, amounts)
        self._damage(amount)
        claims_ = tuple(claims)
        return Posted(
            signer, index_id, index, claims_, tuple(queries), tuple(trees), amount, carry, tuple(debts)
        )

    def _damage(self, tree: Tree) -> None:
        """Sometimes one leaf is not what it ought to be."""
        if self.random.random() < 0.5:
            return
        position = self.random.randrange(len(tree.leaves))
        key, amount = tree.leaves[position]
        kind = self.random.randrange(7)
        if kind == 6:
            level = self.random.randrange(1, len(tree.layers))
            tree.forged[level, self.random.randrange(len(tree.layers[level]))] = self.random.choice((1, 1000))
            return
        if kind == 0:
            amount = max(0, amount + self.random.choice((-1, 1)))
        elif kind == 1:
            key = Hash32(address_word(self._account().address))
        tree.leaves[position] = (key, amount)
        tree.nodes[position] = sum_leaf(tree.id, position, key, amount)
        if kind == 2:
            tree.leaves[position] = (Hash32(bytes(32)), 0)
            tree.nodes[position] = EMPTY_SUM_NODE
        elif kind == 3:
            tree.nodes[position] = SumNode(Hash32(word(5)), amount)
        elif kind == 4 and len(tree.nodes) % 2:
            tree.leaves.append((key, 1))
            tree.nodes.append(sum_leaf(tree.id, len(tree.nodes), key, 1))

    def _significance(self, settlement_id: int) -> int:
        version = self._settlement_word(settlement_id, 3)
        return words(self.machine.call(call(TREASURY, POLICY, "getParameters", version)))[18]

    def _commit_challenge(self) -> Call:
        post_id = self._some(self._posts_with(PENDING) or self.posts)
        challenger = self._account().address
        salt = self._hash()
        commitment = keccak256(word(post_id) + address_word(challenger) + salt)

        def learn(_: Outcome) -> None:
            self.salts[post_id, challenger] = salt

        self._learn = learn
        bond = self._version_parameter("challenge_bond_wei")
        return call(challenger, ATTRIBUTION, "commitChallenge", post_id, commitment, value_wei=bond)

    def _challenge(self) -> Chosen:
        """Mostly a challenge that was committed."""
        if not self.salts or self.random.random() < 0.05:
            post_id = self.random.choice(list(self.posts))
            return post_id, self._account().address, self._hash(), self.posts[post_id]
        live = {*self._posts_with(PENDING), *self._posts_with(VOID)}
        unused = [each for each in self.salts if each[0] in live and each not in self.proved]
        post_id, challenger = self.random.choice(unused or list(self.salts))
        self._challenging = (post_id, challenger)
        return post_id, challenger, self.salts[post_id, challenger], self.posts[post_id]

    def _leaf(self, tree: Tree, position: int) -> SumLeaf:
        """A posted leaf, opened or bare."""
        can_open = position < len(tree.leaves)
        return tree.opened(position) if can_open and self.random.random() < 0.7 else tree.bare(position)

    def _position(self, *trees: Tree) -> int:
        """Any position of the padded trees; mostly one where a leaf is not what was meant."""
        count = len(trees[0].layers[0])
        odd = [
            position
            for tree in trees
            for position, node in enumerate(tree.nodes)
            if position >= len(tree.honest) or node != tree.honest[position]
        ]
        return self.random.choice(odd) if odd and self.random.random() < 0.7 else self.random.randrange(count)

    def _proved(self, _: Outcome) -> None:
        """What people do after a successful challenge: prove theirs too, and collect."""
        self.proved.add(self._challenging)
        again = [self._challenge_fault] * 4
        collect = [self._withdraw_challenge_bond] * 3
        self._follow_up.extend([*again, *collect, self._staking_claim, self._unstake])

    def _challenge_fault(self) -> Call:
        """A challenge of what is wrong, if anything is."""
        chosen = self._challenge()
        posted = chosen[3]
        forged = [number for number, tree in enumerate(posted.trees) if tree.forged]
        if forged:
            return self._node_challenge(chosen, self.random.choice(forged))
        damaged = [number for number, tree in enumerate(posted.trees) if number and tree.is_damaged]
        if damaged:
            return self._product_challenge(chosen, self.random.choice(damaged))
        return self._amount_challenge(chosen)

    def _challenge_node(self) -> Call:
        chosen = self._challenge()
        return self._node_challenge(chosen, self.random.randrange(len(chosen[3].trees)))

    def _node_challenge(self, chosen: Chosen, number_: int) -> Call:
        post_id, challenger, salt, posted = chosen
        tree = posted.trees[number_]
        level = self.random.randrange(1, len(tree.layers))
        place = (level, self.random.randrange(len(tree.layers[level])))
        if tree.forged and self.random.random() < 0.8:
            place = self.random.choice(list(tree.forged))
        self._learn = self._proved
        evidence = tree.inner(number_, *place)
        return call(challenger, ATTRIBUTION, "challengeNode", post_id, salt, posted.claims, evidence)

    def _challenge_score(self) -> Call:
        chosen = self._challenge()
        return self._product_challenge(chosen, self.random.randrange(1, len(chosen[3].trees)))

    def _challenge_amount(self) -> Call:
        return self._amount_challenge(self._challenge())

    def _product_challenge(self, chosen: Chosen, number_: int) -> Call:
        """A challenge of a score or a debt, by the tree's number."""
        post_id, challenger, salt, posted = chosen
        batch = (number_ - 1) // 2
        tree = posted.trees[number_]
        position = self._position(tree)
        last = len(posted.index.contributors) - 1
        contributor = posted.index.contributors[min(position, last)]
        evidence = posted.index.evidence(position)
        if self.random.random() < 0.05:
            evidence = SumEvidence(evidence.records, 1, evidence.vector[::-1], evidence.proof[1:])
        self._learn = self._proved
        return call(
            challenger,
            ATTRIBUTION,
            "challengeScore" if number_ % 2 else "challengeDebt",
            post_id,
            salt,
            posted.claims,
            batch,
            position,
            contributor,
            evidence,
            posted.queries[batch],
            self._leaf(tree, position),
        )

    def _amount_challenge(self, chosen: Chosen) -> Call:
        post_id, challenger, salt, posted = chosen
        position = self._position(posted.amounts)
        last = len(posted.index.contributors) - 1
        contributor = posted.index.contributors[min(position, last)]
        scores = [
            tree.opened(position) if position < len(tree.leaves) else tree.bare(position)
            for tree in posted.scores
            if position < len(tree.layers[0])
        ]
        self._learn = self._proved
        return call(
            challenger,
            ATTRIBUTION,
            "challengeAmount",
            post_id,
            salt,
            posted.claims,
            position,
            contributor,
            scores,
            self._leaf(posted.amounts, position),
        )

    def _withdraw_challenge_bond(self) -> Call:
        post_id, challenger = self.random.choice(list(self.salts)[-8:])
        return call(challenger, ATTRIBUTION, "withdrawBond", post_id)

    def _finalize(self) -> Call:
        post_id = self._some(self._posts_with(PENDING) or self.posts)
        return call(self._account().address, ATTRIBUTION, "finalize", post_id)

    def _claim(self) -> Call:
        post_id = self.random.choice(self._posts_with(FINAL) or list(self.posts))
        posted = self.posts[post_id]
        position = self.random.randrange(len(posted.amounts.leaves))
        key, amount = posted.amounts.leaves[position]
        contributor = Address(key[12:])
        recipient = self.random.choice((contributor, contributor, self._recipient()))
        sender = self.random.choice((contributor, self._account().address))
        siblings, sums = posted.amounts.siblings(position)
        if self.random.random() < 0.3:
            order = ClaimOrder(post_id, position, contributor, recipient, self._deadline_s())
            signature = self._order_signature(order)
            return call(sender, ATTRIBUTION, "claimFor", order, amount, siblings, sums, signature)
        arguments = (post_id, position, contributor, amount, siblings, sums, recipient)
        return call(sender, ATTRIBUTION, "claim", *arguments)

    def _deadline_s(self) -> int:
        return self.machine.moment.timestamp_s + self.random.choice((-1, 0, 100))

    def _order_signature(self, order: ClaimOrder) -> bytes:
        """The contributor's, or sometimes another's."""
        known = [each for each in self.accounts if each.address == order.contributor]
        signer = self.random.choice((*known * 6, self._account()))
        digest = claim_digest(
            order.post_id,
            order.contributor_index,
            order.contributor,
            order.recipient,
            order.deadline_s,
            DEV_L2_CHAIN_ID,
        )
        return signer.sign(digest)

    def _claimable(self) -> Call:
        post_id = self.random.choice(self._posts_with(FINAL) or list(self.posts))
        amounts = self.posts[post_id].amounts
        position = self.random.randrange(len(amounts.leaves))
        key, amount = amounts.leaves[position]
        arguments = (post_id, position, Address(key[12:]), amount, *amounts.siblings(position))
        return call(self._account().address, ATTRIBUTION, "claimable", *arguments)

    def _withdraw_dust(self) -> Call:
        return call(self._account().address, ATTRIBUTION, "withdrawDust", self._recipient())
