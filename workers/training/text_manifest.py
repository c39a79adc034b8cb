"""What a fine-tuned model's manifest says: everything needed to train it again, and what came out.

Covered: writing, reading, what differs between the machine it was made on and this one. Source: protocol,
section 3 "Model"; `docs/formats.md`.
"""

import platform
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import torch

from workers.artifacts import canonical_json
from workers.artifacts.store import ArtifactId, ArtifactStore
from workers.determinism import device_of
from workers.errors import InvalidInputError
from workers.protocol import (
    DatasetVersion,
    FineTuneRecipe,
    FinetuneRequest,
    LossPoint,
    Preferences,
    RewardPoint,
)
from workers.protocol.codec import from_json, to_json
from workers.protocol.text import DEFAULT_FINE_TUNE_RECIPE, NO_PREFERENCES
from workers.training.manifest import versions

FORMAT = "openledger-adapter-manifest/1"
NOT_FIELDS = ("format", "numerics")
LATER_SETTINGS = ("objective", "beta", "threads")
"""Of a recipe; manifests from before they were there mean their defaults."""


@dataclass(frozen=True, slots=True)
class TextManifest:
    """The request, the folder that came of it, counts, and losses (`FinetuneResult`)."""

    name: str
    base: ArtifactId
    datasets: tuple[DatasetVersion, ...]
    recipe: FineTuneRecipe
    holdout: ArtifactId
    licence: str
    model: ArtifactId
    records: int
    canonical_records: int
    trained_records: int
    held_out_records: int
    base_holdout_loss: float
    holdout_loss: float
    losses: tuple[LossPoint, ...]
    preferences: Preferences = NO_PREFERENCES
    rewards: tuple[RewardPoint, ...] = ()

    def request(self) -> FinetuneRequest:
        """What was asked for."""
        return FinetuneRequest(self.name, self.base, self.datasets, self.recipe, self.holdout, self.licence)

    @property
    def is_adapter(self) -> bool:
        """Whether `model` is a PEFT adapter; else it is a whole model."""
        return self.recipe.method != "full"


def numerics(threads: int = 1) -> dict[str, str]:
    """What decides the bits of a result besides the request."""
    return {
        **versions(),
        **{package: version(package) for package in ("transformers", "peft", "tokenizers")},
        "device": torch.cuda.get_device_name() if device_of() == "cuda" else platform.machine(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": str(threads),
        "weights": "float32",
    }


def encode_text_manifest(manifest: TextManifest) -> bytes:
    """The published document."""
    settings = numerics(manifest.recipe.threads)
    return canonical_json.encode({"format": FORMAT, "numerics": settings, **to_json(manifest)})


def read_text_manifest(store: ArtifactStore, name: str) -> TextManifest:
    """A published manifest; raises InvalidInputError when malformed, ArtifactError when missing."""
    fields = manifest_fields(store, name, FORMAT)
    later = {"preferences": to_json(NO_PREFERENCES), "rewards": []}
    recipe = with_later_settings(fields.get("recipe"), DEFAULT_FINE_TUNE_RECIPE, LATER_SETTINGS)
    return from_json(TextManifest, {**later, **fields, "recipe": recipe})


def with_later_settings(recipe: Any, default: Any, names: tuple[str, ...]) -> Any:
    """A written recipe with what it could not say yet, when it was written, as it was meant."""
    return (
        {**{name: getattr(default, name) for name in names}, **recipe} if isinstance(recipe, dict) else recipe
    )


def is_text_manifest(store: ArtifactStore, name: str) -> bool:
    """Whether it is a fine-tuned language model's; raises ArtifactError, InvalidInputError."""
    return has_format(store, name, FORMAT)


def differing_settings(store: ArtifactStore, name: str) -> tuple[str, ...]:
    """What was another on the machine that made a manifest (an encoder's too), as `name: theirs, here ours`.

    Raises InvalidInputError, ArtifactError.
    """
    document: Any = canonical_json.decode(store.get(name))
    theirs = document.get("numerics") if isinstance(document, dict) else None
    if not isinstance(theirs, dict):
        raise InvalidInputError(f"{name} does not say what it was made with")
    recipe = document.get("recipe")
    ours = numerics(recipe.get("threads", 1) if isinstance(recipe, dict) else 1)
    return tuple(
        f"{key}: {theirs.get(key)}, here {ours[key]}" for key in sorted(ours) if theirs.get(key) != ours[key]
    )


def has_format(store: ArtifactStore, name: str, kind: str) -> bool:
    """Whether it is a document of that format; raises ArtifactError, InvalidInputError."""
    document: Any = canonical_json.decode(store.get(name))
    return isinstance(document, dict) and document.get("format") == kind


def manifest_fields(store: ArtifactStore, name: str, kind: str) -> dict[str, Any]:
    """A manifest's own fields; raises InvalidInputError when its format is another, ArtifactError."""
    document: Any = canonical_json.decode(store.get(name))
    if not isinstance(document, dict) or document.get("format") != kind:
        raise InvalidInputError(f"{name} is not a manifest of format {kind!r}")
    return {key: document[key] for key in document.keys() - set(NOT_FIELDS)}
