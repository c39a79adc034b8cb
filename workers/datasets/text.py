"""What a text record is: plain text, an instruction, a conversation or a preference pair, in one encoding.

Four forms, told apart by their keys, as the field's tools write them:
`{"text"}`; alpaca `{"instruction", "output"}` with optional `input`, `system`, `history`; OpenAI
`{"messages": [{"role", "content"}, …]}`; `{"prompt", "chosen", "rejected"}`. Each may have `parents`, the
records it was made from.

Covered: reading, limits, canonical bytes, and each form as a conversation that ends in what is to be learnt.
Not covered: tool calls and pictures in messages. Source: `docs/formats.md`, "Text records".
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from genesis.keccak import keccak256
from genesis.types import Hash32
from workers.artifacts import canonical_json
from workers.datasets.parents import names_of, parse_parents
from workers.datasets.records import MAX_RECORDS
from workers.errors import InvalidInputError

MAGIC = b"OLTX\x01"
"""Text, format 1."""
MAX_TEXT_BYTES = 1 << 20
"""Of one record, in canonical JSON."""
MAX_MESSAGES = 256
ROLES = ("system", "user", "assistant")


@dataclass(frozen=True, slots=True)
class Message:
    """One turn; `role` is one of ROLES."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class TextRecord:
    """`content` is the canonical JSON of the record without its parents; `form` names which of the four."""

    form: str
    content: bytes
    parents: tuple[Hash32, ...] = ()

    def fields(self) -> dict[str, Any]:
        """The content as plain values."""
        fields: dict[str, Any] = canonical_json.decode(self.content)
        return fields

    def turns(self) -> tuple[tuple[Message, ...], str]:
        """The conversation before, and the response that is learnt; plain text has nothing before it."""
        return _TURNS[self.form](self.fields())

    def plain(self) -> str:
        """All of its text, in reading order: what sketches, passages and searches look at."""
        before, response = self.turns()
        rejected = [self.fields()["rejected"]] if self.form == "preference" else []
        return "\n".join([*(message.content for message in before), response, *rejected])


def content_hash(record: TextRecord) -> Hash32:
    """Keccak-256 of magic and content: what a record leaf binds."""
    return keccak256(MAGIC + record.content)


def text_record(value: object) -> TextRecord:
    """A record from one JSON object; raises InvalidInputError saying what is wrong with it."""
    if not isinstance(value, dict):
        raise InvalidInputError("a record is a JSON object")
    fields = {key: found for key, found in value.items() if key != "parents"}
    form = form_of(fields)
    content = canonical_json.encode(_CHECKS[form](fields))
    if len(content) > MAX_TEXT_BYTES:
        raise InvalidInputError(f"the record is longer than {MAX_TEXT_BYTES} bytes")
    return TextRecord(form, content, parse_parents(value.get("parents", [])))


def form_of(fields: Mapping[str, Any]) -> str:
    """Which form the keys are those of; raises InvalidInputError."""
    keys = set(fields)
    for form, (needed, allowed) in FORMS.items():
        if needed <= keys <= allowed:
            return form
    raise InvalidInputError(
        'the keys must be {"text"}, {"instruction", "output"} (and "input", "system", "history"), '
        f'{{"messages"}} or {{"prompt", "chosen", "rejected"}}, not {sorted(map(str, keys))}'
    )


def encode_text_jsonl(records: Iterable[TextRecord]) -> bytes:
    """A contribution's file: one canonical JSON object per line."""
    return b"".join(canonical_json.encode(to_line(record)) + b"\n" for record in records)


def to_line(record: TextRecord) -> dict[str, Any]:
    """The record as the object of its line."""
    parents = {"parents": names_of(record.parents)} if record.parents else {}
    return {**record.fields(), **parents}


def decode_text_jsonl(data: bytes) -> list[TextRecord]:
    """The records of a contribution's file, in order; raises InvalidInputError naming the line."""
    lines = [line for line in data.split(b"\n") if line.strip()]
    if not 1 <= len(lines) <= MAX_RECORDS:
        raise InvalidInputError(f"a contribution holds 1 to {MAX_RECORDS} records, not {len(lines)}")
    return [_from_line(line, number) for number, line in enumerate(lines, start=1)]


def _from_line(line: bytes, number: int) -> TextRecord:
    try:
        return text_record(canonical_json.decode(line))
    except InvalidInputError as error:
        raise InvalidInputError(f"line {number}: {error}") from error


