"""How much work a training will be: steps, tokens, and seconds at the speed of the last run here."""

from collections.abc import Sequence
from dataclasses import dataclass

from openledger_node.factory.terms import PREFERENCE
from openledger_node.jobs.machine import Job, JobState
from workers.protocol import EmbeddingRecipe, FineTuneRecipe

TEXT_KINDS = ("finetune", "train_embedding")
BYTES_PER_TOKEN = 4
"""Of English text; files have some markup around it, the project's own base shorter tokens."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """`seconds` is None where nothing was trained on this base yet."""

    records: int
    steps: int
    tokens: int
    seconds: float | None


def estimate(
    records: int, size_bytes: int, recipe: FineTuneRecipe | EmbeddingRecipe, tokens_per_s: float | None
) -> Estimate:
    """Upper figures: near-duplicates, which are not learnt, are not known yet."""
    steps = recipe.epochs * -(-records // recipe.batch_size)
    sequences = 1 + (isinstance(recipe, FineTuneRecipe) and recipe.objective == PREFERENCE)
    longest = sequences * records * recipe.max_tokens
    tokens = recipe.epochs * min(longest, size_bytes // BYTES_PER_TOKEN + 1)
    return Estimate(records, steps, tokens, tokens / tokens_per_s if tokens_per_s else None)


def last_speed(jobs: Sequence[Job], base: str) -> float | None:
    """Tokens per second of the newest finished run on `base`; `jobs` are newest first."""
    for job in jobs:
        if job.kind in TEXT_KINDS and job.state is JobState.DONE and job.request.get("base") == base:
            speed = float(job.result["tokens_per_s"])
            return speed if speed > 0 else None
    return None
