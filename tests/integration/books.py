"""Whether the economy's books add up on a running network: nothing billed, settled, posted or paid twice."""

from collections import Counter
from typing import Any

import requests

from genesis.types import Hash32
from openledger_node.client.economy import ATTRIBUTION, METERING, POST_FINAL, EconomyReader
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.gateway import GatewayClient
from openledger_node.client.rpc import HttpRpc
from tests.integration.network import DevNode


async def wrong_entries(node: DevNode) -> list[str]:
    """Everything that does not add up, in words; empty when all is well and nothing is under way."""
    async with HttpRpc(node.url("rpc")) as rpc, GatewayClient(node.url("gateway")) as gateway:
        reader = EconomyReader(Ethereum(rpc))
        opened = await reader.ethereum.events(METERING, "ChannelOpened")
        wrong = []
        for event in opened:
            wrong += await _channel(reader, Hash32(event.arguments["channelId"]), gateway)
        return wrong + await _posts(reader)


def under_way(node: DevNode) -> list[Any]:
    """The provider's settlements that are not final yet."""
    return list(requests.get(f"{node.url('gateway')}/api/status", timeout=30).json()["settlements"])


async def _channel(reader: EconomyReader, channel_id: Hash32, gateway: GatewayClient) -> list[str]:
    """A channel's settlements follow each other without gap or overlap and bill what was bought."""
    name = f"channel 0x{channel_id.hex()[:8]}"
    channel = await reader.channel(channel_id)
    settled = await reader.ethereum.events(METERING, "Settled", channel_id)
    wrong, next_receipt, gross = [], 0, 0
    for event in settled:
        settlement = await reader.settlement(event.arguments["settlementId"])
        if settlement.first_receipt != next_receipt:
            wrong.append(f"{name}: receipts from {settlement.first_receipt} settled, not {next_receipt}")
        next_receipt += settlement.receipts
        gross += settlement.gross_wei
    if (next_receipt, gross) != (channel.settled_receipts, channel.settled_fee_wei):
        wrong.append(f"{name}: settlements and channel disagree")
    sold = await gateway.get(f"/v1/channels/0x{channel_id.hex()}")
    if settled and (int(sold["receiptCount"]), int(sold["feesSoFar"])) != (next_receipt, gross):
        wrong.append(f"{name}: {gross} billed for {next_receipt}, the gateway sold {sold}")
    return wrong


async def _posts(reader: EconomyReader) -> list[str]:
    """Every settlement has one final post, every post is finalized once and paid at most its pool."""
    settled = await reader.ethereum.events(METERING, "Settled")
    posted = await reader.ethereum.events(ATTRIBUTION, "AttributionPosted")
    final = await reader.ethereum.events(ATTRIBUTION, "PostFinalized")
    voided = await reader.ethereum.events(ATTRIBUTION, "PostVoided")
    wrong = []
    of_settlement = [await reader.post_of(event.arguments["settlementId"]) for event in settled]
    if sorted(of_settlement) != sorted(event.arguments["postId"] for event in final):
        wrong.append(f"settlements have posts {of_settlement}, final are {final}")
    if len(posted) != len(settled) + len(voided):
        wrong.append(f"{len(posted)} posts for {len(settled)} settlements, {len(voided)} voided")
    for post_id in of_settlement:
        wrong += await _post(reader, post_id)
    return wrong


async def _post(reader: EconomyReader, post_id: int) -> list[str]:
    post = await reader.post(post_id)
    if post.status != POST_FINAL:
        return [f"post {post_id} is not final"]
    claims = await reader.ethereum.events(ATTRIBUTION, "Claimed", post_id)
    paid = sum(int(event.arguments["amount"]) for event in claims)
    claimants = Counter(event.arguments["contributorIndex"] for event in claims)
    twice = [index for index, times in claimants.items() if times > 1]
    wrong = [f"post {post_id}: contributor {index} was paid twice" for index in twice]
    return [*wrong, f"post {post_id} paid {paid} of {post.pool_wei}"] if paid > post.pool_wei else wrong
