"""Hidden documents: what nobody shows voids the post, what is shown leaves it alone."""

from genesis.policy import DEV_POLICY
from genesis.shares import PPM
from openledger_node.client.economy import ATTRIBUTION, POST_PENDING, POST_VOID, STAKING
from openledger_node.client.ethereum import Ethereum
from tests.jobs.economy import PROVIDER, VALIDATOR, Economy
from tests.validator.posting import right_post, send_post, settle
from tests.validator.test_service import validator


async def test_a_post_whose_document_is_hidden_is_voided(economy: Economy) -> None:
    notice = await send_post(economy, await right_post(economy, await settle(economy)))
    economy.store.path(notice.uri).unlink()
    one = validator(economy)
    for _ in range(24):
        await one.look()
        economy.node.advance(1)
    assert (await economy.reader.post(notice.post_id)).status == POST_VOID
    assert one.demands.demanded >= 1
    (paid,) = await Ethereum(economy.node).events(STAKING, "SlashRewardPaid")
    assert paid.arguments["amount"] == DEV_POLICY.slash_amount_wei * DEV_POLICY.challenger_ppm // PPM


async def test_a_document_that_comes_in_time_costs_nobody_anything(economy: Economy) -> None:
    notice = await send_post(economy, await right_post(economy, await settle(economy)))
    path = economy.store.path(notice.uri)
    content = path.read_bytes()
    path.unlink()
    one = validator(economy)
    await one.look()
    assert one.demands.demanded == 0  # it is given a part of the window
    path.write_bytes(content)
    await one.look()
    assert (await economy.reader.post(notice.post_id)).status == POST_PENDING
    assert one.checked == 1


async def test_what_is_shown_is_opened_further(economy: Economy) -> None:
    """The provider's own service answers from its folder while the validator's host has lost the post."""
    notice = await send_post(economy, await right_post(economy, await settle(economy)))
    content = economy.store.path(notice.uri).read_bytes()
    one, poster = validator(economy, VALIDATOR), validator(economy, PROVIDER)
    for _ in range(12):
        economy.store.path(notice.uri).unlink(missing_ok=True)
        await one.look()
        economy.store.path(notice.uri).write_bytes(content)
        await poster.look()
        economy.node.advance(1)
    answers = await Ethereum(economy.node).events(ATTRIBUTION, "DemandAnswered")
    assert len(answers) >= 3
    assert one.demands.demanded >= 3
    assert (await economy.reader.post(notice.post_id)).status == POST_PENDING
