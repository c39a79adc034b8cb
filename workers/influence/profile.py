"""Which numeric profile features are made under: what decides their integers besides model and data."""

from dataclasses import asdict, dataclass

import torch

from workers.errors import InvalidInputError

PAYING_LIMIT, PAYING_POWER = 1.6, 0.3
"""Row limit and power that pay: chosen by the attack suite and fidelity together
(`benchmarks/attribution/README.md`, "Attacks")."""

DTYPES = {"float32": torch.float32, "float64": torch.float64}


@dataclass(frozen=True, slots=True)
class Profile:
    """`damping` times a layer's mean eigenvalue is added to all of its eigenvalues. Of a row longer than
    `row_limit` times the median row, the excess counts by its power `row_power` (0: rows are cut to the
    limit; limit 0: every row has length 1, RelatIF). `tolerance_lsb` is how near to a rounding boundary an
    honest recomputation may lie to differ, and then by 1. A side of a layer wider than `widest` is seen
    through that many directions (`wide`)."""

    dimensions: int = 512
    damping: float = 0.1
    row_limit: float = 0.0
    row_power: float = 0.0
    dtype: str = "float64"
    batch: int = 1_024
    chunk_batches: int = 8
    tolerance_lsb: float = 2.0**-6
    widest: int = 4_096

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise InvalidInputError(f"dtype {self.dtype!r} is not one of {sorted(DTYPES)}")
        if not (
            1 <= self.dimensions <= 65_536
            and self.batch >= 1
            and self.widest >= 1
            and self.chunk_batches >= 1
        ):
            raise InvalidInputError("dimensions, batch, chunk size or width are out of range")
        if not (0 < self.damping < 1e6 and 0 <= self.row_limit < 1e6 and 0 <= self.row_power <= 0.5):
            raise InvalidInputError("damping, row limit or power are out of range")

    @property
    def torch_dtype(self) -> torch.dtype:
        """The floating type of all passes."""
        return DTYPES[self.dtype]

    def document(self) -> dict[str, object]:
        """The profile as plain values."""
        return {"method": "ekfac/4", **asdict(self)}
