"""`openledger-node datanet`: data from its Datanet's creation to a published version and its usage."""

from pathlib import Path
from typing import Any, Literal

from cyclopts import App

from genesis.keccak import keccak256
from openledger_node.cli.economy.draws import draw_parents
from openledger_node.cli.economy.session import DEFAULTS, Flat, Session, read_file, session, write_and_show
from openledger_node.cli.economy.values import Account, Amount, ShortText, short_text
from openledger_node.client.economy import DATANETS
from openledger_node.client.ethereum import from_hex
from openledger_node.errors import UserError

app = App(name="datanet")

ADMISSIONS = ("open", "allow-list", "curated")
USAGES = ("open", "by-grant", "priced")
CONTRIBUTION_STATES = ("none", "committed", "revealed", "accepted", "rejected", "cancelled")
Admission = Literal["open", "allow-list", "curated"]
Usage = Literal["open", "by-grant", "priced"]
QUALITY_FULL = 10_000
DEFAULT_LICENCE = short_text("cc-by-4.0")


@app.command
async def create(
    name: str,
    *,
    card: Path | None = None,
    licence: ShortText = DEFAULT_LICENCE,
    admission: Admission = "open",
    usage: Usage = "open",
    price: Amount = 0,
    options: Flat = DEFAULTS,
) -> None:
    """Create a Datanet; the signer owns it.

    Parameters
    ----------
    name
        What people call it.
    card
        A file that describes it; the gateway keeps it, its hash goes on chain.
    licence
        Licence id, for instance cc-by-4.0.
    admission
        Who may contribute.
    usage
        Who may train on it.
    price
        What usage costs, for `--usage priced`.
    """
    if (usage == "priced") != (price > 0):
        raise UserError("priced usage and a price go together", "give both --usage priced and --price")
    async with session(options) as opened:
        text = read_file(card) if card else name.encode()
        uri = f"sha256:{await opened.gateway.put_artifact(text)}"
        chosen = ADMISSIONS.index(admission), USAGES.index(usage)
        found = await opened.write(DATANETS, "createDatanet", name, uri, keccak256(text), licence, *chosen)
        if price:
            await opened.write(DATANETS, "setUsage", found["datanetId"], USAGES.index(usage), price)
        opened.show(found)


@app.command(name="list")
async def list_datanets(*, options: Flat = DEFAULTS) -> None:
    """List all Datanets by id."""
    async with session(options) as opened:
        events = await opened.l2.events(DATANETS, "DatanetCreated")
        opened.show({"datanets": [dict(event.arguments) for event in events]})


@app.command
async def show(datanet: int, *, options: Flat = DEFAULTS) -> None:
    """Show a Datanet: owner, rules, and how much is in it."""
    async with session(options) as opened:
        found = await opened.read(DATANETS, "getDatanet", datanet)
        price = await opened.read(DATANETS, "usagePrice", datanet)
        named = {"admission": ADMISSIONS[found["admission"]], "usage": USAGES[found["usage"]]}
        opened.show({"datanetId": datanet, **found, **named, "usagePrice": price})


@app.command
async def version(datanet: int, number: int, *, options: Flat = DEFAULTS) -> None:
    """Show a published version of a Datanet."""
    async with session(options) as opened:
        found = await opened.read(DATANETS, "getVersion", datanet, number)
        opened.show({"datanetId": datanet, "version": number, **found})


@app.command
async def contribution(number: int, *, options: Flat = DEFAULTS) -> None:
    """Show a contribution and its state."""
    async with session(options) as opened:
        found = await opened.read(DATANETS, "getContribution", number)
        state = CONTRIBUTION_STATES[found["status"]]
        accepted = await opened.read(DATANETS, "getAcceptance", number) if state == "accepted" else {}
        opened.show({"contributionId": number, **found, "status": state, **accepted})


@app.command
async def contribute(datanet: int, file: Path, *, options: Flat = DEFAULTS) -> None:
    """Commit a file of records and pay the bond. The file stays here until `reveal`.

    Parameters
    ----------
    datanet
        Where it goes.
    file
        Records as JSON lines (docs/formats.md).
    """
    from workers.datasets.contribution import summarize
    from workers.errors import InvalidInputError

    async with session(options) as opened:
        sender = await opened.sender()
        try:
            summary = summarize(
                read_file(file),
                chain_id=await opened.l2.chain_id(),
                datanet_id=datanet,
                contributor=sender.address,
            )
        except InvalidInputError as error:
            raise UserError(f"{file} cannot be contributed: {error}", "see docs/formats.md") from None
        _, policy = await opened.reader.current_policy()
        arguments = (datanet, summary.root, summary.records, summary.size_bytes)
        bond = policy.contribution_bond_wei
        found = await opened.write(DATANETS, "contribute", *arguments, value_wei=bond)
        opened.show({**found, "artifact": summary.artifact})


@app.command
async def reveal(contribution: int, file: Path, *, wait: bool = False, options: Flat = DEFAULTS) -> None:
    """Publish what was committed; `--wait` until the policy's delay is over."""
    async with session(options) as opened:
        if wait:
            await _reveal_delay(opened, contribution)
        uri = f"sha256:{await opened.gateway.put_artifact(read_file(file))}"
        opened.show(await opened.write(DATANETS, "reveal", contribution, uri))


