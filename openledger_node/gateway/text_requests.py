"""What a customer may ask a language model: OpenAI's request bodies, checked, and what goes on to the server.

Covered: chat and plain completions; unknown and unsupported parameters are refused by name, as OpenAI does.
Not covered: what a parameter means (the server checks ranges), payment.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from genesis.keccak import keccak256
from openledger_node.gateway.errors import ParameterError
from workers.artifacts import canonical_json

DEFAULT_MAX_TOKENS = 256
LARGEST_MAX_TOKENS = 16_384
LARGEST_TOP_K = 20
DEFAULT_RECORDS, MOST_RECORDS = 4, 16
"""That are looked up."""
CHAT_PATH, COMPLETION_PATH = "/v1/chat/completions", "/v1/completions"

_SAMPLING = frozenset(
    {
        "frequency_penalty",
        "guided_choice",
        "guided_json",
        "guided_regex",
        "logit_bias",
        "logprobs",
        "min_p",
        "presence_penalty",
        "repetition_penalty",
        "response_format",
        "seed",
        "stop",
        "structured_outputs",
        "temperature",
        "top_k",
        "top_p",
    }
)
_TOOLS = frozenset({"parallel_tool_calls", "tool_choice", "tools"})
_FORWARDED = {
    CHAT_PATH: _SAMPLING | _TOOLS | {"messages", "top_logprobs"},
    COMPLETION_PATH: _SAMPLING | {"prompt"},
}
_OURS = frozenset(
    {
        "attribution",
        "max_completion_tokens",
        "max_tokens",
        "model",
        "n",
        "retrieval",
        "stream",
        "stream_options",
    }
)
_IGNORED = frozenset({"metadata", "prompt_cache_key", "safety_identifier", "service_tier", "store", "user"})
"""They change nothing about the answer."""


@dataclass(frozen=True, slots=True)
class TextRequest:
    """A checked request. `forwarded` is what the server gets besides model, length and stream."""

    path: str
    model: str
    forwarded: Mapping[str, Any]
    max_tokens: int | None
    is_stream: bool
    wants_usage: bool
    attribution_top_k: int
    body: Mapping[str, Any]
    retrieval: Mapping[str, Any] | None = None
    """What was looked up for it: Datanet, version and citations."""

    @property
    def is_chat(self) -> bool:
        return self.path == CHAT_PATH

    @property
    def prompt(self) -> Mapping[str, Any]:
        """The part that becomes tokens; a conversation has its tools."""
        names = ("messages", "tools", "tool_choice") if self.is_chat else ("prompt",)
        return {name: self.forwarded[name] for name in names if name in self.forwarded}

    @property
    def hash(self) -> bytes:
        """Tells one request from another under the same idempotency key."""
        return keccak256(canonical_json.encode([self.path, dict(self.body)]))


def parse_request(path: str, body: Mapping[str, Any]) -> TextRequest:
    """A body of `path`; raises UserError that names the parameter."""
    known = _FORWARDED[path] | _OURS | _IGNORED
    for name, value in body.items():
        if name not in known and value is not None:
            raise ParameterError(name, f"the parameter {name!r} is not supported", "leave it out")
    if body.get("n") not in (None, 1):
        raise ParameterError(
            "n",
            "n must be 1: a receipt is of one answer",
            "ask n times; with the seeds s, s + 1, … the answers are those that n would give",
        )
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise ParameterError("model", "model must name a model", "GET /v1/models lists them")
    _check_prompt(path, body)
    if body.get("retrieval") is not True:
        parse_retrieval(body)
    return TextRequest(
        path=path,
        model=model,
        forwarded=_forwarded(path, body),
        max_tokens=_max_tokens(body),
        is_stream=_flag(body, "stream"),
        wants_usage=_flag(_object(body, "stream_options"), "include_usage"),
        attribution_top_k=_top_k(body),
        body=body,
    )


def _forwarded(path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """What goes on to the server; tools that may not be called need not be read, nor paid for."""
    choice = body.get("tool_choice")
    is_idle = choice == "none" or (not body.get("tools") and choice in (None, "auto"))
    names = _FORWARDED[path] - _TOOLS if is_idle else _FORWARDED[path]
    return {name: body[name] for name in sorted(names) if body.get(name) is not None}


def _check_prompt(path: str, body: Mapping[str, Any]) -> None:
    if path == COMPLETION_PATH:
        prompt = body.get("prompt")
        is_tokens = isinstance(prompt, list) and prompt and all(type(token) is int for token in prompt)
        if not (isinstance(prompt, str) and prompt) and not is_tokens:
            raise ParameterError(
                "prompt", "prompt must be a text or a list of token ids", "send one prompt a call"
            )
        return
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise ParameterError("messages", "messages must be a list of at least one message")
    for message in messages:
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise ParameterError("messages", "every message is an object with role and content")


def _max_tokens(body: Mapping[str, Any]) -> int | None:
    for name in ("max_completion_tokens", "max_tokens"):
        value = body.get(name)
        if value is None:
            continue
        if type(value) is not int or not 1 <= value <= LARGEST_MAX_TOKENS:
            raise ParameterError(name, f"{name} must be a whole number from 1 to {LARGEST_MAX_TOKENS}")
        return value
    return None


def _top_k(body: Mapping[str, Any]) -> int:
    asked = _object(body, "attribution")
    if not asked:
        return 0
    top_k = asked.get("top_k", 5)
    if set(asked) > {"top_k"} or type(top_k) is not int or not 1 <= top_k <= LARGEST_TOP_K:
        raise ParameterError("attribution", f'attribution is {{"top_k": 1 to {LARGEST_TOP_K}}}')
    return top_k


def parse_retrieval(body: Mapping[str, Any], default_datanet: int = 0) -> tuple[int, int, int] | None:
    """(Datanet, version or 0 for the newest, records) of `{"retrieval": {"datanet", "version", "top_k"}}`.

    None when nothing is to be looked up; `false` refuses the default. Raises UserError.
    """
    asked = body.get("retrieval")
    if asked is False or (asked is None and not default_datanet):
        return None
    asked = {} if asked in (None, True) else asked
    if not isinstance(asked, dict) or set(asked) - {"datanet", "version", "top_k"}:
        raise ParameterError(
            "retrieval", 'retrieval is {"datanet": id, "version": number, "top_k": number} or false'
        )
    datanet, version = asked.get("datanet", default_datanet), asked.get("version", 0)
    top_k = asked.get("top_k", DEFAULT_RECORDS)
    if type(datanet) is not int or not 0 < datanet < 1 << 62 or type(version) is not int or version < 0:
        raise ParameterError("retrieval", "retrieval names a Datanet by its id, and a version by its number")
    if type(top_k) is not int or not 1 <= top_k <= MOST_RECORDS:
        raise ParameterError("retrieval", f"retrieval.top_k is 1 to {MOST_RECORDS}")
    return datanet, version, top_k


def _object(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ParameterError(name, f"{name} must be an object")
    return value


def _flag(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise ParameterError(name, f"{name} must be true or false")
    return bool(value)
