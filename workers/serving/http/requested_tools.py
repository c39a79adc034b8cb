"""Which tools a request offers and which of them the answer must call: OpenAI's `tools` and `tool_choice`."""

import json
import re
from typing import Any

from workers.serving.errors import BadRequestError
from workers.serving.http.schema import ChatRequest
from workers.serving.tools.tool import Tool, Tools

MOST_TOOLS = 128
LARGEST_TOOLS_BYTES = 64 << 10
"""Of all of a request's tools together."""
MOST_CALLS = 16
"""Of one answer that must call tools."""
_COMPOSED = {"$ref", "allOf", "anyOf", "oneOf", "patternProperties", "unevaluatedProperties"}
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def requested_tools(request: ChatRequest) -> Tools | None:
    """The tools of a request, None where none are offered or none may be called; raises BadRequestError."""
    choice = request.tool_choice
    offered = _tools(request.tools or [])
    if choice in (None, "auto", "none"):
        return None if choice == "none" or not offered else Tools(offered, (), _most(request))
    if not offered:
        raise BadRequestError("tool_choice needs tools to choose from", "tool_choice")
    if choice == "required":
        return Tools(offered, offered, _most(request))
    return Tools(offered, (_named(choice, offered),), 1)


def _most(request: ChatRequest) -> int:
    return 1 if request.parallel_tool_calls is False else MOST_CALLS


def _named(choice: Any, offered: tuple[Tool, ...]) -> Tool:
    function = choice.get("function") if isinstance(choice, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(name, str) or choice.get("type") != "function":
        raise BadRequestError(
            'tool_choice is "none", "auto", "required" or {"type": "function", "function": {"name": …}}',
            "tool_choice",
        )
    found = [tool for tool in offered if tool.name == name]
    if not found:
        raise BadRequestError(f"tool_choice names {name[:80]!r}, which is not in tools", "tool_choice")
    return found[0]


def _tools(given: list[Any]) -> tuple[Tool, ...]:
    if len(given) > MOST_TOOLS:
        raise BadRequestError(f"at most {MOST_TOOLS} tools are taken, not {len(given)}", "tools")
    try:
        size_bytes = len(json.dumps(given).encode())
    except RecursionError as error:
        raise BadRequestError("a tool is nested too deeply", "tools") from error
    if size_bytes > LARGEST_TOOLS_BYTES:
        raise BadRequestError(f"tools have at most {LARGEST_TOOLS_BYTES} bytes together", "tools")
    tools = tuple(_tool(each, f"tools[{number}]") for number, each in enumerate(given))
    if len({tool.name for tool in tools}) < len(tools):
        raise BadRequestError("two tools have the same name", "tools")
    return tools


def _tool(given: Any, where: str) -> Tool:
    function = given.get("function") if isinstance(given, dict) else None
    if not isinstance(function, dict) or given.get("type") != "function":
        raise BadRequestError(f'{where} is not {{"type": "function", "function": {{…}}}}', "tools")
    name, schema = function.get("name"), function.get("parameters")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadRequestError(f"{where} has no name of 1 to 64 letters, digits, _ and -", "tools")
    if not isinstance(function.get("description", ""), str | None):
        raise BadRequestError(f"{where} has a description that is not text", "tools")
    if not isinstance(schema, dict | None) or (schema or {}).get("type", "object") != "object":
        raise BadRequestError(f"{where} has parameters that are no schema of an object", "tools")
    return Tool(name, _arguments(schema or {"properties": {}}), given)


def _arguments(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of an object with no other properties than are named, where it says nothing of others.

    Without parameters a function takes none, as OpenAI has it.
    """
    is_plain = "properties" in schema and not _COMPOSED & schema.keys()
    return {"type": "object", **({"additionalProperties": False} if is_plain else {}), **schema}
