"""`openledger-node agent`: an agent's identity, what it offers, and the limits of its wallet."""

import secrets
from pathlib import Path
from typing import Any

from cyclopts import App

from genesis.types import ZERO_ADDRESS, Address, Hash32
from openledger_node.agents.audit import AuditTrail, read_trail
from openledger_node.agents.definition import parse_definition
from openledger_node.agents.mind import bought_mind
from openledger_node.agents.run import Agent
from openledger_node.agents.setup import set_up, stop
from openledger_node.agents.tools import Tools
from openledger_node.agents.wallet import Wallet
from openledger_node.cli.economy.session import (
    DEFAULTS,
    Flat,
    Options,
    Session,
    read_file,
    session,
    write_and_show,
)
from openledger_node.cli.economy.values import Account, Amount, Data, Word
from openledger_node.client.account import Account as KeyAccount
from openledger_node.client.contract import Contract
from openledger_node.client.economy import MODELS
from openledger_node.client.predeploys import AGENTS, agent_account
from openledger_node.client.sender import Sender
from openledger_node.clock import SystemClock
from openledger_node.errors import UserError
from openledger_node.logs import configure
from openledger_node.node.keys import read_key, write_key

app = App(name="agent")

NO_HASH = Hash32(bytes(32))
SELECTOR_BYTES = 4


@app.command
async def register(uri: str, *, options: Flat = DEFAULTS) -> None:
    """Register an agent of the signer (ERC-8004); the URI is its registration file's."""
    await write_and_show(options, AGENTS, "register", uri)


@app.command(name="list")
async def list_agents(*, options: Flat = DEFAULTS) -> None:
    """List all agents by id."""
    async with session(options) as opened:
        events = await opened.l2.events(AGENTS, "Registered")
        opened.show({"agents": [dict(event.arguments) for event in events]})


@app.command
async def show(agent: int, *, options: Flat = DEFAULTS) -> None:
    """Show an agent: owner, file, profile, wallet."""
    async with session(options) as opened:
        found = {
            "owner": await opened.read(AGENTS, "ownerOf", agent),
            "uri": await opened.read(AGENTS, "tokenURI", agent),
            "profile": await opened.read(AGENTS, "getProfile", agent),
            "account": await opened.read(AGENTS, "accountOf", agent),
        }
        opened.show({"agentId": agent, **found})


@app.command
async def uri(agent: int, uri: str, *, options: Flat = DEFAULTS) -> None:
    """Replace an agent's registration file."""
    await write_and_show(options, AGENTS, "setAgentURI", agent, uri)


@app.command
async def metadata(agent: int, key: str, value: str, *, options: Flat = DEFAULTS) -> None:
    """Set one piece of an agent's metadata, as text."""
    await write_and_show(options, AGENTS, "setMetadata", agent, key, value.encode())


@app.command
async def profile(
    agent: int,
    *,
    model: int,
    price: Amount = 0,
    tools: Word = NO_HASH,
    endpoint: Word = NO_HASH,
    options: Flat = DEFAULTS,
) -> None:
    """Set what an agent runs on and charges.

    Parameters
    ----------
    agent
        The agent.
    model
        The model it runs on.
    price
        What a call costs.
    tools
        Hash of the document of its tools.
    endpoint
        Hash of where it answers.
    """
    await write_and_show(options, AGENTS, "setProfile", agent, (model, tools, price, endpoint))


@app.command
async def create_account(agent: int, *, options: Flat = DEFAULTS) -> None:
    """Make an agent's wallet, at the address that `show` tells beforehand; anybody may."""
    await write_and_show(options, AGENTS, "createAccount", agent)


@app.command
async def key(agent: int, who: Account, *, options: Flat = DEFAULTS) -> None:
    """Name the key that spends from the wallet within its limits."""
    await _account(options, agent, "setKey", who)


@app.command
async def daily_limit(agent: int, amount: Amount, *, options: Flat = DEFAULTS) -> None:
    """Limit what the key may spend per day in all."""
    await _account(options, agent, "setDailyLimit", amount)


@app.command
async def target_limit(agent: int, target: Account, amount: Amount, *, options: Flat = DEFAULTS) -> None:
    """Limit what the key may spend per day at one target."""
    await _account(options, agent, "setTargetLimit", target, amount)


@app.command
async def allow(
    agent: int, target: Account, selector: Data, *, allowed: bool = True, options: Flat = DEFAULTS
) -> None:
    """Allow the key one function of a target; `--no-allowed` forbids it; 0x00000000 is a plain payment."""
    if len(selector) != SELECTOR_BYTES:
        raise UserError(f"0x{selector.hex()} is not a selector", "write 0x and 8 hex digits")
    await _account(options, agent, "setAllowed", target, selector, allowed)


