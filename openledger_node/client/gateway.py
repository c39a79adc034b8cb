"""How a customer and an operator use a gateway: artefacts, jobs, models, settlements over HTTP."""

import asyncio
import hashlib
import os
from collections.abc import Mapping
from typing import Any

import aiohttp
import orjson

from openledger_node.client.errors import UnreachableError
from openledger_node.client.http import HttpClient, encoded
from openledger_node.errors import OpenLedgerError

POLL_S = 0.25
DEV_OPERATOR_TOKEN = "openledger-development"  # noqa: S105 - as public as the development keys
TOKEN_VARIABLE = "OPENLEDGER_OPERATOR_TOKEN"  # noqa: S105 - a variable's name


class GatewayError(OpenLedgerError):
    """The gateway refused: HTTP status, machine-readable code and the whole body."""

    code = "OL-1314"

    def __init__(self, path: str, status: int, body: Mapping[str, Any]) -> None:
        error = body.get("error") or {}
        super().__init__(f"{path} answered {status}: {error.get('message', 'no reason given')}")
        self.status = status
        self.reason = str(error.get("code", ""))
        self.body = body


class GatewayClient(HttpClient):
    """A gateway by URL."""

    def __init__(self, url: str, timeout_s: float = 60.0, token: str | None = None) -> None:
        """`token` is the operator's, for what only operators may; else the environment's or `dev`'s."""
        self.url = url.rstrip("/")
        if token is None:
            token = os.environ.get(TOKEN_VARIABLE, DEV_OPERATOR_TOKEN)
        self._authorization = {"Authorization": f"Bearer {token}"} if token else {}
        super().__init__(timeout_s)

    async def get(self, path: str) -> Any:
        """A JSON answer; raises GatewayError, UnreachableError."""
        return self._json(await self._request("GET", path))

    async def post(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> Any:
        """A JSON answer to a JSON body; raises GatewayError, UnreachableError, UserError."""
        return self._json(await self._request("POST", path, encoded(body), headers))

    async def put_artifact(self, data: bytes) -> str:
        """Upload; returns the artefact's name."""
        name = hashlib.sha256(data).hexdigest()
        await self._request("PUT", f"/artifacts/{name}", data)
        return name

    async def get_artifact(self, name: str) -> bytes:
        """Download and check against its name; raises UnreachableError when the bytes are others."""
        data = await self._request("GET", f"/artifacts/{name}")
        if hashlib.sha256(data).hexdigest() != name:
            raise UnreachableError(f"{self.url} gave other bytes than artefact {name}")
        return data

    async def job(self, kind: str, request: Any) -> Any:
        """Submit a job and wait for its result; raises OpenLedgerError with the worker's reason."""
        job = await self.post("/api/jobs", {"kind": kind, "request": request})
        while job["state"] in {"queued", "running"}:
            await asyncio.sleep(POLL_S)
            job = await self.get(f"/api/jobs/{job['id']}")
        if job["state"] != "done":
            raise OpenLedgerError(f"{kind} job {job['state']}: {job['error']}")
        return job["result"]

    def _json(self, data: bytes) -> Any:
        try:
            return orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise UnreachableError(f"{self.url} gave an answer that is not JSON ({error})") from error

    async def _request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> bytes:
        try:
            async with self._session.request(
                method, f"{self.url}{path}", data=body, headers={**self._authorization, **(headers or {})}
            ) as response:
                data = await response.read()
                status = response.status
        except (TimeoutError, aiohttp.ClientError) as error:
            raise UnreachableError(f"{self.url} gave no answer ({error})", "is the gateway up?") from error
        if status >= 400:
            raise GatewayError(path, status, _object(data))
        return data


def _object(data: bytes) -> Mapping[str, Any]:
    try:
        parsed = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
