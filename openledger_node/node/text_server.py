"""How a node comes by a server of language models: it starts OpenLoRA on a base from its artefacts when told.

The base's hash is kept in the data directory, so that a restarted node serves the same again. Covered: files
checked against their hashes before anything reads them, another base later, a server that cannot start (the
node goes on without). Not covered: several bases at a time; a GPU of one's own choice (run `worker --serve`
and name it with `--gateway.text-url`).
"""

import asyncio
import sys
from pathlib import Path

import structlog

from openledger_node.errors import CriticalError, UserError
from openledger_node.node.children import ChildProcess
from openledger_node.node.preflight import free_port
from workers.artifacts.folders import materialise
from workers.artifacts.store import ArtifactStore, parse_id
from workers.errors import ArtifactError, InvalidInputError

BASE_FILE = "text-base"
BASES_FOLDER = "bases"
HOST = "127.0.0.1"
NAME = "base"
"""What the server calls its base; customers use the chain's names."""

HEALTHY_S = 20.0
"""A server that lived this long has loaded its base: it may die as often as that and is started again."""

log = structlog.get_logger(__name__)


class LocalTextServer:
    """The gateway's `TextServer`; `run` it beside the gateway."""

    def __init__(self, directory: Path, artifacts: ArtifactStore) -> None:
        self._directory = directory
        self._artifacts = artifacts
        self._port = free_port(HOST)
        self._changed = asyncio.Event()
        self.base = self._kept()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._port}" if self.base else ""

    async def serve(self, folder: str) -> None:
        """Serve a base from now on; raises UserError when its files are not here or not a model's."""
        try:
            name = parse_id(folder)
            await asyncio.to_thread(self._folder, name)
        except (ArtifactError, InvalidInputError) as error:
            raise UserError(f"the base {folder[:19]}… cannot be served: {error}") from error
        if name != self.base:
            (self._directory / BASE_FILE).write_text(name + "\n")
            self.base = name
            self._changed.set()

    async def run(self) -> None:
        """Keep a server on the chosen base until cancelled."""
        while True:
            self._changed.clear()
            if self.base:
                await self._serve_until_changed()
            else:
                await self._changed.wait()

    async def _serve_until_changed(self) -> None:
        folder = await asyncio.to_thread(self._folder, self.base)
        command = [sys.executable, "-m", "workers.serving.main", "--serve", str(folder)]
        command += ["--artifacts", str(self._artifacts.directory), "--listen", f"{HOST}:{self._port}"]
        command += ["--served-model-name", NAME]
        child = ChildProcess(
            "language models",
            command,
            self._directory / "logs" / "text-server.log",
            restart=True,
            healthy_s=HEALTHY_S,
        )
        serving = asyncio.create_task(child.run())
        changing = asyncio.create_task(self._changed.wait())
        try:
            await asyncio.wait({serving, changing}, return_when=asyncio.FIRST_COMPLETED)
            if serving.done():
                self._give_up(serving)
        finally:
            for task in (serving, changing):
                task.cancel()
            await asyncio.gather(serving, changing, return_exceptions=True)

    def _give_up(self, serving: "asyncio.Task[None]") -> None:
        error = serving.exception()
        if not isinstance(error, CriticalError):
            return
        log.error("language models are not served", reason=str(error))
        self.base = ""

    def _kept(self) -> str:
        path = self._directory / BASE_FILE
        return path.read_text().strip() if path.exists() else ""

    def _folder(self, name: str) -> Path:
        return materialise(self._artifacts, name, self._directory / BASES_FOLDER)
