"""A random user base: draws calls that go deep because it remembers what happened, and spoils some of them.

Every step is a function of the seed and of the outcomes so far, so a failing seed replays.
"""

import random
from collections.abc import Callable, Sized
from dataclasses import dataclass, replace
from typing import Any

from genesis.addresses import (
    ATTRIBUTION,
    DATANET_REGISTRY,
    INFERENCE_METERING,
    MODEL_REGISTRY,
    POLICY,
    PRECOMPILE_REGISTRY,
    PRECOMPILES,
    STAKING,
    TREASURY,
)
from genesis.commitments import (
    BATCH_QUERY_BYTES,
    EMPTY_SUM_NODE,
    SumNode,
    address_word,
    contribution_leaf,
    merkle_layers,
    merkle_proof,
    pack_vector,
    sum_leaf,
    word,
)
from genesis.keccak import keccak256
from genesis.policy import DEV_POLICY, Policy
from genesis.spec import DEV_L2_CHAIN_ID
from genesis.typed_data import Voucher, voucher_digest
from genesis.types import Address, Hash32
from precompiles.table import CONTRACTS
from precompiles.views.attribution import FINAL, PENDING, VOID, SumEvidence, SumLeaf
from tests.precompiles.calls import UNIT, Account, call, number, words
from tests.precompiles.evidence import (
    Index,
    Posted,
    Tree,
    amount_tree,
    amounts_from,
    batch_claim,
    honest_scores,
    make_index,
    receipts_tree,
    score_tree,
)
from tests.precompiles.world import TIMELOCK, Call, Machine, Moment, Outcome

TEST_POLICY = replace(
    DEV_POLICY,
    reveal_delay_blocks=1,
    index_window_s=2,
    post_window_s=12,
    post_delay_s=4,
    challenge_reveal_s=10,
    close_delay_s=6,
    unbonding_s=22,
    maximum_share_ppm=700_000,
    significance_ppm=10_000,
)
ODD_WORDS = (0, 1, 31, 32, 2**64 - 1, 2**64, 2**128, 2**160, 2**255 - 1, 2**255, 2**256 - 32, 2**256 - 1)

Learn = Callable[[Outcome], None]
Chosen = tuple[int, Address, Hash32, Posted]
"""A post, a challenger, its salt, and what is behind the post's roots."""


@dataclass
class Channel:
    """What the parties of a channel know."""

    id: Hash32
    payer: Account
    provider: Account
    key: Account
    index_id: int
    fees_wei: list[int]


@dataclass
class Contribution:
    """What a contributor knows."""

    id: int
    datanet_id: int
    owner: Account
    leaves: list[Hash32]
    commit_block: int
    position: int = 0
    first_record: int = 0


def nothing(_: Outcome) -> None:
    """Nothing to learn."""


