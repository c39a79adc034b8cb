"""`openledger-node bridge token …`: ERC-20 tokens from either chain to the other, by the standard bridge.

Every command but `create` names a token by its stand-in: its address on the chain where it is not at home.

Covered: stand-ins, deposits and withdrawals with their approvals. Withdrawals are followed like any other
(`bridge status`, `prove`, `finalize`).
Source: OP Stack specification, standard bridges.
"""

from typing import Any

from cyclopts import App

from genesis.addresses import CREATE2_FACTORY
from genesis.types import Address
from openledger_node.cli.economy.session import DEFAULTS, Flat, Layer, RefusedError, Session, session, written
from openledger_node.cli.economy.values import Account, Amount
from openledger_node.client.bridge import l1_contract
from openledger_node.client.contract import Contract
from openledger_node.client.exchange import erc20
from openledger_node.client.sender import Mined
from openledger_node.client.token_bridge import L2_BRIDGE, L2_FACTORY, Pair, l1_stand_in, stand_in
from openledger_node.errors import UserError

app = App(name="token", help="ERC-20 tokens of one chain on the other, and back.")

MINIMUM_GAS = 300_000
"""For the other end of a transfer, which mints, burns or pays."""


@app.command
async def create(
    token: Account,
    name: str | None = None,
    symbol: str | None = None,
    *,
    home: Layer = "l1",
    options: Flat = DEFAULTS,
) -> None:
    """Make what stands for a token on the chain where it is not at home; anybody may.

    Parameters
    ----------
    token
        The ERC-20's address on its own chain.
    name
        What its stand-in is called; as the token unless given.
    symbol
        Its short name there; the token's own unless given.
    home
        The token's own chain.
    """
    async with session(options) as opened:
        described = (
            name or await _described(opened, token, "name", home),
            symbol or await _described(opened, token, "symbol", home),
            await _described(opened, token, "decimals", home),
        )
        make = _create_on_l2 if home == "l1" else _create_on_l1
        opened.show({**await make(opened, token, *described), "decimals": described[2]})


@app.command
async def balances(token: Account, *, of: Account | None = None, options: Flat = DEFAULTS) -> None:
    """What an account holds of a bridged token on both chains."""
    async with session(options) as opened:
        whose, pair = await opened.whose(of), await pair_of(opened, token)
        opened.show(
            {
                "account": whose,
                "l1Token": pair.l1_token,
                "l2Token": pair.l2_token,
                "home": pair.home,
                "l1": await opened.read(erc20(pair.l1_token), "balanceOf", whose, layer="l1"),
                "l2": await opened.read(erc20(pair.l2_token), "balanceOf", whose),
            }
        )


@app.command
async def deposit(
    token: Account,
    amount: Amount,
    *,
    to: Account | None = None,
    wait: bool = False,
    options: Flat = DEFAULTS,
) -> None:
    """Bring tokens from the L1 to the L2; `--wait` until they are there.

    Parameters
    ----------
    token
        The stand-in's address.
    amount
        How much; `1.5` counts in units of 18 decimals, `10wei` in the smallest.
    to
        Whose it is on the L2; the signer's unless named.
    wait
        Return only when the L2 has it.
    """
    async with session(options) as opened:
        pair, recipient = await pair_of(opened, token), await opened.whose(to)
        bridge, arriving = await _l1_bridge(opened), erc20(pair.l2_token)
        before = int(await opened.read(arriving, "balanceOf", recipient))
        if pair.home == "l1":
            await opened.send(erc20(pair.l1_token), "approve", bridge.address, amount, layer="l1")
        terms = (pair.l1_token, pair.l2_token, recipient, amount, MINIMUM_GAS, b"")
        found = await opened.write(bridge, "bridgeERC20To", *terms, layer="l1")
        if wait:

            async def has_arrived() -> bool:
                return int(await opened.read(arriving, "balanceOf", recipient)) >= before + amount

            await opened.until("the deposit", has_arrived)
        opened.show({**found, "amount": amount, "to": recipient})


async def start_withdrawal(opened: Session, token: Address, amount: int, recipient: Address) -> Mined:
    """Lock or burn a bridged token on the L2, for the same on the L1."""
    pair = await pair_of(opened, token)
    if pair.home == "l2":
        await opened.send(erc20(pair.l2_token), "approve", L2_BRIDGE.address, amount)
    terms = (pair.l2_token, pair.l1_token, recipient, amount, MINIMUM_GAS, b"")
    return await opened.send(L2_BRIDGE, "bridgeERC20To", *terms)


async def pair_of(opened: Session, token: Address) -> Pair:
    """Both sides of a token by its stand-in; raises UserError for what the bridge would not mint."""
    original = await _original(opened, token, L2_BRIDGE.address, "l2")
    if original is not None:
        return Pair(original, token, home="l1")
    original = await _original(opened, token, (await _l1_bridge(opened)).address, "l1")
    if original is not None:
        return Pair(token, original, home="l2")
    raise UserError(
        f"0x{token.hex()} stands for no token of the other chain",
        "give the address that `bridge token create` printed, not the token's own",
    )


async def _original(opened: Session, token: Address, bridge: Address, layer: Layer) -> Address | None:
    """What `token` stands for, if `bridge` makes and unmakes it."""
    try:
        if Address(await opened.read(stand_in(token), "bridge", layer=layer)) != bridge:
            return None
        return Address(await opened.read(stand_in(token), "remoteToken", layer=layer))
    except RefusedError:
        return None


async def _create_on_l2(
    opened: Session, token: Address, name: str, symbol: str, decimals: int
) -> dict[str, Any]:
    terms = (token, name, symbol, decimals)
    found = await opened.write(L2_FACTORY, "createOptimismMintableERC20WithDecimals", *terms)
    return {**found, "l1Token": token, "l2Token": found["localToken"]}


async def _create_on_l1(
    opened: Session, token: Address, name: str, symbol: str, decimals: int
) -> dict[str, Any]:
    """Its address follows from what it is, so who makes it a second time is told where it is."""
    made = l1_stand_in((await _l1_bridge(opened)).address, token, name, symbol, decimals)
    found: dict[str, Any] = {"l1Token": made.address, "l2Token": token}
    if await opened.l1.code(made.address):
        return {**found, "already": True}
    if not await opened.l1.code(CREATE2_FACTORY):
        raise UserError(
            f"the L1 has no CREATE2 factory at 0x{CREATE2_FACTORY.hex()}",
            "deploy it there (github.com/Arachnid/deterministic-deployment-proxy)",
        )
    mined = await opened.send_data(CREATE2_FACTORY, "create", made.factory_calldata, layer="l1")
    return {**written(mined), **found}


async def _described(opened: Session, token: Address, what: str, layer: Layer) -> Any:
    """A token's name, symbol or decimals; raises UserError for what is no token."""
    try:
        return await opened.read(erc20(token), what, layer=layer)
    except RefusedError as error:
        raise UserError(
            f"0x{token.hex()} has no `{what}` of an ERC-20 on the {layer.upper()}",
            "check its address and --home; NAME and SYMBOL can be given",
        ) from error


async def _l1_bridge(opened: Session) -> Contract:
    """The standard bridge's other end, by what the L2's knows."""
    return l1_contract("L1StandardBridge", Address(await opened.read(L2_BRIDGE, "otherBridge")))
