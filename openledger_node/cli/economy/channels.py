"""A channel's life, by command: opened, topped up, settled, ended, and what the chain says of it."""

from typing import Any

from genesis.types import Address
from openledger_node.cli.economy.session import DEFAULTS, Flat, Session, session, write_and_show
from openledger_node.cli.economy.values import Account, Amount, Word
from openledger_node.client.economy import METERING
from openledger_node.client.ethereum import from_hex, hex_bytes
from openledger_node.errors import OpenLedgerError, UserError


async def open_channel(
    model: int,
    deposit: Amount,
    *,
    provider: Account | None = None,
    voucher_key: Account | None = None,
    options: Flat = DEFAULTS,
) -> None:
    """Open and fund a channel.

    Parameters
    ----------
    model
        What is bought.
    deposit
        What it may cost at most until it is topped up.
    provider
        Who serves; the gateway's unless named.
    voucher_key
        Whose signatures spend from it; the signer unless named.
    """
    async with session(options) as opened:
        if provider is None:
            quote = await opened.gateway.get(f"/v1/models/model-{model}/price")
            provider = Address(from_hex(quote["provider"]))
        key = await opened.whose(voucher_key)
        opened.show(await opened.write(METERING, "openChannel", provider, model, key, value_wei=deposit))


async def top_up(channel: Word, amount: Amount, *, options: Flat = DEFAULTS) -> None:
    """Add to a channel's deposit; anybody may."""
    async with session(options) as opened:
        opened.show(await opened.write(METERING, "topUp", channel, value_wei=amount))


async def settle(channel: Word, *, wait: bool = False, options: Flat = DEFAULTS) -> None:
    """Ask the gateway to settle a channel and attribute it; `--wait` until contributors may claim."""
    async with session(options) as opened:
        found: dict[str, Any] = await opened.gateway.post(f"/api/channels/{hex_bytes(channel)}/settle", {})
        if wait:
            found = await _settled(opened, found["key"])
        opened.show(found)


async def _settled(opened: Session, key: str) -> dict[str, Any]:
    found: dict[str, Any] = {}

    async def is_final() -> bool:
        found.update(await opened.gateway.get(f"/api/settlements/{key}"))
        if found["error"]:
            raise OpenLedgerError(f"the settlement stopped: {found['error']}", "see the gateway's log")
        return bool(found["final"])

    await opened.until("a final post", is_final)
    return found


async def close(channel: Word, *, options: Flat = DEFAULTS) -> None:
    """Ask for a channel's end; the provider may settle until the delay is over."""
    await write_and_show(options, METERING, "requestClose", channel)


async def withdraw(channel: Word, *, wait: bool = False, options: Flat = DEFAULTS) -> None:
    """Take back what a closed channel did not spend; `--wait` until that is allowed."""
    async with session(options) as opened:
        if wait:
            closable_s = (await opened.read(METERING, "getChannel", channel))["closableAt"]
            if not closable_s:
                raise UserError("the channel is open", "ask for its end with `infer close`")

            async def is_over() -> bool:
                return bool(await opened.l2.timestamp_s() >= closable_s)

            await opened.until("the end of the channel's delay", is_over)
        opened.show(await opened.write(METERING, "withdraw", channel))


async def channel(channel: Word, *, options: Flat = DEFAULTS) -> None:
    """Show a channel on the chain."""
    async with session(options) as opened:
        opened.show({"channelId": channel, **await opened.read(METERING, "getChannel", channel)})


async def receipt(channel: Word, number: int, *, options: Flat = DEFAULTS) -> None:
    """Show a receipt and the proof that it is under the channel's root."""
    async with session(options) as opened:
        arguments = hex_bytes(channel), hex(number)
        found = await opened.l2.rpc.call("openledger_getReceipt", *arguments)
        if found is None:
            raise UserError(f"the gateway has no receipt {number} of this channel", "count from 0")
        proof = await opened.l2.rpc.call("openledger_getReceiptProof", *arguments)
        opened.show({"receipt": found, "proof": proof})


async def settlement(number: int, *, options: Flat = DEFAULTS) -> None:
    """Show a settlement on the chain."""
    async with session(options) as opened:
        opened.show({"settlementId": number, **await opened.read(METERING, "getSettlement", number)})
