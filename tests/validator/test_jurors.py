"""Juries of validators against the law: forged rows fall, honest indexes stand, each is paid or pays."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genesis.addresses import STAKING as STAKING_ADDRESS
from genesis.policy import DEV_POLICY
from genesis.spec import OPEN_UNIT
from genesis.types import Hash32
from openledger_node.client.account import dev_account
from openledger_node.client.economy import (
    ATTRIBUTION,
    ROLE_PROVIDER,
    ROLE_VALIDATOR,
    STAKING,
)
from openledger_node.client.ethereum import Ethereum
from openledger_node.jobs.ports import WorkerPool
from openledger_node.validator.ballots import Ballot, Ballots
from openledger_node.validator.cases import row_leaf
from openledger_node.validator.features import FeatureChecks
from openledger_node.validator.service import Validator, ValidatorOptions
from precompiles.views.attribution import INDEX_KEY, INDEX_VOID
from precompiles.views.juries import AUDIT, NOT_AVAILABLE, PRECONDITIONER, RIGHT, WRONG
from tests.jobs.economy import (
    BUILDER,
    OWNER,
    STAKE_WEI,
    VALIDATOR,
    Economy,
    InlinePool,
    Trained,
    open_economy,
)
from tests.jobs.fakes import ManualClock
from tests.validator.indexing import commit, published
from tests.validator.posting import right_post, send_post, settle
from tests.validator.test_indexes import status
from workers.artifacts.store import artifact_id
from workers.artifacts.tensors import decode_tensors, encode_tensors
from workers.attribution.index import read_index, sums_of

JURORS = (8, 9, 10)
SEED = bytes(32)
SALT = Hash32(b"\x05" * 32)


@dataclass
class Member:
    """One validator with its own workers and disk."""

    economy: Economy
    validator: Validator
    features: FeatureChecks
    service: asyncio.Task[None] | None = None

    async def look(self) -> None:
        if self.service is None:
            self.service = asyncio.create_task(self.features.run())
        await self.validator.look()
        await asyncio.wait_for(self.features.idle(), 60)
        await asyncio.gather(*self.validator.jurors._work.values(), return_exceptions=True)

    async def stop(self) -> None:
        if self.service is not None:
            self.service.cancel()


def member(economy: Economy, index: int, directory: Path, draws: int = 200) -> Member:
    """A validator whose clock never waits; it reads the provider's own folder."""

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[WorkerPool]:
        yield InlinePool(economy.store)

    features = FeatureChecks(opened, draws, lambda: SEED, sample=0)
    options = ValidatorOptions((), directory / str(index) / "artifacts")
    one = Validator(economy.node, dev_account(index), options, features, ManualClock())
    one._documents._stores = [economy.store]  # the folder stands in for the artefact hosts
    return Member(economy, one, features)


@pytest.fixture
def staked(economy: Economy) -> Economy:
    """Four validators with stake, and a builder that has some to lose."""
    return with_stakes(economy)


def with_stakes(economy: Economy) -> Economy:
    for index in (VALIDATOR, *JURORS):
        economy.node.act(index, STAKING_ADDRESS, STAKING.calldata("stake", ROLE_VALIDATOR), STAKE_WEI)
    economy.node.advance(2)
    return economy


async def forged(economy: Economy, place: int = 7) -> int:
    """An index with one row that is not its record's; rows, sums and roots fit each other."""
    rows, sums = published(economy)
    rows.mantissas[place] = np.roll(rows.mantissas[place], 1)
    return await commit(economy, rows, sums_of(rows, sums.contributors))


async def rounds(members: Sequence[Member], economy: Economy, count: int = 24) -> None:
    for _ in range(count):
        for one in members:
            await one.look()
        economy.node.advance(1)


async def case_of(economy: Economy, case_id: int = 1) -> Any:
    return await Ethereum(economy.node).read(ATTRIBUTION, "getJuryCase", case_id)


def balance(economy: Economy, index: int) -> int:
    return economy.node.machine.balance(dev_account(index).address)


async def events(economy: Economy, name: str, *indexed: Any) -> int:
    return len(await Ethereum(economy.node).events(ATTRIBUTION, name, *indexed))


