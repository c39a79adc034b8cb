"""How the OpenLoRA server starts: `python -m workers.serving.main --serve FOLDER --listen HOST:PORT …`.

Prints `OpenLoRA serves NAME at http://HOST:PORT` on standard output once it answers. SIGTERM and SIGINT
drain: nothing new is taken, what runs may finish; so does the end of the node that started the server, which
closes its standard input. Exit codes: 0 drained, 1 could not start, 2 bad usage.
"""

import argparse
import asyncio
import logging
import os
import signal
import sys
import tempfile
from pathlib import Path

from workers.artifacts.store import ArtifactStore
from workers.errors import WorkerError
from workers.parent import end_with_parent
from workers.serving.errors import ServingError
from workers.serving.server import Server, ServerOptions

FAILED, DRAINED = 1, 0


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line; exits with 2 when it is wrong."""
    parser = argparse.ArgumentParser(prog="openlora", description="Serves one base and many adapters.")
    parser.add_argument("--serve", required=True, type=Path, help="Hugging Face folder of the base")
    parser.add_argument("--listen", default="127.0.0.1:8001", help="HOST:PORT; port 0 takes a free one")
    parser.add_argument("--artifacts", default="", help="folder or URL (…/artifacts) of adapters by hash")
    parser.add_argument("--served-model-name", default="", help="the base's name; default: its folder's")
    parser.add_argument(
        "--device", default="auto", help="cpu, cuda, cuda:N; auto takes a GPU if there is one"
    )
    parser.add_argument("--dtype", default="auto", choices=("auto", "float32", "bfloat16", "float16"))
    parser.add_argument("--max-model-len", type=int, default=0, help="tokens a sequence; 0: the base's")
    parser.add_argument("--max-num-seqs", type=int, default=64, help="sequences computed together")
    parser.add_argument("--max-num-batched-tokens", type=int, default=2048, help="rows of one step")
    parser.add_argument("--max-loras", type=int, default=0, help="adapters on the device; 0: as sequences")
    parser.add_argument("--max-lora-rank", type=int, default=16)
    parser.add_argument("--adapter-memory-mb", type=int, default=512, help="adapters kept in memory")
    parser.add_argument(
        "--prefix-cache-mb", type=int, default=64, help="memory for prompts that begin alike; 0: none"
    )
    parser.add_argument(
        "--max-connections", type=int, default=2048, help="open connections; more get 503 and are closed"
    )
    parser.add_argument("--max-queue", type=int, default=1024, help="open requests; more get 429")
    parser.add_argument("--drain-timeout", type=float, default=30.0, help="seconds for what runs to finish")
    parser.add_argument("--chat-template", type=Path, help="Jinja file for a base without one")
    parser.add_argument(
        "--adapter-folders", type=Path, help="folder in which lora_path may point to adapters"
    )
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0: one per core")
    return parser.parse_args(arguments)


def options_of(parsed: argparse.Namespace) -> ServerOptions:
    """The server's options; raises ServingError for a listen address that is none."""
    host, _, port = parsed.listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise ServingError(f"--listen {parsed.listen!r} is not HOST:PORT")
    return ServerOptions(
        base=parsed.serve,
        host=host.strip("[]"),
        port=int(port),
        name=parsed.served_model_name or parsed.serve.resolve().name,
        device=parsed.device,
        dtype=parsed.dtype,
        max_length=parsed.max_model_len,
        lanes=parsed.max_num_seqs,
        batch_tokens=parsed.max_num_batched_tokens,
        slots=parsed.max_loras or parsed.max_num_seqs,
        max_rank=parsed.max_lora_rank,
        memory_bytes=parsed.adapter_memory_mb << 20,
        prefix_bytes=parsed.prefix_cache_mb << 20,
        queue=parsed.max_queue,
        connections=parsed.max_connections,
        chat_template=parsed.chat_template.read_text() if parsed.chat_template else None,
        adapter_folders=parsed.adapter_folders,
        threads=parsed.threads,
        api_key=os.environ.get("OPENLEDGER_SERVING_API_KEY", ""),
    )


def open_store(where: str, temporary: Path) -> ArtifactStore:
    """Artefacts in a folder, or fetched from a URL into the cache."""
    if where.startswith(("http://", "https://")):
        root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        return ArtifactStore(Path(root) / "openledger-node" / "artifacts", where)
    return ArtifactStore(Path(where) if where else temporary)


async def serve(options: ServerOptions, store: ArtifactStore, drain_timeout_s: float) -> None:
    """Serve until told to stop, then drain."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    server = await Server.open(options, store)
    print(f"OpenLoRA serves {options.name} at {server.url}", flush=True)
    await stopping.wait()
    await server.close(drain_timeout_s)


def main(arguments: list[str] | None = None) -> int:
    """Run the server; returns the exit code."""
    parsed = parse_arguments(sys.argv[1:] if arguments is None else arguments)
    end_with_parent()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    with tempfile.TemporaryDirectory(prefix="openlora-") as temporary:
        try:
            store = open_store(parsed.artifacts, Path(temporary))
            asyncio.run(serve(options_of(parsed), store, parsed.drain_timeout))
        except (ServingError, WorkerError, OSError) as error:
            print(f"openlora: {error}", file=sys.stderr)
            return FAILED
    return DRAINED


if __name__ == "__main__":
    sys.exit(main())
