"""Step 5: a customer opens a channel and buys inferences with signed vouchers, checking every receipt."""

from genesis.types import Hash32
from openledger_node.client.account import dev_account
from openledger_node.client.economy import METERING
from openledger_node.client.ethereum import from_hex
from openledger_node.client.metering import Purchases, Terms
from openledger_node.demo.data import DemoData
from openledger_node.demo.model import Published
from openledger_node.demo.world import ACCOUNT_OF, CUSTOMER, World, open_text

DEPOSIT_MARGIN = 2


async def buy(world: World, published: Published, data: DemoData) -> Hash32:
    """Open, buy on held-out digits, acknowledge the last receipt; returns the channel."""
    name = f"model-{published.model_id}"
    quote = await world.gateway.get(f"/v1/models/{name}/price?tokens_in={len(data.holdout[0].features)}")
    count = world.options.inferences
    deposit_wei = DEPOSIT_MARGIN * count * int(quote["maximumFee"])
    mined = await world.send(
        CUSTOMER,
        METERING,
        "openChannel",
        from_hex(quote["provider"]),
        published.model_id,
        world.address(CUSTOMER),
        value_wei=deposit_wei,
    )
    channel_id = Hash32(mined.event("ChannelOpened").arguments["channelId"])
    channel = await world.reader.channel(channel_id)
    terms = Terms(
        channel_id, await world.l2.chain_id(), name, channel.input_price_wei, channel.output_price_wei
    )
    purchases = Purchases(world.gateway, dev_account(ACCOUNT_OF[CUSTOMER]), terms)
    right = 0
    for number in range(count):
        record = data.holdout[number % len(data.holdout)]
        answer = await purchases.classify(list(record.features))
        right += int(answer["data"][0]["label"]) == record.label
    await purchases.acknowledge()
    world.result.answered_right = right
    spent = open_text(purchases.tree.total_fee_wei, 2)
    world.say(f"{count} answers bought for {spent}, {right} of them right; every receipt checked")
    return channel_id
