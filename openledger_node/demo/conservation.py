"""Step 10: every unit of OPEN is accounted for, on both layers, at one L2 block and its L1 origin.

`accounted deposits - payments = L2 balances + withdrawals initiated and not paid + burned`.
The message passer keeps what is withdrawn, so its balance is left out of the L2 balances and counted by the
withdrawals' own events instead. Source: protocol, section 1 "conservation".
"""

from genesis.addresses import L1_BLOCK, L2_TO_L1_MESSAGE_PASSER
from openledger_node.client.abi import interface_from_signatures
from openledger_node.client.bridge import l1_contracts
from openledger_node.client.contract import Contract
from openledger_node.client.predeploys import MESSAGE_PASSER
from openledger_node.demo.records import Conservation
from openledger_node.demo.world import World, open_text

L1_ATTRIBUTES = Contract(L1_BLOCK, interface_from_signatures("function number() returns (uint64)"))


async def check_conservation(world: World) -> None:
    """Read both sides at one block and compare."""
    l2_block = await world.l2.block_number()
    l1_block = int(await world.l2.read(L1_ATTRIBUTES, "number", block=l2_block))
    vault = (await l1_contracts(world.l2))["OpenVault"]
    accounted = int(await world.l1.read(vault, "accountedDeposits", block=l1_block))
    payments = int(await world.l1.read(vault, "payments", block=l1_block))
    supply = await world.l2.rpc.call("openledger_supply", hex(l2_block))
    total, burned = int(supply["total"], 16), int(supply["burned"], 16)
    locked = await world.l2.balance_wei(L2_TO_L1_MESSAGE_PASSER, l2_block)
    passed = await world.l2.events(MESSAGE_PASSER, "MessagePassed", last_block=l2_block)
    initiated = sum(int(event.arguments["value"]) for event in passed)
    burned_by_passer = initiated - locked
    withdrawals_open = initiated - payments
    burned_otherwise = burned - burned_by_passer
    balances = total - locked
    world.result.conservation = Conservation(
        l2_block=l2_block,
        l1_block=l1_block,
        accounted_deposits_wei=str(accounted),
        payments_wei=str(payments),
        l2_balances_wei=str(balances),
        withdrawals_open_wei=str(withdrawals_open),
        burned_wei=str(burned_otherwise),
        holds=accounted - payments == balances + withdrawals_open + burned_otherwise,
    )
    world.say(f"{open_text(accounted - payments, 2)} locked on the L1, all of it accounted for on the L2")
