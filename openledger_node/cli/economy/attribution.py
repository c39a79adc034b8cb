"""`openledger-node attribution`: posts, what they hold for whom, and getting it paid."""

from typing import Any

from cyclopts import App

from genesis.typed_data import claim_digest
from genesis.types import Address
from openledger_node.cli.economy import challenges, disputes
from openledger_node.cli.economy.cases import case_app
from openledger_node.cli.economy.session import DEFAULTS, Flat, Session, session
from openledger_node.cli.economy.values import Account, Amount, Data
from openledger_node.client.account import recover_signer
from openledger_node.client.economy import ATTRIBUTION
from openledger_node.client.ethereum import from_hex, hex_bytes
from openledger_node.errors import UserError

app = App(name="attribution")
for group in (disputes.check_app, disputes.challenge_app, disputes.demand_app, case_app):
    app.command(group)
case_app.command(challenges.case_of_row, name="row")
case_app.command(challenges.case_of_preconditioner, name="preconditioner")
app.command(disputes.answer)

POST_STATES = ("none", "pending", "final", "void")


@app.command
async def posts(*, model: int | None = None, options: Flat = DEFAULTS) -> None:
    """List all posts, or those of one model."""
    async with session(options) as opened:
        events = await opened.l2.events(ATTRIBUTION, "AttributionPosted", None, model)
        opened.show({"posts": [dict(event.arguments) for event in events]})


@app.command
async def post(number: int, *, options: Flat = DEFAULTS) -> None:
    """Show a post and its state."""
    async with session(options) as opened:
        found = await opened.read(ATTRIBUTION, "getPost", number)
        opened.show({"postId": number, **found, "status": POST_STATES[found["status"]]})


@app.command
async def show(identity: str, *, options: Flat = DEFAULTS) -> None:
    """Who is paid for an answer and why; the id is the answer's, or a settlement's key."""
    async with session(options) as opened:
        found = await opened.l2.rpc.call("openledger_getAttribution", identity)
        if found is None:
            raise UserError(f"no attribution {identity}", "it is there once the channel is settled")
        opened.show(found)


@app.command
async def proof(number: int, *, contributor: Account | None = None, options: Flat = DEFAULTS) -> None:
    """Show a contributor's amount in a post, with its proof; by default the signer's."""
    async with session(options) as opened:
        opened.show(await _proof(opened, number, await opened.whose(contributor)))


async def _proof(opened: Session, number: int, contributor: Address) -> dict[str, Any]:
    found: dict[str, Any] | None = await opened.l2.rpc.call(
        "openledger_getAttributionProof", hex(number), hex_bytes(contributor)
    )
    if found is None:
        raise UserError(
            f"{hex_bytes(contributor)} has nothing in post {number}", "see `attribution earnings`"
        )
    return found


@app.command
async def claim(number: int, *, contributor: Account | None = None, options: Flat = DEFAULTS) -> None:
    """Have a contributor's amount of a final post paid to it; anybody may send this."""
    async with session(options) as opened:
        whose = await opened.whose(contributor)
        found = await _proof(opened, number, whose)
        leaf = int(found["contributorIndex"], 16), whose, int(found["amount"], 16)
        opened.show(await opened.write(ATTRIBUTION, "claim", number, *leaf, *_path(found), whose))


@app.command
async def order(number: int, recipient: Account, *, deadline: int, options: Flat = DEFAULTS) -> None:
    """Sign that the signer's amount of a post be paid to somebody else; nothing is sent.

    Parameters
    ----------
    number
        The post.
    recipient
        Who is to be paid.
    deadline
        Until when the order holds, in Unix seconds.
    """
    async with session(options) as opened:
        sender = await opened.sender()
        found = await _proof(opened, number, sender.address)
        place = int(found["contributorIndex"], 16)
        chain_id = await opened.l2.chain_id()
        digest = claim_digest(number, place, sender.address, recipient, deadline, chain_id)
        opened.show(
            {
                "postId": number,
                "contributor": sender.address,
                "recipient": recipient,
                "deadline": deadline,
                "signature": sender.account.sign_digest(digest),
            }
        )


@app.command
async def claim_for(
    number: int,
    contributor: Account,
    recipient: Account,
    signature: Data,
    *,
    deadline: int,
    options: Flat = DEFAULTS,
) -> None:
    """Carry out somebody's signed order."""
    async with session(options) as opened:
        found = await _proof(opened, number, contributor)
        place, amount = int(found["contributorIndex"], 16), int(found["amount"], 16)
        order = (number, place, contributor, recipient, deadline)
        digest = claim_digest(*order, await opened.l2.chain_id())
        if recover_signer(digest, signature) != contributor:
            raise UserError("the signature is not the contributor's for this order", "copy all of it again")
        opened.show(await opened.write(ATTRIBUTION, "claimFor", order, amount, *_path(found), signature))


def _path(proof: dict[str, Any]) -> tuple[list[bytes], list[int]]:
    return [from_hex(each) for each in proof["siblings"]], [int(each, 16) for each in proof["siblingSums"]]


@app.command
async def finalize(number: int, *, options: Flat = DEFAULTS) -> None:
    """Make a post's amounts claimable after its window; anybody may send this."""
    async with session(options) as opened:
        opened.show(await opened.write(ATTRIBUTION, "finalize", number))


@app.command
async def earnings(*, of: Account | None = None, model: int | None = None, options: Flat = DEFAULTS) -> None:
    """Show what an account has earned and may take; `--model` adds what is to come."""
    async with session(options) as opened:
        whose = await opened.whose(of)
        found = dict(await opened.l2.rpc.call("openledger_getRewards", hex_bytes(whose)))
        found["dust"] = await opened.read(ATTRIBUTION, "dustOf", whose)
        if model is not None:
            found["model"] = await opened.l2.rpc.call(
                "openledger_estimateEarnings", hex_bytes(whose), hex(model)
            )
        opened.show({"account": whose, **found})


@app.command
async def preview(fee: Amount, *, policy: int | None = None, options: Flat = DEFAULTS) -> None:
    """Show how a fee would be split, under the current policy or another version."""
    async with session(options) as opened:
        version = [] if policy is None else [hex(policy)]
        opened.show(await opened.l2.rpc.call("openledger_previewSplit", hex(fee), *version))


@app.command
async def preview_share(
    pool: Amount, score: int, score_sum: int, *, policy: int | None = None, options: Flat = DEFAULTS
) -> None:
    """Show what a score would get of a batch's pool."""
    async with session(options) as opened:
        chosen = policy or (await opened.reader.current_policy())[0]
        amount = await opened.read(ATTRIBUTION, "preview", pool, score, score_sum, chosen)
        opened.show({"amount": amount, "policyVersion": chosen})


@app.command
async def withdraw_dust(*, recipient: Account | None = None, options: Flat = DEFAULTS) -> None:
    """Take amounts that were too small to be sent one by one."""
    async with session(options) as opened:
        to = await opened.whose(recipient)
        opened.show(await opened.write(ATTRIBUTION, "withdrawDust", to))


@app.command
async def withdraw_bond(number: int, *, options: Flat = DEFAULTS) -> None:
    """Get back the bond of a challenge that voided a post."""
    async with session(options) as opened:
        opened.show(await opened.write(ATTRIBUTION, "withdrawBond", number))
