"""Who serves which models, by command: the directory, statistics, and what has been earned."""

from openledger_node.cli.economy.session import DEFAULTS, Flat, session, write_and_show
from openledger_node.cli.economy.values import Account, Word
from openledger_node.client.economy import METERING
from openledger_node.errors import UserError


async def models(*, options: Flat = DEFAULTS) -> None:
    """List what the gateway sells, with prices."""
    async with session(options) as opened:
        opened.show(await opened.gateway.get("/v1/models"))


async def providers(*, options: Flat = DEFAULTS) -> None:
    """List everybody in the directory, with endpoint and statistics."""
    async with session(options) as opened:
        events = await opened.l2.events(METERING, "ProviderAnnounced")
        endpoints = {event.arguments["provider"]: event.arguments["endpoint"] for event in events}
        found = []
        for place in range(await opened.read(METERING, "providerCount")):
            account = await opened.read(METERING, "providerAt", place)
            statistics = await opened.read(METERING, "statisticsOf", account)
            found.append({"provider": account, "endpoint": endpoints.get(account), **statistics})
        opened.show({"providers": found})


async def announce(endpoint: str, document: Word, *, options: Flat = DEFAULTS) -> None:
    """Enter the directory of providers with an endpoint and the hash of what describes it."""
    await write_and_show(options, METERING, "announceProvider", endpoint, document)


async def offer(model: int, *, offered: bool = True, options: Flat = DEFAULTS) -> None:
    """Offer a model in the directory; `--no-offered` takes it out."""
    await write_and_show(options, METERING, "setOffer", model, offered)


async def statistics(who: Account, *, options: Flat = DEFAULTS) -> None:
    """Show what an account has bought and served in all."""
    async with session(options) as opened:
        opened.show({"account": who, **await opened.read(METERING, "statisticsOf", who)})


async def earnings(
    *, withdraw: bool = False, recipient: Account | None = None, options: Flat = DEFAULTS
) -> None:
    """Show what a provider or model owner has earned, and what is held while receipts can be contested.

    Parameters
    ----------
    withdraw
        Take what is not held.
    recipient
        To whom; without `--withdraw` whose. The signer unless named.
    """
    async with session(options) as opened:
        if withdraw:
            to = await opened.whose(recipient)
            opened.show(await opened.write(METERING, "withdrawEarnings", to))
            return
        whose = await opened.whose(recipient)
        earned, held = [await opened.read(METERING, name, whose) for name in ("earningsOf", "heldOf")]
        opened.show({"account": whose, "earnings": earned, "held": held})


async def release(*settlements: int, options: Flat = DEFAULTS) -> None:
    """Let providers have what was held of settlements whose receipts nobody can contest any more.

    Parameters
    ----------
    settlements
        Their numbers. A provider's node does this by itself when a post is final.
    """
    if not settlements:
        raise UserError("no settlement is named", "give the numbers that `settle` gave")
    await write_and_show(options, METERING, "releaseEarnings", list(settlements))
