"""The validator against feature indexes: broken rules void them, honest ones are left alone, games won."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from genesis.policy import DEV_POLICY
from openledger_node.client.account import dev_account
from openledger_node.client.economy import ATTRIBUTION
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.sender import Sender
from openledger_node.validator.games import disputed_part
from openledger_node.validator.index_check import partial_sums, parts
from openledger_node.validator.service import Validator
from precompiles.views.attribution import ANSWER, INDEX_VOID
from tests.jobs.economy import BUILDER, VALIDATOR, Economy
from tests.validator.indexing import commit, least_exponent_broken, published, with_norm, with_sum
from tests.validator.test_service import validator
from workers.artifacts.store import artifact_id
from workers.attribution.index import Rows, sums_of

REWARD_WEI = DEV_POLICY.slash_amount_wei * DEV_POLICY.challenger_ppm // 10**6
"""What a challenger gets of the slash of a staked signer, once the window is nearly over."""


async def status(economy: Economy, index_id: int) -> int:
    return int(await Ethereum(economy.node).read(ATTRIBUTION, "indexStatus", index_id))


async def rounds(one: Validator, economy: Economy, count: int = 10) -> None:
    for _ in range(count):
        await one.look()
        economy.node.advance(1)


def balance(economy: Economy) -> int:
    return economy.node.machine.balance(dev_account(VALIDATOR).address)


async def test_an_honest_index_is_left_alone(economy: Economy) -> None:
    rows, sums = published(economy)
    index_id = await commit(economy, rows, sums)
    one = validator(economy)
    await one.look()
    assert await status(economy, index_id) == 0
    assert one.indexes.checked == 2


@pytest.mark.parametrize("fault", ["range", "exponent", "canonical"])
async def test_a_row_out_of_its_rules_voids_the_index(economy: Economy, fault: str) -> None:
    rows, sums = published(economy)
    if fault == "range":
        rows.mantissas[7, 3] = -128
    elif fault == "exponent":
        least_exponent_broken(rows, 4)
    else:
        rows.canonical[5] = len(rows.canonical)
    index_id = await commit(economy, rows, sums_of(rows, sums.contributors))
    before = balance(economy)
    one = validator(economy)
    await rounds(one, economy)
    assert await status(economy, index_id) == INDEX_VOID
    assert one.indexes.challenged == 1
    assert REWARD_WEI // 4 <= balance(economy) - before < REWARD_WEI  # it was early; the bond is back


def rival_of(rows: Rows, place: int) -> int:
    """Another contributor than the one a row names."""
    return 1 if int(rows.owners[place]) == 0 else 0


@pytest.mark.parametrize("fault", ["owner", "kept", "dropped", "dropped for a later one"])
async def test_a_wrong_owner_or_duplicate_voids_the_index(economy: Economy, fault: str) -> None:
    """Rows, sums and roots fit each other: only the records behind them show it."""
    rows, sums = published(economy)
    duplicate = int(np.flatnonzero(~rows.canonical_mask)[0])
    original = int(rows.canonical[duplicate])
    if fault == "owner":
        rows.owners[original] = rival_of(rows, original)
    elif fault == "kept":
        rows.canonical[duplicate] = duplicate
    elif fault == "dropped":
        rows.canonical[original + 1] = original
    else:
        rows.canonical[original] = duplicate
        rows.canonical[duplicate] = duplicate
    index_id = await commit(economy, rows, sums_of(rows, sums.contributors))
    one = validator(economy)
    await rounds(one, economy)
    assert await status(economy, index_id) == INDEX_VOID
    assert one.indexes.challenged == 1


async def test_records_that_are_not_published_put_the_verdict_off(economy: Economy, tmp_path: Path) -> None:
    rows, sums = published(economy)
    rows.owners[3] = rival_of(rows, 3)
    index_id = await commit(economy, rows, sums_of(rows, sums.contributors))
    path = economy.store.path(artifact_id(economy.trained.parts[0]))
    path.rename(tmp_path / "hidden")
    one = validator(economy)
    await one.look()
    assert (await status(economy, index_id), one.indexes.checked) == (0, 0)
    (tmp_path / "hidden").rename(path)
    await rounds(one, economy)
    assert await status(economy, index_id) == INDEX_VOID


@pytest.mark.parametrize("fault", ["owner", "kept"])
async def test_what_one_contributor_hides_protects_no_other_row(economy: Economy, fault: str) -> None:
    rows, sums = published(economy)
    if fault == "owner":
        rows.owners[3] = rival_of(rows, 3)
    else:
        duplicate = int(np.flatnonzero(~rows.canonical_mask)[0])
        rows.canonical[duplicate] = duplicate
    index_id = await commit(economy, rows, sums_of(rows, sums.contributors))
    economy.store.path(artifact_id(economy.trained.parts[2])).unlink()
    await rounds(validator(economy), economy)
    assert await status(economy, index_id) == INDEX_VOID


async def test_a_record_left_out_voids_the_index(economy: Economy) -> None:
    rows, sums = published(economy)
    fewer = Rows(*(getattr(rows, name)[:-1] for name in Rows.__dataclass_fields__))
    index_id = await commit(economy, fewer, sums_of(fewer, sums.contributors))
    await rounds(validator(economy), economy)
    assert await status(economy, index_id) == INDEX_VOID


async def test_a_wrong_norm_voids_the_index(economy: Economy) -> None:
    rows, sums = published(economy)
    index_id = await commit(economy, rows, with_norm(sums, 1, -1))
    await rounds(validator(economy), economy)
    assert await status(economy, index_id) == INDEX_VOID


async def answer(economy: Economy, rows: Rows, lie: int) -> None:
    """The signer's move: honest partial sums but for the last part, which hides the lie."""
    ethereum = Ethereum(economy.node)
    for event in await ethereum.events(ATTRIBUTION, "SumGameOpened"):
        game_id = event.arguments["gameId"]
        game = await ethereum.read(ATTRIBUTION, "getSumGame", game_id)
        if game["turn"] == ANSWER:
            place = (game["contributorIndex"], game["coordinate"], game["first"], game["count"])
            partials = partial_sums(rows, *place)
            partials[-1] += lie
            sender = Sender(ethereum, dev_account(BUILDER))
            said = [value % 2**256 for value in partials]
            await sender.transact(ATTRIBUTION, "answerSumGame", game_id, said)


