"""`openledger-node factory`: from a Datanet to a model that people pay to use."""

import sys
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from openledger_node.cli.economy.session import DEFAULTS, Flat, Session, read_file, session
from openledger_node.cli.economy.values import Amount
from openledger_node.errors import OpenLedgerError, UserError

app = App(name="factory", help="Datasets, training, evaluation and publication of models.")

Repeated = Annotated[list[str] | None, Parameter(negative=())]


@app.command
def base(*, preset: Literal["tiny", "small"] = "small", artifacts: Path | None = None) -> None:
    """Make the project's own small base model, or find it in the cache. Needs the `workers` extra.

    Parameters
    ----------
    preset
        `small` takes minutes on one core, `tiny` seconds.
    artifacts
        Keep the folder among these artefacts as well and print its hash.
    """
    from openledger_node.cli.process import replace_process

    arguments = ["--preset", preset, *(["--artifacts", str(artifacts)] if artifacts else [])]
    replace_process([sys.executable, "-m", "workers.text.main", *arguments])


@app.command
async def add_base(
    folder: Path, *, register: bool = False, licence: str = "", options: Flat = DEFAULTS
) -> None:
    """Upload a Hugging Face folder (safetensors only) to the gateway; `--register` puts it on chain as well.

    Parameters
    ----------
    folder
        A Llama- or Qwen-family model with its tokenizer.
    register
        Register it as a model without data, the parent of what is trained on it.
    licence
        Kept in the registered manifest.
    """
    from openledger_node.client.economy import MODELS
    from openledger_node.factory.folders import upload_folder
    from workers.artifacts import canonical_json

    async with session(options) as opened:
        found = await upload_folder(opened.gateway, folder)
        result: dict[str, Any] = {"base": found}
        if register:
            document = {"format": "openledger-base/1", "name": folder.name, "base": found, "licence": licence}
            manifest = await opened.gateway.put_artifact(canonical_json.encode(document))
            hashes = bytes.fromhex(found), 0, bytes.fromhex(manifest)
            result |= await opened.write(MODELS, "registerModel", *hashes, [], [], f"sha256:{manifest}")
        opened.show(result)


@app.command
async def recipes(*, options: Flat = DEFAULTS) -> None:
    """Recipe presets with their settings, and the rules for cleaning data."""
    async with session(options) as opened:
        opened.show(await opened.gateway.get("/api/factory/recipes"))


@app.command
async def prepare(
    files: list[Path],
    *,
    output: Path,
    label: str = "",
    width: int = 0,
    height: int = 0,
    schema: str = "",
    column: Repeated = None,
    clean: Repeated = None,
    deny: Path | None = None,
    deny_drops: bool = False,
    against: Repeated = None,
    split: str = "train",
    drop_duplicates: bool = False,
    options: Flat = DEFAULTS,
) -> None:
    """Check JSONL, CSV, Parquet or a dataset folder row by row and write what `datanet contribute` takes.

    Parameters
    ----------
    files
        Files, or one folder as Hugging Face's `datasets` reads it.
    output
        Where the records go, as JSON lines.
    label
        For tables and pictures: the column to predict. Text has none.
    width
        Of pictures, after resizing.
    height
        Of pictures, after resizing.
    schema
        The table schema that an earlier upload was given.
    column
        Rename a column, as FROM=TO; FROM= leaves it out. May be given again.
    clean
        A cleaning rule, as RULE or RULE=drop. May be given again.
    deny
        A file of what must not be in the records (names, places): phrases and /expressions/, one per line.
    deny_drops
        Refuse a record that holds any of it; otherwise it is masked.
    against
        Also look for near-duplicates, and for parents by number or leaf, in DATANET:VERSION. May be given
        again.
    split
        Which split of a dataset folder.
    drop_duplicates
        Leave near-duplicates out; otherwise they are shown only.
    """
    from openledger_node.client.datasets import dataset_version
    from openledger_node.factory.folders import named_files
    from workers.jobs.codec import from_json, to_json
    from workers.jobs.types import CleaningRule, ColumnName, PrepareRequest, PrepareResult, UploadedFile

    async with session(options) as opened:
        named = {name: read_file(path) for name, path in named_files(files).items()}
        uploaded = [UploadedFile(name, await _kept(opened, data)) for name, data in named.items()]
        known = [await dataset_version(opened.reader, *_version(text)) for text in against or []]
        request = PrepareRequest(
            files=tuple(uploaded),
            split=split,
            columns=tuple(ColumnName(*_pair(text)) for text in column or []),
            label=label,
            width=width,
            height=height,
            schema=_artifact(schema),
            cleaning=tuple(CleaningRule(*_rule(text)) for text in clean or []),
            against=tuple(known),
            drops_duplicates=drop_duplicates,
            deny=await _kept(opened, read_file(deny)) if deny else _artifact(""),
            deny_action="drop" if deny_drops else "mask",
        )
        found = from_json(PrepareResult, await opened.gateway.job("prepare", to_json(request)))
        if found.records:
            output.write_bytes(await opened.gateway.get_artifact(found.records))
        opened.show({**to_json(found), "output": str(output) if found.records else ""})


