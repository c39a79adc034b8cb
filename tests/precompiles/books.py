"""The books of the precompiles: what each one owes, read through the views, to compare with what it holds.

Covered: bonds, escrows, earnings, stakes, rewards, pools, carries, dust, unpaid slashes. Not covered: gas.
"""

from collections import defaultdict
from collections.abc import Iterable

from genesis.addresses import (
    ATTRIBUTION,
    DATANET_REGISTRY,
    INFERENCE_METERING,
    MODEL_REGISTRY,
    STAKING,
    TREASURY,
)
from genesis.types import Address, Hash32
from precompiles import staking_interface as law
from precompiles.attribution_interface import CLAIMED, DUST_HELD, DUST_PAID
from precompiles.host import Host
from precompiles.metering_interface import CHANNEL_OPENED, EARNINGS_WITHDRAWN, SETTLED
from precompiles.model_registry import REVENUE_RECIPIENT_SET
from precompiles.slots import load_struct
from precompiles.staking_rewards import settled_pool
from precompiles.views import attribution, datanets, disputes, juries, metering, models, staking
from tests.precompiles.calls import call, number, words
from tests.precompiles.world import LogEntry, Machine

PAYMENTS = (DUST_PAID.topic, EARNINGS_WITHDRAWN.topic, law.REWARDS_CLAIMED.topic, law.SLASH_REWARD_PAID.topic)
DUST_WEI = 1_000
"""Rounding of rewards: below one unit for each time an account's rewards were credited."""