class Economy:
    """Draws the next call; learns from its outcome."""

    def __init__(self, seed: int, machine: Machine, policy: Policy = TEST_POLICY) -> None:
        self.random = random.Random(seed)
        self.machine = machine
        self.policy = policy
        self.accounts = [Account(i) for i in range(1, 7)]
        self.datanets: dict[int, Account] = {}
        self.contributions: dict[int, Contribution] = {}
        self.accepted: dict[int, list[Contribution]] = {}
        self.versions: list[tuple[int, int, int]] = []
        self.models: dict[int, Account] = {}
        self.indexes: dict[int, Index] = {}
        self.index_of_model: dict[int, int] = {}
        self.channels: list[Channel] = []
        self.settlements: dict[int, Channel] = {}
        self.posts: dict[int, Posted] = {}
        self.salts: dict[tuple[int, Address], Hash32] = {}
        self.proved: set[tuple[int, Address]] = set()
        self._challenging = (0, TREASURY)
        self._learn: Learn = nothing
        self._actions: list[tuple[Callable[[], Call], int, Sized]] = [
            (self._create_datanet, 2, self.accounts),
            (self._set_member, 1, self.datanets),
            (self._contribute, 4, self.datanets),
            (self._reveal, 4, self.contributions),
            (self._review, 4, self.contributions),
            (self._publish_version, 2, self.accepted),
            (self._withdraw_contribution_bond, 2, self.contributions),
            (self._verify_record, 2, self.versions),
            (self._register_model, 2, self.versions),
            (self._set_price, 2, self.models),
            (self._set_revenue_recipient, 1, self.models),
            (self._commit_index, 2, self.models),
            (self._stake, 2, self.accounts),
            (self._unstake, 3, self.accounts),
            (self._staking_claim, 3, self.settlements),
            (self._open_channel, 4, self.indexes),
            (self._top_up, 1, self.channels),
            (self._settle, 10, self.channels),
            (self._close, 2, self.channels),
            (self._withdraw_earnings, 2, self.settlements),
            (self._post, 10, self.settlements),
            (self._commit_challenge, 6, self.posts),
            (self._challenge_score, 3, self.salts),
            (self._challenge_amount, 3, self.salts),
            (self._withdraw_challenge_bond, 3, self.salts),
            (self._finalize, 8, self.posts),
            (self._claim, 10, self.posts),
            (self._view, 4, self.accounts),
            (self._gas_of, 1, self.accounts),
            (self._publish_policy, 1, self.accounts),
            (self._garbage, 1, self.accounts),
        ]
        self._follow_up: list[Callable[[], Call]] = []
        self._opening: list[Callable[[], Call]] = [
            self._create_datanet,
            *[self._contribute] * 4,
            *[self._reveal] * 8,
            *[self._review] * 6,
            *[self._publish_version] * 3,
            self._register_model,
            *[self._set_price] * 2,
            *[self._commit_index] * 2,
            *[self._stake] * 20,
            *[self._open_channel] * 8,
        ]

    # --- Steps ------------------------------------------------------------------------------------------

    def next_moment(self) -> Moment:
        """Time goes on, by nothing or by enough to pass a window."""
        moment = self.machine.moment
        step = self.random.choice((0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 14))
        return Moment(moment.block_number + (step > 0), moment.timestamp_s + step)

    def next_call(self) -> Call:
        """A call that mostly makes sense."""
        self._learn = nothing
        if self._opening:
            return self._opening.pop(0)()
        if self._follow_up and self.random.random() < 0.6:
            return self._follow_up.pop(0)()
        possible = [(action, weight) for action, weight, needed in self._actions if len(needed)]
        actions, weights = zip(*possible, strict=True)
        drawn: Call = self.random.choices(actions, weights)[0]()
        sent = self._spoil(drawn) if self.random.random() < 0.12 else drawn
        return sent if sent.value_wei <= self.machine.balance(sent.sender) else replace(sent, value_wei=0)

    def learn(self, outcome: Outcome) -> None:
        """Remember what the last call brought about."""
        if outcome.succeeded:
            self._learn(outcome)

    def _spoil(self, drawn: Call) -> Call:
        """Another sender, other value, or damaged calldata."""
        kind = self.random.randrange(6)
        if kind == 3:
            return replace(drawn, data=drawn.data + self.random.randbytes(self.random.randrange(70)))
        self._learn = nothing
        if kind == 0:
            return replace(drawn, sender=self._account().address)
        if kind == 1:
            return replace(drawn, value_wei=self.random.choice((1, drawn.value_wei + 1)))
        data = drawn.data
        if kind == 2:
            return replace(drawn, data=data[: self.random.randrange(len(data) + 1)])
        count = (len(data) - 4) // 32
        if count < 1:
            return drawn
        at = 4 + 32 * self.random.randrange(count)
        old = int.from_bytes(data[at : at + 32], "big")
        near = (old + self.random.choice((-32, -1, 1, 4, 32))) % 2**256
        odd = self.random.choice((*ODD_WORDS, near, near, near))
        return replace(drawn, data=data[:at] + word(odd) + data[at + 32 :])

    def _account(self) -> Account:
        return self.random.choice(self.accounts)

    def _hash(self) -> Hash32:
        return Hash32(self.random.randbytes(32))

    def _text(self) -> bytes:
        return b"sha256:" + b"x" * self.random.choice((0, 24, 25, 26, 64))

    def _some(self, known: Any, otherwise: int = 1) -> int:
        """A known id, rarely an unknown one."""
        if not known or self.random.random() < 0.03:
            return self.random.choice((0, otherwise, 99, 2**256 - 1))
        return int(self.random.choice(list(known)[-4:]))

    # --- Datanets ---------------------------------------------------------------------------------------

    def _create_datanet(self) -> Call:
        owner = self._account()
        admission = self.random.choice((0, 0, 0, 1, 2, 3))
        usage = self.random.choice((0, 0, 0, 1, 2, 3))
        name = self.random.choice((b"digits", b"digits", b"", b"n" * 2049))

        def learn(outcome: Outcome) -> None:
            self.datanets[number(outcome)] = owner
            self.accepted[number(outcome)] = []

        self._learn = learn
        arguments = (name, self._text(), self._hash(), self._hash(), admission, usage)
        return call(owner.address, DATANET_REGISTRY, "createDatanet", *arguments)

    def _set_member(self) -> Call:
        datanet_id = self._some(self.datanets)
        owner = self.datanets.get(datanet_id, self.accounts[0])
        name = self.random.choice(("setCurator", "setContributor"))
        member = self._account().address
        return call(owner.address, DATANET_REGISTRY, name, datanet_id, member, self.random.random() < 0.7)

    def _contribute(self) -> Call:
        datanet_id = self._some(self.datanets)
        owner = self._account()
        leaves = [self._hash() for _ in range(self.random.randrange(1, 6))]
        block = self.machine.moment.block_number

        def learn(outcome: Outcome) -> None:
            contribution_id = number(outcome)
            self.contributions[contribution_id] = Contribution(
                contribution_id, datanet_id, owner, leaves, block
            )

        self._learn = learn
        bond = self._version_parameter("contribution_bond_wei")
        root = merkle_layers(leaves)[-1][0]
        arguments = (datanet_id, root, len(leaves), self.random.choice((1, 1, 1, 0, 2**64 + 1)))
        return call(owner.address, DATANET_REGISTRY, "contribute", *arguments, value_wei=bond)

    def _reveal(self) -> Call:
        contribution_id = self._some(self.contributions)
        known = self.contributions.get(contribution_id)
        sender = known.owner if known else self._account()
        return call(sender.address, DATANET_REGISTRY, "reveal", contribution_id, self._text())

    def _review(self) -> Call:
        contribution_id = self._some(self.contributions)
        known = self.contributions.get(contribution_id)
        curator = self.datanets.get(known.datanet_id, self.accounts[0]) if known else self.accounts[0]
        accept = self.random.random() < 0.8

        def learn(_: Outcome) -> None:
            if accept and known:
                accepted = self.accepted[known.datanet_id]
                known.position = len(accepted)
                known.first_record = sum(len(each.leaves) for each in accepted)
                accepted.append(known)

        self._learn = learn
        quality = self.random.choice((0, 10_000, 10_001, 7))
        return call(curator.address, DATANET_REGISTRY, "review", contribution_id, accept, quality)

    def _publish_version(self) -> Call:
        datanet_id = self._some(self.datanets)
        owner = self.datanets.get(datanet_id, self.accounts[0])

        def learn(outcome: Outcome) -> None:
            self.versions.append((datanet_id, number(outcome), len(self.accepted[datanet_id])))

        self._learn = learn
        return call(owner.address, DATANET_REGISTRY, "publishVersion", datanet_id)

    def _withdraw_contribution_bond(self) -> Call:
        contribution_id = self._some(self.contributions)
        known = self.contributions.get(contribution_id)
        sender = known.owner if known else self._account()
        return call(sender.address, DATANET_REGISTRY, "withdrawBond", contribution_id)

    def _verify_record(self) -> Call:
        datanet_id, version, count = self.random.choice(self.versions)
        accepted = self.accepted[datanet_id][:count]
        if not accepted:
            return self._garbage()
        contribution = self.random.choice(accepted)
        leaves = [
            contribution_leaf(
                contribution_id=each.id,
                contributor=each.owner.address,
                root=merkle_layers(each.leaves)[-1][0],
                records=len(each.leaves),
                first_record=each.first_record,
                commit_block=each.commit_block,
            )
            for each in accepted
        ]
        record = self.random.randrange(len(contribution.leaves))
        return call(
            self._account().address,
            DATANET_REGISTRY,
            "verifyRecord",
            datanet_id,
            version,
            contribution.position,
            contribution.id,
            contribution.first_record,
            merkle_proof(merkle_layers(leaves), contribution.position),
            contribution.leaves[record],
            record,
            merkle_proof(merkle_layers(contribution.leaves), record),
        )

    # --- Models -----------------------------------------------------------------------------------------

    def _register_model(self) -> Call:
        owner = self._account()
        chosen = self.random.sample(self.versions, min(len(self.versions), self.random.randrange(3)))
        ids = [datanet_id for datanet_id, _, _ in chosen]
        versions = [version for _, version, _ in chosen]
        parent = self._some(self.models) if self.models and self.random.random() < 0.3 else 0

        def learn(outcome: Outcome) -> None:
            self.models[number(outcome)] = owner

        self._learn = learn
        arguments = (self._hash(), parent, self._hash(), ids, versions, self._text())
        return call(owner.address, MODEL_REGISTRY, "registerModel", *arguments)

    def _set_price(self) -> Call:
        model_id = self._some(self.models)
        owner = self.models.get(model_id, self.accounts[0])
        prices = (self.random.choice((0, UNIT, 10**27 + 1)), self.random.choice((UNIT, UNIT, 0)))
        return call(owner.address, MODEL_REGISTRY, "setPrice", model_id, *prices)

    def _set_revenue_recipient(self) -> Call:
        model_id = self._some(self.models)
        owner = self.models.get(model_id, self.accounts[0])
        recipient = self.random.choice((self._account().address, STAKING, Address(bytes(20))))
        return call(owner.address, MODEL_REGISTRY, "setRevenueRecipient", model_id, recipient)

    def _commit_index(self) -> Call:
        model_id = self._some(self.models)
        owner = self.models.get(model_id, self.accounts[0])
        dimensions = self.random.choice((1, 2, 3, 5))
        contributors = [each.address for each in self.accounts[: self.random.randrange(1, 6)]]
        top = self.random.choice((3, 100, 2**40))
        vectors = [[self.random.randint(-top, top) for _ in range(dimensions)] for _ in contributors]
        index = make_index(contributors, vectors)
        if self.random.random() < 0.1:
            index = replace(index, norms=tuple(2**93 + 1 for _ in index.norms))

        def learn(outcome: Outcome) -> None:
            self.indexes[number(outcome)] = index
            self.index_of_model[model_id] = number(outcome)

        self._learn = learn
        return call(
            owner.address,
            MODEL_REGISTRY,
            "commitFeatureIndex",
            model_id,
            self._hash(),
            index.sums_root,
            self._hash(),
            self._hash(),
            self.random.choice((1000, 1000, 1000, 2)),
            len(contributors),
            dimensions,
            self._text(),
        )

    # --- Staking ----------------------------------------------------------------------------------------

    def _stake(self) -> Call:
        amount = self.random.choice((0, 1, 100 * UNIT, 300 * UNIT, 1000 * UNIT, 2000 * UNIT))
        role = self.random.choice((1, 2, 2, 2, 3))
        return call(self._account().address, STAKING, "stake", role, value_wei=amount)

    def _unstake(self) -> Call:
        sender = self._account().address
        role = self.random.choice((1, 2, 2))
        if self.random.random() < 0.5:
            return call(sender, STAKING, "withdraw", role)
        amount = self.random.choice((0, 1, UNIT, 100 * UNIT, 500 * UNIT))
        return call(sender, STAKING, "requestUnstake", role, amount)

    def _staking_claim(self) -> Call:
        name = self.random.choice(("claimRewards", "claimSlashReward"))
        return call(self._account().address, STAKING, name, self._recipient())

    def _recipient(self) -> Address:
        fresh = Address(self.random.randbytes(20))
        odd = (Address(bytes(20)), TREASURY, TREASURY, STAKING, ATTRIBUTION, fresh)
        return self.random.choice((*odd, *(each.address for each in self.accounts)))

    # --- Channels ---------------------------------------------------------------------------------------

    def _open_channel(self) -> Call:
        payer, provider, key = self._account(), self._account(), self._account()
        model_id = self._some(self.models)

        def learn(outcome: Outcome) -> None:
            assert outcome.data is not None
            reading = call(TREASURY, INFERENCE_METERING, "getChannel", outcome.data)
            index_id = words(self.machine.call(reading))[4]
            self.channels.append(Channel(Hash32(outcome.data), payer, provider, key, index_id, []))

        self._learn = learn
        value = self.random.choice((0, 80 * UNIT, 200 * UNIT))
        arguments = (provider.address, model_id, key.address)
        return call(payer.address, INFERENCE_METERING, "openChannel", *arguments, value_wei=value)

    def _channel(self) -> Channel:
        if not self.channels or self.random.random() < 0.03:
            accounts = (self._account(), self._account(), self._account())
            return Channel(self._hash(), *accounts, 1, [])
        return self.random.choice(self.channels[-4:])

    def _top_up(self) -> Call:
        value = self.random.choice((0, 1, 10 * UNIT, 10**27))
        arguments = (self._channel().id,)
        value = min(value, 10 * UNIT)
        return call(self._account().address, INFERENCE_METERING, "topUp", *arguments, value_wei=value)

    def _settle(self) -> Call:
        channel = self._channel()
        fees = [*channel.fees_wei, *(self._fee() for _ in range(self.random.randrange(4)))]
        tree = receipts_tree(channel.id, fees or [0])
        root = tree.root
        left, right = tree.layers[-2]
        ceiling = root.sum + self.random.choice((0, 0, 5, -1)) if root.sum else 0
        voucher = Voucher(channel.id, len(fees), ceiling, root.hash)
        chain_id = DEV_L2_CHAIN_ID if self.random.random() < 0.97 else 1
        signature = channel.key.sign(voucher_digest(voucher, chain_id))
        if self.random.random() < 0.05:
            spoiled = (signature[:-1], signature[:-1] + b"\x1d", bytes(65), signature[:32] + b"\xff" * 33)
            signature = self.random.choice(spoiled)

        def learn(outcome: Outcome) -> None:
            channel.fees_wei = fees
            self.settlements[number(outcome)] = channel

        self._learn = learn
        return call(
            channel.provider.address,
            INFERENCE_METERING,
            "settle",
            channel.id,
            len(fees),
            ceiling,
            root.hash,
            signature,
            left.hash,
            left.sum,
            right.hash,
            right.sum,
            self._hash(),
            self._text(),
        )

    def _fee(self) -> int:
        return self.random.choice((0, 1, 999_999, UNIT, 3 * UNIT + 7))

    def _close(self) -> Call:
        channel = self._channel()
        name = self.random.choice(("requestClose", "withdraw", "withdraw"))
        return call(channel.payer.address, INFERENCE_METERING, name, channel.id)

    def _withdraw_earnings(self) -> Call:
        sender = self._account().address
        return call(sender, INFERENCE_METERING, "withdrawEarnings", self._recipient())

    # --- Attribution ------------------------------------------------------------------------------------

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
        carry = self._read("carryOf", model_id)
        queries, trees, claims = [], [], []
        for settlement_id in ids:
            top = self.random.choice((3, 1000, 2**70, 2**76))
            query = pack_vector(
                [self.random.randint(-top, top) for _ in range(index.dimensions)], BATCH_QUERY_BYTES
            )
            scores = honest_scores(index, query, self._significance(settlement_id))
            tree = score_tree(index_id, settlement_id, signer, index, scores)
            self._damage(tree)
            queries.append(query)
            trees.append(tree)
            claims.append(batch_claim(settlement_id, query, tree))
        pools = [self._settlement_word(each, 9) for each in ids]
        amounts = amounts_from(pools, carry, trees, self.policy.maximum_share_ppm)
        amount = amount_tree(index_id, ids[0], signer, index, amounts)
        self._damage(amount)
        claims_ = tuple(claims)
        return Posted(signer, index_id, index, claims_, tuple(queries), tuple(trees), amount, carry)

    def _damage(self, tree: Tree) -> None:
        """Sometimes one leaf is not what it ought to be."""
        if self.random.random() < 0.5:
            return
        position = self.random.randrange(len(tree.leaves))
        key, amount = tree.leaves[position]
        kind = self.random.randrange(6)
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

    def _read(self, name: str, *arguments: Any) -> int:
        return number(self.machine.call(call(TREASURY, ATTRIBUTION, name, *arguments)))

    def _settlement_word(self, settlement_id: int, field: int) -> int:
        reading = call(TREASURY, INFERENCE_METERING, "getSettlement", settlement_id)
        return words(self.machine.call(reading))[field]

    def _significance(self, settlement_id: int) -> int:
        version = self._settlement_word(settlement_id, 3)
        return words(self.machine.call(call(TREASURY, POLICY, "getParameters", version)))[18]

    def _version_parameter(self, name: str) -> int:
        version = number(self.machine.call(call(TREASURY, POLICY, "currentVersion")))
        values = words(self.machine.call(call(TREASURY, POLICY, "getParameters", version)))
        return values[list(Policy.__dataclass_fields__).index(name)]

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
        damaged = [batch for batch, tree in enumerate(posted.scores) if tree.is_damaged]
        if damaged:
            return self._score_challenge(chosen, self.random.choice(damaged))
        return self._amount_challenge(chosen)

    def _challenge_score(self) -> Call:
        chosen = self._challenge()
        return self._score_challenge(chosen, self.random.randrange(len(chosen[3].claims)))

    def _challenge_amount(self) -> Call:
        return self._amount_challenge(self._challenge())

    def _score_challenge(self, chosen: Chosen, batch: int) -> Call:
        post_id, challenger, salt, posted = chosen
        position = self._position(posted.scores[batch])
        last = len(posted.index.contributors) - 1
        contributor = posted.index.contributors[min(position, last)]
        evidence = posted.index.evidence(position)
        if self.random.random() < 0.05:
            evidence = SumEvidence(evidence.records, 1, evidence.vector[::-1], evidence.proof[1:])
        self._learn = self._proved
        return call(
            challenger,
            ATTRIBUTION,
            "challengeScore",
            post_id,
            salt,
            posted.claims,
            batch,
            position,
            contributor,
            evidence,
            posted.queries[batch],
            self._leaf(posted.scores[batch], position),
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
        arguments = (post_id, position, contributor, amount, siblings, sums, recipient)
        return call(sender, ATTRIBUTION, "claim", *arguments)

    # --- Everything else --------------------------------------------------------------------------------

    def _view(self) -> Call:
        account = self._account().address
        channel = self._channel().id
        datanet_id = self._some(self.datanets)
        readings: tuple[tuple[Address, str, tuple[Any, ...]], ...] = (
            (DATANET_REGISTRY, "getDatanet", (datanet_id,)),
            (DATANET_REGISTRY, "getContribution", (self._some(self.contributions),)),
            (DATANET_REGISTRY, "getVersion", (datanet_id, self.random.randrange(4))),
            (DATANET_REGISTRY, "isCurator", (datanet_id, account)),
            (MODEL_REGISTRY, "getModel", (self._some(self.models),)),
            (MODEL_REGISTRY, "getSource", (self._some(self.models), self.random.randrange(3))),
            (MODEL_REGISTRY, "getFeatureIndex", (self._some(self.indexes),)),
            (INFERENCE_METERING, "getChannel", (channel,)),
            (INFERENCE_METERING, "getSettlement", (self._some(self.settlements),)),
            (INFERENCE_METERING, "earningsOf", (account,)),
            (INFERENCE_METERING, "stakersTotal", ()),
            (INFERENCE_METERING, "channelNonce", (account,)),
            (STAKING, "position", (account, self.random.randrange(4))),
            (STAKING, "stakeOf", (account, self.random.randrange(4))),
            (STAKING, "totalStake", ()),
            (STAKING, "pendingRewards", (account,)),
            (ATTRIBUTION, "getPost", (self._some(self.posts),)),
            (ATTRIBUTION, "postOfSettlement", (self._some(self.settlements),)),
            (ATTRIBUTION, "carryOf", (self._some(self.models),)),
            (ATTRIBUTION, "isClaimed", (self._some(self.posts), self.random.randrange(4))),
            (ATTRIBUTION, "earningsOf", (account,)),
            (ATTRIBUTION, "slashedOf", (account,)),
            (ATTRIBUTION, "rewardOf", (account,)),
            (ATTRIBUTION, "openLiabilityOf", (account,)),
            (POLICY, "currentVersion", ()),
            (POLICY, "getParameters", (self.random.randrange(3),)),
            (POLICY, "timelock", ()),
            (PRECOMPILE_REGISTRY, "isActive", (self.random.choice(PRECOMPILES),)),
            (PRECOMPILE_REGISTRY, "version", (account,)),
            (PRECOMPILE_REGISTRY, "supportsInterface", (bytes.fromhex("01ffc9a7"),)),
        )
        target, name, arguments = self.random.choice(readings)
        return call(account, target, name, *arguments, is_static=self.random.random() < 0.5)

    def _gas_of(self) -> Call:
        target = self.random.choice(PRECOMPILES)
        found = self.random.choice(CONTRACTS[target].methods)
        counts = [self.random.choice((0, 3, 2**64, 2**255)) for _ in range(self.random.randrange(6))]
        selector = self.random.choice((found.selector, found.selector, b"\0\0\0\1"))
        return call(self._account().address, target, "gasOf", selector, counts)

    def _publish_policy(self) -> Call:
        changed = self.random.choice(
            (
                replace(self.policy, platform_ppm=self.random.choice((0, 200_000, 200_001))),
                replace(self.policy, provider_ppm=self.random.choice((0, 300_000, 900_000))),
                replace(self.policy, post_window_s=self.random.choice((2, 3, 9, 10))),
                replace(self.policy, slash_amount_wei=self.random.choice((49, 50, 101)) * UNIT),
                replace(self.policy, significance_ppm=self.random.choice((0, 10**8, 10**8 + 1))),
            )
        )
        sender = TIMELOCK if self.random.random() < 0.8 else self._account().address
        return call(sender, POLICY, "publish", changed)

    def _garbage(self) -> Call:
        target = self.random.choice(PRECOMPILES)
        found = self.random.choice(CONTRACTS[target].methods)
        size = self.random.choice((0, 3, 32, 64, 320, 640))
        head = self.random.choice((found.selector, found.selector, b"", b"\1\2\3\4"))
        value = self.random.choice((0, 0, 1))
        return Call(self._account().address, target, head + self.random.randbytes(size), value)
