"""How the parts of the OpenLoRA server are put together, opened and closed."""

import asyncio
import hashlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from aiohttp import web

from workers.artifacts import canonical_json
from workers.artifacts.folders import FORMAT, SUFFIXES
from workers.artifacts.store import ArtifactStore
from workers.serving.adapters.geometry import products_of
from workers.serving.adapters.kernel import load_kernel
from workers.serving.adapters.library import AdapterLibrary, BaseModel
from workers.serving.adapters.slots import SlotPool
from workers.serving.engine.engine import Engine, EngineLimits
from workers.serving.engine.thread import EngineThread
from workers.serving.errors import BadRequestError
from workers.serving.http.connections import Connections
from workers.serving.http.generation import Generator, ServerLimits
from workers.serving.http.routes import Routes
from workers.serving.model.shape import DTYPES, ModelShape, read_shape
from workers.serving.model.transformer import Transformer
from workers.serving.model.weights import load_weights
from workers.serving.text import Tokenizer

DRAIN_POLL_S = 0.05
LISTEN_BACKLOG = 1024
MOST_PREFETCHED = 32


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """One server's settings; `max_length` 0 takes the base's, `threads` 0 one per core, `api_key` "" none."""

    base: Path
    name: str
    host: str = "127.0.0.1"
    port: int = 0
    device: str = "auto"
    dtype: str = "auto"
    max_length: int = 0
    lanes: int = 64
    batch_tokens: int = 2048
    slots: int = 64
    max_rank: int = 16
    memory_bytes: int = 512 << 20
    prefix_bytes: int = 64 << 20
    queue: int = 1024
    chat_template: str | None = None
    adapter_folders: Path | None = None
    threads: int = 0
    api_key: str = ""
    connections: int = 2048
    idle_s: float = 60.0


class Server:
    """A running server; `url` is where it answers."""

    def __init__(self, generator: Generator, engine: EngineThread, door: "_Door") -> None:
        self.generator, self.url = generator, door.url
        self._engine, self._door = engine, door

    @classmethod
    async def open(cls, options: ServerOptions, store: ArtifactStore) -> "Server":
        """Load the base, start the engine, listen; raises BadRequestError, OSError."""
        engine, library, shape = await asyncio.to_thread(build_engine, options, store)
        tokenizer = await asyncio.to_thread(Tokenizer.load, options.base, options.chat_template)
        thread = EngineThread(engine)
        library.on_loaded = thread.wake
        generator = Generator(
            base_name=options.name,
            tokenizer=tokenizer,
            library=library,
            engine=thread,
            limits=ServerLimits(options.queue, engine.limits.length, shape.vocabulary),
            end_tokens=shape.end_tokens | tokenizer.end_tokens | _generation_ends(options.base),
        )
        routes = Routes(
            generator,
            store,
            created_s=int(time.time()),
            api_key=options.api_key,
            folders=options.adapter_folders,
        )
        door = await _Door.open(routes.application(), options)
        thread.start()
        return cls(generator, thread, door)

    async def close(self, drain_timeout_s: float = 0.0) -> None:
        """Take nothing new, let what runs finish for so long, then end."""
        self.generator.is_draining = True
        deadline_s = time.monotonic() + drain_timeout_s
        while self.generator.open_requests and time.monotonic() < deadline_s:
            await asyncio.sleep(DRAIN_POLL_S)
        await self._engine.close()
        await self._door.close()
        self.generator.library.close()


@dataclass(frozen=True, slots=True)
class _Door:
    """The listening half: HTTP over a limited number of connections."""

    url: str
    runner: web.AppRunner
    listener: asyncio.Server
    sweeper: "asyncio.Task[None]"

    @classmethod
    async def open(cls, application: web.Application, options: ServerOptions) -> "_Door":
        connections = Connections(options.connections, options.idle_s)
        application.middlewares.insert(0, connections.watch)
        runner = web.AppRunner(application, handler_cancellation=True, access_log=None)
        await runner.setup()
        assert runner.server is not None
        connections.attach(runner.server)
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(connections, options.host, options.port, backlog=LISTEN_BACKLOG)
        host = f"[{options.host}]" if ":" in options.host else options.host
        url = f"http://{host}:{listener.sockets[0].getsockname()[1]}"
        return cls(url, runner, listener, loop.create_task(connections.sweep()))

    async def close(self) -> None:
        self.sweeper.cancel()
        self.listener.close()
        await self.runner.cleanup()


def build_engine(options: ServerOptions, store: ArtifactStore) -> tuple[Engine, AdapterLibrary, ModelShape]:
    """Base, slots and library, without HTTP; raises BadRequestError."""
    threads = options.threads or os.cpu_count() or 1
    torch.set_num_threads(threads)
    device = torch.device(_device(options.device))
    shape = read_shape(options.base)
    dtype = DTYPES.get(options.dtype, shape.dtype)
    length = min(options.max_length or shape.max_positions, shape.max_positions)
    model = Transformer(shape, load_weights(options.base, shape, dtype, device), length)
    products = products_of(shape)
    kernel = load_kernel(products, dtype, device, threads)
    library = AdapterLibrary(
        store,
        BaseModel(products, shape.layers, dtype, folder_hash(options.base), kernel is not None),
        max_rank=options.max_rank,
        memory_bytes=options.memory_bytes,
        most_pinned=options.slots // 2,
    )
    slots = SlotPool(
        products,
        shape.layers,
        count=options.slots,
        rank=options.max_rank,
        dtype=dtype,
        device=device,
        kernel=kernel,
        is_pinned=library.is_pinned,
    )
    one_adapter = max(1, slots.size_bytes // options.slots)
    if one_adapter > options.memory_bytes:
        raise BadRequestError(f"--adapter-memory-mb holds not one adapter ({one_adapter} bytes) of this base")
    prefetch = min(MOST_PREFETCHED, options.memory_bytes // one_adapter)
    limits = EngineLimits(options.lanes, options.batch_tokens, length, prefetch, options.prefix_bytes)
    return Engine(model, slots, library, limits), library, shape


def folder_hash(folder: Path) -> str:
    """The hash a folder has as an artefact, or "" for one that could not be stored as one."""
    files: dict[str, str] = {}
    for file in sorted(folder.rglob("*")):
        if file.is_symlink() or (file.is_file() and file.suffix not in SUFFIXES):
            return ""
        if file.is_file():
            with file.open("rb") as content:
                files[file.relative_to(folder).as_posix()] = hashlib.file_digest(
                    content, "sha256"
                ).hexdigest()
    return hashlib.sha256(canonical_json.encode({"format": FORMAT, "files": files})).hexdigest()


def _device(wanted: str) -> str:
    if wanted != "auto":
        return wanted
    return "cuda" if torch.cuda.is_available() else "cpu"


def _generation_ends(folder: Path) -> frozenset[int]:
    """End tokens that only `generation_config.json` names."""
    path = folder / "generation_config.json"
    if not path.is_file():
        return frozenset()
    ends = json.loads(path.read_text()).get("eos_token_id")
    return frozenset([ends] if isinstance(ends, int) else ends or ())
