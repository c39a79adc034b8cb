"""What form an answer must have, and which tokens keep to it: JSON, JSON by a schema, choices, expressions.

`llguidance` compiles a form to a parser over the base's tokens; every running answer has one of its own that
says before each token which may come. Once nothing more may come the answer has ended.

Covered: forms that cannot be compiled, or that get too complex on the way (limits are the library's).
Not covered: that a model finds an end before `max_tokens`: then the answer is a beginning of the form.
"""

import json
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from llguidance import LLMatcher, LLTokenizer
from llguidance.hf import from_tokenizer
from transformers import PreTrainedTokenizerFast

from workers.serving.errors import BadRequestError
from workers.serving.text import Tokenizer

if TYPE_CHECKING:
    from llguidance._lib import JsonCompileOptions

WHITESPACE: "JsonCompileOptions" = {"whitespace_flexible": True, "whitespace_pattern": r"[ \n]?"}
"""At most one between tokens of JSON: a small model might else give nothing but spaces."""
SILENT = 0
LONGEST_REASON = 200

Form = str
"""A grammar of `llguidance`."""


def json_form(schema: dict[str, Any] | str | None = None) -> Form:
    """An object of JSON; with a schema, what that allows. Raises BadRequestError."""
    try:
        return LLMatcher.grammar_from_json_schema(schema or {"type": "object"}, overrides=WHITESPACE)
    except ValueError as error:
        raise BadRequestError(f"the schema is not a JSON object: {error}") from error


def choice_form(choices: Sequence[str]) -> Form:
    """One of these texts."""
    return LLMatcher.grammar_from_lark("start: " + " | ".join(json.dumps(choice) for choice in choices))


def expression_form(expression: str) -> Form:
    """What a regular expression matches as a whole."""
    return LLMatcher.grammar_from_regex(expression)


class FormGuide:
    """The form of one answer as its tokens come; `copy` before use by several answers."""

    def __init__(self, matcher: LLMatcher, vocabulary: int) -> None:
        self._matcher, self._vocabulary = matcher, vocabulary

    def copy(self) -> "FormGuide":
        """One at the same place."""
        return FormGuide(self._matcher.deep_copy(), self._vocabulary)

    @property
    def has_ended(self) -> bool:
        """True once nothing may follow."""
        return self._matcher.is_stopped()

    @property
    def error(self) -> str:
        """Why the form can be kept no longer; "" while it can."""
        return self._matcher.get_error().strip().partition("\n")[0][:LONGEST_REASON]

    def allowed(self) -> torch.Tensor:
        """Which tokens may come next, (vocabulary,); none at all after an error."""
        bits = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
        if self._matcher.is_error():
            return torch.zeros(self._vocabulary, dtype=torch.bool)
        found = np.unpackbits(bits, count=self._vocabulary, bitorder="little")
        return torch.from_numpy(found.view(np.bool_))

    def take(self, token: int) -> None:
        """A token has come."""
        self._matcher.consume_token(token)


class Forms:
    """Compiles forms for one base; safe to use from any thread."""

    def __init__(self, tokenizer: Tokenizer, vocabulary: int, end_tokens: frozenset[int]) -> None:
        self._tokenizer, self._vocabulary, self._end_tokens = tokenizer, vocabulary, end_tokens
        self._lock = threading.Lock()
        self._tokens: LLTokenizer | None = None

    def guide(self, form: Form) -> FormGuide:
        """A guide at the beginning of a form; raises BadRequestError for one that cannot be compiled."""
        guide = FormGuide(LLMatcher(self._compiled_tokens(), form, log_level=SILENT), self._vocabulary)
        if not guide.error and not guide.allowed().any():
            raise BadRequestError("the form of the answer allows none")
        if guide.error:
            raise BadRequestError(f"the form of the answer cannot be used: {guide.error}")
        return guide

    def _compiled_tokens(self) -> LLTokenizer:
        """Made once, on first use: it takes a second for a large vocabulary."""
        with self._lock:
            if self._tokens is None:
                inner = self._tokenizer.inner
                if not isinstance(inner, PreTrainedTokenizerFast):
                    raise BadRequestError("this base's tokenizer is not one that forms can be compiled for")
                self._tokens = from_tokenizer(inner, self._vocabulary, sorted(self._end_tokens) or None)
            return self._tokens