class Books:
    """The books of a machine; `host` reads the same state for the views. `holders` is everybody who may be
    owed anything."""

    def __init__(self, machine: Machine, host: Host, holders: list[Address]) -> None:
        self.machine = machine
        self.host = host
        self.holders = {*holders, TREASURY}
        self.channels: set[Hash32] = set()
        self.claimed_wei = 0
        self.held_wei = 0
        self._claim_recipient = b""
        self.gifts_wei: defaultdict[Address, int] = defaultdict(int)

    def check(self) -> None:
        """Each precompile holds what it owes."""
        balance = self.machine.balance
        assert balance(DATANET_REGISTRY) == self.datanet_bonds()
        assert balance(INFERENCE_METERING) == self.metering()
        assert balance(ATTRIBUTION) == self.attribution() + self.gifts_wei[ATTRIBUTION]
        surplus = balance(STAKING) - self.gifts_wei[STAKING] - self.staking()
        assert 0 <= surplus <= self.undistributed() + self.forfeited() + DUST_WEI

    def record(self, logs: Iterable[LogEntry]) -> None:
        """Note what only logs tell: which channels there are, what was claimed, what came back as a gift."""
        for _, topics, data in logs:
            if topics[0] == DUST_PAID.topic:
                self.held_wei -= int.from_bytes(data, "big")
            if topics[0] == CLAIMED.topic:
                self.claimed_wei += int.from_bytes(data[32:64], "big")
                self._claim_recipient = data[12:32]
                self._note_gift(data[12:32], data[32:64])
            elif topics[0] == DUST_HELD.topic:
                self.held_wei += int.from_bytes(data[:32], "big")
                self._unsend(data[:32])
            elif topics[0] == REVENUE_RECIPIENT_SET.topic:
                self.holders.add(Address(topics[2][12:]))
            elif topics[0] in PAYMENTS:
                self._note_gift(topics[2][12:], data)
            elif topics[0] in (CHANNEL_OPENED.topic, SETTLED.topic):
                self.channels.add(topics[1])

    def _note_gift(self, recipient: bytes, amount: bytes) -> None:
        """A payment whose recipient is a precompile stays there for good."""
        self.gifts_wei[Address(recipient)] += int.from_bytes(amount, "big")

    def _unsend(self, amount: bytes) -> None:
        """The claim just logged sent nothing: its amount is held."""
        self.gifts_wei[Address(self._claim_recipient)] -= int.from_bytes(amount, "big")

    def datanet_bonds(self) -> int:
        count = self._count(DATANET_REGISTRY, datanets.CONTRIBUTION_COUNT_SLOT)
        return sum(datanets.contribution(self.host, i).bond_wei for i in range(1, count + 1))

    def metering(self) -> int:
        channels = [metering.channel(self.host, channel_id) for channel_id in self.channels]
        earnings = sum(self._read(INFERENCE_METERING, "earningsOf", holder) for holder in self.holders)
        requests = range(1, self._count(INFERENCE_METERING, metering.REQUEST_COUNT_SLOT) + 1)
        found = [metering.request(self.host, request_id) for request_id in requests]
        held = sum(request.escrow_wei + request.callback_tip_wei for request in found)
        settled = range(1, self._count(INFERENCE_METERING, metering.SETTLEMENT_COUNT_SLOT) + 1)
        held += sum(metering.held_in(self.host, settlement_id) for settlement_id in settled)
        retrievals = range(1, self._count(INFERENCE_METERING, metering.RETRIEVAL_COUNT_SLOT) + 1)
        shared = [metering.retrieval(self.host, retrieval_id) for retrieval_id in retrievals]
        held += sum(each.amount_wei - each.claimed_wei for each in shared)
        return held + earnings + sum(each.deposit_wei - each.settled_fee_wei for each in channels)

    def attribution(self) -> int:
        return (
            self.held_wei
            + self._indexes()
            + self._open_pools()
            + self._posts()
            + self._carries()
            + self._used_bonds()
            + self._demands()
            + self._juries()
        )

    def staking(self) -> int:
        """What is owed; the balance may exceed it by dust and by fees that wait for a staker."""
        positions = [
            words(self.machine.call(call(TREASURY, STAKING, "position", holder, role)))
            for holder in self.holders
            for role in staking.ROLES
        ]
        stakes = sum(active + unbonding for active, unbonding, _, _ in positions)
        rewards = sum(self._read(STAKING, "pendingRewards", holder) for holder in self.holders)
        return stakes + rewards + self._uncollected() + self._unpaid_slash()

    def _uncollected(self) -> int:
        """What delegators have earned in others' pools and not collected."""
        pools = [(operator, role) for operator in self.holders for role in staking.ROLES]
        return sum(
            words(self.machine.call(call(TREASURY, STAKING, "delegation", operator, role, holder)))[4]
            for operator, role in pools
            for holder in self.holders
            if holder != operator
            and staking.stored_delegation(self.host, operator, role, holder).active_shares
        )

    def undistributed(self) -> int:
        given_ = self.host.load(STAKING, staking.DISTRIBUTED_SLOT)
        return metering.stakers_total(self.host) - given_

    def forfeited(self) -> int:
        """What slashed stake has earned since, which goes back to the stakers when its pool is settled."""
        return sum(
            settled_pool(self.host, holder, role).returned_wei
            for holder in self.holders
            for role in staking.ROLES
        )

    def _open_pools(self) -> int:
        count = self._count(INFERENCE_METERING, metering.SETTLEMENT_COUNT_SLOT)
        return sum(
            metering.settlement(self.host, i).pool_wei
            for i in range(1, count + 1)
            if not attribution.post_of_settlement(self.host, i)
        )

    def _posts(self) -> int:
        total = 0
        for post_id in range(1, self._count(ATTRIBUTION, attribution.POST_COUNT_SLOT) + 1):
            post = attribution.post(self.host, post_id)
            total += attribution.case(self.host, post_id).bonds_wei
            if post.status == attribution.PENDING:
                total += post.pool_wei
            elif post.status == attribution.FINAL:
                total += post.amount_sum_wei
        return total - self.claimed_wei

    def _demands(self) -> int:
        count = self._count(ATTRIBUTION, disputes.DEMAND_COUNT_SLOT)
        return sum(disputes.demand(self.host, i).fee_wei for i in range(1, count + 1))

    def _juries(self) -> int:
        """Bonds of open cases, pay that jurors have not claimed, and the fund of audits."""
        count = self._count(ATTRIBUTION, juries.CASE_COUNT_SLOT)
        held = sum(juries.case(self.host, i).bond_wei for i in range(1, count + 1))
        return held + juries.audit_fund(self.host)

    def _indexes(self) -> int:
        """Bonds of challenges of indexes, and of sum games."""
        games = range(1, self._count(ATTRIBUTION, attribution.GAME_COUNT_SLOT) + 1)
        slots = (attribution.game_slot(game_id) for game_id in games)
        total = sum(
            load_struct(self.host, ATTRIBUTION, slot, attribution.SUM_GAME).bond_wei for slot in slots
        )
        for index_id in range(1, self._count(MODEL_REGISTRY, models.INDEX_COUNT_SLOT) + 1):
            key = attribution.INDEX_KEY + index_id
            total += attribution.case(self.host, key).bonds_wei
            for holder in self.holders:
                commitment = attribution.commitment(self.host, key, holder)
                total += commitment.bond_wei * commitment.used
        return total

    def _carries(self) -> int:
        return sum(self._read(ATTRIBUTION, "carryOf", model_id) for model_id in range(1, 60))

    def _used_bonds(self) -> int:
        total = 0
        for post_id in range(1, self._count(ATTRIBUTION, attribution.POST_COUNT_SLOT) + 1):
            for holder in self.holders:
                commitment = attribution.commitment(self.host, post_id, holder)
                total += commitment.bond_wei * commitment.used
        return total

    def _unpaid_slash(self) -> int:
        posts = range(1, self._count(ATTRIBUTION, attribution.POST_COUNT_SLOT) + 1)
        indexes = range(1, self._count(MODEL_REGISTRY, models.INDEX_COUNT_SLOT) + 1)
        keys = (*posts, *(attribution.INDEX_KEY + index_id for index_id in indexes))
        waiting = sum(attribution.case(self.host, key).reward_wei for key in keys)
        return waiting + sum(
            attribution.reward_of(self.host, holder)
            - staking.stored_account(self.host, holder).slash_reward_paid_wei
            for holder in self.holders
        )

    def _count(self, address: Address, slot: int) -> int:
        return self.host.load(address, slot)

    def _read(self, target: Address, name: str, *arguments: object) -> int:
        return number(self.machine.call(call(TREASURY, target, name, *arguments)))
