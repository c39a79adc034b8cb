"""What a training manifest says: everything needed to train the model again, and what came out.

Covered: writing, reading, rebuilding the model from it. Source: protocol, section 3
"Model"; `docs/formats.md`.
"""

import platform
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from workers.artifacts import canonical_json
from workers.artifacts.store import ArtifactId, ArtifactStore
from workers.errors import InvalidInputError
from workers.protocol import DatasetVersion, TrainingRecipe
from workers.protocol.codec import from_json, to_json
from workers.training.model import build_model, load_weights

FORMAT = "openledger-training-manifest/1"


@dataclass(frozen=True, slots=True)
class Manifest:
    """`widths` are the layers' widths from input to classes; `canonical_records` were trained on."""

    dataset: DatasetVersion
    recipe: TrainingRecipe
    holdout: ArtifactId
    widths: tuple[int, ...]
    model: ArtifactId
    records: int
    canonical_records: int
    train_loss: float
    train_accuracy: float
    holdout_loss: float
    holdout_accuracy: float


def versions() -> dict[str, str]:
    """Versions of what decides the bits of a result."""
    return {
        "numpy": np.__version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
    }


def encode_manifest(manifest: Manifest) -> bytes:
    """The published document."""
    settings = {"threads": 1, "deterministic_algorithms": True, "weights": "float32"}
    document = to_json(manifest)
    return canonical_json.encode({"format": FORMAT, "numerics": settings, "versions": versions(), **document})


def read_manifest(store: ArtifactStore, name: str) -> Manifest:
    """A published manifest; raises InvalidInputError when malformed, ArtifactError when missing."""
    document: Any = canonical_json.decode(store.get(name))
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise InvalidInputError(f"{name} is not a training manifest of format {FORMAT!r}")
    fields = {key: document[key] for key in document.keys() - {"format", "numerics", "versions"}}
    return from_json(Manifest, fields)


def load_model(store: ArtifactStore, manifest: Manifest) -> torch.nn.Sequential:
    """The trained model a manifest names."""
    model = build_model(manifest.widths, manifest.recipe.activation)
    load_weights(model, store.get(manifest.model))
    return model.eval()
