"""Bases for training, by command: the project's own one made, or anybody's brought to the gateway."""

import sys
from pathlib import Path
from typing import Any, Literal

from openledger_node.cli.economy.session import DEFAULTS, Flat, session


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