async def _reveal_delay(opened: Session, contribution: int) -> None:
    found = await opened.read(DATANETS, "getContribution", contribution)
    _, policy = await opened.reader.current_policy()
    earliest = found["commitBlock"] + policy.reveal_delay_blocks

    async def is_over() -> bool:
        return bool(await opened.l2.block_number() >= earliest)

    await opened.until(f"block {earliest}", is_over)


@app.command
async def review(
    contribution: int,
    verdict: Literal["accept", "reject"],
    *,
    quality: int = QUALITY_FULL,
    options: Flat = DEFAULTS,
) -> None:
    """A curator's verdict; quality is 0 to 10,000."""
    async with session(options) as opened:
        accepted = verdict == "accept"
        arguments = (contribution, accepted, quality if accepted else 0)
        opened.show(await opened.write(DATANETS, "review", *arguments))


@app.command
async def draw(contribution: int, *, wait: bool = False, options: Flat = DEFAULTS) -> None:
    """Have the chain keep the draw of whom an accepted contribution's derived records are credited to.

    Parameters
    ----------
    contribution
        An accepted contribution whose records name parents; anybody may draw for it, once.
    wait
        Until the L1 block that draws is there.
    """
    async with session(options) as opened:
        opened.show(await draw_parents(opened, contribution, wait=wait))


@app.command
async def publish(datanet: int, *, options: Flat = DEFAULTS) -> None:
    """Freeze what is accepted as the next version."""
    await write_and_show(options, DATANETS, "publishVersion", datanet)


@app.command
async def cancel(contribution: int, *, options: Flat = DEFAULTS) -> None:
    """Withdraw a contribution that has not been reviewed."""
    await write_and_show(options, DATANETS, "cancel", contribution)


@app.command
async def withdraw_bond(contribution: int, *, options: Flat = DEFAULTS) -> None:
    """Get back the bond of a reviewed or cancelled contribution."""
    await write_and_show(options, DATANETS, "withdrawBond", contribution)


@app.command
async def curator(datanet: int, who: Account, *, allowed: bool = True, options: Flat = DEFAULTS) -> None:
    """Name a curator; `--no-allowed` removes one."""
    await write_and_show(options, DATANETS, "setCurator", datanet, who, allowed)


@app.command
async def contributor(datanet: int, who: Account, *, allowed: bool = True, options: Flat = DEFAULTS) -> None:
    """Add a contributor to the allow-list; `--no-allowed` removes it."""
    await write_and_show(options, DATANETS, "setContributor", datanet, who, allowed)


@app.command
async def card(datanet: int, file: Path, *, licence: ShortText, options: Flat = DEFAULTS) -> None:
    """Replace the description and the licence id."""
    async with session(options) as opened:
        text = read_file(file)
        uri = f"sha256:{await opened.gateway.put_artifact(text)}"
        opened.show(await opened.write(DATANETS, "setMetadata", datanet, uri, keccak256(text), licence))


@app.command
async def usage(datanet: int, rule: Usage, *, price: Amount = 0, options: Flat = DEFAULTS) -> None:
    """Set who may train on it from now on, and what that costs."""
    await write_and_show(options, DATANETS, "setUsage", datanet, USAGES.index(rule), price)


@app.command
async def grant(datanet: int, who: Account, *, until: int, options: Flat = DEFAULTS) -> None:
    """Let an account train on it until a time (Unix seconds); 0 takes the grant back."""
    await write_and_show(options, DATANETS, "grantUsage", datanet, who, until)


@app.command
async def buy(datanet: int, *, options: Flat = DEFAULTS) -> None:
    """Pay the price of usage; the signer may then train on it for ever."""
    async with session(options) as opened:
        price = await opened.read(DATANETS, "usagePrice", datanet)
        opened.show(await opened.write(DATANETS, "buyUsage", datanet, value_wei=price))


@app.command
async def may_use(datanet: int, who: Account, *, options: Flat = DEFAULTS) -> None:
    """Tell whether an account may train on it now."""
    async with session(options) as opened:
        answer = await opened.read(DATANETS, "mayUse", datanet, who)
        opened.show({"datanetId": datanet, "account": who, "mayUse": answer})


@app.command
async def transfer(datanet: int, owner: Account, *, options: Flat = DEFAULTS) -> None:
    """Hand a Datanet to another owner: a person, a multisig, a token's holders."""
    await write_and_show(options, DATANETS, "transferDatanet", datanet, owner)


@app.command
async def verify_record(datanet: int, version: int, record: int, *, options: Flat = DEFAULTS) -> None:
    """Fetch the proofs that a record stands in a version, and let the chain check them."""
    async with session(options) as opened:
        proof = await opened.l2.rpc.call("openledger_getRecordProof", hex(datanet), hex(version), hex(record))
        if proof is None:
            raise UserError(f"version {version} of Datanet {datanet} has no record {record}", "count from 0")
        holds = await opened.read(DATANETS, "verifyRecord", datanet, version, *_proof_arguments(proof))
        opened.show({**proof, "holds": holds})


def _proof_arguments(proof: dict[str, Any]) -> tuple[Any, ...]:
    return (
        int(proof["position"], 16),
        int(proof["contributionId"], 16),
        int(proof["firstRecord"], 16),
        [from_hex(node) for node in proof["contributionProof"]],
        from_hex(proof["recordLeaf"]),
        int(proof["recordIndex"], 16),
        [from_hex(node) for node in proof["recordProof"]],
    )
