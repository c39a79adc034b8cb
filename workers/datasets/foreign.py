"""How rows as others write them become rows as records are: conversations in cells and as preferences.

A table's cell holds a conversation as JSON text. Hub datasets write `chosen` and `rejected` as whole
conversations, with the prompt inside of both, or as the one message that answers a `prompt`. Here both are
texts and the prompt is what they have in common.

Source: trl's dataset formats "preference", "implicit prompt" and "conversational".
"""

from collections.abc import Callable
from typing import Any

from workers.artifacts import canonical_json
from workers.datasets.text import FORMS
from workers.errors import InvalidInputError

ANSWERS = ("chosen", "rejected")
CONVERSATIONS = ("messages", "prompt", *ANSWERS)


def conversations_of(row: dict[str, Any]) -> dict[str, Any]:
    """The row with conversations (and alpaca's history) that are written as JSON text read."""
    read = {name: _read(row[name], _is_message) for name in CONVERSATIONS if name in row}
    history = {"history": _read(row["history"], _is_pair)} if "history" in row else {}
    return {**row, **read, **history}


def _read(value: Any, fits: Callable[[Any], bool]) -> Any:
    """The array of messages or pairs that a text is; anything else as it is."""
    if not isinstance(value, str) or not value.lstrip().startswith("["):
        return value
    try:
        found = canonical_json.decode(value.encode(errors="replace"))
    except InvalidInputError:
        return value
    return found if found and all(fits(each) for each in found) else value


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and {"role", "content"} <= set(value)


def _is_pair(value: Any) -> bool:
    return isinstance(value, list)


def preference_of(row: dict[str, Any]) -> dict[str, Any]:
    """The row, or the same preference as prompt and two texts; raises InvalidInputError."""
    if not all(isinstance(row.get(name), list) for name in ANSWERS):
        return row
    befores, answers = zip(*(_conversation(row[name], name) for name in ANSWERS), strict=True)
    if befores[0] != befores[1]:
        raise InvalidInputError("chosen and rejected answer different conversations")
    prompt = row.get("prompt")
    if befores[0] and (prompt is None or _says(befores[0], prompt)):
        prompt = befores[0]
    elif befores[0]:
        raise InvalidInputError("the conversation in chosen does not begin with the prompt")
    if prompt is None:
        raise InvalidInputError("there is no prompt: neither a column nor in front of the answers")
    return {**row, "prompt": prompt, **dict(zip(ANSWERS, answers, strict=True))}


def without_surplus(row: dict[str, Any]) -> dict[str, Any]:
    """The row; raises InvalidInputError naming columns that no record has, where the others would be one."""
    keys = set(row) - {"parents"}
    fitting = [allowed for needed, allowed in FORMS.values() if needed <= keys]
    surplus = sorted(keys.difference(*fitting)) if fitting else []
    if not keys:
        raise InvalidInputError("the row is empty")
    if not fitting and all(keys.isdisjoint(allowed) for _, allowed in FORMS.values()):
        raise InvalidInputError(
            f"no record has the columns {sorted(keys)}: rename them (--column FROM=TO) to those of a text, "
            "an instruction with its output, messages, or a prompt with chosen and rejected"
        )
    if surplus:
        leave_out = " ".join(f"--column {name}=" for name in surplus)
        raise InvalidInputError(
            f"no record has a column {surplus[0]!r}: leave out what is too much ({leave_out})"
        )
    return row


def _conversation(messages: list[Any], name: str) -> tuple[list[Any], str]:
    """What was said before, and the last answer."""
    last = messages[-1] if messages else None
    if not isinstance(last, dict) or last.get("role") != "assistant" or "content" not in last:
        raise InvalidInputError(f"{name} must end with a message of the assistant")
    return messages[:-1], last["content"]


def _says(before: list[Any], prompt: Any) -> bool:
    """Whether a conversation is the prompt, as text or as messages."""
    if isinstance(prompt, str):
        last = before[-1]
        return isinstance(last, dict) and last.get("content") == prompt
    return bool(before == prompt)
