"""How large the project's own bases are and how long they learn, by name."""

from dataclasses import dataclass

from workers.errors import InvalidInputError
from workers.text.corpus import PACKAGES


@dataclass(frozen=True, slots=True)
class Preset:
    """Sizes of the model and of its training: `steps` of at most `batch_tokens` each, padding included.
    `packages` are read besides the standard library."""

    name: str
    vocabulary: int
    hidden: int
    layers: int
    heads: int
    intermediate: int
    context: int
    steps: int
    batch_tokens: int
    learning_rate: float
    packages: tuple[str, ...] = ()
    seed: int = 1


PRESETS = {
    "tiny": Preset("tiny", 512, 48, 2, 4, 128, 256, 60, 1024, 6e-3),
    "small": Preset("small", 2048, 192, 4, 3, 512, 512, 1_200, 2048, 3e-3, tuple(PACKAGES)),
}
MINUTES = {"tiny": 0.1, "small": 10.0}
"""About how long each takes on one idle core."""


def preset_of(name: str) -> Preset:
    """A preset by name; raises InvalidInputError."""
    if name not in PRESETS:
        raise InvalidInputError(f"base preset {name!r} is not one of {', '.join(PRESETS)}")
    return PRESETS[name]
