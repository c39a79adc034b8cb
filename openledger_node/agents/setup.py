"""How an agent comes to be on chain: identity, profile, wallet, and in it exactly what its tools need.

Covered: registration, limits per day, per target and per function from the definition, the key and its gas,
the kill switch. Sent by the owner, who may always do more with the wallet than the agent may.
Not covered: permissions of an earlier definition (`stop` first; a new agent is cheap).
"""

from dataclasses import dataclass

from genesis.keccak import keccak256
from genesis.types import ZERO_ADDRESS, Address
from openledger_node.agents.definition import Definition, permissions, target_limits
from openledger_node.client.predeploys import AGENTS, agent_account
from openledger_node.client.sender import Sender

KEY_GAS_WEI = 10**17
"""What the key gets to pay for gas with; it can lose no more than this by itself."""


@dataclass(frozen=True, slots=True)
class Registered:
    agent_id: int
    account: Address


async def set_up(
    owner: Sender, definition: Definition, *, uri: str, model_id: int, key: Address, funds_wei: int
) -> Registered:
    """Register the definition under `uri`, make its wallet with `funds_wei`, and allow its tools to `key`."""
    mined = await owner.transact(AGENTS, "register", uri)
    agent_id = int(mined.event("Registered").arguments["agentId"])
    profile = (model_id, definition.tools_hash, 0, keccak256(uri.encode()))
    await owner.transact(AGENTS, "setProfile", agent_id, profile)
    await owner.transact(AGENTS, "createAccount", agent_id)
    account = Address(await owner.ethereum.read(AGENTS, "accountOf", agent_id))
    wallet = agent_account(account)
    needed = permissions(definition)
    for permission in needed:
        await owner.transact(wallet, "setAllowed", permission.target, permission.selector, True)
    for target, limit_wei in target_limits(needed).items():
        await owner.transact(wallet, "setTargetLimit", target, limit_wei)
    await owner.transact(wallet, "setDailyLimit", int(definition.budget.daily_wei))
    if funds_wei:
        await owner.transfer(account, funds_wei)
    await owner.transfer(key, KEY_GAS_WEI)
    await owner.transact(wallet, "setKey", key)
    return Registered(agent_id, account)


async def stop(owner: Sender, agent_id: int) -> None:
    """The kill switch: the wallet obeys no key any more, from the next block on."""
    account = Address(await owner.ethereum.read(AGENTS, "accountOf", agent_id))
    await owner.transact(agent_account(account), "setKey", ZERO_ADDRESS)
