"""How artefacts are read and written over HTTP: `GET` and `PUT /artifacts/{sha256}`.

Covered: content checked against its name both ways, a size limit, immutable caching. Not covered: who may
write (the port is local unless an operator puts something in front of it); deletion.
"""

import asyncio
import re

from aiohttp import web

from openledger_node.errors import UserError
from openledger_node.gateway.errors import NotFoundError
from openledger_node.gateway.http import json_response, read_body
from workers.artifacts.store import ArtifactStore, artifact_id

NAME = re.compile(r"[0-9a-f]{64}")


class ArtifactRoutes:
    def __init__(self, store: ArtifactStore, max_bytes: int) -> None:
        self._store = store
        self._max_bytes = max_bytes

    def add_to(self, router: web.UrlDispatcher) -> None:
        router.add_get("/artifacts/{name}", self.get)
        router.add_put("/artifacts/{name}", self.put)

    async def get(self, request: web.Request) -> web.StreamResponse:
        """The bytes, or 404."""
        name = _name(request)
        if not await asyncio.to_thread(self._store.has, name):
            raise NotFoundError(f"no artefact {name} here")
        return web.FileResponse(
            self._store.path(name),
            headers={
                "Content-Type": "application/octet-stream",
                "Cache-Control": "public, max-age=31536000, immutable",
                "X-Content-Type-Options": "nosniff",
            },
        )

    async def put(self, request: web.Request) -> web.StreamResponse:
        """201 with name and size; 400 when the bytes do not hash to the name, 413 when there are too many."""
        name = _name(request)
        data = await read_body(request, self._max_bytes)
        if artifact_id(data) != name:
            raise UserError(f"the body hashes to {artifact_id(data)}, not to {name}")
        await asyncio.to_thread(self._store.put, data)
        return json_response({"artifact": name, "size_bytes": len(data), "uri": f"sha256:{name}"}, 201)


def _name(request: web.Request) -> str:
    name = request.match_info["name"]
    if not NAME.fullmatch(name):
        raise UserError("an artefact is named by 64 lower-case hex digits")
    return name
