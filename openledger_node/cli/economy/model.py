"""`openledger-node model`: from a published version to a model with price and feature index."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from genesis.types import Address
from openledger_node.cli.economy.session import DEFAULTS, Flat, Session, read_file, session, write_and_show
from openledger_node.cli.economy.values import Account, Amount, Word, version_of
from openledger_node.client.economy import MODELS
from openledger_node.errors import UserError

app = App(name="model")

NO_MODEL = 0


@app.command
async def train(datanet: int, version: int, *, holdout: Path | None = None, options: Flat = DEFAULTS) -> None:
    """Train a classifier from a published version at the gateway; `factory` trains language models.

    Parameters
    ----------
    datanet
        The Datanet.
    version
        Its version.
    holdout
        A file of records to evaluate on.
    """
    from openledger_node.client.datasets import dataset_version
    from workers.artifacts.store import ArtifactId
    from workers.protocol import NO_ARTIFACT, TrainRequest
    from workers.protocol.codec import to_json

    async with session(options) as opened:
        dataset = await dataset_version(opened.reader, datanet, version)
        kept = ArtifactId(await opened.gateway.put_artifact(read_file(holdout))) if holdout else NO_ARTIFACT
        request = TrainRequest(dataset=dataset, holdout=kept)
        opened.show(await opened.gateway.job("train", to_json(request)))


@app.command
async def register(
    artifact: Word,
    manifest: Word,
    *,
    source: Annotated[list[str] | None, Parameter(negative=())] = None,
    parent: int = NO_MODEL,
    uri: str = "",
    options: Flat = DEFAULTS,
) -> None:
    """Register a model; the signer owns it.

    Parameters
    ----------
    artifact
        The hash of the weights, as `model train` or `factory` names it.
    manifest
        The hash of the manifest: everything needed to train it again.
    source
        A Datanet version it was made from, as DATANET:VERSION; may be given again.
    parent
        The model it adapts.
    uri
        Where the manifest is; `sha256:` and its hash unless given.
    """
    pairs = [version_of(text) for text in source or []]
    async with session(options) as opened:
        where = uri or f"sha256:{manifest.hex()}"
        ids, versions = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        opened.show(
            await opened.write(MODELS, "registerModel", artifact, parent, manifest, ids, versions, where)
        )


@app.command
async def price(model: int, per_input: Amount, per_output: Amount, *, options: Flat = DEFAULTS) -> None:
    """Set what 1,000 input and 1,000 output tokens cost."""
    await write_and_show(options, MODELS, "setPrice", model, per_input, per_output)


@app.command
async def index(
    model: int, *, dimensions: int = 0, stake: bool = False, wait: bool = False, options: Flat = DEFAULTS
) -> None:
    """Build a model's feature index at the gateway and commit it, as its owner or the signer it named.

    Draws for contributions whose records name parents are made first where they are missing.

    Parameters
    ----------
    model
        The model; its manifest must be at the gateway.
    dimensions
        Coordinates per record, 1 to 65,536; 0 chooses 512 for a classifier, all of an adapter's.
    stake
        Stake what the signer's provider stake is short of: it answers for the index.
    wait
        Return only when its challenge window is over.
    """
    from openledger_node.cli.economy.draws import draws_of
    from openledger_node.cli.economy.indexing import ensure_stake
    from openledger_node.client.datasets import datasets_of
    from workers.artifacts.store import ArtifactId
    from workers.protocol import FeatureIndexRequest, FeatureIndexResult
    from workers.protocol.codec import from_json, to_json

    async with session(options) as opened:
        found = await opened.read(MODELS, "getModel", model)
        await _assert_signer(opened, model, found["owner"])
        await ensure_stake(opened, model, adds=stake)
        draws = await draws_of(opened, await datasets_of(opened.reader, model))
        request = FeatureIndexRequest(ArtifactId(found["manifestHash"].hex()), dimensions, draws)
        built = from_json(FeatureIndexResult, await opened.gateway.job("feature_index", to_json(request)))
        roots = built.rows_root, built.sums_root, built.preconditioner_hash, built.numeric_profile
        sizes = built.rows, built.contributors, built.dimensions
        found = await opened.write(
            MODELS, "commitFeatureIndex", model, *roots, *sizes, f"sha256:{built.index}"
        )
        if wait:
            await _usable(opened, found["usableAt"])
        opened.show(found)


async def _assert_signer(opened: Session, model: int, owner: Address) -> None:
    """Raises UserError for who may not commit the model's indexes, before it stakes for one."""
    if (await opened.sender()).address not in {owner, await opened.read(MODELS, "indexSignerOf", model)}:
        raise UserError(
            f"only the owner of model {model} and the signer it named commit its indexes",
            "use one of their accounts, or have yours named (`model index-signer`)",
        )


