"""`openledger-node bridge token …`: ERC-20 tokens of the L1 on the L2 and back, by the standard bridge.

Covered: the token's L2 counterpart, deposits with approval, withdrawals (which `bridge status`, `prove` and
`finalize` then follow like any other). Not covered: tokens at home on the L2.
Source: OP Stack specification, standard bridges.
"""

from cyclopts import App

from genesis.addresses import L2_STANDARD_BRIDGE, MINTABLE_ERC20_FACTORY
from genesis.types import Address
from openledger_node.cli.economy.session import DEFAULTS, Flat, RefusedError, Session, session
from openledger_node.cli.economy.values import Account, Amount
from openledger_node.client.abi import interface_from_signatures
from openledger_node.client.bridge import l1_contract
from openledger_node.client.contract import Contract
from openledger_node.client.exchange import erc20
from openledger_node.client.predeploys import predeploy_interface
from openledger_node.errors import UserError

app = App(name="token", help="ERC-20 tokens of the L1 on the L2, and back.")

MINIMUM_GAS = 300_000
"""For the other end of a transfer, which mints, burns or pays."""
L2_BRIDGE = Contract(L2_STANDARD_BRIDGE, predeploy_interface("L2StandardBridge"))
FACTORY = Contract(MINTABLE_ERC20_FACTORY, predeploy_interface("OptimismMintableERC20Factory"))
MINTABLE = interface_from_signatures("function remoteToken() view returns (address)")


@app.command
async def create(l1_token: Account, name: str, symbol: str, *, options: Flat = DEFAULTS) -> None:
    """Make a token's counterpart on the L2; anybody may.

    Parameters
    ----------
    l1_token
        The ERC-20's address on the L1.
    name
        What it is called on the L2.
    symbol
        Its short name there.
    """
    async with session(options) as opened:
        decimals = await _decimals(opened, l1_token)
        found = await opened.write(
            FACTORY, "createOptimismMintableERC20WithDecimals", l1_token, name, symbol, decimals
        )
        opened.show({**found, "l1Token": l1_token, "l2Token": found["localToken"], "decimals": decimals})


@app.command
async def balances(l2_token: Account, *, of: Account | None = None, options: Flat = DEFAULTS) -> None:
    """What an account holds of a bridged token on both chains."""
    async with session(options) as opened:
        whose, l1_token = await opened.whose(of), await _l1_token(opened, l2_token)
        opened.show(
            {
                "account": whose,
                "l1Token": l1_token,
                "l2Token": l2_token,
                "l1": await opened.read(erc20(l1_token), "balanceOf", whose, layer="l1"),
                "l2": await opened.read(erc20(l2_token), "balanceOf", whose),
            }
        )


@app.command
async def deposit(
    l2_token: Account,
    amount: Amount,
    *,
    to: Account | None = None,
    wait: bool = False,
    options: Flat = DEFAULTS,
) -> None:
    """Lock tokens on the L1 for the same on the L2; `--wait` until they are there.

    Parameters
    ----------
    l2_token
        The counterpart's address on the L2.
    amount
        How much; `1.5` counts in units of 18 decimals, `10wei` in the smallest.
    to
        Whose it is on the L2; the signer's unless named.
    wait
        Return only when the L2 has it.
    """
    async with session(options) as opened:
        l1_token = await _l1_token(opened, l2_token)
        recipient = await opened.whose(to)
        bridge = await _l1_bridge(opened)
        before = int(await opened.read(erc20(l2_token), "balanceOf", recipient))
        await opened.send(erc20(l1_token), "approve", bridge.address, amount, layer="l1")
        terms = (l1_token, l2_token, recipient, amount, MINIMUM_GAS, b"")
        found = await opened.write(bridge, "depositERC20To", *terms, layer="l1")
        if wait:

            async def has_arrived() -> bool:
                return int(await opened.read(erc20(l2_token), "balanceOf", recipient)) >= before + amount

            await opened.until("the deposit", has_arrived)
        opened.show({**found, "amount": amount, "to": recipient})


async def _decimals(opened: Session, l1_token: Address) -> int:
    """Raises `UserError` for what is no token."""
    try:
        return int(await opened.read(erc20(l1_token), "decimals", layer="l1"))
    except RefusedError as error:
        raise UserError(f"0x{l1_token.hex()} is no ERC-20 on the L1", "check its address") from error


async def _l1_token(opened: Session, l2_token: Address) -> Address:
    """Raises `UserError` for a token that the bridge did not make."""
    try:
        return Address(await opened.read(Contract(l2_token, MINTABLE), "remoteToken"))
    except RefusedError as error:
        raise UserError(
            f"0x{l2_token.hex()} is no bridged token on the L2", "make it with `bridge token create`"
        ) from error


async def _l1_bridge(opened: Session) -> Contract:
    """The standard bridge's other end, by what the L2's knows."""
    return l1_contract("L1StandardBridge", Address(await opened.read(L2_BRIDGE, "otherBridge")))
