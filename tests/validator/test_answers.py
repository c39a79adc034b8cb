"""Answers: what is demanded is shown from documents, disputed sums are broken down, silence loses."""

import pytest

from genesis.keccak import keccak256
from genesis.policy import DEV_POLICY
from openledger_node.client.account import dev_account
from openledger_node.client.disputes import vector_chunk
from openledger_node.client.economy import ATTRIBUTION, POST_PENDING, POST_VOID, ROLE_PROVIDER
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.posts import PostNotice
from openledger_node.client.sender import Sender
from openledger_node.validator.answers import Answers, index_contents, post_contents
from openledger_node.validator.challenger import Challenger
from openledger_node.validator.documents import Documents
from precompiles.views.attribution import CHOICE
from tests.jobs.economy import PROVIDER, VALIDATOR, Economy
from tests.jobs.fakes import ManualClock
from tests.validator.posting import right_post, send_post, settle

BATCH_QUERY_TREE = 3


def answers(economy: Economy, index: int) -> Answers:
    account = dev_account(index)
    ethereum = Ethereum(economy.node)
    clock = ManualClock()
    sender = Sender(ethereum, account, clock)
    documents = Documents(economy.reader, [economy.store])
    return Answers(economy.reader, documents, Challenger(economy.reader, sender, account), clock)


async def posted(economy: Economy) -> PostNotice:
    return await send_post(economy, await right_post(economy, await settle(economy)))


def batches(notice: PostNotice) -> list[tuple[object, ...]]:
    return [tuple(each.values()) for each in notice.batches]


async def demand(economy: Economy, notice: PostNotice, tree: int, opened: list[bytes]) -> int:
    sender = Sender(Ethereum(economy.node), dev_account(VALIDATOR))
    path = (tree, 0, 0, opened)
    arguments = (notice.post_id, batches(notice), path)
    mined = await sender.transact(
        ATTRIBUTION, "demandOfPost", *arguments, value_wei=DEV_POLICY.demand_fee_wei
    )
    return int(mined.event("Demanded").arguments["demandId"])


@pytest.mark.parametrize("tree", range(6))
async def test_anybody_shows_what_is_published_and_earns_the_fee(economy: Economy, tree: int) -> None:
    notice = await posted(economy)
    one = answers(economy, PROVIDER)
    inputs = await one._post_inputs(notice.post_id)
    contents = {keccak256(content): content for content in post_contents(inputs)}
    opened: list[bytes] = []
    ethereum = Ethereum(economy.node)
    for _ in range(3):
        demand_id = await demand(economy, notice, tree, opened)
        wanted = (await ethereum.read(ATTRIBUTION, "getDemand", demand_id))["contentHash"]
        await one.look()
        assert (await ethereum.read(ATTRIBUTION, "getDemand", demand_id))["until"] == 0
        opened.append(contents[wanted])
        if tree == BATCH_QUERY_TREE:
            break
    assert one.answered == len(opened)
    assert (await economy.reader.post(notice.post_id)).status == POST_PENDING


async def test_what_nobody_shows_voids_the_post(economy: Economy) -> None:
    notice = await posted(economy)
    one = answers(economy, VALIDATOR)
    await demand(economy, notice, BATCH_QUERY_TREE, [])
    one._documents._stores = []
    await one.look()
    assert one.answered == 0
    economy.node.advance(DEV_POLICY.demand_window_s + 1)
    await one.look()
    assert (await economy.reader.post(notice.post_id)).status == POST_VOID
    stake = await economy.reader.stake_wei(dev_account(PROVIDER).address, ROLE_PROVIDER)
    assert stake % (1_000 * 10**18) != 0


async def test_a_disputed_batch_query_is_broken_down_to_its_end(economy: Economy) -> None:
    notice = await posted(economy)
    one = answers(economy, PROVIDER)
    inputs = await one._post_inputs(notice.post_id)
    challenger = Sender(Ethereum(economy.node), dev_account(VALIDATOR))
    packed = b"".join(value.to_bytes(16, "big", signed=True) for value in inputs.batches[0].posted_query)
    chunk = vector_chunk(packed, 16, 5)
    arguments = (notice.post_id, batches(notice), 0, 5, (list(chunk.chunks), chunk.chunk))
    bond = DEV_POLICY.challenge_bond_wei
    mined = await challenger.transact(ATTRIBUTION, "openQueryGame", *arguments, value_wei=bond)
    game_id = int(mined.event("QueryGameOpened").arguments["gameId"])
    ethereum = Ethereum(economy.node)
    for _ in range(6):
        await one.look()
        game = await ethereum.read(ATTRIBUTION, "getSumGame", game_id)
        if game["turn"] == CHOICE:
            said = (await ethereum.events(ATTRIBUTION, "SumGameAnswered", game_id))[-1].arguments["partials"]
            await challenger.transact(ATTRIBUTION, "chooseSumGame", game_id, said, 1)
    assert (await ethereum.read(ATTRIBUTION, "getSumGame", game_id))["turn"] == 0
    ended = await ethereum.events(ATTRIBUTION, "SumGameEnded", game_id)
    assert ended[-1].arguments["winner"] == dev_account(PROVIDER).address
    assert (await economy.reader.post(notice.post_id)).status == POST_PENDING


async def test_contents_of_an_index_are_under_its_roots(economy: Economy) -> None:
    one = answers(economy, PROVIDER)
    inputs = await one._documents.index_inputs(1)
    hashes = {keccak256(content) for content in index_contents(inputs)}
    assert {inputs.index.rows_root, inputs.index.sums_root} <= hashes
