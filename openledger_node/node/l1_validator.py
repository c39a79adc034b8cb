"""A validator's L1 duties, wired: attest and collect, dispute, judge, propose for a silent proposer, punish.

Covered: one key and one sender for all of them; the slashing-protection record, opened before anything is
signed; pay of juries and won bonds, drawn by the services that earn them. Not covered: staking itself, which
is the operator's choice (docs/rollup.md), and AI work (`openledger_node/validator`).
"""

import contextlib
from dataclasses import dataclass
from pathlib import Path

import structlog

from genesis.keccak import keccak256
from genesis.types import Address
from openledger_node.client.account import Account
from openledger_node.config.model import RunConfig
from openledger_node.metrics.registry import NodeMetrics
from openledger_node.node.disputes import start_disputes
from openledger_node.node.keys import read_key
from openledger_node.node.lifecycle import Supervisor
from openledger_node.node.rollup import Rollup
from openledger_node.node.rollup_services import l1_sender, start_proposer
from openledger_node.node.slashing_protection import SlashingProtection
from rollup_bridge.challenger.juror import Juror
from rollup_bridge.challenger.service import Challenger
from rollup_bridge.txmgr.manager import TransactionManager
from rollup_bridge.validator.attester import Attester, Identity, Statistics
from rollup_bridge.validator.contradictions import ContradictionWatch
from rollup_bridge.validator.rewards import RewardCollector, RewardsReader
from rollup_bridge.validator.staking import StakingReader, staking_of

log = structlog.get_logger(__name__)

JURY_SECRET_DOMAIN = b"openledger-jury/1"
CONTRADICTIONS_FROM = 1_000
"""L1 blocks before the head at which a starting node begins to look for contradictions."""


@dataclass(frozen=True)
class L1Validator:
    """What runs, for metrics and health."""

    attester: Attester
    challenger: Challenger
    juror: Juror
    contradictions: ContradictionWatch
    rewards: RewardCollector
    protection: SlashingProtection

    def watch(self, metrics: NodeMetrics) -> None:
        attested, slashed = "attested_l2_block", "contradictions_proven"
        metrics.watch(attested, "Newest L2 block attested.", lambda: self._statistics().last_l2_number)
        metrics.watch("attestations_signed", "Over all lives of the key's record.", self.protection.count)
        metrics.watch("disputes_won", "Wrong roots deleted.", lambda: self.challenger.statistics().won)
        metrics.watch("jury_votes", "Values revealed in juries.", lambda: self.juror.votes)
        metrics.watch("outputs_differing", "Not ours, on the L1.", lambda: self._statistics().differing)
        metrics.watch("attestation_rewards_wei", "Brought into the pool.", lambda: self.rewards.collected_wei)
        metrics.watch(slashed, "Validators slashed by this one.", lambda: self.contradictions.slashed)

    def _statistics(self) -> Statistics:
        return self.attester.statistics()


async def start_l1_validator(
    config: RunConfig,
    rollup: Rollup,
    supervisor: Supervisor,
    closing: contextlib.AsyncExitStack,
    directory: Path,
) -> L1Validator:
    """Start all duties of the validator's key. Raises `StartError` for a record that is old."""
    key = read_key(config.keys.validator, "--keys.validator")
    assert config.keys.validator is not None, "read_key refuses None"
    account, l1 = Account(key), rollup.l1
    chain_id = rollup.config.l1_chain_id
    staking = StakingReader(await staking_of(rollup.config.output_oracle, l1), l1)
    protection = SlashingProtection.open(
        directory, config.keys.validator, account.address, chain_id, staking.address
    )
    closing.callback(protection.close)
    sender = l1_sender(rollup, key)
    attester = Attester(
        Identity(account.address, chain_id, account.sign_digest),
        oracle=rollup.oracle,
        staking=staking,
        status=rollup.driver,
        outputs=rollup.engine,
        record=protection,
        sender=sender,
        header_rlp=l1.header_rlp,
        clock=rollup.execution.clock,
    )
    contradictions = await _contradictions(rollup, staking, sender)
    challenger, juror = start_disputes(
        rollup,
        supervisor,
        sender,
        attest=attester.attest_to,
        jury_secret=keccak256(JURY_SECRET_DOMAIN + key),
    )
    rewards = _rewards(rollup, account.address, sender)
    supervisor.start("attester", attester)
    supervisor.start("rewards", rewards)
    supervisor.start("contradictions", contradictions)
    start_proposer(rollup, supervisor, sender, disputes=False)
    await _say(account.address, staking)
    return L1Validator(attester, challenger, juror, contradictions, rewards, protection)


async def _contradictions(
    rollup: Rollup, staking: StakingReader, sender: TransactionManager
) -> ContradictionWatch:
    """Looks for two roots that one validator signed for one height, from some blocks back on."""
    oldest = await rollup.l1.head_number() - CONTRADICTIONS_FROM
    return ContradictionWatch(
        max(rollup.config.l1_genesis.number, oldest),
        l1=rollup.l1,
        staking=staking,
        sender=sender,
        clock=rollup.execution.clock,
    )


def _rewards(rollup: Rollup, account: Address, sender: TransactionManager) -> RewardCollector:
    """Brings what attestations earned into the validator's pool."""
    return RewardCollector(
        account,
        rewards=RewardsReader(rollup.config.attestation_rewards, rollup.l1),
        oracle=rollup.oracle,
        sender=sender,
        clock=rollup.execution.clock,
    )


async def _say(account: Address, staking: StakingReader) -> None:
    stake_wei = await staking.active_stake_wei(account)
    log.info(
        "validator on the L1",
        account="0x" + account.hex(),
        staking="0x" + staking.address.hex(),
        active_stake_wei=stake_wei,
        may_speak=await staking.is_validator(account),
    )