@app.command
async def execute(
    agent: int, target: Account, *, value: Amount = 0, calldata: Data = b"", options: Flat = DEFAULTS
) -> None:
    """Call from the wallet: the owner without limits, the key within them."""
    await _account(options, agent, "execute", target, value, calldata)


@app.command
async def limits(agent: int, *, options: Flat = DEFAULTS) -> None:
    """Show the wallet's key, daily limit and balance, and what the key spent today."""
    async with session(options) as opened:
        wallet = await _wallet(opened, agent)
        today = await opened.l2.timestamp_s() // 86_400
        found = {name: await opened.read(wallet, name) for name in ("key", "keyOwner", "dailyLimit")}
        found["spentToday"] = await opened.read(wallet, "spentOn", today)
        found["balance"] = await opened.l2.balance_wei(wallet.address)
        opened.show({"agentId": agent, "account": wallet.address, **found})


async def _wallet(opened: Session, agent: int) -> Contract:
    return agent_account(await opened.read(AGENTS, "accountOf", agent))


async def _account(options: Options, agent: int, method: str, *arguments: Any) -> None:
    async with session(options) as opened:
        opened.show(await opened.write(await _wallet(opened, agent), method, *arguments))


@app.command
async def launch(
    file: Path,
    *,
    model: int,
    key_out: Path,
    funds: Amount = 0,
    options: Flat = DEFAULTS,
) -> None:
    """Register the agent that a definition describes, with a wallet that allows its tools and nothing else.

    Parameters
    ----------
    file
        The definition (`docs/agents.md`).
    model
        The model on chain that it runs on.
    key_out
        Where the agent's new key goes; who has it has no more than the wallet's limits.
    funds
        What the wallet is given.
    """
    data = read_file(file)
    definition = parse_definition(data)
    private_key = secrets.token_bytes(32)
    signer = KeyAccount(private_key).address
    if key_out.exists():
        raise UserError(f"{key_out} is there, and may be another agent's key", "name a new file")
    async with session(options) as opened:
        await opened.read(MODELS, "getModel", model)
        uri = f"sha256:{await opened.gateway.put_artifact(data)}"
        write_key(key_out, private_key)
        made = await set_up(
            await opened.sender(),
            definition,
            uri=uri,
            model_id=model,
            key=signer,
            funds_wei=funds,
        )
        shown = {"agentId": made.agent_id, "account": made.account, "key": str(key_out)}
        opened.show({**shown, "keyAddress": signer, "uri": uri})


@app.command
async def run(
    agent: int,
    file: Path,
    *,
    key: Path,
    channel: Word,
    trail: Path = Path("agent-audit.jsonl"),
    dry_run: bool = False,
    options: Flat = DEFAULTS,
) -> None:
    """Run an agent on its schedule until it is done or stopped; its key pays the model from a channel.

    Parameters
    ----------
    agent
        The agent.
    file
        Its definition.
    key
        The key that `launch` wrote; it signs actions and vouchers.
    channel
        A channel for the definition's model, that key its voucher key (`infer open-channel --voucher-key`).
    trail
        Where every step is written down.
    dry_run
        Simulate actions and send none; the model is paid all the same.
    """
    configure("info", "console")
    definition = parse_definition(read_file(file))
    account = KeyAccount(read_key(key, "--key"))
    async with session(options) as opened:
        wallet_address = Address(await opened.read(AGENTS, "accountOf", agent))
        if wallet_address == ZERO_ADDRESS:
            raise UserError(f"agent {agent} has no wallet", "check its number; `agent launch` makes both")
        audit = AuditTrail(trail, SystemClock())
        wallet = Wallet(wallet_address, Sender(opened.l2, account), audit, is_dry_run=dry_run)
        mind = await bought_mind(opened.reader, opened.gateway, account, channel, definition)
        tools = Tools(definition.tools, wallet, opened.reader)
        running = Agent(definition, think=mind, tools=tools, wallet=wallet, audit=audit)
        await running.run_on_schedule(SystemClock())
        opened.show({"agentId": agent, "trail": str(trail), "head": audit.head})


@app.command(name="stop")
async def stop_agent(agent: int, *, options: Flat = DEFAULTS) -> None:
    """The kill switch: from the next block on, the agent's wallet no longer obeys its key."""
    async with session(options) as opened:
        await stop(await opened.sender(), agent)
        opened.show({"agentId": agent, "stopped": True})


@app.command
async def audit(trail: Path, *, options: Flat = DEFAULTS) -> None:
    """Check that an audit trail is complete, and show it."""
    async with session(options) as opened:
        opened.show({"entries": list(read_trail(trail))})