@app.command
async def plan(
    name: str,
    *,
    datanet: list[str],
    base: str = "",
    preset: str = "standard",
    set: Repeated = None,  # noqa: A002 - the flag's name
    holdout: str = "",
    options: Flat = DEFAULTS,
) -> None:
    """What a training would take, cost and be allowed; nothing is trained. Parameters as for `train`."""
    async with session(options) as opened:
        body = await _wish(opened, name, datanet, base=base, preset=preset, settings=set, holdout=holdout)
        opened.show(await opened.gateway.post("/api/factory/plans", body))


@app.command
async def train(
    *,
    name: str,
    datanet: list[str],
    base: str = "",
    preset: str = "standard",
    set: Repeated = None,  # noqa: A002 - the flag's name
    holdout: str = "",
    threads: int | None = None,
    detach: bool = False,
    options: Flat = DEFAULTS,
) -> None:
    """Train on Datanets: a language model or an encoder on text, a small classifier on tables and pictures.

    Parameters
    ----------
    name
        What the model is called.
    datanet
        DATANET or DATANET:VERSION (the newest unless given). May be given again.
    base
        For text: a base's hash, or the id of a registered one.
    preset
        quick, standard, thorough, preference; for an encoder embedding, embedding-full (`factory recipes`).
    set
        One setting of the recipe, as NAME=VALUE (method=full, rank=16, targets=q_proj,v_proj). May be given
        again.
    holdout
        Records to measure on: a file, or sha256:<hash>. One record in ten is kept from training without it.
    threads
        Of the worker's CPU that train text, one unless given. The bits depend on their number, so the
        manifest records it and `verify` uses the same.
    detach
        Return at once; `factory show` follows the run.
    """
    settings = [*(set or []), *([] if threads is None else [f"threads={threads}"])]
    async with session(options) as opened:
        body = await _wish(
            opened, name, datanet, base=base, preset=preset, settings=settings, holdout=holdout
        )
        run = await opened.gateway.post("/api/factory/runs", body)
        _show_run(opened, run if detach else await _finished(opened, run["id"]))


@app.command
async def runs(*, options: Flat = DEFAULTS) -> None:
    """The newest training runs."""
    async with session(options) as opened:
        found = (await opened.gateway.get("/api/factory/runs"))["runs"]
        opened.show({"runs": [{key: run[key] for key in ("id", "kind", "state", "error")} for run in found]})


@app.command
async def show(run: str, *, wait: bool = False, options: Flat = DEFAULTS) -> None:
    """A run: state, progress, time left, loss curve, result; `--wait` until it is finished."""
    async with session(options) as opened:
        path = f"/api/factory/runs/{run}"
        _show_run(opened, await _finished(opened, run) if wait else await opened.gateway.get(path))


