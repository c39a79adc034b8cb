"""How tools and their calls stand in a conversation whose chat template knows none: as text in Hermes' form.

What a template that knows them would write (Qwen's does), so that the rest is the same for every base.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from workers.serving.tools.calls import CLOSING, OPENING

Message = dict[str, Any]
INSTRUCTION = (
    "You may call these tools:\n{tools}\n"
    f'Call one by {OPENING}\n{{{{"name": its name, "arguments": {{{{its arguments}}}}}}}}\n{CLOSING}'
)
PROBE: Message = {
    "type": "function",
    "function": {"name": "probe", "description": "", "parameters": {"type": "object", "properties": {}}},
}


def in_words(messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]) -> list[Message]:
    """The conversation with calls and their results as text, and the tools in its system message."""
    said = [_spoken(message) for message in messages]
    if not tools:
        return said
    described = "\n".join(json.dumps(tool.get("function", tool), ensure_ascii=False) for tool in tools)
    instruction = INSTRUCTION.format(tools=described)
    if said[0]["role"] == "system":
        return [{**said[0], "content": f"{said[0]['content']}\n\n{instruction}"}, *said[1:]]
    return [{"role": "system", "content": instruction}, *said]


def _spoken(message: Message) -> Message:
    if message["role"] == "tool":
        return {"role": "user", "content": f"<tool_response>\n{message['content']}\n</tool_response>"}
    calls = message.get("tool_calls")
    if not calls:
        return message
    content = "\n".join([*filter(None, [message["content"]]), *map(_call, calls)])
    return {"role": message["role"], "content": content}


def _call(call: Mapping[str, Any]) -> str:
    function = call["function"]
    said = {"name": function["name"], "arguments": function["arguments"]}
    return f"{OPENING}\n{json.dumps(said, ensure_ascii=False)}\n{CLOSING}"
