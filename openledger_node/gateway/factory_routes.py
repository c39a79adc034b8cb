"""The Model Factory over HTTP: recipes, plans, runs with their loss, and what to sign to publish one.

Reading is public; plans and runs are the operator's (`gateway.operators`). Progress as it happens is at
`/api/jobs/{id}/events`; files and evaluations are ordinary jobs and artefacts.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from openledger_node.client.datasets import dataset_version
from openledger_node.client.draws import is_due, parent_draws, undrawn
from openledger_node.client.economy import DATANETS, EconomyReader
from openledger_node.client.index_stake import missing_stake_wei
from openledger_node.errors import UserError
from openledger_node.factory.cleaning import Cleaner
from openledger_node.factory.estimate import TEXT_KINDS
from openledger_node.factory.planning import Planner
from openledger_node.factory.plans import Plan, wish_from
from openledger_node.factory.progress import fields_of
from openledger_node.factory.publication import Call, registration, sale, staking
from openledger_node.factory.recipes import described
from openledger_node.gateway.errors import ConflictError, NotFoundError
from openledger_node.gateway.http import json_response, read_json
from openledger_node.gateway.job_routes import job_to_json
from openledger_node.gateway.values import address_of
from openledger_node.jobs.machine import Job, JobState
from openledger_node.jobs.scheduler import JobScheduler
from workers.artifacts.store import ArtifactId, ArtifactStore
from workers.datasets.cleaning import RULES
from workers.protocol import DatasetVersion, FeatureIndexRequest, FeatureIndexResult
from workers.protocol.codec import from_json, to_json

RUN_KINDS = (*TEXT_KINDS, "train")
LOOKED_AT = 200
DEFAULT_AGE_S = 14 * 24 * 3_600


class FactoryRoutes:
    """`/api/factory/…`."""

    def __init__(
        self, *, reader: EconomyReader, artifacts: ArtifactStore, scheduler: JobScheduler, cleaner: Cleaner
    ) -> None:
        self._reader = reader
        self._planner = Planner(reader, artifacts)
        self._artifacts = artifacts
        self._scheduler = scheduler
        self._cleaner = cleaner

    def add_to(self, router: web.UrlDispatcher) -> None:
        router.add_get("/api/factory/recipes", self.recipes)
        router.add_post("/api/factory/plans", self.plan)
        router.add_post("/api/factory/runs", self.start)
        router.add_get("/api/factory/runs", self.runs)
        router.add_get("/api/factory/runs/{id}", self.run)
        router.add_post("/api/factory/runs/{id}/publication", self.publication)
        router.add_post("/api/factory/clean", self.clean)

    async def recipes(self, _request: web.Request) -> web.StreamResponse:
        """Presets with their settings, and the cleaning rules a curator can choose."""
        return json_response({"presets": described(), "cleaning": list(RULES)})

    async def plan(self, request: web.Request) -> web.StreamResponse:
        """A wish → what it would be, cost, what stands in the way and the command that does the same."""
        return json_response((await self._plan(request)).to_json())

    async def start(self, request: web.Request) -> web.StreamResponse:
        """A wish → 202 with the run; 409 when something stands in the way. The same wish is the same run."""
        plan = await self._plan(request)
        if plan.verdict.problems:
            raise ConflictError("; ".join(plan.verdict.problems))
        job = await self._scheduler.submit(plan.kind, to_json(plan.request))
        return json_response({**job_to_json(job), "plan": plan.to_json()}, 202)

    async def runs(self, _request: web.Request) -> web.StreamResponse:
        """The newest runs of every kind."""
        jobs = await self._scheduler.recent(LOOKED_AT)
        return json_response({"runs": [job_to_json(job) for job in jobs if job.kind in RUN_KINDS]})

    async def run(self, request: web.Request) -> web.StreamResponse:
        """A run with its newest progress as fields and the losses seen so far."""
        job = await self._job(request)
        progress = [
            item.data for item in await self._scheduler.news_so_far(job.id) if item.kind == "progress"
        ]
        seen = [fields_of(str(each.get("message", ""))) for each in progress]
        curve = [point for _, point in sorted({each["step"]: _point(each) for each in seen if each}.items())]
        newest = {**progress[-1], **seen[-1]} if progress else None
        return json_response(
            {**job_to_json(job), "request": job.request, "progress": newest, "losses": curve}
        )

    async def publication(self, request: web.Request) -> web.StreamResponse:
        """What to sign: first `registerModel`, with draws that derived records still want; with the `modelId`
        it gave, prices and the feature index, and before them what `signer` has to stake for the index."""
        job, body = await self._job(request), await read_json(request)
        if job.state is not JobState.DONE:
            raise ConflictError(f"run {job.id[:8]} is {job.state}: only a finished one can be published")
        versions = [await dataset_version(self._reader, *each) for each in _sources(job)]
        if "modelId" not in body:
            call = registration(
                model=job.result["model"],
                manifest=job.result["manifest"],
                parent=_number(body, "parent", 0),
                sources=_sources(job),
            )
            draws = await self._missing_draws(versions)
            return json_response({"transactions": [each.to_json() for each in (*draws, call)]})
        request_of_index = FeatureIndexRequest(
            ArtifactId(job.result["manifest"]), draws=await parent_draws(self._reader, versions)
        )
        index = await self._scheduler.result("feature_index", to_json(request_of_index))
        model_id = _number(body, "modelId")
        staked = staking(await self._missing_stake_wei(body, model_id))
        calls = staked + sale(
            model_id,
            _number(body, "inputPrice"),
            _number(body, "outputPrice"),
            from_json(FeatureIndexResult, index),
        )
        return json_response({"transactions": [call.to_json() for call in calls]})

    async def clean(self, request: web.Request) -> web.StreamResponse:
        """`{ageS, removes}` → what nobody needs and is older, with sizes; removed only when told."""
        body = await read_json(request)
        removes = body.get("removes", False)
        if type(removes) is not bool:
            raise UserError("removes must be true or false")
        age_s = _number(body, "ageS", DEFAULT_AGE_S)
        return json_response(await self._cleaner.clean(self._artifacts.directory, age_s, removes=removes))

    async def _missing_stake_wei(self, body: Mapping[str, Any], model_id: int) -> int:
        """What the account in `signer` has to stake before it may sign the index; 0 when none is named."""
        if "signer" not in body:
            return 0
        return await missing_stake_wei(self._reader, address_of(body["signer"]), model_id)

    async def _missing_draws(self, versions: Sequence[DatasetVersion]) -> list[Call]:
        """Calls that have draws kept; 409 while the L1 block of one is not there."""

        async def fetch(name: ArtifactId) -> bytes:
            return await asyncio.to_thread(self._artifacts.get, name)

        missing = await undrawn(self._reader, versions, fetch)
        for number in missing:
            if not await is_due(self._reader, number):
                raise ConflictError(f"the L1 block that draws for contribution {number} is not there yet")
        return [Call(DATANETS, "drawParents", (number,)) for number in missing]

    async def _plan(self, request: web.Request) -> Plan:
        wish = wish_from(await read_json(request))
        return await self._planner.plan(wish, await self._scheduler.recent(LOOKED_AT))

    async def _job(self, request: web.Request) -> Job:
        job = await self._scheduler.get(request.match_info["id"])
        if job is None or job.kind not in RUN_KINDS:
            raise NotFoundError(f"no run {request.match_info['id']}")
        return job


def _point(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What the curve shows of a step."""
    return {name: fields[name] for name in ("step", "loss", "margin", "accuracy") if name in fields}


def _sources(job: Job) -> list[tuple[int, int]]:
    versions = job.request["datasets"] if job.kind in TEXT_KINDS else [job.request["dataset"]]
    return [(each["datanet_id"], each["version"]) for each in versions]


def _number(body: Mapping[str, Any], name: str, default: int | None = None) -> int:
    """An integer, or a decimal string of one; raises UserError."""
    value = body.get(name, default)
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        return int(value)
    if type(value) is not int or value < 0:
        raise UserError(f"{name} must be a number, wei as a decimal string")
    return value
