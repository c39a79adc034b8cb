"""The validator against the law: wrong posts are voided in one challenge, right ones left alone."""

from pathlib import Path

import pytest

from genesis.policy import DEV_POLICY
from genesis.spec import OPEN_UNIT
from openledger_node.client.account import dev_account
from openledger_node.client.economy import ATTRIBUTION, POST_PENDING, POST_VOID, ROLE_PROVIDER, STAKING
from openledger_node.client.ethereum import Ethereum
from openledger_node.clock import Clock
from openledger_node.validator.features import FeatureChecks
from openledger_node.validator.service import Validator, ValidatorOptions
from tests.jobs.economy import PROVIDER, SECOND_PROVIDER, VALIDATOR, Economy
from tests.jobs.fakes import ManualClock
from tests.validator.posting import earner, right_post, send_post, settle, with_impostor, with_score
from workers.attribution.post import Post


def validator(
    economy: Economy,
    index: int = VALIDATOR,
    features: FeatureChecks | None = None,
    clock: Clock | None = None,
) -> Validator:
    """A validator that reads the poster's own folder; its clock never waits."""
    one = Validator(
        economy.node,
        dev_account(index),
        ValidatorOptions((), economy.store.directory),
        features,
        clock or ManualClock(),
    )
    one._documents._stores = [economy.store]  # the folder stands in for the artefact host
    return one


def one_more(post: Post) -> Post:
    """The smallest lie."""
    victim = earner(post)
    return with_score(post, victim, post.batches[0].scores[victim] + 1)


async def rounds(one: Validator, economy: Economy, count: int = 12) -> None:
    for _ in range(count):
        await one.look()
        economy.node.advance(1)


async def commitments(economy: Economy) -> int:
    return len(await Ethereum(economy.node).events(ATTRIBUTION, "ChallengeCommitted"))


async def test_an_honest_post_is_left_alone(economy: Economy) -> None:
    post = await right_post(economy, await settle(economy))
    notice = await send_post(economy, post)
    await validator(economy).look()
    assert (await economy.reader.post(notice.post_id)).status == POST_PENDING
    assert await commitments(economy) == 0


@pytest.mark.parametrize("change", [1, -1])
async def test_a_false_score_costs_the_stake_and_pays_the_validator(economy: Economy, change: int) -> None:
    post = await right_post(economy, await settle(economy))
    false = with_score(post, earner(post), post.batches[0].scores[earner(post)] + change)
    before = economy.node.machine.balance(dev_account(VALIDATOR).address)
    notice = await send_post(economy, false)
    one = validator(economy)
    await rounds(one, economy)
    assert (await economy.reader.post(notice.post_id)).status == POST_VOID
    position = await Ethereum(economy.node).read(STAKING, "position", economy.provider, ROLE_PROVIDER)
    assert position["slashed"] == DEV_POLICY.slash_amount_wei
    after = economy.node.machine.balance(dev_account(VALIDATOR).address)
    most = DEV_POLICY.slash_amount_wei * DEV_POLICY.challenger_ppm // 10**6
    assert most // 4 <= after - before <= most
    assert (one.checked, one.challenged) == (1, 1)


async def test_a_false_debt_is_voided_too(economy: Economy) -> None:
    post = await right_post(economy, await settle(economy))
    debtor = next(c for c, score in enumerate(post.batches[0].scores) if score <= 0)
    false = with_score(post, debtor, post.batches[0].scores[debtor] - 1)
    notice = await send_post(economy, false)
    await rounds(validator(economy), economy)
    assert (await economy.reader.post(notice.post_id)).status == POST_VOID


async def test_a_false_amount_is_voided_too(economy: Economy) -> None:
    post = await right_post(economy, await settle(economy))
    amounts = list(post.amounts())
    victim = max(range(len(amounts)), key=amounts.__getitem__)
    amounts[victim] -= 1
    notice = await send_post(economy, post, amounts=tuple(amounts))
    await rounds(validator(economy), economy)
    assert (await economy.reader.post(notice.post_id)).status == POST_VOID


async def test_an_impostors_leaf_is_voided_too(economy: Economy) -> None:
    post = await right_post(economy, await settle(economy))
    notice = await send_post(economy, with_impostor(post))
    await rounds(validator(economy), economy)
    assert (await economy.reader.post(notice.post_id)).status == POST_VOID


async def test_another_provider_is_judged_alike_and_the_right_post_follows(economy: Economy) -> None:
    queries = await settle(economy)
    economy.node.advance(DEV_POLICY.post_delay_s)
    post = await right_post(economy, queries, SECOND_PROVIDER)
    false = one_more(post)
    await send_post(economy, false, SECOND_PROVIDER)
    one = validator(economy)
    await rounds(one, economy)
    correct = await send_post(economy, await right_post(economy, queries), PROVIDER)
    await one.look()
    assert (await economy.reader.post(correct.post_id)).status == POST_PENDING
    assert one.challenged == 1


async def test_a_validator_restarted_after_its_commit_uses_the_same_commitment(economy: Economy) -> None:
    post = await right_post(economy, await settle(economy))
    notice = await send_post(economy, one_more(post))
    first = validator(economy)
    await first._challenger.commit(notice.post_id)
    await rounds(validator(economy), economy)
    assert await commitments(economy) == 1
    assert (await economy.reader.post(notice.post_id)).status == POST_VOID


async def test_a_restart_after_the_verdict_takes_bond_and_reward_once(economy: Economy) -> None:
    post = await right_post(economy, await settle(economy))
    await send_post(economy, one_more(post))
    await validator(economy).look()
    await rounds(validator(economy), economy)
    after = economy.node.machine.balance(dev_account(VALIDATOR).address)
    await rounds(validator(economy), economy)
    assert economy.node.machine.balance(dev_account(VALIDATOR).address) == after
    most = DEV_POLICY.slash_amount_wei * DEV_POLICY.challenger_ppm // 10**6
    assert most // 4 <= after - 10_000 * OPEN_UNIT <= most


async def test_documents_fetched_late_are_still_judged(economy: Economy, tmp_path: Path) -> None:
    post = await right_post(economy, await settle(economy))
    notice = await send_post(economy, one_more(post))
    one = validator(economy)
    hidden = tmp_path / "hidden"
    path = economy.store.path(notice.uri)
    path.rename(hidden)
    await one.look()
    assert one.checked == 0
    hidden.rename(path)
    await rounds(one, economy)
    assert (await economy.reader.post(notice.post_id)).status == POST_VOID
