"""How text becomes tokens and comes back: tokenizer, chat template, pieces of text as tokens arrive.

Covered: characters that span tokens (held back until whole), stop strings across tokens, special tokens left
out of the text. Not covered: chat templates that load code (there are none; they run in Jinja's sandbox).
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import TemplateError
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from workers.serving.errors import BadRequestError
from workers.serving.tools.prompt import PROBE, in_words

UNFINISHED = "\N{REPLACEMENT CHARACTER}"


class Tokenizer:
    """A base's tokenizer; safe to use from one thread."""

    def __init__(self, inner: PreTrainedTokenizerBase, chat_template: str | None = None) -> None:
        self._inner = inner
        self._template = chat_template or inner.chat_template

    @classmethod
    def load(cls, folder: Path, chat_template: str | None = None) -> "Tokenizer":
        """From a Hugging Face folder; raises BadRequestError when it has none."""
        try:
            inner = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        except (OSError, ValueError) as error:
            raise BadRequestError(f"{folder} holds no tokenizer: {error}") from error
        return cls(inner, chat_template)

    def encode(self, text: str, *, add_special_tokens: bool = True) -> list[int]:
        """Tokens of a plain prompt; raises BadRequestError for half a character."""
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise BadRequestError(f"the text is not Unicode: {error}", "prompt") from error
        tokens: list[int] = self._inner.encode(text, add_special_tokens=add_special_tokens)
        return tokens

    def encode_chat(
        self,
        messages: Sequence[dict[str, Any]],
        *,
        tools: Sequence[dict[str, Any]] = (),
        add_generation_prompt: bool = True,
    ) -> list[int]:
        """Tokens of a conversation by the base's chat template; raises BadRequestError when it has none.

        Tools and their calls are written as text where the template knows none.
        """
        if not self._template:
            raise BadRequestError(
                "this base has no chat template: use /v1/completions, or start with --chat-template FILE"
            )
        if not self.knows_tools:
            messages, tools = in_words(messages, tools), ()
        try:
            text = self._rendered(messages, tools, add_generation_prompt=add_generation_prompt)
        except (TemplateError, TypeError, KeyError, RecursionError) as error:
            raise BadRequestError(f"the chat template refuses these messages: {error}", "messages") from error
        return self.encode(text, add_special_tokens=False)

    @cached_property
    def knows_tools(self) -> bool:
        """True where the chat template writes tools into the prompt: a conversation with one differs."""
        if not self._template:
            return False
        messages = [{"role": "user", "content": "x"}]
        try:
            return self._rendered(messages, [PROBE]) != self._rendered(messages)
        except (TemplateError, TypeError, KeyError):
            return False

    def _rendered(
        self,
        messages: Sequence[dict[str, Any]],
        tools: Sequence[dict[str, Any]] = (),
        *,
        add_generation_prompt: bool = True,
    ) -> str:
        rendered = self._inner.apply_chat_template(
            list(messages),
            tools=list(tools) or None,
            chat_template=self._template,
            tokenize=False,
            add_generation_prompt=add_generation_prompt,
        )
        return str(rendered)

    def decode(self, tokens: Sequence[int]) -> str:
        """Text without special tokens."""
        return str(
            self._inner.decode(list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False)
        )

    def piece(self, token: int) -> str:
        """One token by itself, special or not; for log-probabilities."""
        return str(self._inner.decode([token], skip_special_tokens=False, clean_up_tokenization_spaces=False))

    @property
    def inner(self) -> PreTrainedTokenizerBase:
        """The library's own."""
        return self._inner

    @property
    def end_tokens(self) -> frozenset[int]:
        """The tokenizer's own end token."""
        end = self._inner.eos_token_id
        return frozenset([end] if isinstance(end, int) else [])


class TextStream:
    """The text of one answer as its tokens come; the first of `stops` to be complete ends it, left out."""

    def __init__(self, tokenizer: Tokenizer, stops: Sequence[str] = ()) -> None:
        self._tokenizer, self._stops = tokenizer, tuple(stops)
        self._held_back = max((len(stop) for stop in stops), default=1) - 1
        self._tokens: list[int] = []
        self._known = 0
        self._shown = 0
        self._pending = ""
        self.stop: str | None = None

    def add(self, token: int) -> str:
        """The text that is certain now; "" while a character or a possible stop string is open."""
        self._tokens.append(token)
        before = self._tokenizer.decode(self._tokens[self._known : self._shown])
        after = self._tokenizer.decode(self._tokens[self._known :])
        if len(after) > len(before) and not after.endswith(UNFINISHED):
            self._pending += after[len(before) :]
            self._known, self._shown = self._shown, len(self._tokens)
        return self._release(self._held_back)

    def finish(self) -> str:
        """What was held back, once no token follows; "" after a stop string."""
        before = self._tokenizer.decode(self._tokens[self._known : self._shown])
        self._pending += self._tokenizer.decode(self._tokens[self._known :])[len(before) :]
        self._known = self._shown = len(self._tokens)
        return self._release(0)

    def _release(self, held_back: int) -> str:
        if self.stop is not None:
            return ""
        found = [
            (self._pending.find(stop) + len(stop), stop) for stop in self._stops if stop in self._pending
        ]
        if found:  # the first to be complete, so that it does not matter in which pieces the text came
            end, self.stop = min(found, key=lambda each: (each[0], -len(each[1])))
            text, self._pending = self._pending[: end - len(self.stop)], ""
            return text
        cut = max(0, len(self._pending) - held_back)
        text, self._pending = self._pending[:cut], self._pending[cut:]
        return text
