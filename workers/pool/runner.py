"""What a worker process does: one connection to a node, one job at a time on a thread, until the node goes.

node → `job` (id, kind, parameters), `cancel` (id), `want` (artifact). worker → `heartbeat`, `leaving` (no
further job), `progress` (id, done, text), `result` (id, value, artifacts written), `error` (id, code,
message), `artifact` (id, artifact, data in base64, last).

Covered: running, reporting, cancelling at the next progress point, ending with the node.
Not covered: which jobs there are (`workers.jobs.table`).
"""

import asyncio
import base64
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workers.artifacts.store import ArtifactId, ArtifactStore
from workers.errors import JobCancelledError, ProtocolError, WorkerError
from workers.pool.codec import Message, encode_message, read_message, write_message
from workers.progress import Progress

HEARTBEAT_S = 2.0
PIECE_BYTES = 4 * 1024 * 1024
PROGRESS_INTERVAL_S = 0.1

RunJob = Callable[[ArtifactStore, str, Any, Progress], Any]


class RecordingStore(ArtifactStore):
    """A store that remembers what a job wrote, so that the node can ask for what it does not have."""

    def __init__(self, directory: Path, url: str = "") -> None:
        super().__init__(directory, url)
        self.written: list[ArtifactId] = []

    def put(self, data: bytes) -> ArtifactId:
        """Keep and remember."""
        name = super().put(data)
        self.written.append(name)
        return name


class Runner:
    """Serves one connection; `serve` returns when the node has closed it."""

    def __init__(
        self,
        store: RecordingStore,
        run_job: RunJob,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._store = store
        self._run_job = run_job
        self._reader = reader
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self._job_id = ""
        self._cancelled = threading.Event()
        self._last_progress_s = 0.0

    async def serve(self) -> None:
        """Answer the node; raises ProtocolError when it breaks the protocol."""
        beat = asyncio.create_task(self._beat())
        try:
            while (message := await read_message(self._reader)) is not None:
                await self._receive(message)
        finally:
            self._cancelled.set()
            beat.cancel()

    async def leave(self) -> None:
        """Take no further job: the node closes the connection once the running one is done."""
        await write_message(self._writer, {"type": "leaving"})

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            await write_message(self._writer, {"type": "heartbeat"})

    async def _receive(self, message: Message) -> None:
        if message["type"] == "job":
            self._begin(str(message.get("id")), str(message.get("kind")), message.get("parameters"))
        elif message["type"] == "cancel":
            if message.get("id") == self._job_id:
                self._cancelled.set()
        elif message["type"] == "want":
            await self._send_artifact(str(message.get("artifact")))
        else:
            raise ProtocolError(f"unknown message {message['type']!r}")

    def _begin(self, job_id: str, kind: str, parameters: Any) -> None:
        self._job_id, self._cancelled = job_id, threading.Event()
        self._store.written = []
        threading.Thread(
            target=self._work, args=(job_id, kind, parameters, self._cancelled), daemon=True
        ).start()

    def _work(self, job_id: str, kind: str, parameters: Any, cancelled: threading.Event) -> None:
        def progress(done: float, text: str) -> None:
            if cancelled.is_set():
                raise JobCancelledError(f"job {job_id} was cancelled")
            self._loop.call_soon_threadsafe(self._send_progress, job_id, done, text)

        try:
            value = self._run_job(self._store, kind, parameters, progress)
            names = list(dict.fromkeys(self._store.written))
            answer: Message = {"type": "result", "id": job_id, "value": value, "artifacts": names}
            frame = encode_message(answer)
        except WorkerError as error:
            frame = encode_message(_failure(job_id, error.code, str(error)))
        except Exception as error:  # noqa: BLE001 - this process's one supervisor: the node must hear of it
            frame = encode_message(_failure(job_id, "crashed", f"{type(error).__name__}: {error}"))
        self._loop.call_soon_threadsafe(self._writer.write, frame)

    def _send_progress(self, job_id: str, done: float, text: str) -> None:
        now_s = self._loop.time()
        if now_s - self._last_progress_s >= PROGRESS_INTERVAL_S:
            self._last_progress_s = now_s
            message = {"type": "progress", "id": job_id, "done": done, "text": text}
            self._writer.write(encode_message(message))

    async def _send_artifact(self, name: str) -> None:
        data = await asyncio.to_thread(self._store.get, name)
        for start in range(0, max(1, len(data)), PIECE_BYTES):
            piece = base64.b64encode(data[start : start + PIECE_BYTES]).decode()
            is_last = start + PIECE_BYTES >= len(data)
            await write_message(
                self._writer,
                {"type": "artifact", "id": self._job_id, "artifact": name, "data": piece, "last": is_last},
            )


def _failure(job_id: str, code: str, text: str) -> Message:
    return {"type": "error", "id": job_id, "code": code, "message": text[:10_000]}
