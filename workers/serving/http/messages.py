"""What a conversation's messages are to a chat template: text content, calls with their arguments as objects.

Covered: parts of text, calls that the model made and results of tools (`tool`). Refused: images, sounds,
missing roles, calls whose arguments are no JSON object.
"""

import json
from typing import Any

from workers.serving.errors import BadRequestError

Message = dict[str, Any]


def plain_message(message: Message) -> Message:
    """A message with text content; raises BadRequestError."""
    calls = message.get("tool_calls") or []
    content = _text(message.get("content"))
    if content is None and calls:
        content = ""
    if not isinstance(message.get("role"), str) or content is None:
        raise BadRequestError("a message has a role and text content", "messages")
    plain = {**message, "content": content}
    plain.pop("tool_calls", None)
    return {**plain, "tool_calls": _calls(calls)} if calls else plain


def _text(content: Any) -> str | None:
    if not isinstance(content, list):
        return content if isinstance(content, str) else None
    if not all(isinstance(part, dict) and part.get("type") == "text" for part in content):
        raise BadRequestError("only text content is served here", "messages")
    return "".join(str(part.get("text", "")) for part in content)


def _calls(calls: Any) -> list[Message]:
    if not isinstance(calls, list):
        raise BadRequestError("tool_calls is a list of calls", "messages")
    return [_call(call) for call in calls]


def _call(call: Any) -> Message:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise BadRequestError("a call in tool_calls has a function with a name", "messages")
    arguments = function.get("arguments") or {}
    try:
        arguments = json.loads(arguments) if isinstance(arguments, str) else arguments
    except (json.JSONDecodeError, RecursionError) as error:
        raise BadRequestError(f"a call's arguments are not JSON: {error}", "messages") from error
    if not isinstance(arguments, dict):
        raise BadRequestError("a call's arguments are a JSON object", "messages")
    return {**call, "type": "function", "function": {**function, "arguments": arguments}}
