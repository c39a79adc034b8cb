"""`openledger-node governance`: votes, proposals from idea to deed, policy, grants."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from genesis.addresses import POLICY as POLICY_ADDRESS
from genesis.keccak import keccak256
from openledger_node.cli.economy.session import DEFAULTS, Flat, Options, Session, session
from openledger_node.cli.economy.values import Account, Amount, Data
from openledger_node.client.economy import POLICY
from openledger_node.client.predeploys import GOVERNOR, GRANTS, PROPOSAL_STATES, VOTES
from openledger_node.errors import UserError

app = App(name="governance")
grant_app = App(name="grant", help="Grants from the treasury, paid by milestone.")
app.command(grant_app)

SUPPORT = {"against": 0, "for": 1, "abstain": 2}
Choice = Literal["for", "against", "abstain"]
OVER = ("canceled", "defeated", "expired", "executed")


@app.command
async def join(amount: Amount, *, options: Flat = DEFAULTS) -> None:
    """Turn OPEN into votes, one for one."""
    async with session(options) as opened:
        whose = await opened.whose(None)
        opened.show(await opened.write(VOTES, "depositFor", whose, value_wei=amount))


@app.command
async def leave(amount: Amount, *, options: Flat = DEFAULTS) -> None:
    """Turn votes back into OPEN, once what they voted on is decided."""
    async with session(options) as opened:
        whose = await opened.whose(None)
        opened.show(await opened.write(VOTES, "withdrawTo", whose, amount))


@app.command
async def delegate(who: Account, *, options: Flat = DEFAULTS) -> None:
    """Let somebody else vote with the signer's votes."""
    async with session(options) as opened:
        opened.show(await opened.write(VOTES, "delegate", who))


@app.command
async def votes(*, of: Account | None = None, options: Flat = DEFAULTS) -> None:
    """Show what an account holds and votes with, and until when it is locked."""
    async with session(options) as opened:
        whose = await opened.whose(of)
        names = {
            "balance": "balanceOf",
            "votes": "getVotes",
            "delegate": "delegates",
            "lockedUntil": "lockedUntil",
        }
        found = {name: await opened.read(VOTES, method, whose) for name, method in names.items()}
        opened.show({"account": whose, **found})


@app.command
async def policy(*, version: int | None = None, options: Flat = DEFAULTS) -> None:
    """Show the policy's parameters: the current version, or another."""
    async with session(options) as opened:
        chosen = version or await opened.read(POLICY, "currentVersion")
        opened.show({"version": chosen, "parameters": await opened.read(POLICY, "getParameters", chosen)})


@app.command
async def propose(
    description: str,
    *,
    target: Account | None = None,
    value: Amount = 0,
    calldata: Data = b"",
    parameter: Annotated[list[str] | None, Parameter(negative=())] = None,
    options: Flat = DEFAULTS,
) -> None:
    """Propose a call by the timelock, or with `--parameter` the next version of the policy.

    Parameters
    ----------
    description
        What voters read.
    target
        Whom the timelock is to call.
    value
        OPEN it is to send along.
    calldata
        What it is to call.
    parameter
        A policy parameter to change, as NAME=VALUE; may be given again.
    """
    if (target is None) == (parameter is None):
        raise UserError("a proposal needs either a target or parameters", "give --target or --parameter")
    async with session(options) as opened:
        if target is None:
            target, calldata = POLICY_ADDRESS, await _publication(opened, parameter or [])
        opened.show(await opened.write(GOVERNOR, "propose", [target], [value], [calldata], description))


async def _publication(opened: Session, changes: Sequence[str]) -> bytes:
    """Calldata that publishes the current policy with changes."""
    version = await opened.read(POLICY, "currentVersion")
    parameters = dict(await opened.read(POLICY, "getParameters", version))
    for change in changes:
        name, _, value = change.partition("=")
        if name not in parameters or not value.isdecimal():
            raise UserError(
                f"{change!r} changes no parameter", "write NAME=VALUE as `governance policy` does"
            )
        parameters[name] = int(value)
    return POLICY.calldata("publish", parameters)


@app.command(name="list")
async def list_proposals(*, options: Flat = DEFAULTS) -> None:
    """List all proposals and their states."""
    async with session(options) as opened:
        found = []
        for proposal in await _proposals(opened):
            state = await _state(opened, proposal["proposalId"])
            found.append(
                {
                    "proposalId": proposal["proposalId"],
                    "state": state,
                    "proposer": proposal["proposer"],
                    "description": proposal["description"],
                }
            )
        opened.show({"proposals": found})


@app.command
async def show(proposal: int, *, options: Flat = DEFAULTS) -> None:
    """Show a proposal: calls, times, votes, state."""
    async with session(options) as opened:
        found = await _proposal(opened, proposal)
        against, in_favour, abstain = await opened.read(GOVERNOR, "proposalVotes", proposal)
        counted = {"for": in_favour, "against": against, "abstain": abstain}
        opened.show({**found, "state": await _state(opened, proposal), "counted": counted})


