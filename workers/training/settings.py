"""Which settings of a recipe can be meant at all: known before anything is loaded, and without torch.

Covered: every number of a language model's and an encoder's recipe, and its words. Not covered: what the data
decides (how many steps that makes), names of a base's layers, whether a machine can do it.
"""

from typing import Protocol

from workers.errors import InvalidInputError
from workers.protocol import MAX_THREADS, EmbeddingRecipe, FineTuneRecipe

METHODS = ("full", "lora", "qlora")
ENCODER_METHODS = ("full", "lora")
OBJECTIVES = ("response", "preference")
MAX_RANK = 256
MAX_BETA = 100
LEAST_TOKENS = 4
MOST_NEGATIVES = 16


class StepRecipe(Protocol):
    """The settings of a recipe that decide how steps are taken."""

    @property
    def epochs(self) -> int: ...
    @property
    def batch_size(self) -> int: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...
    @property
    def warmup(self) -> float: ...
    @property
    def checkpoint_steps(self) -> int: ...
    @property
    def seed(self) -> int: ...
    @property
    def threads(self) -> int: ...


def check_recipe(recipe: FineTuneRecipe, context: int) -> None:
    """Raises InvalidInputError for numbers no training can mean."""
    if recipe.method not in METHODS:
        raise InvalidInputError(f"method {recipe.method!r} is not one of {', '.join(METHODS)}")
    if recipe.objective not in OBJECTIVES:
        raise InvalidInputError(f"objective {recipe.objective!r} is not one of {', '.join(OBJECTIVES)}")
    if recipe.objective == "preference" and recipe.method == "full":
        raise InvalidInputError("preferences are learnt by adapters, beside the base: choose lora or qlora")
    if not 0 < recipe.beta <= MAX_BETA:
        raise InvalidInputError(f"beta is more than 0 and at most {MAX_BETA}")
    check_adapter_settings(recipe.rank, recipe.alpha)
    check_steps(recipe)
    check_holdout(recipe.holdout_every)
    if not 2 <= recipe.max_tokens <= context:
        raise InvalidInputError(f"max_tokens is 2 to the base's {context}")


def check_adapter_settings(rank: int, alpha: int) -> None:
    """Raises InvalidInputError for adapters that nobody needs."""
    if not 1 <= rank <= MAX_RANK or not 1 <= alpha <= 10_000:
        raise InvalidInputError(f"rank is 1 to {MAX_RANK}, alpha 1 to 10,000")


def check_embedding_recipe(recipe: EmbeddingRecipe, context: int) -> None:
    """Raises InvalidInputError for numbers no training can mean."""
    if recipe.method not in ENCODER_METHODS:
        raise InvalidInputError(
            f"method {recipe.method!r} of an encoder is not one of {', '.join(ENCODER_METHODS)}"
        )
    if not 0 <= recipe.hard_negatives <= MOST_NEGATIVES:
        raise InvalidInputError(f"hard_negatives is 0 to {MOST_NEGATIVES}")
    check_adapter_settings(recipe.rank, recipe.alpha)
    check_steps(recipe)
    check_holdout(recipe.holdout_every)
    if recipe.batch_size < 2:
        raise InvalidInputError("batch_size is at least 2: a pair is told from the others of its batch")
    if not 0.001 <= recipe.temperature <= 10:
        raise InvalidInputError("temperature is 0.001 to 10")
    if not LEAST_TOKENS <= recipe.max_tokens <= context:
        raise InvalidInputError(f"max_tokens is {LEAST_TOKENS} to the encoder's {context}")


def check_steps(recipe: StepRecipe) -> None:
    """Raises InvalidInputError for numbers no training can mean."""
    if recipe.epochs < 1 or recipe.batch_size < 1 or recipe.checkpoint_steps < 1:
        raise InvalidInputError("epochs, batch_size, holdout_every or checkpoint_steps are out of range")
    if not 1 <= recipe.threads <= MAX_THREADS:
        raise InvalidInputError(f"threads is 1 to {MAX_THREADS}")
    if not (0 < recipe.learning_rate < 1 and 0 <= recipe.weight_decay < 1 and 0 <= recipe.warmup < 1):
        raise InvalidInputError("learning_rate, weight_decay or warmup are out of range")


def check_holdout(every: int) -> None:
    """Raises InvalidInputError unless something is left to train on."""
    if every < 0:
        raise InvalidInputError("epochs, batch_size, holdout_every or checkpoint_steps are out of range")
    if every == 1:
        raise InvalidInputError("holdout_every 1 leaves nothing to train on")
