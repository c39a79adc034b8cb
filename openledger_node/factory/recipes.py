"""Which recipes a newcomer can choose by name, and how full settings change them."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from openledger_node.errors import UserError
from workers.errors import InvalidInputError
from workers.protocol import EmbeddingRecipe, FineTuneRecipe, TrainingRecipe
from workers.protocol.codec import from_json, to_json

Recipe = TypeVar("Recipe", FineTuneRecipe, TrainingRecipe, EmbeddingRecipe)
DEFAULT_PRESET = "standard"
FINE_TUNE_PRESETS: dict[str, tuple[str, FineTuneRecipe]] = {
    "quick": ("a first look: few passes, few parameters", FineTuneRecipe(rank=4, alpha=8, epochs=1)),
    "standard": ("what most data needs", FineTuneRecipe(rank=8, alpha=16, epochs=3)),
    "thorough": (
        "more parameters and passes, for data that the base knows little of",
        FineTuneRecipe(rank=16, alpha=32, epochs=6, learning_rate=0.001),
    ),
    "preference": (
        "which of two answers is the better one, from preference pairs (DPO)",
        FineTuneRecipe(rank=8, alpha=16, epochs=3, learning_rate=0.001, objective="preference"),
    ),
}
EMBEDDING_PRESETS: dict[str, tuple[str, EmbeddingRecipe]] = {
    "embedding": (
        "an encoder that finds what belongs together: questions and answers, titles and texts",
        EmbeddingRecipe(),
    ),
    "embedding-full": (
        "the same with all weights trained, against texts that the encoder confuses: a whole model",
        EmbeddingRecipe(method="full", learning_rate=0.00005, hard_negatives=2),
    ),
}
CLASSIFIER_PRESETS: dict[str, tuple[str, TrainingRecipe]] = {
    "quick": ("a first look", TrainingRecipe(epochs=10)),
    "standard": ("what most data needs", TrainingRecipe()),
    "thorough": ("a wider network, trained longer", TrainingRecipe(hidden=(128, 64), epochs=80)),
}


def fine_tune_recipe(preset: str, settings: Mapping[str, Any]) -> FineTuneRecipe:
    """A preset with single settings changed; raises UserError naming what is wrong."""
    return _changed(_chosen(FINE_TUNE_PRESETS, preset), settings)


def embedding_recipe(preset: str, settings: Mapping[str, Any]) -> EmbeddingRecipe:
    """The same for an encoder."""
    return _changed(_chosen(EMBEDDING_PRESETS, preset), settings)


def classifier_recipe(preset: str, settings: Mapping[str, Any]) -> TrainingRecipe:
    """The same for a small classifier."""
    return _changed(_chosen(CLASSIFIER_PRESETS, preset), settings)


def described() -> dict[str, Any]:
    """All presets with their settings, for pages and programs."""
    kinds: dict[str, Mapping[str, tuple[str, Any]]] = {
        "finetune": FINE_TUNE_PRESETS,
        "train_embedding": EMBEDDING_PRESETS,
        "train": CLASSIFIER_PRESETS,
    }
    return {
        kind: {name: {"about": about, "recipe": to_json(recipe)} for name, (about, recipe) in presets.items()}
        for kind, presets in kinds.items()
    }


def _chosen(presets: Mapping[str, tuple[str, Recipe]], name: str) -> Recipe:
    if name not in presets:
        offered = dict.fromkeys((*presets, *EMBEDDING_PRESETS))
        raise UserError(f"recipe preset {name!r} is not offered", f"choose one of {', '.join(offered)}")
    return presets[name][1]


def _changed(recipe: Recipe, settings: Mapping[str, Any]) -> Recipe:
    known = {field.name for field in fields(recipe)}
    unknown = sorted(set(settings) - known)
    if unknown:
        raise UserError(
            f"the recipe has no setting {unknown[0]!r}", f"settings are {', '.join(sorted(known))}"
        )
    try:
        return from_json(type(recipe), {**to_json(recipe), **settings})
    except InvalidInputError as error:
        raise UserError(f"recipe: {error}") from error