@app.command
async def vote(
    proposal: int, choice: Choice, *, reason: str = "", wait: bool = False, options: Flat = DEFAULTS
) -> None:
    """Vote on an active proposal; `--wait` until voting starts."""
    async with session(options) as opened:
        if wait:
            await _reached(opened, proposal, "active")
        support = SUPPORT[choice]
        opened.show(await opened.write(GOVERNOR, "castVoteWithReason", proposal, support, reason))


@app.command
async def queue(proposal: int, *, wait: bool = False, options: Flat = DEFAULTS) -> None:
    """Hand a proposal that succeeded to the timelock; `--wait` until voting is over. Anybody may."""
    async with session(options) as opened:
        if wait:
            await _reached(opened, proposal, "succeeded")
        opened.show(await _carry(opened, "queue", proposal))


@app.command
async def execute(proposal: int, *, wait: bool = False, options: Flat = DEFAULTS) -> None:
    """Carry out a queued proposal after the timelock's delay; `--wait` until then. Anybody may."""
    async with session(options) as opened:
        if wait:
            await _due(opened, proposal)
        opened.show(await _carry(opened, "execute", proposal))


@app.command
async def cancel(proposal: int, *, options: Flat = DEFAULTS) -> None:
    """Take back the signer's own proposal before voting starts."""
    async with session(options) as opened:
        opened.show(await _carry(opened, "cancel", proposal))


async def _reached(opened: Session, proposal: int, wanted: str) -> None:
    """Wait for a state; raises UserError when the proposal has come to another end."""

    async def holds() -> bool:
        state = await _state(opened, proposal)
        if state in OVER and state != wanted:
            raise UserError(f"the proposal is {state}", "see `governance show`")
        return state == wanted

    await opened.until(f"state {wanted}", holds)


async def _due(opened: Session, proposal: int) -> None:
    """Wait for the end of the timelock's delay."""
    await _reached(opened, proposal, "queued")
    due_s = await opened.read(GOVERNOR, "proposalEta", proposal)

    async def is_due() -> bool:
        return bool(await opened.l2.timestamp_s() >= due_s)

    await opened.until("the end of the timelock's delay", is_due)


async def _carry(opened: Session, method: str, proposal: int) -> dict[str, Any]:
    found = await _proposal(opened, proposal)
    described = keccak256(found["description"].encode())
    calls = found["targets"], found["values"], found["calldatas"]
    return await opened.write(GOVERNOR, method, *calls, described)


async def _proposals(opened: Session) -> list[dict[str, Any]]:
    return [dict(event.arguments) for event in await opened.l2.events(GOVERNOR, "ProposalCreated")]


async def _proposal(opened: Session, proposal: int) -> dict[str, Any]:
    for found in await _proposals(opened):
        if found["proposalId"] == proposal:
            return found
    raise UserError(f"there is no proposal {proposal}", "see `governance list`")


async def _state(opened: Session, proposal: int) -> str:
    return PROPOSAL_STATES[await opened.read(GOVERNOR, "state", proposal)]


@grant_app.command(name="show")
async def show_grant(grant: int, *, options: Flat = DEFAULTS) -> None:
    """A grant and what is left of it."""
    async with session(options) as opened:
        opened.show({"grantId": grant, **await opened.read(GRANTS, "getGrant", grant)})


@grant_app.command(name="propose")
async def propose_grant(
    recipient: Account,
    description: str,
    *,
    milestone: Annotated[list[str], Parameter(negative=())],
    uri: str = "",
    options: Flat = DEFAULTS,
) -> None:
    """Propose a grant: the timelock funds it from its own OPEN and creates it.

    Parameters
    ----------
    recipient
        Who is paid.
    description
        What voters read.
    milestone
        What a milestone pays; give it once for each.
    uri
        Where the plan is.
    """
    from openledger_node.cli.economy.values import amount

    try:
        amounts = [amount(text) for text in milestone]
    except ValueError as error:
        raise UserError(str(error)) from None
    async with session(options) as opened:
        created = GRANTS.calldata("create", recipient, amounts, uri)
        targets, values = [GRANTS.address, GRANTS.address], [sum(amounts), 0]
        opened.show(await opened.write(GOVERNOR, "propose", targets, values, [b"", created], description))


@grant_app.command
async def report(grant: int, uri: str, *, options: Flat = DEFAULTS) -> None:
    """Say, as the recipient, that the next milestone is reached."""
    await _grant(options, "report", grant, uri)


@grant_app.command(name="object")
async def object_to(grant: int, *, options: Flat = DEFAULTS) -> None:
    """Object to a reported milestone with the signer's votes."""
    await _grant(options, "object", grant)


@grant_app.command
async def release(grant: int, *, options: Flat = DEFAULTS) -> None:
    """Pay a milestone that few objected to, after the window; anybody may."""
    await _grant(options, "release", grant)


async def _grant(options: Options, method: str, *arguments: Any) -> None:
    async with session(options) as opened:
        opened.show(await opened.write(GRANTS, method, *arguments))