# --- Checks: fields to the canonical form -----------------------------------------------------------------


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise InvalidInputError(f"{name} must be text")
    if not value.strip():
        raise InvalidInputError(f"{name} is empty")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidInputError(f"{name} holds half a surrogate pair") from error
    return value


def _check_plain(fields: dict[str, Any]) -> dict[str, Any]:
    return {"text": _text(fields["text"], "text")}


def _check_alpaca(fields: dict[str, Any]) -> dict[str, Any]:
    checked: dict[str, Any] = {key: _text(fields[key], key) for key in ("instruction", "output")}
    for key in ("input", "system"):  # written and empty is the same as not written
        if fields.get(key):
            checked[key] = _text(fields[key], key)
    history = fields.get("history") or []
    if not isinstance(history, list) or len(history) > MAX_MESSAGES:
        raise InvalidInputError("history must be an array of [question, answer] pairs")
    for turn in history:
        if not isinstance(turn, list) or len(turn) != 2:
            raise InvalidInputError("history must be an array of [question, answer] pairs")
        for side in turn:
            _text(side, "history")
    return {**checked, "history": history} if history else checked


def _check_messages(fields: dict[str, Any]) -> dict[str, Any]:
    return {"messages": _messages(fields["messages"], "messages", last="assistant")}


def _check_preference(fields: dict[str, Any]) -> dict[str, Any]:
    prompt = fields["prompt"]
    checked = _text(prompt, "prompt") if isinstance(prompt, str) else _messages(prompt, "prompt", last="user")
    chosen, rejected = (_text(fields[key], key) for key in ("chosen", "rejected"))
    if chosen == rejected:
        raise InvalidInputError("chosen and rejected are the same")
    return {"prompt": checked, "chosen": chosen, "rejected": rejected}


def _messages(value: object, name: str, last: str) -> list[dict[str, str]]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_MESSAGES:
        raise InvalidInputError(f"{name} must be an array of 1 to {MAX_MESSAGES} messages")
    for message in value:
        if not isinstance(message, dict) or set(message) != {"role", "content"}:
            raise InvalidInputError(f'{name}: each message has exactly "role" and "content"')
        if message["role"] not in ROLES:
            raise InvalidInputError(f"{name}: role {message['role']!r} is not one of {', '.join(ROLES)}")
        _text(message["content"], f"{name}: content")
    if value[-1]["role"] != last:
        raise InvalidInputError(f"{name}: the last message must be the {last}'s")
    return value


# --- Turns: the canonical form as a conversation ----------------------------------------------------------


def _plain_turns(fields: dict[str, Any]) -> tuple[tuple[Message, ...], str]:
    return (), fields["text"]


def _alpaca_turns(fields: dict[str, Any]) -> tuple[tuple[Message, ...], str]:
    before = [Message("system", fields["system"])] if "system" in fields else []
    for question, answer in fields.get("history", []):
        before += [Message("user", question), Message("assistant", answer)]
    asked = "\n\n".join([fields["instruction"], *([fields["input"]] if "input" in fields else [])])
    return (*before, Message("user", asked)), fields["output"]


def _messages_turns(fields: dict[str, Any]) -> tuple[tuple[Message, ...], str]:
    *before, last = (Message(**message) for message in fields["messages"])
    return tuple(before), last.content


def _preference_turns(fields: dict[str, Any]) -> tuple[tuple[Message, ...], str]:
    prompt = fields["prompt"]
    asked = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
    return tuple(Message(**message) for message in asked), fields["chosen"]


FORMS: Mapping[str, tuple[set[str], set[str]]] = {
    "text": ({"text"}, {"text"}),
    "alpaca": ({"instruction", "output"}, {"instruction", "output", "input", "system", "history"}),
    "messages": ({"messages"}, {"messages"}),
    "preference": ({"prompt", "chosen", "rejected"}, {"prompt", "chosen", "rejected"}),
}
"""Keys that a record of the form needs, and all that it may have."""
_CHECKS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "text": _check_plain,
    "alpaca": _check_alpaca,
    "messages": _check_messages,
    "preference": _check_preference,
}
_TURNS: dict[str, Callable[[dict[str, Any]], tuple[tuple[Message, ...], str]]] = {
    "text": _plain_turns,
    "alpaca": _alpaca_turns,
    "messages": _messages_turns,
    "preference": _preference_turns,
}
