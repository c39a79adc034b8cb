"""What the gateway says it can do over HTTP: an OpenAPI document made from its routes.

Paths, methods and words are the router's and its handlers' own, requests of jobs those of
`workers.protocol`; answers are described in `docs/gateway.md` and `docs/factory.md`.
Source: OpenAPI specification 3.1.0.
"""

import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, NewType, get_args, get_origin, get_type_hints

from aiohttp import web

from openledger_node import __version__
from openledger_node.gateway.http import json_response
from openledger_node.gateway.operators import is_guarded
from workers.protocol import REQUEST_TYPES, BigInt

PATH = "/api/openapi.json"
OPERATOR = "operator"
_PARAMETER = re.compile(r"{(\w+)(?::[^{}]+)?}")
_HEX = {"type": "string", "pattern": "^0x([0-9a-fA-F]{2})*$"}
_PLAIN: dict[Any, dict[str, Any]] = {
    BigInt: {"type": "string", "pattern": "^-?[0-9]+$"},
    bytes: _HEX,
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
}
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "code", "param"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "code": {"type": ["string", "null"]},
                "param": {"type": ["string", "null"]},
            },
        }
    },
}


class OpenApiRoutes:
    """`GET /api/openapi.json`; `kinds` are the jobs that are offered."""

    def __init__(self, kinds: Sequence[str]) -> None:
        self._kinds = kinds

    def add_to(self, router: web.UrlDispatcher) -> None:
        router.add_get(PATH, self.document)

    async def document(self, request: web.Request) -> web.StreamResponse:
        """This document."""
        return json_response(document(request.app.router, self._kinds))


def document(router: web.UrlDispatcher, kinds: Sequence[str]) -> dict[str, Any]:
    """The OpenAPI document of a router."""
    paths: dict[str, dict[str, Any]] = {}
    for path, route in _routes(router):
        operation = _job_operation(kinds) if (route.method, path) == ("POST", "/api/jobs") else {}
        paths.setdefault(path, {})[route.method.lower()] = _operation(path, route) | operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "openledger-node gateway",
            "version": __version__,
            "description": "Paid inference as OpenAI's API, jobs, datasets and files.",
            "license": {"name": "MIT"},
        },
        "paths": paths,
        "components": {
            "schemas": {"Error": _ERROR, **{kind: schema_of(REQUEST_TYPES[kind]) for kind in kinds}},
            "securitySchemes": {OPERATOR: {"type": "http", "scheme": "bearer"}},
        },
    }


def _routes(router: web.UrlDispatcher) -> Iterator[tuple[str, web.AbstractRoute]]:
    for route in router.routes():
        if route.resource is not None and route.method != "HEAD":
            yield _PARAMETER.sub(r"{\1}", _pattern(route.resource)), route


def _pattern(resource: web.AbstractResource) -> str:
    """A resource's path as it was written."""
    info = resource.get_info()
    if "formatter" not in info:
        return str(info["path"])
    return str(info["formatter"])


def _operation(path: str, route: web.AbstractRoute) -> dict[str, Any]:
    said = " ".join((inspect.getdoc(route.handler) or path).split())
    operation: dict[str, Any] = {
        "summary": said.split(". ")[0].split("; ")[0],
        "description": said,
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in _PARAMETER.findall(path)
        ],
        "responses": {"2XX": {"description": "as described"}, "default": _refusal()},
    }
    if is_guarded(route.method, path):
        operation["security"] = [{OPERATOR: []}]
    if route.method in {"POST", "PUT"}:
        operation["requestBody"] = {"content": {_media(route.method): {"schema": {}}}}
    return operation


def _media(method: str) -> str:
    return "application/octet-stream" if method == "PUT" else "application/json"


def _refusal() -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Error"}
    return {"description": "a refusal", "content": {"application/json": {"schema": schema}}}


def _job_operation(kinds: Sequence[str]) -> dict[str, Any]:
    choices = [
        {
            "type": "object",
            "required": ["kind", "request"],
            "properties": {"kind": {"const": kind}, "request": {"$ref": f"#/components/schemas/{kind}"}},
        }
        for kind in kinds
    ]
    content = {"application/json": {"schema": {"oneOf": choices}}}
    return {"requestBody": {"required": True, "content": content}}


def schema_of(hint: Any) -> dict[str, Any]:
    """The JSON schema of what `workers.protocol.codec` reads for a record, or for one of its fields."""
    if hint in _PLAIN:
        return _PLAIN[hint]
    if isinstance(hint, NewType):
        return schema_of(hint.__supertype__)
    if get_origin(hint) is tuple:
        return {"type": "array", "items": schema_of(get_args(hint)[0])}
    if not is_dataclass(hint):
        return {}
    hints = get_type_hints(hint)
    return {
        "type": "object",
        "description": " ".join((inspect.getdoc(hint) or "").split()),
        "additionalProperties": False,
        "required": sorted(hints),
        "properties": {field.name: schema_of(hints[field.name]) for field in fields(hint)},
    }