@app.command
async def cancel(run: str, *, options: Flat = DEFAULTS) -> None:
    """Stop a run. Asked for again, it goes on from its checkpoint."""
    async with session(options) as opened:
        opened.show(await opened.gateway.post(f"/api/jobs/{run}/cancel", {}))


@app.command
async def evaluate(manifest: str, *, holdout: str = "", options: Flat = DEFAULTS) -> None:
    """Compare a fine-tuned model, or an encoder, with its base on held-out records; MANIFEST or a run."""
    from openledger_node.factory.publishing import evaluation_kind

    async with session(options) as opened:
        found = await _manifest(opened, manifest)
        request = {"manifest": found, "holdout": await _holdout(opened, holdout)}
        kind = await evaluation_kind(opened.gateway, request["manifest"])
        opened.show(await opened.gateway.job(kind, request))


@app.command
async def verify(manifest: str, *, options: Flat = DEFAULTS) -> None:
    """Train again from a manifest, or a run's: the same bytes, or how far off."""
    async with session(options) as opened:
        opened.show(await opened.gateway.job("verify", {"manifest": await _manifest(opened, manifest)}))


@app.command
async def publish(
    run: str,
    *,
    input_price: Amount,
    output_price: Amount,
    parent: int | None = None,
    stake: bool = False,
    wait: bool = False,
    options: Flat = DEFAULTS,
) -> None:
    """Register a finished run's model, set its price and commit its feature index, in one step.

    Parameters
    ----------
    run
        The run's id.
    input_price
        What 1,000 input tokens cost.
    output_price
        What 1,000 output tokens cost.
    parent
        The base's model id; found by its hash unless given, 0 for none.
    stake
        Stake what the signer's provider stake is short of: it answers for the index.
    wait
        Return only when the index may be used.
    """
    from openledger_node.cli.economy.draws import draws_of
    from openledger_node.cli.economy.indexing import ensure_stake
    from openledger_node.client.datasets import dataset_version
    from openledger_node.factory.publication import registration, sale
    from openledger_node.factory.publishing import parent_of, sources_of, wait_until_usable
    from workers.jobs.codec import from_json, to_json
    from workers.jobs.types import FeatureIndexRequest, FeatureIndexResult

    async with session(options) as opened:
        found = await opened.gateway.get(f"/api/factory/runs/{run}")
        if found["state"] != "done":
            raise UserError(f"run {run[:8]} is {found['state']}", "only a finished run can be published")
        result, request = found["result"], found["request"]
        known = parent if parent is not None else await parent_of(opened.reader, request.get("base", ""))
        await ensure_stake(opened, 0, adds=stake)
        versions = [await dataset_version(opened.reader, *each) for each in sources_of(request)]
        wanted = FeatureIndexRequest(result["manifest"], draws=await draws_of(opened, versions))
        index = from_json(FeatureIndexResult, await opened.gateway.job("feature_index", to_json(wanted)))
        call = registration(
            model=result["model"], manifest=result["manifest"], parent=known, sources=sources_of(request)
        )
        shown = await opened.write(call.contract, call.method, *call.arguments)
        for call in sale(int(shown["modelId"]), input_price, output_price, index):
            shown = {**await opened.write(call.contract, call.method, *call.arguments), **shown}
        if wait:
            await wait_until_usable(opened.l2, int(shown["usableAt"]))
        opened.show({**shown, "model": result["model"], "manifest": result["manifest"], "index": index.index})


@app.command
async def export(datanet: int, directory: Path, *, version: int = 0, options: Flat = DEFAULTS) -> None:
    """Write a Datanet's version as a folder that `datasets.load_dataset` reads: card and JSONL shards."""
    from openledger_node.factory.exporting import export_version

    async with session(options) as opened:
        opened.show(await export_version(opened.reader, opened.gateway, datanet, version, directory))


