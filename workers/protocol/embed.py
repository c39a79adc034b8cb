"""`embed` and `ping`."""

from dataclasses import dataclass

from workers.artifacts.store import ArtifactId
from workers.protocol.data import NO_ARTIFACT


@dataclass(frozen=True, slots=True)
class EmbedRequest:
    """Turn texts into vectors by the trained encoder that `manifest` describes, or when "" by the model that
    the workers carry."""

    texts: tuple[str, ...]
    manifest: ArtifactId = NO_ARTIFACT


@dataclass(frozen=True, slots=True)
class EmbedResult:
    """One unit-length vector per text, how many tokens the model read of each, and which."""

    vectors: tuple[tuple[float, ...], ...]
    tokens: tuple[int, ...]
    ids: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class PingRequest:
    """Is anybody there? Answered by any worker."""


@dataclass(frozen=True, slots=True)
class PingResult:
    """Versions that decide numeric results, and the device in use."""

    python: str
    torch: str
    device: str
