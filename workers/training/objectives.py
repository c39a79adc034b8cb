"""What a language model can be trained for, by the recipe's `objective`: answers, or preferences."""

from collections.abc import Sequence
from pathlib import Path

from workers.artifacts.store import ArtifactStore
from workers.datasets.text import TextRecord
from workers.progress import Progress
from workers.protocol import FineTuneRecipe
from workers.text.examples import pad_token
from workers.text.loading import TextModel, load_base
from workers.training.finetuning import (
    HeldOut,
    examples_of,
    held_out_losses,
    learn_responses,
    losses_of,
)
from workers.training.preference import check_pairs, held_out_preferences, learn_preferences, pairs_of
from workers.training.selection import Split
from workers.training.steps import Trained
from workers.training.text_manifest import TextManifest
from workers.training.text_models import load_trained


def learns_preferences(recipe: FineTuneRecipe) -> bool:
    """Whether pairs of answers are learnt."""
    return recipe.objective == "preference"


def check_records(recipe: FineTuneRecipe, records: Sequence[TextRecord]) -> None:
    """Raises InvalidInputError unless all of a version can be learnt so: near-duplicates have rows too."""
    if learns_preferences(recipe):
        check_pairs(records)


def learn(
    base: TextModel, split: Split, recipe: FineTuneRecipe, checkpoint: Path, progress: Progress
) -> tuple[Trained, HeldOut]:
    """Train, from the checkpoint if there is one, and measure on what was held out."""
    learner = learn_preferences if learns_preferences(recipe) else learn_responses
    return learner(base, split, recipe, checkpoint, progress)


def compare(store: ArtifactStore, manifest: TextManifest, records: Sequence[TextRecord]) -> HeldOut:
    """A trained model beside its base on some records; raises InvalidInputError, ArtifactError."""
    recipe, trained = manifest.recipe, load_trained(store, manifest)
    pad = pad_token(trained.tokenizer)
    if learns_preferences(recipe):
        return held_out_preferences(trained.model, pairs_of(records, trained, recipe), recipe, pad)
    examples = examples_of(records, trained, recipe)
    after = losses_of(trained.model, examples, pad)
    del trained
    before = losses_of(load_base(store, manifest.base).model, examples, pad)
    return held_out_losses(examples, before, after)
