"""A small settled world for unit tests: a Datanet, a model with an index, staked providers, a channel."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from genesis.addresses import (
    ATTRIBUTION,
    DATANET_REGISTRY,
    INFERENCE_METERING,
    MODEL_REGISTRY,
    STAKING,
)
from genesis.commitments import (
    BATCH_QUERY_BYTES,
    KIND_DEBTS,
    address_word,
    merkle_layers,
    pack_vector,
    word,
)
from genesis.keccak import keccak256
from genesis.policy import DEV_POLICY, Policy
from genesis.shares import carry_taken
from genesis.spec import DEV_L2_CHAIN_ID
from genesis.typed_data import Voucher, voucher_digest
from genesis.types import Address, Hash32
from tests.precompiles.calls import UNIT, Account, call, number, words
from tests.precompiles.evidence import (
    Posted,
    Tree,
    amount_tree,
    amounts_from,
    batch_claim,
    honest_debts,
    honest_scores,
    make_index,
    receipts_tree,
    score_tree,
)
from tests.precompiles.world import MachineType, Moment, NativeMachine, Outcome

HASH = Hash32(b"\x11" * 32)
SCENE_POLICY = replace(DEV_POLICY, significance_ppm=100_000)
"""With four dimensions the default significance would let hardly any score count."""
VECTORS = ((30, 4, -5, 6), (1, 40, -6, 7), (-9, -9, -9, -9))
QUERY = (1_000_000, 2_000_000, -3_000_000, 4_000_000)
FEES_WEI = (7 * UNIT, 5 * UNIT + 1, 3)


class Scene:
    """One machine with named accounts; `do` must succeed, `refuse` must revert."""

    def __init__(self, policy: Policy = SCENE_POLICY, machine_type: MachineType = NativeMachine) -> None:
        self.machine_type = machine_type
        self.machine = machine_type(policy)
        self.policy = self.machine.policy
        self.vectors: Sequence[Sequence[int]] = VECTORS
        self.query: Sequence[int] = QUERY
        self.norm_squared: int | None = None
        self.owner, self.provider, self.payer, self.key, self.validator, self.stranger = (
            Account(i) for i in range(11, 17)
        )
        self.contributors = [Account(i).address for i in range(21, 24)]
        for account in (self.owner, self.provider, self.payer, self.key, self.validator, self.stranger):
            self.machine.fund(account.address, 100_000 * UNIT)
        self.model_id = self.index_id = self.settlement_id = 0
        self.channel_id = Hash32(bytes(32))
        for address in self.contributors:
            self.machine.fund(address, 10 * UNIT)

    @property
    def native(self) -> NativeMachine:
        """The machine, where a test needs what only the native one has."""
        assert isinstance(self.machine, NativeMachine)
        return self.machine

    # --- Calls --------------------------------------------------------------------------------------------

    def do(
        self, sender: Account | Address, target: Address, name: str, *arguments: Any, value_wei: int = 0
    ) -> Outcome:
        """A call that succeeds."""
        outcome = self.attempt(sender, target, name, *arguments, value_wei=value_wei)
        assert outcome.succeeded, (name, outcome.data)
        return outcome

    def refuse(
        self, sender: Account | Address, target: Address, name: str, *arguments: Any, value_wei: int = 0
    ) -> bytes:
        """Revert data of a call that fails."""
        outcome = self.attempt(sender, target, name, *arguments, value_wei=value_wei)
        assert not outcome.succeeded
        assert outcome.data is not None
        return outcome.data

    def attempt(
        self, sender: Account | Address, target: Address, name: str, *arguments: Any, value_wei: int = 0
    ) -> Outcome:
        address = sender.address if isinstance(sender, Account) else sender
        return self.machine.call(call(address, target, name, *arguments, value_wei=value_wei))

    def read(self, target: Address, name: str, *arguments: Any) -> int:
        """A view's single word."""
        return number(self.do(self.stranger, target, name, *arguments))

    def fields(self, target: Address, name: str, *arguments: Any) -> list[int]:
        """A view's words."""
        return words(self.do(self.stranger, target, name, *arguments))

    def wait(self, seconds: int, blocks: int = 1) -> None:
        """Let time pass."""
        moment = self.machine.moment
        self.machine.moment = Moment(moment.block_number + blocks, moment.timestamp_s + seconds)

    # --- Datanets and models ------------------------------------------------------------------------------

    def datanet(self, admission: int = 0, usage: int = 0) -> int:
        arguments = (b"digits", b"sha256:00", HASH, HASH, admission, usage)
        return number(self.do(self.owner, DATANET_REGISTRY, "createDatanet", *arguments))

    def contribution(self, datanet_id: int, contributor: Address, leaves: list[Hash32]) -> int:
        """Commit and reveal."""
        root = merkle_layers(leaves)[-1][0]
        arguments = (datanet_id, root, len(leaves), 1_000)
        bond = self.policy.contribution_bond_wei
        contribution_id = number(
            self.do(contributor, DATANET_REGISTRY, "contribute", *arguments, value_wei=bond)
        )
        self.wait(1, self.policy.reveal_delay_blocks)
        self.do(contributor, DATANET_REGISTRY, "reveal", contribution_id, b"sha256:11")
        return contribution_id

    def published_datanet(self, usage: int = 0) -> int:
        datanet_id = self.datanet(usage=usage)
        contribution_id = self.contribution(datanet_id, self.contributors[0], [HASH, HASH])
        self.do(self.owner, DATANET_REGISTRY, "review", contribution_id, True, 9_000)
        self.do(self.owner, DATANET_REGISTRY, "publishVersion", datanet_id)
        return datanet_id

    def model(self) -> int:
        """A model with a price and a usable index over `VECTORS`; `self.index` is the index."""
        datanet_id = self.published_datanet()
        arguments = (HASH, 0, HASH, [datanet_id], [1], b"sha256:22")
        model_id = number(self.do(self.owner, MODEL_REGISTRY, "registerModel", *arguments))
        self.do(self.owner, MODEL_REGISTRY, "setPrice", model_id, UNIT, 2 * UNIT)
        self.index = make_index(self.contributors, self.vectors)
        if self.norm_squared is not None:
            self.index = replace(self.index, norms=(self.norm_squared,) * len(self.contributors))
        self.index_id = self.commit_index(model_id)
        self.wait(self.policy.index_window_s)
        return model_id

    def commit_index(self, model_id: int) -> int:
        """The owner's, who stakes what it needs for one."""
        index = self.index
        self.stake(self.owner, self.policy.minimum_provider_stake_wei)
        arguments = (HASH, index.sums_root, HASH, HASH, 100, len(index.contributors), index.dimensions, b"")
        return number(self.do(self.owner, MODEL_REGISTRY, "commitFeatureIndex", model_id, *arguments))

    # --- Channels -----------------------------------------------------------------------------------------

    def stake(self, account: Account, amount_wei: int = 1_000 * UNIT) -> None:
        self.do(account, STAKING, "stake", 2, value_wei=amount_wei)

    def channel(self, deposit_wei: int = 100 * UNIT) -> Hash32:
        """A funded channel on a new model with a staked provider."""
        self.model_id = self.model()
        self.stake(self.provider)
        return self.open_channel(deposit_wei)

    def open_channel(self, deposit_wei: int = 100 * UNIT) -> Hash32:
        arguments = (self.provider.address, self.model_id, self.key.address)
        outcome = self.do(self.payer, INFERENCE_METERING, "openChannel", *arguments, value_wei=deposit_wei)
        assert outcome.data is not None
        return Hash32(outcome.data)

    def settle_arguments(
        self,
        channel_id: Hash32,
        fees_wei: tuple[int, ...] = FEES_WEI,
        signer: Account | None = None,
        chain_id: int = DEV_L2_CHAIN_ID,
    ) -> tuple[Any, ...]:
        """Arguments of an honest `settle`."""
        tree = receipts_tree(channel_id, fees_wei)
        root = tree.root
        left, right = tree.layers[-2]
        voucher = Voucher(channel_id, len(fees_wei), root.sum, root.hash)
        signature = (signer or self.key).sign(voucher_digest(voucher, chain_id))
        children = (left.hash, left.sum, right.hash, right.sum)
        return (channel_id, len(fees_wei), root.sum, root.hash, signature, *children, HASH, b"sha256:33")

    def settle(self, channel_id: Hash32, fees_wei: tuple[int, ...] = FEES_WEI) -> int:
        arguments = self.settle_arguments(channel_id, fees_wei)
        return number(self.do(self.provider, INFERENCE_METERING, "settle", *arguments))

    # --- Attribution --------------------------------------------------------------------------------------

    def pool_of(self, settlement_id: int) -> int:
        return self.fields(INFERENCE_METERING, "getSettlement", settlement_id)[9]

    def prepare_post(self, settlement_ids: list[int], signer: Account | None = None) -> Posted:
        """An honest post of the provider's; spoil its trees before sending it with `send_post`."""
        address = (signer or self.provider).address
        query = pack_vector(self.query, BATCH_QUERY_BYTES)
        scores = honest_scores(self.index, query, self.policy.significance_ppm)
        trees = [score_tree(self.index_id, each, address, self.index, scores) for each in settlement_ids]
        owed = honest_debts(self.index, query, self.policy.significance_ppm)
        debts = [
            score_tree(self.index_id, each, address, self.index, owed, KIND_DEBTS) for each in settlement_ids
        ]
        amounts = self.amounts(settlement_ids, address, trees)
        claims = tuple(
            batch_claim(each, query, *pair) for each, *pair in zip(settlement_ids, trees, debts, strict=True)
        )
        carry = self.carry_in(settlement_ids)
        queries = (query,) * len(trees)
        return Posted(
            address, self.index_id, self.index, claims, queries, tuple(trees), amounts, carry, tuple(debts)
        )

    def carry_in(self, settlement_ids: list[int]) -> int:
        """What a post of these takes of what waits for the model."""
        return carry_taken(self.read(ATTRIBUTION, "carryOf", self.model_id), self.pool_of(settlement_ids[0]))

    def amounts(self, settlement_ids: list[int], signer: Address, trees: list[Tree]) -> Tree:
        """The amounts that score trees give."""
        pools = [self.pool_of(each) for each in settlement_ids]
        carry = self.carry_in(settlement_ids)
        amounts = amounts_from(pools, carry, trees, self.policy.maximum_share_ppm)
        return amount_tree(self.index_id, settlement_ids[0], signer, self.index, amounts)

    def reclaim(self, posted: Posted) -> None:
        """Make a post's claims and amounts follow its trees again, after one was changed."""
        settlement_ids = [claim.settlement_id for claim in posted.claims]
        posted.claims = tuple(
            batch_claim(*each)
            for each in zip(settlement_ids, posted.queries, posted.scores, posted.debts, strict=True)
        )
        posted.amounts = self.amounts(settlement_ids, posted.signer, list(posted.scores))

    def post_arguments(self, posted: Posted) -> tuple[Any, ...]:
        root = posted.amounts.root
        return (posted.index_id, posted.claims, posted.carry_in_wei, root.hash, root.sum, b"sha256:44")

    def send_post(self, posted: Posted) -> int:
        return number(self.do(posted.signer, ATTRIBUTION, "post", *self.post_arguments(posted)))

    def commit(self, post_id: int, challenger: Account | None = None, salt: Hash32 = HASH) -> None:
        """Commit a challenge."""
        sender = (challenger or self.validator).address
        commitment = keccak256(word(post_id) + address_word(sender) + salt)
        bond = self.policy.challenge_bond_wei
        self.do(sender, ATTRIBUTION, "commitChallenge", post_id, commitment, value_wei=bond)

    def score_challenge(
        self, post_id: int, posted: Posted, position: int, *, batch: int = 0, bare: bool = False
    ) -> tuple[Any, ...]:
        """Arguments of `challengeScore`."""
        return self.product_challenge(post_id, posted, position, posted.scores[batch], batch=batch, bare=bare)

    def product_challenge(
        self, post_id: int, posted: Posted, position: int, tree: Tree, *, batch: int = 0, bare: bool = False
    ) -> tuple[Any, ...]:
        """Arguments of `challengeScore` or `challengeDebt`."""
        leaf = tree.bare(position) if bare else tree.opened(position)
        contributor = posted.index.contributors[min(position, len(posted.index.contributors) - 1)]
        evidence = posted.index.evidence(position)
        query = posted.queries[batch]
        return (post_id, HASH, posted.claims, batch, position, contributor, evidence, query, leaf)

    def amount_challenge(
        self, post_id: int, posted: Posted, position: int, *, bare: bool = False
    ) -> tuple[Any, ...]:
        """Arguments of `challengeAmount`."""
        leaf = posted.amounts.bare(position) if bare else posted.amounts.opened(position)
        contributor = posted.index.contributors[min(position, len(posted.index.contributors) - 1)]
        scores = [tree.opened(position) for tree in posted.scores if position < len(tree.leaves)]
        return (post_id, HASH, posted.claims, position, contributor, scores, leaf)

    def claim_arguments(
        self, post_id: int, posted: Posted, position: int, recipient: Address | None = None
    ) -> tuple[Any, ...]:
        contributor = posted.index.contributors[position]
        _, amount = posted.amounts.leaves[position]
        siblings, sums = posted.amounts.siblings(position)
        return (post_id, position, contributor, amount, siblings, sums, recipient or contributor)
