"""`openledger-node token`: shares in the revenue of a model, a Datanet or an agent, and their trade."""

from typing import Literal

from cyclopts import App

from openledger_node.cli.economy import exchange
from openledger_node.cli.economy.session import DEFAULTS, Flat, session
from openledger_node.cli.economy.values import Account, Amount
from openledger_node.client.predeploys import TOKENS, asset_token

app = App(name="token")
for trade in (
    exchange.quote,
    exchange.buy,
    exchange.sell,
    exchange.add_liquidity,
    exchange.remove_liquidity,
):
    app.command(trade)

Kind = Literal["model", "datanet", "agent"]
KINDS = {"model": 1, "datanet": 2, "agent": 3}


@app.command
async def create(
    kind: Kind, asset: int, name: str, symbol: str, supply: Amount, *, options: Flat = DEFAULTS
) -> None:
    """Create the one token of an asset; its owner gets the whole supply."""
    async with session(options) as opened:
        arguments = (KINDS[kind], asset, name, symbol, supply)
        opened.show(await opened.write(TOKENS, "create", *arguments))


@app.command
async def show(kind: Kind, asset: int, *, of: Account | None = None, options: Flat = DEFAULTS) -> None:
    """Show an asset's token, and what an account holds of it and may claim."""
    async with session(options) as opened:
        address = await opened.read(TOKENS, "tokenOf", KINDS[kind], asset)
        found = {"token": address, "kind": kind, "assetId": asset}
        if any(address):
            token = asset_token(address)
            found["supply"] = await opened.read(token, "totalSupply")
            if of is not None:
                found["balance"] = await opened.read(token, "balanceOf", of)
                found["claimable"] = await opened.read(token, "claimable", of)
        opened.show(found)


@app.command
async def share(token: Account, *, options: Flat = DEFAULTS) -> None:
    """Distribute what the asset has earned since the last time; anybody may."""
    async with session(options) as opened:
        opened.show(await opened.write(asset_token(token), "share"))


@app.command
async def claim(token: Account, *, recipient: Account | None = None, options: Flat = DEFAULTS) -> None:
    """Take what the signer's shares earned."""
    async with session(options) as opened:
        to = await opened.whose(recipient)
        opened.show(await opened.write(asset_token(token), "claim", to))


@app.command
async def send(token: Account, to: Account, amount: Amount, *, options: Flat = DEFAULTS) -> None:
    """Hand shares to somebody."""
    async with session(options) as opened:
        opened.show(await opened.write(asset_token(token), "transfer", to, amount))
