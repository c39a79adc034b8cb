"""Records for training, by command: files prepared for a Datanet, and a Datanet written as files."""

from pathlib import Path

from openledger_node.cli.economy.session import DEFAULTS, Flat, read_file, session
from openledger_node.cli.economy.values import version_of
from openledger_node.cli.factory.values import Repeated, artifact_of, kept_by_gateway, pair_of


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
    from workers.protocol import CleaningRule, ColumnName, PrepareRequest, PrepareResult, UploadedFile
    from workers.protocol.codec import from_json, to_json

    async with session(options) as opened:
        named = {name: read_file(path) for name, path in named_files(files).items()}
        uploaded = [UploadedFile(name, await kept_by_gateway(opened, data)) for name, data in named.items()]
        known = [await dataset_version(opened.reader, *version_of(text)) for text in against or []]
        request = PrepareRequest(
            files=tuple(uploaded),
            split=split,
            columns=tuple(ColumnName(*pair_of(text)) for text in column or []),
            label=label,
            width=width,
            height=height,
            schema=artifact_of(schema),
            cleaning=tuple(CleaningRule(*_rule(text)) for text in clean or []),
            against=tuple(known),
            drops_duplicates=drop_duplicates,
            deny=await kept_by_gateway(opened, read_file(deny)) if deny else artifact_of(""),
            deny_action="drop" if deny_drops else "mask",
        )
        found = from_json(PrepareResult, await opened.gateway.job("prepare", to_json(request)))
        if found.records:
            output.write_bytes(await opened.gateway.get_artifact(found.records))
        opened.show({**to_json(found), "output": str(output) if found.records else ""})


async def export(datanet: int, directory: Path, *, version: int = 0, options: Flat = DEFAULTS) -> None:
    """Write a Datanet's version as a folder that `datasets.load_dataset` reads: card and JSONL shards."""
    from openledger_node.factory.exporting import export_version

    async with session(options) as opened:
        opened.show(await export_version(opened.reader, opened.gateway, datanet, version, directory))


def _rule(text: str) -> tuple[str, str]:
    return pair_of(text) if "=" in text else (text, "mask")