async def test_a_forged_row_is_found_judged_and_paid_for(staked: Economy, tmp_path: Path) -> None:
    index_id = await forged(staked)
    before = {index: balance(staked, index) for index in (VALIDATOR, *JURORS)}
    members = [member(staked, index, tmp_path) for index in (VALIDATOR, *JURORS)]
    await rounds(members, staked)
    case = await case_of(staked)
    assert case["outcome"] == WRONG
    challenger = next(i for i in before if dev_account(i).address == case["challenger"])
    assert await status(staked, index_id) == INDEX_VOID
    position = await Ethereum(staked.node).read(
        STAKING, "position", dev_account(BUILDER).address, ROLE_PROVIDER
    )
    assert position["slashed"] == DEV_POLICY.slash_amount_wei
    assert balance(staked, challenger) > before[challenger]
    served = [one for one in members if one.validator.jurors.statistics.revealed]
    assert served
    for one in served:
        statistics = one.validator.jurors.statistics
        assert statistics.committed == statistics.revealed
        assert statistics.paid_wei >= DEV_POLICY.juror_fee_wei
    judges = [index for index in before if index != challenger]
    assert sum(balance(staked, index) - before[index] for index in judges) == sum(
        one.validator.jurors.statistics.paid_wei for one in served
    )
    assert await events(staked, "JuryCaseOpened") == 1
    for one in members:
        await one.stop()


async def opened_case(economy: Economy, accuser: int, index_id: int, place: int = 7) -> None:
    """Bring a row before a jury without having recomputed it."""
    liar = member(economy, accuser, economy.store.directory / "liar").validator
    inputs = await liar._documents.index_inputs(index_id)
    await liar._challenger.commit(INDEX_KEY + index_id)
    salt = await liar._challenger.salt(INDEX_KEY + index_id)
    await liar._challenger.send("openRowCase", index_id, salt, row_leaf(inputs, place))


async def test_an_honest_index_stands_and_its_accuser_pays(staked: Economy, tmp_path: Path) -> None:
    rows, sums = published(staked)
    index_id = await commit(staked, rows, sums)
    accuser = JURORS[0]
    before = {index: balance(staked, index) for index in (VALIDATOR, accuser, BUILDER)}
    await opened_case(staked, accuser, index_id)
    members = [member(staked, index, tmp_path, 20) for index in (VALIDATOR, *JURORS[1:])]
    await rounds(members, staked)
    assert (await case_of(staked))["outcome"] == RIGHT
    assert await status(staked, index_id) == 0
    assert balance(staked, accuser) == before[accuser] - DEV_POLICY.challenge_bond_wei
    paid_wei = sum(one.validator.jurors.statistics.paid_wei for one in members)
    assert paid_wei >= DEV_POLICY.juror_fee_wei
    assert balance(staked, BUILDER) == before[BUILDER] + DEV_POLICY.challenge_bond_wei - paid_wei
    assert await events(staked, "JuryCaseOpened") == 1
    for one in members:
        await one.stop()


async def until(members: Sequence[Member], economy: Economy, name: str) -> None:
    """Look until somebody made an event happen."""
    for _ in range(30):
        for one in members:
            await one.look()
            if await events(economy, name):
                return
        economy.node.advance(1)
    raise AssertionError(f"{name} never happened")


@pytest.mark.parametrize("loses_disk", [False, True])
async def test_a_juror_killed_before_its_reveal_goes_on_and_says_nothing_twice(
    staked: Economy, tmp_path: Path, loses_disk: bool
) -> None:
    """Restarted with its disk it reveals what is there; without it the same work gives the same ballot."""
    rows, sums = published(staked)
    await opened_case(staked, VALIDATOR, await commit(staked, rows, sums))
    everyone = [member(staked, index, tmp_path, 5) for index in JURORS]
    await until(everyone, staked, "VerdictCommitted")
    committed = next(one for one in everyone if one.validator.jurors.statistics.committed)
    await committed.stop()
    place = JURORS[everyone.index(committed)]
    directory = tmp_path / "another disk" if loses_disk else tmp_path
    again = member(staked, place, directory, 5)
    await until([again], staked, "VerdictRevealed")
    await again.look()
    account = dev_account(place).address
    assert await events(staked, "VerdictCommitted", 1, account) == 1
    assert await events(staked, "VerdictRevealed", 1, account) == 1
    assert again.validator.jurors.statistics.committed == 0
    for one in (*everyone, again):
        await one.stop()


async def test_a_ballot_that_is_on_disk_is_the_one_that_is_sent(staked: Economy, tmp_path: Path) -> None:
    """Killed between the disk and the transaction, it commits to what the disk says, not to new work."""
    rows, sums = published(staked)
    await opened_case(staked, VALIDATOR, await commit(staked, rows, sums))
    one = member(staked, JURORS[0], tmp_path, 5)
    file = Ballots(tmp_path / str(JURORS[0]), staked.node.machine.chain_id, dev_account(JURORS[0]).address)
    for number in (1, 2):
        file.keep(Ballot(1, number, NOT_AVAILABLE, b"", SALT))
    await until([one], staked, "VerdictCommitted")
    await until([one], staked, "VerdictRevealed")
    (revealed,) = await Ethereum(staked.node).events(ATTRIBUTION, "VerdictRevealed", 1)
    assert revealed.arguments["verdict"] == NOT_AVAILABLE
    assert one.validator.jurors.statistics.not_available == 1
    await one.stop()