@pytest.mark.parametrize("is_answering", [True, False])
async def test_a_wrong_sum_is_played_to_its_end(economy: Economy, is_answering: bool) -> None:
    rows, sums = published(economy)
    index_id = await commit(economy, rows, with_sum(sums, 2, 17, 1))
    before = balance(economy)
    one = validator(economy)
    for _ in range(24):
        await one.look()
        if is_answering:
            await answer(economy, rows, 1)
        economy.node.advance(1)
    assert await status(economy, index_id) == INDEX_VOID
    assert balance(economy) == before + REWARD_WEI
    assert len(await Ethereum(economy.node).events(ATTRIBUTION, "SumGameOpened")) == 1


async def test_a_restart_goes_on_with_a_game(economy: Economy) -> None:
    rows, sums = published(economy)
    index_id = await commit(economy, rows, with_sum(sums, 0, 3, -1))
    for _ in range(24):
        await validator(economy).look()
        await answer(economy, rows, -1)
        economy.node.advance(1)
    assert await status(economy, index_id) == INDEX_VOID


@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 1_000])
def test_parts_cover_the_range_once(count: int) -> None:
    rows = Rows(
        np.ones((count, 1), np.int8),
        np.zeros(count, np.uint8),
        np.arange(count),
        np.zeros(count, np.int64),
        np.ones(count),
    )
    assert [place for part in parts(0, count) for place in part] == list(range(count))
    sums: Sequence[int] = partial_sums(rows, 0, 0, 0, count)
    assert sum(sums) == count
    assert disputed_part(sums, sums) is None
    wrong = [*sums[:-1], sums[-1] + 1]
    assert disputed_part(sums, wrong) == len(sums) - 1
