"""What a juror's workers are asked: one row, one query or a preconditioner, recomputed."""

from dataclasses import dataclass

from workers.artifacts.store import ArtifactId
from workers.protocol.attribution import ReceiptInput
from workers.protocol.data import DatasetVersion


@dataclass(frozen=True, slots=True)
class JuryRowRequest:
    """Recompute the row at `place` of an index from the record that `datasets`, the chain's versions behind
    the model, have there."""

    index: ArtifactId
    datasets: tuple[DatasetVersion, ...]
    place: int


@dataclass(frozen=True, slots=True)
class JuryRowResult:
    """`row` is the committed one, int8, where all of it is within tolerance, else the recomputed one in the
    committed exponent, so that honest jurors tell the same."""

    is_right: bool
    row: bytes
    beyond: int
    largest_lsb: float


@dataclass(frozen=True, slots=True)
class JuryQueryRequest:
    """Recompute the query of a receipt's inference by an index, against the `committed` one, packed."""

    index: ArtifactId
    receipt: ReceiptInput
    committed: bytes


@dataclass(frozen=True, slots=True)
class JuryQueryResult:
    """`query` is the committed one, packed, where all of it is within tolerance, else the recomputed one."""

    is_right: bool
    query: bytes
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
