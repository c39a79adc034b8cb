"""The collector against the real contracts: enough outputs together, each once, and none lost."""

import pytest

from rollup_bridge.errors import TransactionError
from rollup_bridge.proposer.output_root import output_root
from rollup_bridge.validator.rewards import TOGETHER, RewardCollector, RewardsReader
from tests.contracts.rollup import (
    FINALIZATION_PERIOD_S,
    MINIMUM_STAKE,
    REWARDS,
    SUBMISSION_INTERVAL,
    Rollup,
)
from tests.rollup_bridge.fakes import FakeClock
from tests.rollup_bridge.proposer.test_service import parts
from tests.rollup_bridge.validator.bench import HEAD, Bench, account_that

HALF = REWARDS.per_output_wei // 2
"""The proposer holds as much stake as the validator, and does not attest."""


class Paid(Bench):
    """A bench whose validator has stake and a collector."""

    def __init__(self, rollup: Rollup) -> None:
        super().__init__(rollup, account_that(judges=False))
        self.stake()
        self.tick()
        self.collector = self.new_collector()

    def new_collector(self) -> RewardCollector:
        return RewardCollector(
            self.account.address,
            rewards=RewardsReader(self.rollup.at.attestation_rewards, self.l1),
            oracle=self.oracle,
            sender=self.l1,
            clock=FakeClock(),
        )

    def tick(self, seconds: int = 1) -> None:
        """Time goes on; the L1 block stays the one whose ancestors the machine knows."""
        self.rollup.machine.advance(seconds)
        self.rollup.machine.context._block_number = HEAD

    async def attested_outputs(self, count: int) -> None:
        for _ in range(count):
            number = self.rollup.oracle.read("nextBlockNumber")
            self.rollup.propose(output_root(parts(number)))
            self.finalize(number)
            assert await self.attester.attest_next()

    def stake_wei(self) -> int:
        return int(self.rollup.staking.read("activeStake", self.account.address))


async def test_a_days_outputs_are_collected_together_and_once(rollup: Rollup) -> None:
    bench = Paid(rollup)
    assert not await bench.collector.collect(), "there is no output"
    await bench.attested_outputs(TOGETHER)
    assert not await bench.collector.collect(), "none is final"
    bench.tick(FINALIZATION_PERIOD_S + 1)
    assert await bench.collector.collect()
    assert bench.stake_wei() == MINIMUM_STAKE + TOGETHER * HALF
    assert bench.collector.collected_wei == TOGETHER * HALF
    assert not await bench.collector.collect()
    assert not await bench.new_collector().collect(), "a restarted one finds them paid"


async def test_a_few_wait_for_more(rollup: Rollup) -> None:
    bench = Paid(rollup)
    await bench.attested_outputs(TOGETHER - 1)
    bench.tick(FINALIZATION_PERIOD_S + 1)
    assert not await bench.collector.collect()
    await bench.attested_outputs(1)
    bench.tick(FINALIZATION_PERIOD_S + 1)
    assert await bench.collector.collect()


async def test_an_empty_fund_is_a_reason_and_not_a_loss(rollup: Rollup) -> None:
    bench = Paid(rollup)
    await bench.attested_outputs(TOGETHER)
    bench.tick(FINALIZATION_PERIOD_S + 1)
    fund, elsewhere = rollup.at.attestation_rewards, account_that(judges=True).address
    rollup.token.send(fund, "transfer", elsewhere, REWARDS.fund_wei)
    with pytest.raises(TransactionError, match="fund"):
        await bench.collector.collect()
    rollup.token.send(elsewhere, "transfer", fund, REWARDS.fund_wei)
    assert await bench.collector.collect()
    assert bench.stake_wei() > MINIMUM_STAKE
    assert rollup.oracle.read("latestBlockNumber") == TOGETHER * SUBMISSION_INTERVAL
