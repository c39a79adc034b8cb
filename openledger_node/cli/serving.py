"""The options of `worker --serve`, and the command line of the OpenLoRA server they make."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class ServingOptions:
    """Only with `--serve`; names and meanings are vLLM's where it has them.

    Parameters
    ----------
    listen
        Where the server answers, HOST:PORT.
    served_model_name
        The base's name; its folder's when empty.
    device
        cpu, cuda or cuda:N; auto takes a GPU if there is one.
    dtype
        Type of weights and keys; auto takes the base's.
    max_model_len
        Most tokens of prompt and answer together; 0 is the base's limit.
    max_num_seqs
        Sequences computed together.
    max_num_batched_tokens
        Tokens computed in one step.
    max_loras
        Adapters on the device at once; 0 means as many as sequences.
    max_lora_rank
        Adapters above this rank are refused.
    adapter_memory_mb
        Memory for adapters that are not on the device.
    prefix_cache_mb
        Memory for prompts that begin alike; 0 computes every prompt.
    max_queue
        Open requests beyond which new ones get 429.
    max_connections
        Open connections beyond which new ones get 503 and are closed.
    drain_timeout
        Seconds that running answers get after SIGTERM.
    chat_template
        Jinja file, for a base that brings none.
    adapter_folders
        Folder in which `lora_path` may name adapters; without it only hashes are taken.
    threads
        CPU threads; 0 is one per core.
    """

    listen: str = "127.0.0.1:8001"
    served_model_name: str = ""
    device: str = "auto"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    max_model_len: int = 0
    max_num_seqs: int = 64
    max_num_batched_tokens: int = 2048
    max_loras: int = 0
    max_lora_rank: int = 16
    adapter_memory_mb: int = 512
    prefix_cache_mb: int = 64
    max_queue: int = 1024
    max_connections: int = 2048
    drain_timeout: float = 30.0
    chat_template: Path | None = None
    adapter_folders: Path | None = None
    threads: int = 0


DEFAULT_SERVING = ServingOptions()


def serving_command(base: Path, artifacts: str, options: ServingOptions) -> list[str]:
    """The command line of the server process."""
    command = [sys.executable, "-m", "workers.serving.main", "--serve", str(base), "--artifacts", artifacts]
    for name in ServingOptions.__dataclass_fields__:
        value = getattr(options, name)
        if value not in {None, ""}:
            command += [f"--{name.replace('_', '-')}", str(value)]
    return command
