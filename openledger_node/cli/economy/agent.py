"""`openledger-node agent`: an agent's identity, what it offers, and the limits of its wallet."""

from typing import Any

from cyclopts import App

from genesis.types import Hash32
from openledger_node.cli.economy.session import DEFAULTS, Flat, Options, Session, session
from openledger_node.cli.economy.values import Account, Amount, Data, Word
from openledger_node.client.contract import Contract
from openledger_node.client.predeploys import AGENTS, agent_account
from openledger_node.errors import UserError

app = App(name="agent", help="Agents: register, describe, give a wallet with limits.")

NO_HASH = Hash32(bytes(32))
SELECTOR_BYTES = 4


@app.command
async def register(uri: str, *, options: Flat = DEFAULTS) -> None:
    """Register an agent of the signer (ERC-8004); the URI is its registration file's."""
    await _write(options, "register", uri)


@app.command(name="list")
async def list_agents(*, options: Flat = DEFAULTS) -> None:
    """All agents, by id."""
    async with session(options) as opened:
        events = await opened.l2.events(AGENTS, "Registered")
        opened.show({"agents": [dict(event.arguments) for event in events]})


@app.command
async def show(agent: int, *, options: Flat = DEFAULTS) -> None:
    """An agent: owner, file, profile, wallet."""
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
    await _write(options, "setAgentURI", agent, uri)


@app.command
async def metadata(agent: int, key: str, value: str, *, options: Flat = DEFAULTS) -> None:
    """Set one piece of an agent's metadata, as text."""
    await _write(options, "setMetadata", agent, key, value.encode())


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
    """Say what an agent runs on and charges.

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
    await _write(options, "setProfile", agent, (model, tools, price, endpoint))


@app.command
async def create_account(agent: int, *, options: Flat = DEFAULTS) -> None:
    """Make an agent's wallet, at the address that `show` tells beforehand; anybody may."""
    await _write(options, "createAccount", agent)


@app.command
async def key(agent: int, who: Account, *, options: Flat = DEFAULTS) -> None:
    """Name the key that spends from the wallet within its limits."""
    await _account(options, agent, "setKey", who)


@app.command
async def daily_limit(agent: int, amount: Amount, *, options: Flat = DEFAULTS) -> None:
    """Limit what the key spends a day in all."""
    await _account(options, agent, "setDailyLimit", amount)


@app.command
async def target_limit(agent: int, target: Account, amount: Amount, *, options: Flat = DEFAULTS) -> None:
    """Limit what the key spends a day at one target."""
    await _account(options, agent, "setTargetLimit", target, amount)


@app.command
async def allow(
    agent: int, target: Account, selector: Data, *, allowed: bool = True, options: Flat = DEFAULTS
) -> None:
    """Allow the key one function at a target, or with `--no-allowed` no longer; 0x00000000 is a payment."""
    if len(selector) != SELECTOR_BYTES:
        raise UserError(f"0x{selector.hex()} is no selector", "write 0x and 8 hex digits")
    await _account(options, agent, "setAllowed", target, selector, allowed)


@app.command
async def execute(
    agent: int, target: Account, *, value: Amount = 0, calldata: Data = b"", options: Flat = DEFAULTS
) -> None:
    """Call from the wallet: the owner without limits, the key within them."""
    await _account(options, agent, "execute", target, value, calldata)


@app.command
async def limits(agent: int, *, options: Flat = DEFAULTS) -> None:
    """The wallet's key, its daily limit, its balance, and what the key spent today."""
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


async def _write(options: Options, method: str, *arguments: Any) -> None:
    async with session(options) as opened:
        opened.show(await opened.write(AGENTS, method, *arguments))
