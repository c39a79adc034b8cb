"""One request inside the engine: its tokens so far, where it runs, and what it tells its owner."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

import torch

NO_ADAPTER = ""
FinishReason = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class SamplingSettings:
    """How tokens are chosen. Temperature 0 takes the likeliest; `top_k` 0 and `top_p` 1 keep all.

    `logprobs` is how many alternatives to report besides the chosen token; None reports nothing.
    Penalties are OpenAI's: taken from the logits of tokens that were generated, once and per occurrence;
    `logit_bias` are (token, what is added). `repetition_penalty` divides the logits of tokens of prompt and
    answer (multiplies those below 0), 1 leaves them. `min_p` keeps tokens of at least that share of the
    likeliest's probability.
    """

    max_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    seed: int | None = None
    stop_tokens: frozenset[int] = frozenset()
    min_tokens: int = 0
    logprobs: int | None = None
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repetition_penalty: float = 1.0
    logit_bias: tuple[tuple[int, float], ...] = ()

    @property
    def has_adjustments(self) -> bool:
        """True where logits are changed before a token is chosen."""
        is_penalised = self.presence_penalty or self.frequency_penalty or self.repetition_penalty != 1.0
        return bool(is_penalised or self.logit_bias)

    @property
    def is_limited(self) -> bool:
        """True where unlikely tokens are left out."""
        return self.top_p < 1.0 or self.top_k > 0 or self.min_p > 0.0


class Guide(Protocol):
    """Which tokens an answer's form allows (`serving.forms`)."""

    @property
    def has_ended(self) -> bool:
        """True once nothing may follow."""

    @property
    def error(self) -> str:
        """Why the form can be kept no longer, or ""."""

    def allowed(self) -> torch.Tensor:
        """Which tokens may come next: booleans, (vocabulary,)."""

    def take(self, token: int) -> None:
        """A token has come."""


@dataclass(frozen=True, slots=True)
class TokenOutput:
    """One generated token. `alternatives` are (token, log-probability), likeliest first."""

    token: int
    logprob: float | None = None
    alternatives: tuple[tuple[int, float], ...] = ()
    finish: FinishReason | None = None


Event = TokenOutput | Exception
"""A token, or what ended the request; after a finish or an exception nothing follows."""


@dataclass(slots=True, eq=False)
class Sequence:
    """A request and its progress. `computed` tokens have keys and values in lane `lane`."""

    prompt: tuple[int, ...]
    sampling: SamplingSettings
    adapter: str
    deliver: Callable[[Event], None]
    guide: Guide | None = None
    generated: list[int] = field(default_factory=list)
    computed: int = 0
    lane: int = -1
    slot: int = -1
    overtaken: int = 0
    is_cancelled: bool = False
    randomness: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.randomness = random.Random(self.sampling.seed)  # noqa: S311 - sampling, not secrets

    @property
    def tokens(self) -> tuple[int, ...]:
        """Prompt and generated tokens."""
        return (*self.prompt, *self.generated)

    @property
    def length(self) -> int:
        """Prompt and generated tokens together."""
        return len(self.prompt) + len(self.generated)

    @property
    def is_decoding(self) -> bool:
        """True once only the last token is left to compute."""
        return self.computed == self.length - 1 and bool(self.generated)

    def next_tokens(self, limit: int) -> tuple[int, ...]:
        """Up to `limit` tokens that are not computed yet."""
        if self.generated:
            return (self.generated[-1],)
        return self.prompt[self.computed : self.computed + limit]
