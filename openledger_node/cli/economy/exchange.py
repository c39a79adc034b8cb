"""`openledger-node token quote|buy|sell|add-liquidity|remove-liquidity`: tokens against OPEN.

Covered: a floor under what a trade brings (`--slippage`), a deadline by the chain's own time, approval of
just what is needed. Not covered: pools of two tokens without OPEN (the router takes those).
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from genesis.types import Address
from openledger_node.cli.economy.session import DEFAULTS, Flat, Session, session
from openledger_node.cli.economy.values import Account, Amount
from openledger_node.client.contract import Contract
from openledger_node.client.exchange import FACTORY, NO_PAIR, ROUTER, WOPEN_ADDRESS, erc20, pair
from openledger_node.errors import UserError

PATIENCE_S = 600
"""How long a trade may wait for its block before it is void."""
PERCENT = 10_000
"""Parts of one percent that slippage is counted in."""

Side = Literal["buy", "sell"]
Slippage = Annotated[float, Parameter(validator=Number(gte=0, lte=100))]


@dataclass(frozen=True, slots=True)
class Pool:
    """A token's pool with WOPEN: both reserves and how many shares there are."""

    contract: Contract
    token: int
    open: int
    shares: int


async def quote(token: Account, amount: Amount, side: Side = "sell", *, options: Flat = DEFAULTS) -> None:
    """Show what an amount would bring now, and what the pool holds.

    Parameters
    ----------
    token
        The token's address.
    amount
        OPEN to buy with, or tokens to sell.
    side
        `sell` tokens for OPEN, or `buy` them with OPEN.
    """
    async with session(options) as opened:
        pool = await _pool(opened, token)
        opened.show(
            {
                "token": token,
                "pool": pool.contract.address,
                "side": side,
                "amount": amount,
                "receive": await _receive(opened, _path(token, side), amount),
                "reserves": {"token": pool.token, "open": pool.open},
                "shares": pool.shares,
            }
        )


async def buy(token: Account, amount: Amount, *, slippage: Slippage = 1, options: Flat = DEFAULTS) -> None:
    """Buy a token with OPEN.

    Parameters
    ----------
    token
        The token's address.
    amount
        How much OPEN to spend.
    slippage
        Percent below the quote at which the trade is refused.
    """
    async with session(options) as opened:
        me, path = (await opened.sender()).address, _path(token, "buy")
        least = _less(await _receive(opened, path, amount), slippage)
        before = await opened.read(erc20(token), "balanceOf", me)
        terms = (least, path, me, await _deadline_s(opened))
        found = await opened.write(ROUTER, "swapExactETHForTokens", *terms, value_wei=amount)
        received = await opened.read(erc20(token), "balanceOf", me) - before
        opened.show({**found, "spent": amount, "received": received})


async def sell(token: Account, amount: Amount, *, slippage: Slippage = 1, options: Flat = DEFAULTS) -> None:
    """Sell a token for OPEN.

    Parameters
    ----------
    token
        The token's address.
    amount
        How many tokens to sell.
    slippage
        Percent below the quote at which the trade is refused.
    """
    async with session(options) as opened:
        me, path = (await opened.sender()).address, _path(token, "sell")
        quoted = await _receive(opened, path, amount)
        await opened.send(erc20(token), "approve", ROUTER.address, amount)
        terms = (amount, _less(quoted, slippage), path, me, await _deadline_s(opened))
        found = await opened.write(ROUTER, "swapExactTokensForETH", *terms)
        opened.show({**found, "sold": amount, "quoted": quoted})


async def add_liquidity(
    token: Account,
    amount: Amount,
    open_amount: Amount,
    *,
    slippage: Slippage = 1,
    options: Flat = DEFAULTS,
) -> None:
    """Put a token and OPEN into their pool, for shares of its fees; the first to do so sets the price.

    Parameters
    ----------
    token
        The token's address.
    amount
        How many tokens at most.
    open_amount
        How much OPEN at most.
    slippage
        Percent that less of either may be taken, as the pool's price asks.
    """
    async with session(options) as opened:
        me = (await opened.sender()).address
        await opened.send(erc20(token), "approve", ROUTER.address, amount)
        least = (_less(amount, slippage), _less(open_amount, slippage))
        terms = (token, amount, *least, me, await _deadline_s(opened))
        found = await opened.write(ROUTER, "addLiquidityETH", *terms, value_wei=open_amount)
        pool = await _pool(opened, token)
        opened.show(
            {
                **found,
                "pool": pool.contract.address,
                "shares": await opened.read(pool.contract, "balanceOf", me),
                "reserves": {"token": pool.token, "open": pool.open},
            }
        )


async def remove_liquidity(
    token: Account, shares: Amount | None = None, *, slippage: Slippage = 1, options: Flat = DEFAULTS
) -> None:
    """Take a token and OPEN out of their pool.

    Parameters
    ----------
    token
        The token's address.
    shares
        How many of the signer's shares of the pool; all unless named.
    slippage
        Percent below the present worth at which it is refused.
    """
    async with session(options) as opened:
        me, pool = (await opened.sender()).address, await _pool(opened, token)
        given = await opened.read(pool.contract, "balanceOf", me) if shares is None else shares
        worth = [reserve * given // pool.shares for reserve in (pool.token, pool.open)]
        await opened.send(pool.contract, "approve", ROUTER.address, given)
        least = [_less(each, slippage) for each in worth]
        terms = (token, given, *least, me, await _deadline_s(opened))
        found = await opened.write(ROUTER, "removeLiquidityETH", *terms)
        opened.show({**found, "shares": given, "worth": {"token": worth[0], "open": worth[1]}})


async def _pool(opened: Session, token: Address) -> Pool:
    """A token's pool with WOPEN. Raises `UserError` when there is none."""
    address = Address(await opened.read(FACTORY, "getPair", token, WOPEN_ADDRESS))
    if address == NO_PAIR:
        raise UserError(f"0x{token.hex()} is not traded for OPEN", "make its pool with `token add-liquidity`")
    contract = pair(address)
    first, second, _ = await opened.read(contract, "getReserves")
    is_first = Address(await opened.read(contract, "token0")) == token
    reserves = (first, second) if is_first else (second, first)
    return Pool(contract, *reserves, await opened.read(contract, "totalSupply"))


async def _receive(opened: Session, path: list[Address], amount: int) -> int:
    """What an amount brings now. Raises `UserError` without a pool."""
    await _pool(opened, next(token for token in path if token != WOPEN_ADDRESS))
    amounts = await opened.read(ROUTER, "getAmountsOut", amount, path)
    return int(amounts[-1])


def _path(token: Address, side: Side) -> list[Address]:
    return [WOPEN_ADDRESS, token] if side == "buy" else [token, WOPEN_ADDRESS]


def _less(amount: int, slippage: float) -> int:
    return amount * (100 * PERCENT - round(slippage * PERCENT)) // (100 * PERCENT)


async def _deadline_s(opened: Session) -> int:
    return await opened.l2.timestamp_s() + PATIENCE_S
