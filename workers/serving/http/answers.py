"""How answers look: OpenAI's completion and chat objects with vLLM's additions, whole and in chunks."""

import secrets
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from workers.serving.engine.sequence import TokenOutput
from workers.serving.http.parts import Part
from workers.serving.http.schema import Endpoint
from workers.serving.text import Tokenizer
from workers.serving.tools.calls import CallPiece

Json = dict[str, Any]
OBJECTS = {
    "completion": ("text_completion", "text_completion", "cmpl-"),
    "chat": ("chat.completion", "chat.completion.chunk", "chatcmpl-"),
}


class Answers:
    """Writes the objects of one answer; `prompt` are its tokens."""

    def __init__(
        self,
        endpoint: Endpoint,
        model: str,
        tokenizer: Tokenizer,
        prompt: Sequence[int],
        *,
        with_tokens: bool,
    ) -> None:
        self._endpoint, self._model, self._tokenizer = endpoint, model, tokenizer
        self._prompt, self._with_tokens = list(prompt), with_tokens
        whole, chunk, prefix = OBJECTS[endpoint]
        self._whole, self._chunk = whole, chunk
        self.id = prefix + secrets.token_hex(16)
        self._created = int(time.time())
        self._characters: Counter[int] = Counter()

    def whole(self, parts: Sequence[Part], top: int | None) -> Json:
        """The answer in one object, a part for each choice."""
        choices = [self._whole_choice(number, part, top) for number, part in enumerate(parts)]
        body = self._head(self._whole, choices)
        if self._with_tokens and self._endpoint == "chat":
            body["prompt_token_ids"] = self._prompt
        return {**body, "usage": self.usage(sum(len(part.tokens) for part in parts))}

    def _whole_choice(self, number: int, part: Part, top: int | None) -> Json:
        choice: Json = {"index": number}
        if self._endpoint == "chat":
            choice["message"] = _message(part)
        else:
            choice["text"] = part.text
        choice.update(self._ending(number, part, top))
        if self._with_tokens:
            choice["token_ids"] = [one.token for one in part.tokens]
            if self._endpoint != "chat":
                choice["prompt_token_ids"] = self._prompt
        return choice

    def first_chunk(self, number: int) -> Json | None:
        """The chunk that opens a chat's choice with its role; completions have none."""
        if self._endpoint != "chat":
            return None
        choice = {
            "index": number,
            "delta": {"role": "assistant", "content": ""},
            "logprobs": None,
            "finish_reason": None,
        }
        body = self._head(self._chunk, [choice])
        return {**body, "prompt_token_ids": self._prompt} if self._with_tokens else body

    def chunk(self, number: int, part: Part, top: int | None, *, is_first: bool) -> Json:
        """One piece of a streamed choice."""
        choice: Json = {"index": number}
        if self._endpoint == "chat":
            choice["delta"] = _delta(part)
        else:
            choice["text"] = part.text
        choice.update(self._ending(number, part, top))
        if self._with_tokens:
            choice["token_ids"] = [one.token for one in part.tokens]
            if self._endpoint == "completion" and is_first:
                choice["prompt_token_ids"] = self._prompt
        return self._head(self._chunk, [choice])

    def usage_chunk(self, completion_tokens: int) -> Json:
        """The last chunk where `stream_options.include_usage` asks for it."""
        return {**self._head(self._chunk, []), "usage": self.usage(completion_tokens)}

    def usage(self, completion_tokens: int) -> Json:
        """Token counts, from which a gateway bills."""
        return {
            "prompt_tokens": len(self._prompt),
            "completion_tokens": completion_tokens,
            "total_tokens": len(self._prompt) + completion_tokens,
        }

    def _head(self, kind: str, choices: list[Json]) -> Json:
        return {
            "id": self.id,
            "object": kind,
            "created": self._created,
            "model": self._model,
            "choices": choices,
        }

    def _ending(self, number: int, part: Part, top: int | None) -> Json:
        logprobs = None
        if top is not None and part.tokens and self._endpoint == "chat":
            logprobs = self._chat_logprobs(part.tokens, top)
        elif top is not None and part.tokens:
            logprobs = self._completion_logprobs(number, part.tokens, top)
        return {"logprobs": logprobs, "finish_reason": part.finish, "stop_reason": part.stop_reason}

    def _chat_logprobs(self, tokens: Sequence[TokenOutput], top: int) -> Json:
        return {
            "content": [
                {
                    **self._scored(one.token, one.logprob or 0.0),
                    "top_logprobs": [self._scored(token, value) for token, value in one.alternatives[:top]],
                }
                for one in tokens
            ]
        }

    def _scored(self, token: int, logprob: float) -> Json:
        text = self._tokenizer.piece(token)
        return {"token": text, "logprob": max(logprob, -9999.0), "bytes": list(text.encode())}

    def _completion_logprobs(self, number: int, tokens: Sequence[TokenOutput], top: int) -> Json:
        texts = [self._tokenizer.piece(one.token) for one in tokens]
        offsets = []
        for text in texts:
            offsets.append(self._characters[number])
            self._characters[number] += len(text)
        return {
            "tokens": texts,
            "token_logprobs": [max(one.logprob or 0.0, -9999.0) for one in tokens],
            "top_logprobs": [
                {
                    self._tokenizer.piece(token): max(value, -9999.0)
                    for token, value in (*one.alternatives[:top], (one.token, one.logprob or 0.0))
                }
                for one in tokens
            ],
            "text_offset": offsets,
        }


def _message(part: Part) -> Json:
    """What a chat's choice says as a whole; without words its content is null, as OpenAI has it."""
    message: Json = {"role": "assistant", "content": part.text, "refusal": None}
    if part.calls:
        calls = [{"id": call.id, "type": "function", "function": _function(call)} for call in part.calls]
        message |= {"content": part.text or None, "tool_calls": calls}
    return message


def _delta(part: Part) -> Json:
    """What a chunk of a chat adds."""
    delta: Json = {"content": part.text} if part.text or (part.finish is None and not part.calls) else {}
    return delta | {"tool_calls": [_call_delta(call) for call in part.calls]} if part.calls else delta


def _call_delta(call: CallPiece) -> Json:
    if not call.name:
        return {"index": call.index, "function": {"arguments": call.arguments}}
    return {"index": call.index, "id": call.id, "type": "function", "function": _function(call)}


def _function(call: CallPiece) -> Json:
    return {"name": call.name, "arguments": call.arguments}
