"""A random user base: draws calls that go deep because it remembers what happened, and spoils some of them.

Every step is a function of the seed and of the outcomes so far, so a failing seed replays.
"""

from collections.abc import Callable, Sized
from dataclasses import replace
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
)
from genesis.commitments import (
    word,
)
from genesis.policy import Policy
from genesis.types import Address
from precompiles.table import CONTRACTS
from tests.precompiles.calls import UNIT, call
from tests.precompiles.memory import ODD_WORDS, TEST_POLICY, nothing
from tests.precompiles.retrieval_actors import RetrievalActors
from tests.precompiles.span_actors import SpanActors
from tests.precompiles.world import TIMELOCK, Call, Machine, Moment

FAVOUR, DRAWS = 0.8, 60


class Economy(RetrievalActors, SpanActors):
    """Draws the next call; learns from its outcome."""

    def __init__(self, seed: int, machine: Machine, policy: Policy = TEST_POLICY) -> None:
        super().__init__(seed, machine, policy)
        self.favoured: Address | None = None
        """The precompile that most calls go to."""
        self._actions: list[tuple[Callable[[], Call], int, Sized]] = [
            (self._create_datanet, 2, self.accounts),
            (self._set_member, 1, self.datanets),
            (self._contribute, 4, self.datanets),
            (self._cancel, 1, self.contributions),
            (self._set_usage, 1, self.datanets),
            (self._grant_usage, 1, self.datanets),
            (self._buy_usage, 2, self.datanets),
            (self._set_metadata, 1, self.datanets),
            (self._transfer_datanet, 1, self.datanets),
            (self._transfer_model, 1, self.models),
            (self._deprecate_model, 1, self.posts),
            (self._reveal, 4, self.contributions),
            (self._review, 4, self.contributions),
            (self._draw_parents, 2, self.contributions),
            (self._publish_version, 2, self.accepted),
            (self._withdraw_contribution_bond, 2, self.contributions),
            (self._verify_record, 2, self.versions),
            (self._register_model, 2, self.versions),
            (self._set_price, 2, self.models),
            (self._set_revenue_recipient, 1, self.models),
            (self._commit_index, 3, self.models),
            (self._retire_index, 1, self.indexes),
            (self._set_index_signer, 1, self.models),
            (self._set_retrieval, 2, self.models),
            (self._stake, 2, self.accounts),
            (self._unstake, 3, self.accounts),
            (self._delegate, 3, self.accounts),
            (self._undelegate, 3, self.accounts),
            (self._tend_pool, 2, self.accounts),
            (self._staking_claim, 3, self.settlements),
            (self._open_channel, 4, self.indexes),
            (self._top_up, 1, self.channels),
            (self._settle, 8, self.channels),
            (self._settle_with_retrieval, 5, self.channels),
            (self._claim_retrieval, 3, self.retrievals),
            (self._close, 2, self.channels),
            (self._announce_provider, 1, self.models),
            (self._set_offer, 1, self.models),
            (self._request_inference, 4, self.indexes),
            (self._fulfil, 3, self.requests),
            (self._settle_request, 3, self.requests),
            (self._end_request, 3, self.requests),
            (self._mark_delivered, 2, self.requests),
            (self._withdraw_earnings, 2, self.settlements),
            (self._release_earnings, 2, self.settlements),
            (self._post, 10, self.settlements),
            (self._commit_challenge, 6, self.posts),
            (self._challenge_score, 3, self.salts),
            (self._challenge_amount, 3, self.salts),
            (self._challenge_node, 2, self.salts),
            (self._withdraw_challenge_bond, 3, self.salts),
            (self._commit_index_challenge, 2, self.indexes),
            (self._challenge_row, 2, self.index_salts),
            (self._challenge_norm, 3, self.index_salts),
            (self._challenge_count, 1, self.index_salts),
            (self._settle_index_case, 2, self.index_salts),
            (self._open_sum_game, 2, self.indexes),
            (self._play_sum_game, 5, self.games),
            (self._open_query_game, 2, self.posts),
            (self._challenge_batch, 4, self.salts),
            (self._tally, 3, self.posts),
            (self._challenge_wide_score, 2, self.salts),
            (self._tally_norm, 2, self.index_salts),
            (self._challenge_wide_norm, 2, self.index_salts),
            (self._open_wide_sum_game, 1, self.indexes),
            (self._open_index_case, 3, self.index_salts),
            (self._open_query_case, 4, self.salts),
            (self._open_audit, 4, self.posts),
            (self._fund_audits, 1, self.posts),
            (self._release_settlement, 1, self.settlements),
            (self._play_jury, 6, self.jury_cases),
            (self._jury_view, 3, self.jury_cases),
            (self._demand_of_post, 2, self.posts),
            (self._demand_of_index, 2, self.indexes),
            (self._end_demand, 4, self.demands),
            (self._commit_span_challenge, 2, self.channels),
            (self._challenge_span, 2, self.contested),
            (self._finalize, 8, self.posts),
            (self._claim, 10, self.posts),
            (self._claimable, 2, self.posts),
            (self._withdraw_dust, 2, self.posts),
            (self._view, 24, self.accounts),
            (self._gas_of, 1, self.accounts),
            (self._publish_policy, 1, self.accounts),
            (self._fork, 1, self.accounts),
            (self._garbage, 1, self.accounts),
        ]
        self._opening: list[Callable[[], Call]] = [
            self._create_datanet,
            *[self._contribute] * 4,
            *[self._reveal] * 8,
            *[self._review] * 6,
            *[self._publish_version] * 3,
            self._register_model,
            *[self._set_price] * 2,
            *[self._set_retrieval] * 2,
            *[self._stake] * 20,
            *[self._commit_index] * 4,
            *[self._stake_as_validator] * 3,
            *[self._open_channel] * 8,
        ]

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
        if self.favoured is not None and self.random.random() < FAVOUR:
            for _ in range(DRAWS):
                if drawn.target == self.favoured:
                    break
                self._learn = nothing
                drawn = self.random.choices(actions, weights)[0]()
        sent = self._spoil(drawn) if self.random.random() < 0.12 else drawn
        return sent if sent.value_wei <= self.machine.balance(sent.sender) else replace(sent, value_wei=0)

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
            (MODEL_REGISTRY, "getSource", (self._some(self.models), self.random.randrange(2))),
            (DATANET_REGISTRY, "mayUse", (datanet_id, account)),
            (DATANET_REGISTRY, "usagePrice", (datanet_id,)),
            (MODEL_REGISTRY, "isDeprecated", (self._some(self.models),)),
            (MODEL_REGISTRY, "mayRetrieve", (self._some(self.models), datanet_id)),
            (MODEL_REGISTRY, "childCount", (self._some(self.models),)),
            (MODEL_REGISTRY, "childAt", (self.random.choice(list(self.models) or [1]), 0)),
            (MODEL_REGISTRY, "childAt", (1, 0)),
            (MODEL_REGISTRY, "userCount", (datanet_id,)),
            (MODEL_REGISTRY, "userAt", (datanet_id, self.random.randrange(2))),
            (MODEL_REGISTRY, "getFeatureIndex", (self._some(self.indexes),)),
            (MODEL_REGISTRY, "isRetired", (self._some(self.indexes),)),
            (MODEL_REGISTRY, "indexSignerOf", (self._some(self.models),)),
            (MODEL_REGISTRY, "indexesOf", (account,)),
            (ATTRIBUTION, "exposureOf", (account,)),
            (INFERENCE_METERING, "auditsTotal", ()),
            (INFERENCE_METERING, "getChannel", (channel,)),
            (INFERENCE_METERING, "getSettlement", (self._some(self.settlements),)),
            (INFERENCE_METERING, "getRequest", (self._some(self.requests),)),
            (INFERENCE_METERING, "getProvider", (account,)),
            (INFERENCE_METERING, "providerCount", ()),
            (INFERENCE_METERING, "providerAt", (self.random.randrange(2),)),
            (INFERENCE_METERING, "isOffered", (account, self._some(self.models))),
            (INFERENCE_METERING, "modelProviderCount", (self._some(self.models),)),
            (INFERENCE_METERING, "modelProviderAt", (self._some(self.models), 0)),
            (INFERENCE_METERING, "statisticsOf", (account,)),
            (INFERENCE_METERING, "passedTo", (self._some(self.models),)),
            (INFERENCE_METERING, "earningsOf", (account,)),
            (INFERENCE_METERING, "stakersTotal", ()),
            (INFERENCE_METERING, "channelNonce", (account,)),
            (STAKING, "position", (account, self.random.randrange(4))),
            (STAKING, "stakeOf", (account, self.random.randrange(4))),
            (STAKING, "totalStake", ()),
            (STAKING, "pendingRewards", (account,)),
            (STAKING, "delegation", (account, self.random.randrange(4), self._account().address)),
            (STAKING, "commission", (account, self.random.randrange(4))),
            (STAKING, "epoch", ()),
            (INFERENCE_METERING, "heldOf", (account,)),
            (INFERENCE_METERING, "getRetrieval", (self._some(self.retrievals),)),
            (INFERENCE_METERING, "isRetrievalClaimed", (self._some(self.retrievals), 0)),
            (INFERENCE_METERING, "heldIn", (self._some(self.settlements),)),
            (INFERENCE_METERING, "stakersTotalIn", (self.machine.moment.timestamp_s // 3,)),
            (STAKING, "stakeAt", (account, self._past())),
            (STAKING, "totalStakeAt", (self._past(),)),
            (ATTRIBUTION, "getPost", (self._some(self.posts),)),
            (ATTRIBUTION, "postOfSettlement", (self._some(self.settlements),)),
            (ATTRIBUTION, "carryOf", (self._some(self.models),)),
            (ATTRIBUTION, "isClaimed", (self._some(self.posts), self.random.randrange(4))),
            (ATTRIBUTION, "earningsOf", (account,)),
            (ATTRIBUTION, "dustOf", (account,)),
            (ATTRIBUTION, "indexStatus", (self._some(self.indexes),)),
            (ATTRIBUTION, "getSumGame", (self._some(self.games),)),
            (ATTRIBUTION, "preview", (UNIT, *self.random.choices((0, 7, 2**153, 2**153 + 1), k=2), 1)),
            (ATTRIBUTION, "getDemand", (self._some(range(1, len(self.demands) + 1)),)),
            (ATTRIBUTION, "getTally", (bytes(32), bytes(32))),
            (ATTRIBUTION, "slashedOf", (account,)),
            (ATTRIBUTION, "rewardOf", (account,)),
            (ATTRIBUTION, "openLiabilityOf", (account,)),
            (POLICY, "currentVersion", ()),
            (POLICY, "getParameters", (self.random.randrange(3),)),
            (POLICY, "timelock", ()),
            (POLICY, "forkCount", ()),
            (POLICY, "getFork", (self.random.randrange(3),)),
            (PRECOMPILE_REGISTRY, "isActive", (self.random.choice(PRECOMPILES),)),
            (PRECOMPILE_REGISTRY, "version", (account,)),
            (PRECOMPILE_REGISTRY, "supportsInterface", (bytes.fromhex("01ffc9a7"),)),
        )
        target, name, arguments = self.random.choice(readings)
        return call(account, target, name, *arguments, is_static=self.random.random() < 0.5)

    def _past(self) -> int:
        """A time that is mostly over."""
        now_s = self.machine.moment.timestamp_s
        return self.random.choice((0, now_s - 1, now_s - 9, now_s - 60, now_s, 2**256 - 1))

    def _gas_of(self) -> Call:
        target = self.random.choice(PRECOMPILES)
        found = self.random.choice(CONTRACTS[target].methods)
        counts = [self.random.choice((0, 3, 2**64, 2**255)) for _ in range(self.random.randrange(6))]
        selector = self.random.choice((found.selector, found.selector, b"\0\0\0\1"))
        return call(self._account().address, target, "gasOf", selector, counts)

    def _fork(self) -> Call:
        """Governance schedules a fork, or takes one back."""
        sender = self.random.choice((TIMELOCK, TIMELOCK, self._account().address))
        if self.random.random() < 0.3:
            return call(sender, POLICY, "cancelFork", self.random.randrange(3))
        time_s = self.machine.moment.timestamp_s + self.random.choice((0, 604_800, 604_800, 700_000))
        return call(sender, POLICY, "scheduleFork", self._hash(), time_s)

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
