"""`openledger-node bridge`: OPEN and other tokens from the L1 to the L2 and back."""

from typing import Any

from cyclopts import App

from genesis.types import Hash32
from openledger_node.cli.economy import bridge_tokens
from openledger_node.cli.economy.session import DEFAULTS, Flat, Session, session, written
from openledger_node.cli.economy.values import Account, Amount, Word
from openledger_node.client.bridge import BridgeReader, l1_contracts, withdrawal_of
from openledger_node.client.ethereum import decoded_events
from openledger_node.client.predeploys import MESSAGE_PASSER
from openledger_node.errors import UserError
from rollup_bridge.withdrawals.withdrawal import Withdrawal

app = App(name="bridge")
app.command(bridge_tokens.app)

DEPOSIT_GAS = 100_000
L1_GAS_LIMIT = 100_000


@app.command
async def balances(*, of: Account | None = None, options: Flat = DEFAULTS) -> None:
    """Show an account's OPEN on both chains, and its ether on the L1."""
    async with session(options) as opened:
        whose = await opened.whose(of)
        token = await opened.l1_contract("OpenToken")
        opened.show(
            {
                "account": whose,
                "l2": await opened.l2.balance_wei(whose),
                "l1": await opened.read(token, "balanceOf", whose, layer="l1"),
                "l1Ether": await opened.l1.balance_wei(whose),
            }
        )


@app.command
async def deposit(
    amount: Amount, *, to: Account | None = None, wait: bool = False, options: Flat = DEFAULTS
) -> None:
    """Lock OPEN on the L1 for the same on the L2; `--wait` until it is there.

    Parameters
    ----------
    amount
        How much.
    to
        Whose it is on the L2; the signer's unless named.
    wait
        Return only when the L2 has it.
    """
    async with session(options) as opened:
        sender = await opened.sender("l1")
        recipient = to if to is not None else sender.address
        portal, token = await opened.l1_contract("Portal"), await opened.l1_contract("OpenToken")
        before_wei = await opened.l2.balance_wei(recipient)
        await opened.send(token, "approve", portal.address, amount, layer="l1")
        arguments = (recipient, amount, amount, DEPOSIT_GAS, False, b"")
        found = await opened.write(portal, "depositERC20Transaction", *arguments, layer="l1")
        if wait:

            async def has_arrived() -> bool:
                return await opened.l2.balance_wei(recipient) >= before_wei + amount

            await opened.until("the deposit", has_arrived)
        opened.show({**found, "amount": amount, "to": recipient})


@app.command
async def withdraw(
    amount: Amount, *, to: Account | None = None, wait: bool = False, options: Flat = DEFAULTS
) -> None:
    """Start bringing OPEN to the L1; `--wait` proves and finalizes it too.

    Parameters
    ----------
    amount
        How much.
    to
        Whose it is on the L1; the signer's unless named.
    wait
        Stay until the money is there; raise `--timeout` to what the network takes.
    """
    async with session(options) as opened:
        recipient = await opened.whose(to)
        arguments = (recipient, L1_GAS_LIMIT, b"")
        mined = await opened.send(MESSAGE_PASSER, "initiateWithdrawal", *arguments, value_wei=amount)
        if wait:
            await _complete(opened, withdrawal_of(mined.event("MessagePassed")), mined.block_number)
        opened.show(written(mined))


@bridge_tokens.app.command(name="withdraw")
async def withdraw_token(
    token: Account,
    amount: Amount,
    *,
    to: Account | None = None,
    wait: bool = False,
    options: Flat = DEFAULTS,
) -> None:
    """Start bringing a bridged token to the L1; `--wait` proves and finalizes it too.

    Parameters
    ----------
    token
        The stand-in's address.
    amount
        How much; `1.5` counts in units of 18 decimals, `10wei` in the smallest.
    to
        Whose it is on the L1; the signer's unless named.
    wait
        Stay until it is there; raise `--timeout` to what the network takes.
    """
    async with session(options) as opened:
        recipient = await opened.whose(to)
        mined = await bridge_tokens.start_withdrawal(opened, token, amount, recipient)
        if wait:
            await _complete(opened, *await _withdrawal(opened, mined.hash))
        opened.show({**written(mined), "amount": amount, "to": recipient})


@app.command
async def status(transaction: Word, *, options: Flat = DEFAULTS) -> None:
    """Show how far the withdrawal of an L2 transaction has got."""
    async with session(options) as opened:
        withdrawal, number = await _withdrawal(opened, transaction)
        reader = await _reader(opened)
        opened.show(
            {
                "transaction": transaction,
                "stage": await reader.stage(withdrawal, number),
                "amount": withdrawal.value_wei,
                "to": withdrawal.target,
            }
        )


@app.command
async def prove(transaction: Word, *, options: Flat = DEFAULTS) -> None:
    """Prove the withdrawal of an L2 transaction on the L1; anybody may."""
    async with session(options) as opened:
        withdrawal, number = await _withdrawal(opened, transaction)
        if not await (await _reader(opened)).is_covered(number):
            raise UserError(f"no output covers L2 block {number} yet", "try again in a while")
        opened.show(await _prove(opened, withdrawal, number))


@app.command
async def finalize(transaction: Word, *, options: Flat = DEFAULTS) -> None:
    """Pay a proven withdrawal after its waiting time; anybody may."""
    async with session(options) as opened:
        withdrawal, _ = await _withdrawal(opened, transaction)
        opened.show(await _finalize(opened, withdrawal))


async def _withdrawal(opened: Session, transaction: Hash32) -> tuple[Withdrawal, int]:
    """The withdrawal that an L2 transaction started, and its block."""
    receipt = await opened.l2.receipt(transaction)
    events = [] if receipt is None else decoded_events([MESSAGE_PASSER], receipt["logs"])
    passed = next((event for event in events if event.name == "MessagePassed"), None)
    if passed is None:
        raise UserError(f"0x{transaction.hex()} started no withdrawal", "give an L2 transaction's hash")
    return withdrawal_of(passed), passed.block_number


async def _reader(opened: Session) -> BridgeReader:
    return BridgeReader(opened.l1, opened.l2, await l1_contracts(opened.l2))


async def _prove(opened: Session, withdrawal: Withdrawal, number: int) -> dict[str, Any]:
    reader = await _reader(opened)
    arguments = await reader.proof(withdrawal, number)
    portal = reader.contracts["Portal"]
    return await opened.write(portal, "proveWithdrawalTransaction", *arguments, layer="l1")


async def _finalize(opened: Session, withdrawal: Withdrawal) -> dict[str, Any]:
    portal = await opened.l1_contract("Portal")
    return await opened.write(portal, "finalizeWithdrawalTransaction", withdrawal.fields, layer="l1")


async def _complete(opened: Session, withdrawal: Withdrawal, number: int) -> None:
    """All that is left of a withdrawal, one stage after the other."""
    reader = await _reader(opened)

    async def is_done() -> bool:
        stage = await reader.stage(withdrawal, number)
        if stage == "ready-to-prove":
            await _prove(opened, withdrawal, number)
        elif stage == "ready-to-finalize":
            await _finalize(opened, withdrawal)
        return stage == "finalized"

    await opened.until("the withdrawal's money", is_done)