async def _usable(opened: Session, usable_at_s: int) -> None:
    async def is_usable() -> bool:
        return await opened.l2.timestamp_s() > usable_at_s

    await opened.until("the end of the index's challenge window", is_usable)


@app.command
async def index_signer(model: int, signer: Account, *, options: Flat = DEFAULTS) -> None:
    """Name who may commit the model's indexes beside its owner, with its own stake: a provider, say.

    Parameters
    ----------
    model
        The model.
    signer
        The account; 0x0000000000000000000000000000000000000000 for nobody.
    """
    await write_and_show(options, MODELS, "setIndexSigner", model, signer)


@app.command
async def retire_index(number: int, *, options: Flat = DEFAULTS) -> None:
    """End a feature index, as its signer or the model's owner: it takes no new channels, and its signer may
    withdraw its stake after the unbonding time. A model's next index ends the one before by itself.

    Parameters
    ----------
    number
        The index.
    """
    await write_and_show(options, MODELS, "retireFeatureIndex", number)


@app.command
async def revenue(model: int, recipient: Account, *, options: Flat = DEFAULTS) -> None:
    """Name who gets the owner's part of the fees: an account, or the model's token."""
    await write_and_show(options, MODELS, "setRevenueRecipient", model, recipient)


@app.command
async def retrieval(model: int, datanet: int, *, allowed: bool = True, options: Flat = DEFAULTS) -> None:
    """Let records of a Datanet that are looked up for answers share in the contributors' pool, or no longer.

    Parameters
    ----------
    model
        The model; the signer owns it.
    datanet
        The Datanet whose records may be paid.
    allowed
        `--no-allowed` takes the consent back, for later settlements.
    """
    await write_and_show(options, MODELS, "setRetrieval", model, datanet, allowed)


@app.command
async def deprecate(model: int, *, successor: int = NO_MODEL, options: Flat = DEFAULTS) -> None:
    """Take a model off sale for good: no new channels or requests."""
    await write_and_show(options, MODELS, "deprecateModel", model, successor)


@app.command
async def transfer(model: int, owner: Account, *, options: Flat = DEFAULTS) -> None:
    """Hand a model to another owner."""
    await write_and_show(options, MODELS, "transferModel", model, owner)


@app.command(name="list")
async def list_models(*, options: Flat = DEFAULTS) -> None:
    """List all models by id."""
    async with session(options) as opened:
        events = await opened.l2.events(MODELS, "ModelRegistered")
        opened.show({"models": [dict(event.arguments) for event in events]})


@app.command
async def show(model: int, *, options: Flat = DEFAULTS) -> None:
    """Show a model: owner, prices, newest index, whether it is deprecated."""
    async with session(options) as opened:
        found = await opened.read(MODELS, "getModel", model)
        deprecated = await opened.read(MODELS, "isDeprecated", model)
        opened.show({"modelId": model, **found, "deprecated": deprecated})


@app.command
async def show_index(number: int, *, options: Flat = DEFAULTS) -> None:
    """Show a feature index as it was committed."""
    async with session(options) as opened:
        found = await opened.read(MODELS, "getFeatureIndex", number)
        retired = await opened.read(MODELS, "isRetired", number)
        opened.show({"indexId": number, **found, "retired": retired})


@app.command
async def lineage(model: int, *, options: Flat = DEFAULTS) -> None:
    """Show a model, its ancestors with the data each was made from, and the models that adapt it."""
    async with session(options) as opened:
        await opened.read(MODELS, "getModel", model)
        line = await opened.l2.rpc.call("openledger_getLineage", hex(model))
        count = await opened.read(MODELS, "childCount", model)
        children = [await opened.read(MODELS, "childAt", model, place) for place in range(count)]
        opened.show({"lineage": line, "children": children})


@app.command
async def users(datanet: int, *, options: Flat = DEFAULTS) -> None:
    """List the models that were made from a Datanet."""
    async with session(options) as opened:
        count = await opened.read(MODELS, "userCount", datanet)
        found = [await opened.read(MODELS, "userAt", datanet, place) for place in range(count)]
        opened.show({"datanetId": datanet, "models": found})
