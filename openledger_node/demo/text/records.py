"""What `demo --text` tells besides what every demo does: base, fine-tuning, answers, passages."""

from dataclasses import dataclass, field
from typing import Any

from openledger_node.demo.records import DemoResult


@dataclass(frozen=True, slots=True)
class BaseReport:
    """The base the adapter was made on. `pretraining_s` is CPU time, whenever it was made."""

    folder: str
    preset: str
    was_cached: bool
    pretraining_s: float
    parameters: int


@dataclass(frozen=True, slots=True)
class FineTuned:
    """One seed's run: losses are nats per token, over the first and last quarter and on held-out records."""

    seed: int
    first_loss: float
    last_loss: float
    base_holdout_loss: float
    holdout_loss: float
    model: str


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One bought answer. `asked_for` is the contributor who brought the subject, `first` who scored first."""

    question: str
    answer: str
    tokens_in: int
    tokens_out: int
    fee_wei: str
    asked_for: str
    first: str
    spans: list[dict[str, Any]]


@dataclass
class TextDemoResult(DemoResult):
    base: BaseReport | None = None
    runs: list[FineTuned] = field(default_factory=list)
    answers: list[AnswerRow] = field(default_factory=list)
    explained: int = 0
    own_contributor_first: int = 0
    """Of `explained` answers, those whose subject's contributor scored first."""
