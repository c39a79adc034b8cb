"""What a juror's workers are asked: one row, or a preconditioner, recomputed."""

from dataclasses import dataclass

from workers.artifacts.store import ArtifactId
from workers.jobs.types.data import DatasetVersion


@dataclass(frozen=True, slots=True)
class JuryRowRequest:
    """Recompute the row at `place` of an index from the record that `datasets`, the chain's versions behind
    the model, have there. `coordinates` are those whose values are asked for."""

    index: ArtifactId
    datasets: tuple[DatasetVersion, ...]
    place: int
    coordinates: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class JuryRowResult:
    """`values` are the committed row's where all of it is within tolerance, else the recomputed row's, in its
    own exponent."""

    is_right: bool
    values: tuple[int, ...]
    exponent: int
    beyond: int
    largest_lsb: float


@dataclass(frozen=True, slots=True)
class PreconditionerRequest:
    """Test an index's preconditioner on `sample` records drawn from `seed`, and on all of them where those
    make it suspect; `sample` 0 tests on all at once."""

    index: ArtifactId
    datasets: tuple[DatasetVersion, ...]
    seed: bytes = bytes(32)
    sample: int = 0


@dataclass(frozen=True, slots=True)
class PreconditionerResult:
    """`residual` is that of all records, -1 where a sample of `sampled` was enough; `largest` to `length` are
    the sample's (`workers.influence.residual`)."""

    is_right: bool
    sampled: int
    largest: float
    typical: float
    total: float
    length: float
    residual: float
