"""The OpenAPI document holds every route, and its schemas accept what the gateway accepts."""

from typing import Any

import jsonschema  # type: ignore[import-untyped] # it has no stubs
import pytest
from aiohttp import web

from openledger_node.gateway.job_routes import OFFERED_KINDS
from openledger_node.gateway.openapi import document, schema_of
from tests.gateway.conftest import Running
from workers.artifacts.store import ArtifactId
from workers.errors import InvalidInputError
from workers.protocol import CleaningRule, ColumnName, PrepareRequest, UploadedFile
from workers.protocol.codec import from_json, to_json

UPLOADED = UploadedFile("a.csv", ArtifactId("0" * 64))
WISH = to_json(PrepareRequest((UPLOADED,), columns=(ColumnName("a", "text"),)))


async def test_every_route_is_in_the_document(running: Running) -> None:
    found = await running.http.get("/api/openapi.json")
    assert found["openapi"].startswith("3.1")
    assert {"get", "put"} == set(found["paths"]["/artifacts/{name}"])
    assert [each["name"] for each in found["paths"]["/v1/models/{name}/price"]["get"]["parameters"]] == [
        "name"
    ]
    for path in ("/v1/chat/completions", "/api/jobs", "/api/factory/plans", "/api/datasets", "/v1/usage"):
        for operation in found["paths"][path].values():
            assert operation["summary"]
            assert operation["responses"]["default"]
    assert found["paths"]["/api/jobs"]["post"]["security"] == [{"operator": []}]
    assert "security" not in found["paths"]["/v1/chat/completions"]["post"]
    named = set(found["components"]["schemas"])
    assert named == {"Error", *OFFERED_KINDS}


def test_paths_are_written_without_their_expressions() -> None:
    app = web.Application()

    async def handler(_request: web.Request) -> web.Response:
        """Say something. And more."""
        return web.Response()

    app.router.add_get("/a/{name:.+}/b/{id}", handler)
    [(path, operations)] = document(app.router, ())["paths"].items()
    assert path == "/a/{name}/b/{id}"
    assert operations["get"]["summary"] == "Say something"


@pytest.mark.parametrize(
    ("change", "holds"),
    [
        ({}, True),
        ({"cleaning": [to_json(CleaningRule("email"))]}, True),
        ({"width": "4"}, False),
        ({"surprise": 1}, False),
        ({"files": {}}, False),
    ],
)
def test_schemas_hold_what_the_codec_reads(change: dict[str, Any], holds: bool) -> None:
    wish = WISH | change
    assert jsonschema.Draft202012Validator(schema_of(PrepareRequest)).is_valid(wish) is holds
    if holds:
        from_json(PrepareRequest, wish)
    else:
        with pytest.raises(InvalidInputError):
            from_json(PrepareRequest, wish)