async def test_what_is_hidden_is_called_not_available_after_a_search(staked: Economy, tmp_path: Path) -> None:
    rows, sums = published(staked)
    index_id = await commit(staked, rows, sums)
    await opened_case(staked, VALIDATOR, index_id)
    part = staked.store.path(artifact_id(staked.trained.parts[0]))
    part.rename(tmp_path / "hidden")
    members = [member(staked, index, tmp_path, 5) for index in JURORS]
    await until(members, staked, "JuryDrawn")
    drawn_s = staked.node.machine.moment.timestamp_s
    await until(members, staked, "VerdictCommitted")
    assert staked.node.machine.moment.timestamp_s >= drawn_s + DEV_POLICY.jury_commit_s // 2
    await rounds(members, staked)
    assert (await case_of(staked))["outcome"] == NOT_AVAILABLE
    assert await status(staked, index_id) == INDEX_VOID
    for one in members:
        await one.stop()


async def test_who_stays_away_is_punished(staked: Economy, tmp_path: Path) -> None:
    rows, sums = published(staked)
    await opened_case(staked, VALIDATOR, await commit(staked, rows, sums))
    present, *absent = JURORS
    one = member(staked, present, tmp_path, 5)
    await rounds([one], staked, 45)
    assert (await case_of(staked))["outcome"] != 0
    punished = await Ethereum(staked.node).events(ATTRIBUTION, "AbsencePunished", 1)
    assert punished
    assert {bytes(event.arguments["juror"]) for event in punished} <= {
        bytes(dev_account(index).address) for index in absent
    }
    assert one.validator.jurors.statistics.punished == len(punished)
    for account in {bytes(event.arguments["juror"]) for event in punished}:
        weight_wei, stake_wei = await weight_and_stake(staked, account)
        assert weight_wei == stake_wei < STAKE_WEI, "the loss is in the weight of the next draw"
    await one.stop()


async def weight_and_stake(economy: Economy, account: bytes) -> tuple[int, int]:
    """What a validator is drawn by, and what it has."""
    ethereum = Ethereum(economy.node)
    now_s = await ethereum.timestamp_s()
    weight_wei = await ethereum.read(STAKING, "stakeAt", account, now_s - 1)
    return int(weight_wei), int(await ethereum.read(STAKING, "stakeOf", account, ROLE_VALIDATOR))


async def test_a_rigged_preconditioner_is_judged(staked: Economy, tmp_path: Path) -> None:
    """Rows are left as they were: the preconditioner is what is first found wrong in none of them."""
    index = read_index(staked.store, staked.trained.index.index)
    tensors = {
        name: each.copy() for name, each in decode_tensors(staked.store.get(index.preconditioner)).items()
    }
    tensors["query_scale"] *= 1.05
    rows, sums = published(staked)
    index_id = await commit(staked, rows, sums, staked.store.put(encode_tensors(tensors)))
    members = [member(staked, index, tmp_path, 1) for index in (VALIDATOR, *JURORS)]
    await rounds(members, staked)
    assert (await case_of(staked))["subject"] == PRECONDITIONER
    assert (await case_of(staked))["outcome"] == WRONG
    assert await status(staked, index_id) == INDEX_VOID
    for one in members:
        await one.stop()


@pytest.fixture
def audited(made: Trained, tmp_path: Path) -> Economy:
    """Every post is audited that pays more than a jury costs, as all of the tests' do."""
    policy = replace(DEV_POLICY, audit_ppm=1_000_000, post_window_s=20, juror_fee_wei=10**9)
    return with_stakes(open_economy(tmp_path, made, policy=policy))


async def test_a_drawn_audit_is_opened_judged_and_paid_from_the_fund(
    audited: Economy, tmp_path: Path
) -> None:
    economy, fund_wei = audited, 20 * OPEN_UNIT
    economy.node.act(OWNER, ATTRIBUTION.address, ATTRIBUTION.calldata("fundAudits"), fund_wei)
    await send_post(economy, await right_post(economy, await settle(economy)))
    members = [member(economy, index, tmp_path, 5) for index in (VALIDATOR, *JURORS)]
    await rounds(members, economy)
    case = await case_of(economy)
    assert (case["subject"], case["outcome"]) == (AUDIT, RIGHT)
    assert sum(one.validator.audits.opened for one in members) == 1
    paid_wei = sum(one.validator.jurors.statistics.paid_wei for one in members)
    assert paid_wei == case["payPerSeat"] * case["leaderSeats"] > 0
    for one in members:
        await one.stop()
