"""One answer asked for on the chain, by command: requested, given, disputed, settled, delivered."""

from genesis.types import ZERO_ADDRESS
from openledger_node.cli.economy.session import DEFAULTS, Flat, session, write_and_show
from openledger_node.cli.economy.values import Account, Amount, Word
from openledger_node.client.economy import METERING
from openledger_node.client.predeploys import CALLBACKS
from openledger_node.errors import UserError

REQUEST_STATES = ("none", "open", "fulfilled", "paid", "disputed", "refunded")
NO_CALLBACK = 0
DAY_S = 86_400


async def request(
    model: int,
    provider: Account,
    prompt: Word,
    most: Amount,
    *,
    uri: str = "",
    lifetime: int = DAY_S,
    callback_gas: int = NO_CALLBACK,
    callback_tip: Amount = 0,
    options: Flat = DEFAULTS,
) -> None:
    """Ask a provider for one answer on the chain.

    Parameters
    ----------
    model
        Which model.
    provider
        Who is to answer.
    prompt
        The salted hash of the question.
    most
        What it may cost at most.
    uri
        Where the provider finds the question.
    lifetime
        Seconds in which the answer must come.
    callback_gas
        Gas of the call to the asking contract; 0 asks for none.
    callback_tip
        What whoever delivers that call is paid.
    """
    async with session(options) as opened:
        arguments = (model, provider, prompt, lifetime, callback_gas, callback_tip, uri)
        value_wei = most + callback_tip
        opened.show(await opened.write(METERING, "requestInference", *arguments, value_wei=value_wei))


async def fulfil(
    request: int,
    output: Word,
    *,
    tokens_in: int,
    tokens_out: int,
    queries: Word,
    uri: str = "",
    options: Flat = DEFAULTS,
) -> None:
    """Answer a request as its provider: the hash of the answer, what it took, the root of its query."""
    await write_and_show(options, METERING, "fulfil", request, output, tokens_in, tokens_out, queries, uri)


async def settle_request(request: int, *, options: Flat = DEFAULTS) -> None:
    """Split an undisputed answer's fee after its window; anybody may."""
    await write_and_show(options, METERING, "settleRequest", request)


async def dispute_request(request: int, *, options: Flat = DEFAULTS) -> None:
    """Refuse an answer within its window: its fee goes to the treasury, to neither side."""
    await write_and_show(options, METERING, "disputeRequest", request)


async def refund_request(request: int, *, options: Flat = DEFAULTS) -> None:
    """Send everything back when no answer came in time; anybody may."""
    await write_and_show(options, METERING, "refundRequest", request)


async def deliver(request: int, *, options: Flat = DEFAULTS) -> None:
    """Make the call that a requesting contract paid for, for the tip."""
    async with session(options) as opened:
        opened.show(await opened.write(CALLBACKS, "deliver", request))


async def show_request(request: int, *, options: Flat = DEFAULTS) -> None:
    """Show a request on the chain and its state."""
    async with session(options) as opened:
        found = await opened.read(METERING, "getRequest", request)
        if found["requester"] == ZERO_ADDRESS:
            raise UserError(f"there is no request {request}", "check its id")
        opened.show({"requestId": request, **found, "status": REQUEST_STATES[found["status"]]})
