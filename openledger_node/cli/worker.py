"""`openledger-node worker`: AI jobs for a node, or a server of language models."""

import sys
from pathlib import Path
from typing import Annotated, NoReturn

from cyclopts import Parameter

from openledger_node.cli.process import EXIT_USAGE, replace_process
from openledger_node.cli.serving import DEFAULT_SERVING, ServingOptions, serving_command


def worker(
    *,
    connect: str | None = None,
    token_file: Path | None = None,
    artifacts: str = "",
    artifacts_url: str | None = None,
    ray: str | None = None,
    count: int = 1,
    gpus: float = 0.0,
    memory_mb: int = 1_024,
    serve: Path | None = None,
    serving: Annotated[ServingOptions, Parameter(name="*")] = DEFAULT_SERVING,
) -> None:
    """Run AI jobs for a node (`--connect`), or serve a language model and its adapters (`--serve`).

    Needs the `workers` extra (torch).

    Parameters
    ----------
    connect
        Where the node listens: `unix:/path` or `tcp:host:port`.
    token_file
        File with the token the node wrote for its workers.
    artifacts
        Folder for content-addressed files; with `--serve` also the URL of a node's `/artifacts`.
    artifacts_url
        Where to fetch missing ones, for a worker on another machine.
    ray
        With `--connect tcp:…`: start the workers on this Ray cluster (HOST:PORT, ray://… or auto).
    count
        Workers on the Ray cluster.
    gpus
        GPUs of each of them; fractions share one.
    memory_mb
        Memory of each of them.
    serve
        Hugging Face folder of the base to serve in OpenAI's dialect.
    """
    if (serve is None) == (connect is None):
        _refuse("say either --connect (jobs for a node) or --serve (a language model)")
    if serve is not None:
        replace_process(serving_command(serve, artifacts, serving))
    if token_file is None or not artifacts:
        _refuse("--connect needs --token-file and --artifacts")
    arguments = ["--connect", str(connect), "--token-file", str(token_file), "--artifacts", artifacts]
    if artifacts_url:
        arguments += ["--artifacts-url", artifacts_url]
    if ray is not None:
        arguments += ["--ray", ray, "--count", str(count), "--gpus", str(gpus), "--memory-mb", str(memory_mb)]
        replace_process([sys.executable, "-m", "workers.pool.ray_workers", *arguments])
    replace_process([sys.executable, "-m", "workers.pool.main", *arguments])


def _refuse(message: str) -> NoReturn:
    print(f"error: {message} (see openledger-node worker --help)", file=sys.stderr)
    sys.exit(EXIT_USAGE)