@app.command
async def clean(*, older_than_days: float = 14.0, remove: bool = False, options: Flat = DEFAULTS) -> None:
    """Show what the gateway's data directory holds for nobody, with sizes; `--remove` removes it.

    Checkpoints of runs that do not go on, files that a killed worker left half made, and artefacts that no
    model, Datanet, settlement, receipt or job names. A bucket behind the directory keeps everything.

    Parameters
    ----------
    older_than_days
        What was written or put again since then stays, an hour at least.
    remove
        Remove what is shown.
    """
    if not isfinite(older_than_days):
        raise UserError(f"{older_than_days} is no number of days", "write 14 or 0.5")
    async with session(options) as opened:
        body = {"ageS": max(0, round(older_than_days * 86_400)), "removes": remove}
        opened.show(await opened.gateway.post("/api/factory/clean", body))


def _show_run(opened: Session, run: dict[str, Any]) -> None:
    """Points as they are for programs, as lines of bars for people."""
    from openledger_node.factory.curve import with_curves

    is_read = not (opened.options.json or opened.options.field)
    opened.show(with_curves(run) if is_read else run)


async def _finished(opened: Session, run: str) -> dict[str, Any]:
    """Follow a run on standard error until it is finished; raises OpenLedgerError when it failed."""
    from openledger_node.factory.following import follow

    found = await follow(opened.gateway, run, lambda text: print(text, file=sys.stderr, flush=True))
    if found["state"] != "done":
        raise OpenLedgerError(f"run {run[:8]} {found['state']}: {found['error']}", "see factory show")
    return {"id": run, **found["result"], "losses": found["losses"]}


async def _wish(opened: Session, name: str, datanets: list[str], **chosen: Any) -> dict[str, Any]:
    from openledger_node.factory.settings import setting

    named = [_datanet(text) for text in datanets]
    is_signed = opened.options.account is not None or opened.options.keystore is not None
    return {
        "name": name,
        "base": chosen["base"],
        "datanets": [{"id": number, "version": version} for number, version in named],
        "preset": chosen["preset"],
        "settings": dict(setting(text) for text in chosen["settings"] or []),
        "holdout": await _holdout(opened, chosen["holdout"]),
        "account": f"0x{(await opened.sender()).address.hex()}" if is_signed else "",
    }


async def _holdout(opened: Session, holdout: str) -> Any:
    if not holdout or holdout.startswith("sha256:"):
        return _artifact(holdout)
    return await _kept(opened, read_file(Path(holdout)))


async def _kept(opened: Session, data: bytes) -> Any:
    return await opened.gateway.put_artifact(data)


def _artifact(text: str) -> Any:
    from workers.artifacts.store import parse_id
    from workers.errors import ArtifactError

    try:
        return parse_id(text) if text else ""
    except ArtifactError as error:
        raise UserError(str(error), "factory show RUN names a run's model and manifest") from error


async def _manifest(opened: Session, name: str) -> Any:
    """A manifest's hash, from itself or from the run that made it."""
    from openledger_node.client.gateway import GatewayError

    found = _artifact(name)
    try:
        run = await opened.gateway.get(f"/api/factory/runs/{found}")
    except GatewayError:
        return found
    if run["state"] != "done":
        raise UserError(f"run {found[:8]} is {run['state']}", "only a finished run has a manifest")
    return run["result"]["manifest"]


def _datanet(text: str) -> tuple[int, int]:
    return _version(text if ":" in text else f"{text}:0")


def _version(text: str) -> tuple[int, int]:
    datanet, _, version = text.partition(":")
    if not (datanet.isdecimal() and version.isdecimal()):
        raise UserError(f"{text!r} is no Datanet version", "write DATANET:VERSION, for instance 1:2")
    return int(datanet), int(version)


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not name or not separator:
        raise UserError(f"{text!r} is no NAME=VALUE")
    return name, value


def _rule(text: str) -> tuple[str, str]:
    return _pair(text) if "=" in text else (text, "mask")
