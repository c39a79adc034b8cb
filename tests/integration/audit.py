"""Whether a market's books add up to the wei: customers' memory, settlements, posts, earnings, claims.

Everything that was paid out is claimed first. Balances are compared with what the chain's events say, fees of
transactions included, so that money paid twice would show even where every event looks right.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from genesis.addresses import ATTRIBUTION as ATTRIBUTION_ADDRESS
from genesis.addresses import INFERENCE_METERING, TREASURY
from genesis.networks import DEV_PROVIDER
from genesis.shares import SplitRule, split_fee
from genesis.types import Address, Hash32
from openledger_node.client.account import dev_account
from openledger_node.client.contract import Event
from openledger_node.client.economy import ATTRIBUTION, METERING
from openledger_node.client.ethereum import Ethereum
from openledger_node.demo import payout
from openledger_node.demo.world import BUILDER, CONTRIBUTORS, World
from precompiles.views.metering import Channel
from tests.integration.market import Customer


async def balances_wei(world: World) -> dict[str, int]:
    """What contributors and the contract that pays them have, before or after."""
    accounts = {name: world.address(name) for name in CONTRIBUTORS} | {"attribution": ATTRIBUTION_ADDRESS}
    return {name: await world.l2.balance_wei(address) for name, address in accounts.items()}


async def wrong_payments(
    world: World,
    customers: Sequence[Customer],
    settlements: Sequence[Mapping[str, Any]],
    other_channels: Sequence[Hash32] = (),
) -> list[str]:
    """Claim everything, then name whatever does not add up; empty when every wei is where it belongs.

    `other_channels` have deposits too, and customers who are not asked.
    """
    before, first_block = await balances_wei(world), await world.l2.block_number() + 1
    wrong = await _channels(world, customers)
    wrong += await _splits(world)
    wrong += await _earnings(world, [*(each.purchases.channel_id for each in customers), *other_channels])
    for settlement in settlements:
        await payout.claim_amounts(world, settlement, CONTRIBUTORS)
    return wrong + await _claims(world, before, first_block)


async def _channels(world: World, customers: Sequence[Customer]) -> list[str]:
    """What each customer remembers is what its channel was charged."""
    wrong = []
    for customer in customers:
        channel = await world.reader.channel(customer.purchases.channel_id)
        tree = customer.purchases.tree
        counted = (customer.answers, customer.spent_wei)
        for name, found in {
            "receipts checked": (tree.count, tree.total_fee_wei),
            "settled on chain": (channel.settled_receipts, channel.settled_fee_wei),
        }.items():
            if found != counted:
                wrong.append(
                    f"customer 0x{customer.account.address.hex()[:8]}: {counted} bought, {name} {found}"
                )
    return wrong


async def _splits(world: World) -> list[str]:
    """Every settlement's parts are the policy's and sum to its fees."""
    wrong = []
    passed = await world.l2.events(METERING, "PoolPassed")
    for event in await world.l2.events(METERING, "Settled"):
        said = event.arguments
        channel = await world.reader.channel(said["channelId"])
        policy = await world.reader.policy(channel.policy_version)
        rule = SplitRule(policy.platform_ppm, policy.provider_ppm, policy.owner_ppm, policy.stakers_ppm)
        split = split_fee(said["gross"], rule)
        parents = sum(each.arguments["amount"] for each in passed if _same_transaction(each, event))
        due = (split.platform_wei, split.provider_wei, split.owner_wei, split.stakers_wei)
        found = tuple(said[name] for name in ("platform", "provider", "owner", "stakers"))
        if found != due or said["pool"] + parents != split.contributors_wei:
            wrong.append(
                f"settlement {said['settlementId']}: {found} and {said['pool']} + {parents}, not {split}"
            )
    return wrong


def _same_transaction(one: Event, other: Event) -> bool:
    same_channel = one.arguments["channelId"] == other.arguments["channelId"]
    return same_channel and one.block_number == other.block_number


async def _earnings(world: World, channel_ids: Sequence[Hash32]) -> list[str]:
    """Provider and owner may withdraw their parts of all settlements; the contract has just that."""
    provider, owner = dev_account(DEV_PROVIDER).address, world.address(BUILDER)
    settled = await world.l2.events(METERING, "Settled")
    wrong, owed_wei = [], await _earned(world.l2, TREASURY)
    for name, address in (("provider", provider), ("owner", owner)):
        due = sum(event.arguments[name] for event in settled)
        earned = await _earned(world.l2, address)
        owed_wei += earned
        if earned != due:
            wrong.append(f"{name}: {earned} earned, {due} due")
    owed_wei += int(await world.l2.read(METERING, "heldOf", provider))
    channels: list[Channel] = [await world.reader.channel(channel_id) for channel_id in channel_ids]
    owed_wei += sum(channel.deposit_wei - channel.settled_fee_wei for channel in channels)
    kept_wei = await world.l2.balance_wei(INFERENCE_METERING)
    if kept_wei != owed_wei:
        wrong.append(f"metering keeps {kept_wei}, owes {owed_wei}")
    return wrong


async def _earned(ethereum: Ethereum, account: Address) -> int:
    return int(await ethereum.read(METERING, "earningsOf", account))


async def _claims(world: World, before: Mapping[str, int], first_block: int) -> list[str]:
    """Contributors got what the posts promised them, once, and nothing else moved."""
    wrong = []
    promised = sum(event.arguments["paid"] for event in await world.l2.events(ATTRIBUTION, "PostFinalized"))
    claims = await world.l2.events(ATTRIBUTION, "Claimed")
    claimed = sum(event.arguments["amount"] for event in claims)
    if claimed != promised:
        wrong.append(f"{claimed} claimed, {promised} promised by posts")
    after = await balances_wei(world)
    for name in CONTRIBUTORS:
        address = world.address(name)
        got = sum(event.arguments["amount"] for event in claims if event.arguments["contributor"] == address)
        fees = await fees_wei(world.l2, address, first_block)
        if after[name] - before[name] != got - fees:
            wrong.append(f"{name}: balance moved by {after[name] - before[name]}, not {got} less {fees}")
    if before["attribution"] - after["attribution"] != claimed:
        wrong.append(f"attribution paid {before['attribution'] - after['attribution']} for {claimed}")
    return wrong


async def fees_wei(ethereum: Ethereum, sender: Address, first_block: int) -> int:
    """What an account paid for its transactions since a block, the L1's part included."""
    total = 0
    for number in range(first_block, await ethereum.block_number() + 1):
        for transaction in (await ethereum.block(number)).get("transactions", ()):  # the law node has none
            receipt = await ethereum.rpc.call("eth_getTransactionReceipt", transaction)
            if receipt["from"] == f"0x{sender.hex()}":
                total += int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
                total += int(receipt.get("l1Fee", "0x0"), 16)
    return total
