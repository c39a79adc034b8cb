"""How records and receipts become token sequences with a mask over what is learnt or answered.

A conversation is rendered by the base's own chat template; a base without one gets the turns as plain
paragraphs. The response ends with the end-of-text token, which is learnt too. Sequences are cut to `limit`
tokens: a prompt loses its beginning, a response its end. A tokenizer's own markers inside a record's text
are broken up, so that no record can end a turn or begin another's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from workers.datasets.text import Message, TextRecord
from workers.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class Example:
    """Token ids; those from `answer` on are the response."""

    tokens: tuple[int, ...]
    answer: int

    @property
    def learnt(self) -> int:
        """How many tokens count in the loss: the first of a sequence has nothing before it."""
        return len(self.tokens) - max(1, self.answer)


def example_of(record: TextRecord, tokenizer: Any, limit: int) -> Example:
    """A record as a sequence of at most `limit` tokens."""
    before, response = record.turns()
    prompt = prompt_tokens(before, tokenizer)
    return joined(prompt, response_tokens(response, tokenizer), limit)


def joined(prompt: Sequence[int], answer: Sequence[int], limit: int) -> Example:
    """Prompt and answer in at most `limit` tokens, of which at least half are left to the answer."""
    if not answer or limit < 2:
        raise InvalidInputError("a sequence needs an answer and room for two tokens")
    kept = list(answer[: max(limit - len(prompt), limit // 2)])
    room = limit - len(kept)
    start = list(prompt[max(0, len(prompt) - room) :]) if room else []
    if not start and len(kept) < 2:
        raise InvalidInputError("a sequence needs at least two tokens")
    return Example((*start, *kept), len(start))


@dataclass(frozen=True, slots=True)
class PairExample:
    """A chosen and a rejected answer to the same prompt."""

    chosen: Example
    rejected: Example

    @property
    def size(self) -> int:
        """Tokens of both sequences."""
        return len(self.chosen.tokens) + len(self.rejected.tokens)

    @property
    def learnt(self) -> int:
        """How many tokens count in the loss."""
        return self.chosen.learnt + self.rejected.learnt


def pair_example_of(record: TextRecord, tokenizer: Any, limit: int) -> PairExample:
    """A preference as two sequences of at most `limit` tokens whose prompts are cut alike.

    Raises InvalidInputError for a record of another form.
    """
    if record.form != "preference":
        raise InvalidInputError(f"a record of form {record.form!r} is not a preference pair")
    before, chosen = record.turns()
    prompt = prompt_tokens(before, tokenizer)
    room = max(limit - len(prompt), limit // 2)
    answers = [response_tokens(text, tokenizer)[:room] for text in (chosen, str(record.fields()["rejected"]))]
    left = limit - max(map(len, answers))
    start = prompt[max(0, len(prompt) - left) :] if left else []
    return PairExample(*(joined(start, answer, limit) for answer in answers))


def response_tokens(text: str, tokenizer: Any) -> list[int]:
    """An answer up to its end, which is learnt too."""
    return [*tokenizer.encode(without_markers(text, tokenizer), add_special_tokens=False), *_end(tokenizer)]


def prompt_tokens(before: Sequence[Message], tokenizer: Any) -> list[int]:
    """The conversation up to where the assistant answers; for plain text what opens every text."""
    if not before:
        return [tokenizer.bos_token_id] if tokenizer.bos_token_id is not None else []
    if tokenizer.chat_template is None:
        text = "\n\n".join(without_markers(message.content, tokenizer) for message in before) + "\n\n"
        return list(tokenizer.encode(text))
    messages = [
        {"role": message.role, "content": without_markers(message.content, tokenizer)} for message in before
    ]
    text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    return list(tokenizer.encode(text, add_special_tokens=False))


def without_markers(text: str, tokenizer: Any) -> str:
    """The text with a space inside whatever the tokenizer would take for one of its special tokens."""
    for marker in sorted(tokenizer.all_special_tokens, key=len, reverse=True):
        if len(marker) > 1 and marker in text:
            text = text.replace(marker, f"{marker[0]} {marker[1:]}")
    return text


def padded(examples: Sequence[Example], pad: int, length: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens (N, T) and mask (N, T) of what counts; T is the longest, or `length` if that is more."""
    width = max(length, *(len(example.tokens) for example in examples))
    tokens = torch.full((len(examples), width), pad)
    mask = torch.zeros((len(examples), width), dtype=torch.int64)
    for row, example in enumerate(examples):
        tokens[row, : len(example.tokens)] = torch.tensor(example.tokens)
        mask[row, max(1, example.answer) : len(example.tokens)] = 1
    return tokens, mask


def pad_token(tokenizer: Any) -> int:
    """What fills short sequences; never looked at."""
    found = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    return int(found or 0)


def _end(tokenizer: Any) -> list[int]:
    return [tokenizer.eos_token_id] if tokenizer.eos_token_id is not None else []
