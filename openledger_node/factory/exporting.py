"""How a Datanet's version becomes a folder that `datasets.load_dataset` reads: a card and JSONL shards.

One shard per contribution, checked against its hash on the way. Every record keeps where it came from.
"""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from openledger_node.client.datasets import dataset_version
from openledger_node.client.economy import DATANETS, EconomyReader
from openledger_node.client.gateway import GatewayClient
from openledger_node.errors import UserError
from workers.protocol import DatasetVersion

CARD = "README.md"
TEXT = "dtype: string"
NUMBER = "dtype: int64"
MESSAGES = "list:\n    - name: role\n      dtype: string\n    - name: content\n      dtype: string"
COLUMNS = {
    **dict.fromkeys(("text", "instruction", "input", "output", "system", "chosen", "rejected"), TEXT),
    "messages": MESSAGES,
    "prompt": MESSAGES,
    "history": "list:\n      list: string",
    "features": "list: int64",
    "label": NUMBER,
    "parents": "list: string",
    "contribution": NUMBER,
    "contributor": TEXT,
    "record": NUMBER,
}
"""How the card declares each column that a record of any form may have."""


async def export_version(
    reader: EconomyReader, gateway: GatewayClient, datanet_id: int, number: int, directory: Path
) -> dict[str, Any]:
    """Write the folder, which must be empty or new; returns what is in it."""
    if directory.exists() and not directory.is_dir():
        raise UserError(f"{directory} is a file", "name a new folder")
    if directory.exists() and any(directory.iterdir()):
        raise UserError(f"{directory} is not empty", "name a new folder")
    found = await reader.ethereum.read(DATANETS, "getDatanet", datanet_id)
    if not (number or found["versions"]):
        raise UserError(f"Datanet {datanet_id} has no published version")
    version = await dataset_version(reader, datanet_id, number or found["versions"])
    created = await reader.ethereum.events(DATANETS, "DatanetCreated", datanet_id)
    shards = [await gateway.get_artifact(source.artifact) for source in version.contributions]
    name = str(created[0].arguments["name"])
    licence = found["licence"].rstrip(b"\0").decode(errors="replace")
    records = write_dataset(directory, version, shards, name, licence)
    return {
        "directory": str(directory),
        "records": records,
        "shards": len(shards),
        "version": version.version,
    }


def write_dataset(
    directory: Path, version: DatasetVersion, shards: list[bytes], name: str, licence: str
) -> int:
    """Shards and card; returns the number of records."""
    data = directory / "data"
    data.mkdir(parents=True, exist_ok=True)
    count = 0
    columns: set[str] = set()
    for place, (source, shard) in enumerate(zip(version.contributions, shards, strict=True)):
        lines = [json.loads(line) for line in shard.split(b"\n") if line.strip()]
        origin = {"contribution": source.contribution_id, "contributor": f"0x{source.contributor.hex()}"}
        rows = [_row(line, index, origin) for index, line in enumerate(lines)]
        columns.update(*rows)
        path = data / f"train-{place:05d}-of-{len(shards):05d}.jsonl"
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        count += len(rows)
    (directory / CARD).write_text(card(version, name, licence, count, columns), encoding="utf-8")
    return count


def _row(line: dict[str, Any], index: int, origin: dict[str, Any]) -> dict[str, Any]:
    """A record with its origin; a prompt is always a conversation, so that columns have one type."""
    if isinstance(line.get("prompt"), str):
        line = {**line, "prompt": [{"role": "user", "content": line["prompt"]}]}
    return {**line, "parents": line.get("parents", []), **origin, "record": index}


def card(version: DatasetVersion, name: str, licence: str, records: int, columns: Collection[str]) -> str:
    """The dataset card in Hugging Face's form."""
    header = [
        f"pretty_name: {json.dumps(name, ensure_ascii=False)}",
        f"license: {json.dumps(licence or 'unknown')}",
        f"size_categories:\n- {size_category(records)}",
        "configs:\n- config_name: default\n  data_files:\n  - split: train\n    path: data/train-*.jsonl",
        "dataset_info:\n  features:",
        *(f"  - name: {column}\n    {kind}" for column, kind in COLUMNS.items() if column in columns),
    ]
    body = (
        f"# {name}\n\nVersion {version.version} of Datanet {version.datanet_id} on chain {version.chain_id}: "
        f"{records} records of {len(version.contributions)} contributions. `contributor` is who brought a "
        "record and is paid when a model answers from it.\n"
    )
    return "\n".join(["---", *header, "---", "", body])


def size_category(records: int) -> str:
    """The hub's word for a size."""
    bounds = [(10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M")]
    return next((word for bound, word in bounds if records < bound), "1M<n<10M")
