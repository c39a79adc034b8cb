"""How folders on this machine reach a gateway: a model as one artefact, a dataset as named files."""

from collections.abc import Sequence
from pathlib import Path

from openledger_node.client.gateway import GatewayClient
from openledger_node.errors import UserError
from workers.artifacts import canonical_json
from workers.artifacts.folders import FORMAT, check_content, check_files, check_name
from workers.datasets.cards import CARD
from workers.datasets.upload import DATA_SUFFIXES, is_data
from workers.errors import InvalidInputError


async def upload_folder(gateway: GatewayClient, folder: Path) -> str:
    """Every file of a model folder and the document that names them; raises UserError."""
    if not (folder / "config.json").is_file():
        raise UserError(f"{folder} holds no config.json", "name a Hugging Face model folder")
    files: dict[str, str] = {}
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        if path.name.startswith("."):
            continue  # git's and the hub's own notes
        name, data = path.relative_to(folder).as_posix(), path.read_bytes()
        try:
            check_name(name)
            check_content(name, data)
        except InvalidInputError as error:
            raise UserError(str(error), "keep only safetensors, JSON and tokenizer files") from error
        files[name] = await gateway.put_artifact(data)
    check_files(files)
    return await gateway.put_artifact(canonical_json.encode({"format": FORMAT, "files": files}))


def named_files(paths: Sequence[Path]) -> dict[str, Path]:
    """Files by the names that decide how they are read; raises UserError."""
    if len(paths) == 1 and paths[0].is_dir():
        folder = paths[0]
        found = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*"))}
        kept = {
            name: path for name, path in found.items() if path.is_file() and (is_data(name) or name == CARD)
        }
        if not kept:
            raise UserError(f"{folder} holds no data", f"files end in {', '.join(DATA_SUFFIXES)}")
        return kept
    if len({path.name for path in paths}) != len(paths):
        raise UserError("two files have the same name", "upload them one by one")
    return {path.name: path for path in paths}
