"""What a language model said, as one text: its words, then its calls of tools in Hermes' form.

A receipt's output hash is over this text and the answer's token ids, and passages are places in it. It is
made of what the customer was given, so that customer, provider and challengers come to the same one.
Format: `docs/gateway.md`, "Tools".
"""

import json
from collections.abc import Mapping
from typing import Any


def said_text(choice: Mapping[str, Any]) -> str:
    """The text of a choice of OpenAI's, chat or plain; of a chat without words only its calls."""
    message = choice.get("message")
    if message is None:
        return str(choice["text"])
    calls = "".join(_call(call["function"]) for call in message.get("tool_calls") or ())
    return str(message.get("content") or "") + calls


def _call(function: Mapping[str, Any]) -> str:
    name = json.dumps(function["name"], ensure_ascii=False)
    return f'<tool_call>{{"name": {name}, "arguments": {function["arguments"]}}}</tool_call>'
