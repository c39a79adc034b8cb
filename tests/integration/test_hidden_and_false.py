"""Two faults that no single transaction proves, on a running network: hidden documents, and a false sum.

A `dev` node in processes of its own, whose validator nobody steers; the cheats are played here. What is
hidden falls when its demand runs out; a false sum falls in a game down to one row, whether its signer goes on
lying or keeps silent.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from genesis.networks import DEV_VALIDATOR
from genesis.policy import DEV_POLICY
from genesis.shares import PPM
from openledger_node.client.account import dev_account
from openledger_node.client.economy import ATTRIBUTION, POST_VOID, ROLE_PROVIDER, STAKING, EconomyReader
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.gateway import GatewayClient
from openledger_node.client.rpc import HttpRpc
from openledger_node.validator.index_check import partial_sums
from precompiles.views.attribution import ANSWER, INDEX_VOID
from tests.integration.network import DevNode
from tests.integration.test_jury import Network
from tests.jobs.economy import BUILDER, SECOND_PROVIDER, Economy, trained
from tests.validator.contesting import posted
from tests.validator.indexing import with_sum
from workers.artifacts.store import ArtifactStore
from workers.attribution.index import Rows, read_index, read_rows

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PATIENCE_S = 120.0
CONTRIBUTOR, COORDINATE = 1, 5
WORD_RANGE = 2**256
REWARD_WEI = DEV_POLICY.slash_amount_wei * DEV_POLICY.challenger_ppm // PPM
"""A game or a demand pays its winner the whole share."""


@contextlib.asynccontextmanager
async def network(directory: Path) -> AsyncIterator[Network]:
    """A published model, staked providers, and the one validator that `dev` runs."""
    made = trained(str(directory / "trained"))
    node = DevNode(directory / "dev").start()
    try:
        async with HttpRpc(node.url("rpc")) as rpc, GatewayClient(node.url("gateway")) as gateway:
            one = Network(node, Ethereum(rpc), gateway, made, ArtifactStore(directory / "trained"))
            await one.publish()
            yield one
        node.stop()
    finally:
        node.close()


async def events(one: Network, contract: Any, name: str, *indexed: Any, count: int = 1) -> list[Any]:
    """So many events, once they are there."""
    async with asyncio.timeout(PATIENCE_S):
        while len(found := await one.ethereum.events(contract, name, *indexed)) < count:
            await asyncio.sleep(0.5)
    return found


async def slashed_wei(one: Network, index: int) -> int:
    """What an account lost of its stake as a provider."""
    position = await one.read(STAKING, "position", dev_account(index).address, ROLE_PROVIDER)
    return int(position["slashed"])


async def test_who_hides_a_post_or_signs_a_false_sum_pays(tmp_path: Path) -> None:
    async with network(tmp_path) as one:
        await a_hidden_post_is_void(one)
        await a_false_sum_loses_its_game(one, is_silent=False, paid=2)
        await a_false_sum_loses_its_game(one, is_silent=True, paid=3)


async def a_hidden_post_is_void(one: Network) -> None:
    """A second provider settles and posts, and shows nobody the documents."""
    validator = dev_account(DEV_VALIDATOR).address
    economy = await one.channel(await one.commit_index())
    hidden = ArtifactStore(one.store.directory)
    unpublished = Economy(economy.node, hidden, one.made, economy.channel_id, 1, economy.index_id)
    _, notice = await posted(unpublished, forges=False, provider=SECOND_PROVIDER)
    (voided,) = await events(one, ATTRIBUTION, "PostVoided", notice.post_id)
    assert voided.arguments["slashed"] == DEV_POLICY.slash_amount_wei
    post = await EconomyReader(one.ethereum).post(notice.post_id)
    assert (post.status, post.challenger) == (POST_VOID, validator)
    assert not await one.ethereum.events(ATTRIBUTION, "DemandAnswered")
    assert await slashed_wei(one, SECOND_PROVIDER) == DEV_POLICY.slash_amount_wei
    (paid,) = await events(one, STAKING, "SlashRewardPaid", validator)
    assert paid.arguments["amount"] == voided.arguments["reward"] == REWARD_WEI


async def a_false_sum_loses_its_game(one: Network, *, is_silent: bool, paid: int) -> None:
    """The builder signs a sum off by one; `paid` counts the rewards that the validator has then."""
    validator = dev_account(DEV_VALIDATOR).address
    before_wei = await slashed_wei(one, BUILDER)
    honest = read_index(one.store, one.made.index.index)
    rows = read_rows(one.store, honest.rows)
    false = with_sum(honest.sums, CONTRIBUTOR, COORDINATE, 1)
    name = await one.publish_index(honest, rows, false)
    index_id = await one.send_index(honest, rows, false, name)
    (opened,) = await events(one, ATTRIBUTION, "SumGameOpened", None, index_id, validator)
    game_id = int(opened.arguments["gameId"])
    if not is_silent:
        await lie_to_the_end(one, game_id, rows)
    (ended,) = await events(one, ATTRIBUTION, "SumGameEnded", game_id)
    answers = await one.ethereum.events(ATTRIBUTION, "SumGameAnswered", game_id)
    assert len(answers) == (0 if is_silent else levels(len(rows.mantissas)))
    assert ended.arguments["winner"] == validator
    assert await one.read(ATTRIBUTION, "indexStatus", index_id) == INDEX_VOID
    assert await slashed_wei(one, BUILDER) - before_wei == DEV_POLICY.slash_amount_wei
    payments = await events(one, STAKING, "SlashRewardPaid", validator, count=paid)
    assert payments[-1].arguments["amount"] == REWARD_WEI


async def lie_to_the_end(one: Network, game_id: int, rows: Rows) -> None:
    """Answer every question with the one too many in the first part, until a row decides."""
    async with asyncio.timeout(PATIENCE_S):
        while (game := await one.read(ATTRIBUTION, "getSumGame", game_id))["turn"]:
            if game["turn"] == ANSWER:
                said = partial_sums(rows, CONTRIBUTOR, COORDINATE, game["first"], game["count"])
                said[0] += 1
                words = [value % WORD_RANGE for value in said]
                await one.send(BUILDER, ATTRIBUTION, "answerSumGame", game_id, words)
            await asyncio.sleep(0.2)


def levels(rows: int) -> int:
    """Answers until one row is left, sixteen parts at a time."""
    count = 0
    while rows > 1:
        rows, count = -(-rows // 16), count + 1
    return count
