"""How jobs and datasets are asked for over HTTP, with progress as server-sent events."""

import asyncio
from contextlib import suppress
from typing import Any

import orjson
from aiohttp import web

from openledger_node.errors import UserError
from openledger_node.gateway.datasets import DatasetTable
from openledger_node.gateway.errors import NotFoundError
from openledger_node.gateway.http import json_response, read_json
from openledger_node.gateway.values import address_of
from openledger_node.jobs.machine import Job
from openledger_node.jobs.scheduler import JobScheduler
from workers.artifacts.store import ArtifactStore, parse_id
from workers.datasets.contribution import summarize
from workers.protocol import REQUEST_TYPES
from workers.protocol.codec import from_json, to_json

OFFERED_KINDS = (
    "embed",
    "evaluate",
    "feature_index",
    "finetune",
    "train_embedding",
    "evaluate_embedding",
    "ping",
    "prepare",
    "retrieval_index",
    "spans",
    "train",
    "verify",
)
HEARTBEAT_S = 15.0


class JobRoutes:
    def __init__(
        self, *, scheduler: JobScheduler, artifacts: ArtifactStore, datasets: DatasetTable, chain_id: int
    ) -> None:
        self._scheduler = scheduler
        self._artifacts = artifacts
        self._datasets = datasets
        self._chain_id = chain_id

    def add_to(self, router: web.UrlDispatcher) -> None:
        router.add_post("/api/jobs", self.submit)
        router.add_get("/api/jobs", self.recent)
        router.add_get("/api/jobs/{id}", self.get)
        router.add_get("/api/jobs/{id}/events", self.events)
        router.add_post("/api/jobs/{id}/cancel", self.cancel)
        router.add_post("/api/datasets", self.add_dataset)
        router.add_get("/api/datasets", self.list_datasets)

    async def submit(self, request: web.Request) -> web.StreamResponse:
        """`{kind, request}` → 202 with the job; the same body again gives the same job."""
        body = await read_json(request)
        kind = body.get("kind")
        if kind not in OFFERED_KINDS:
            raise UserError(f"job kind {kind!r} is not offered", f"choose one of {', '.join(OFFERED_KINDS)}")
        checked: Any = from_json(REQUEST_TYPES[kind], body.get("request"))
        job = await self._scheduler.submit(kind, to_json(checked))
        return json_response(job_to_json(job), 202)

    async def recent(self, _request: web.Request) -> web.StreamResponse:
        return json_response({"jobs": [job_to_json(job) for job in await self._scheduler.recent(50)]})

    async def get(self, request: web.Request) -> web.StreamResponse:
        return json_response(job_to_json(await self._job(request)))

    async def events(self, request: web.Request) -> web.StreamResponse:
        """All news of a job as server-sent events; `Last-Event-ID` resumes behind that one."""
        job = await self._job(request)
        after = _last_event_id(request)
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        beating = asyncio.create_task(_heartbeat(response))
        try:
            async for item in self._scheduler.news(job.id, after):
                data = orjson.dumps(item.data).decode()
                await response.write(f"id: {item.sequence}\nevent: {item.kind}\ndata: {data}\n\n".encode())
        finally:
            beating.cancel()
        return response

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        """The job after it was taken back; a finished one stays as it is."""
        job = await self._job(request)
        return json_response(job_to_json(await self._scheduler.cancel(job.id)))

    async def add_dataset(self, request: web.Request) -> web.StreamResponse:
        """`{artifact, datanet_id, contributor}` → what `contribute` takes; 400 names a malformed line."""
        body = await read_json(request)
        artifact, datanet_id, contributor = (body.get(k) for k in ("artifact", "datanet_id", "contributor"))
        if not isinstance(artifact, str) or type(datanet_id) is not int or not isinstance(contributor, str):
            raise UserError("artifact and contributor must be strings, datanet_id an integer")
        summary = await asyncio.to_thread(self._summary, artifact, datanet_id, contributor)
        await self._datasets.add(f"{artifact}-{datanet_id}-{contributor.lower()}", summary)
        return json_response(summary, 201)

    async def list_datasets(self, _request: web.Request) -> web.StreamResponse:
        return json_response({"datasets": await self._datasets.all()})

    def _summary(self, artifact: str, datanet_id: int, contributor: str) -> dict[str, Any]:
        if not 0 <= datanet_id < 1 << 256:
            raise UserError(f"datanet_id {datanet_id} is not a Datanet's number")
        found = address_of(contributor)
        data = self._artifacts.get(parse_id(artifact))
        summary = summarize(data, chain_id=self._chain_id, datanet_id=datanet_id, contributor=found)
        return {
            "artifact": summary.artifact,
            "uri": f"sha256:{summary.artifact}",
            "datanet_id": datanet_id,
            "contributor": f"0x{found.hex()}",
            "root": f"0x{summary.root.hex()}",
            "records": summary.records,
            "size_bytes": summary.size_bytes,
        }

    async def _job(self, request: web.Request) -> Job:
        job = await self._scheduler.get(request.match_info["id"])
        if job is None:
            raise NotFoundError(f"no job {request.match_info['id']}")
        return job


def job_to_json(job: Job) -> dict[str, Any]:
    """A job as the API shows it."""
    return {
        "id": job.id,
        "kind": job.kind,
        "state": str(job.state),
        "attempts": job.attempts,
        "created_s": job.created_s,
        "result": job.result,
        "error": job.error,
    }


async def _heartbeat(response: web.StreamResponse) -> None:
    with suppress(ConnectionError):
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            await response.write(b": still here\n\n")


def _last_event_id(request: web.Request) -> int:
    text = request.headers.get("Last-Event-ID", "0")
    if not text.isascii() or not text.isdecimal():
        raise UserError("Last-Event-ID must be a number from an earlier event")
    return int(text)
