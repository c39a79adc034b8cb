"""The `factory` command group: from a Datanet to a model that people pay to use."""

import sys
from pathlib import Path
from typing import Literal

from cyclopts import App

app = App(name="factory", help="Datasets, training, evaluation and publication of models.")


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
    from openledger_node.cli.commands import replace_process

    arguments = ["--preset", preset, *(["--artifacts", str(artifacts)] if artifacts else [])]
    replace_process([sys.executable, "-m", "workers.text.main", *arguments])
