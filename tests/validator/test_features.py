"""The validator's own workers against a dishonest provider: rows that look right and are not the model's."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import numpy as np

from openledger_node.jobs.ports import WorkerFailedError, WorkerPool
from openledger_node.validator.features import FeatureChecks
from tests.jobs.economy import Economy, InlinePool
from tests.jobs.fakes import ScriptedPool
from tests.validator.indexing import commit, published
from tests.validator.posting import right_post, send_post, settle
from tests.validator.test_service import validator
from workers.artifacts.store import ArtifactId
from workers.attribution.index import sums_of

SEED = bytes(32)


def checks(pool: WorkerPool, draws: int = 60) -> FeatureChecks:
    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[WorkerPool]:
        yield pool

    return FeatureChecks(opened, draws, lambda: SEED)


async def finish(features: FeatureChecks) -> None:
    service = asyncio.create_task(features.run())
    await features.idle()
    service.cancel()


async def test_an_honest_index_and_post_are_recomputed_in_part(economy: Economy) -> None:
    features = checks(InlinePool(economy.store))
    one = validator(economy, features=features)
    await send_post(economy, await right_post(economy, await settle(economy)))
    await one.look()
    await finish(features)
    assert not features.findings(1).wrong
    assert 30 < features.rows_checked < 120  # two tasks; rows found right are not computed again


async def test_a_provider_that_lifts_its_friends_rows_is_found(economy: Economy) -> None:
    """Rows in range, sums and roots consistent: only recomputation sees it."""
    rows, sums = published(economy)
    friend = np.flatnonzero((rows.owners == 2) & rows.canonical_mask)
    rows.mantissas[friend] = np.roll(rows.mantissas[friend], 1, axis=1)
    index_id = await commit(economy, rows, sums_of(rows, sums.contributors))
    features = checks(InlinePool(economy.store))
    await validator(economy, features=features).look()
    await finish(features)
    wrong = features.findings(index_id).wrong
    assert len(wrong) > 5
    assert wrong <= set(friend.tolist())
    assert not features.findings(1).wrong


async def test_a_job_that_cannot_be_done_does_not_stop_the_service() -> None:
    pool = ScriptedPool(WorkerFailedError("artifact", "gone", retryable=False))
    features = checks(pool)
    features.ask_about_index(1, ArtifactId("0" * 64))
    features.ask_about_index(2, ArtifactId("1" * 64))
    await finish(features)
    assert [kind for kind, _ in pool.asked] == ["spot_check", "preconditioner"] * 2
    assert features.rows_checked == 0
