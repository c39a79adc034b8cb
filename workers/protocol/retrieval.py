"""Looking things up in a Datanet's records: an index of passages, and what is nearest to a question."""

from dataclasses import dataclass

from genesis.types import Address
from workers.artifacts.store import ArtifactId
from workers.protocol.data import NO_ARTIFACT, DatasetVersion


@dataclass(frozen=True, slots=True)
class RetrievalIndexRequest:
    """Embed the passages of a version's canonical text records; `encoder` is a model folder, "" the carried
    one."""

    version: DatasetVersion
    encoder: ArtifactId = NO_ARTIFACT


@dataclass(frozen=True, slots=True)
class RetrievalIndexResult:
    """`index` is the document (`docs/formats.md`)."""

    index: ArtifactId
    records: int
    passages: int


@dataclass(frozen=True, slots=True)
class RetrieveRequest:
    """The `top_k` records whose best passages are nearest to a question."""

    index: ArtifactId
    question: str
    top_k: int


@dataclass(frozen=True, slots=True)
class Hit:
    """A record's best passage: characters `start` to `end` of the record's plain text. `cosine_ppm` is the
    exact cosine of the int8 vectors, rounded down."""

    record: int
    contributor: Address
    start: int
    end: int
    text: str
    cosine_ppm: int


@dataclass(frozen=True, slots=True)
class RetrieveResult:
    """Nearest first."""

    hits: tuple[Hit, ...]
