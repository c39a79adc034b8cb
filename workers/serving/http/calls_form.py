"""The form of an answer that must call a tool: the grammar of the calls that `calls` reads."""

import json
from collections.abc import Sequence
from typing import Any

from llguidance import LLMatcher

from workers.serving.forms import WHITESPACE, Form
from workers.serving.tools.calls import CLOSING, OPENING
from workers.serving.tools.tool import Tool


def calls_form(tools: Sequence[Tool], most_calls: int) -> Form:
    """One call of these tools, or up to `most_calls`, with arguments of their schemas."""
    rules = [f"tool{number}: {_call(tool)}" for number, tool in enumerate(tools)]
    names = " | ".join(f"tool{number}" for number in range(len(tools)))
    more = f' ("\\n" call){{0,{most_calls - 1}}}' if most_calls > 1 else ""
    return LLMatcher.grammar_from_lark("\n".join([f"start: call{more}", f"call: {names}", *rules]) + "\n")


def _call(tool: Tool) -> str:
    before = json.dumps(f'{OPENING}\n{{"name": "{tool.name}", "arguments": ')
    after = json.dumps(f"}}\n{CLOSING}")
    schema: dict[str, Any] = {**tool.schema, "x-guidance": WHITESPACE}
    return f"{before} %json {json.dumps(schema)} {after}"
