"""Whether rows or queries are those of a model, recomputed elsewhere: how far apart, and is that within
tolerance?

A coordinate may differ only where the recomputed real value lies within the profile's tolerance of a rounding
boundary, and then by 1 (attribution.md, section 4.3 item 4). Distances are in units of the last place.

    python -m workers.influence.verify     # all variants on this machine, on a model of its own

The command recomputes a small model's rows and queries at another precision, thread count and instruction set
(`ATEN_CPU_CAPABILITY`), and on CUDA where there is one, and prints one line each.
"""

import argparse
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from workers.artifacts.tensors import encode_tensors
from workers.influence import wide
from workers.influence.attributor import Attributor
from workers.influence.curvature import covariances, squared_gradients
from workers.influence.featureindex import FeatureIndex, RowPart, open_part
from workers.influence.preconditioner import select_coordinates
from workers.influence.profile import Profile
from workers.influence.stages import write_whole
from workers.influence.task import ClassificationTask, Task
from workers.integers import ROW_SCALE, scaled_queries


@dataclass(frozen=True, slots=True)
class Distance:
    """Of `coordinates`, how many integers differ, how many of them by more than the tolerance allows, and the
    largest distance of a real value from the committed integer, in units of the last place."""

    coordinates: int
    different: int
    beyond: int
    largest_lsb: float

    @property
    def is_within(self) -> bool:
        """Whether an honest machine could have made the committed integers."""
        return self.beyond == 0

    def __add__(self, other: "Distance") -> "Distance":
        return Distance(
            self.coordinates + other.coordinates,
            self.different + other.different,
            self.beyond + other.beyond,
            max(self.largest_lsb, other.largest_lsb),
        )


NOTHING = Distance(0, 0, 0, 0.0)


def row_distance(index: FeatureIndex, attributor: Attributor, records: Any) -> Distance:
    """The committed rows of `records` against what `attributor`, loaded from the committed preconditioner,
    finds."""
    mantissas, exponents = index.mantissas(), index.exponents()
    total, first = NOTHING, 0
    for one in attributor.runner.passes(records):
        real, _ = attributor.row_features(one)
        some = slice(first, first + len(real))
        steps = 2.0 ** exponents[some, None].astype(np.float64)
        total += _distance(mantissas[some], real * ROW_SCALE / steps, attributor.profile.tolerance_lsb)
        first += len(real)
    return total


def query_distance(queries: NDArray[np.int16], attributor: Attributor, inputs: Any) -> Distance:
    """Committed queries of `inputs` against recomputed ones."""
    total, first = NOTHING, 0
    for one in attributor.runner.passes(inputs):
        real = scaled_queries(attributor.query_features(one), attributor.preconditioner.query_scale)
        some = queries[first : first + len(real)]
        total += _distance(some, real, attributor.profile.tolerance_lsb)
        first += len(real)
    return total


def preconditioner_residual(attributor: Attributor, train: Any) -> float:
    """How far the loaded preconditioner is from being that of its model and `train`: 0 for the one that `fit`
    makes, about 1e-12 for an honest one from another machine, near 1 for one of other data.

    The bases must be orthonormal and turn the recomputed covariances diagonal, Λ and λ be those of the basis,
    the coordinates the largest Λ. That near-equal eigenvalues leave a basis free does not matter. Of a side
    wider than the profile's `widest` the sketch is made again, and no square matrix.
    """
    runner, fitted = attributor.runner, attributor.preconditioner
    passes, modules = list(runner.passes(train)), list(runner.modules.values())
    sums = covariances(passes, modules, attributor.profile.widest)
    squares = squared_gradients(passes, [(layer.output_basis, layer.input_basis) for layer in fitted.layers])
    residuals = [0.0]
    for position, layer in enumerate(fitted.layers):
        residuals.append(_off_diagonal(layer.output_basis, sums[f"{position}.left"]))
        if layer.input_basis is not None:
            residuals.append(_off_diagonal(layer.input_basis, sums[f"{position}.right"]))
        expected = squares[f"{position}.squares"] / sums["count"]
        found = layer.eigenvalues.double().cpu().numpy()
        residuals.append(float(np.abs(found - expected).max() / expected.max()))
        damping = attributor.profile.damping * float(expected.mean())
        residuals.append(abs(layer.damping - damping) / damping)
    chosen = select_coordinates(fitted.layers, fitted.dimensions)
    is_selected = all(torch.equal(one, other) for one, other in zip(chosen, fitted.selected, strict=True))
    return max(*residuals, 0.0 if is_selected else 1.0)


def _off_diagonal(basis: torch.Tensor, covariance: NDArray[Any]) -> float:
    """What the basis leaves off the diagonal, in parts of the whole, or its distance from orthonormal."""
    if covariance.shape[0] != covariance.shape[1]:
        return wide.residual(basis.cpu(), torch.from_numpy(covariance))
    turns = basis.double().cpu().numpy()
    turned = turns.T @ covariance @ turns
    rest = turned - np.diag(np.diag(turned))
    skew = turns.T @ turns - np.eye(turns.shape[1])
    size = float(np.linalg.norm(covariance))
    return max(float(np.linalg.norm(rest)) / size if size else 0.0, float(np.abs(skew).max()))


def _distance(committed: NDArray[Any], real: NDArray[np.float64], tolerance: float) -> Distance:
    apart = np.abs(real - committed)
    different = np.rint(real).astype(np.int64) != committed
    return Distance(
        apart.size, int(different.sum()), int((apart > 0.5 + tolerance).sum()), float(apart.max(initial=0))
    )


# --- The command ------------------------------------------------------------------------------------------


def demonstration() -> tuple[Task, tuple[torch.Tensor, torch.Tensor]]:
    """A small trained classifier and its data, the same everywhere."""
    generator = torch.Generator().manual_seed(1612)
    inputs = torch.rand(1_000, 64, generator=generator)
    labels = (inputs[:, :10] + 0.3 * inputs[:, 10:20]).argmax(dim=1)
    with torch.random.fork_rng():
        torch.manual_seed(1612)
        model = nn.Sequential(nn.Linear(64, 48), nn.GELU(), nn.Linear(48, 32), nn.GELU(), nn.Linear(32, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(60):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs), labels).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimizer.step()
    return ClassificationTask(model), (inputs, labels)


def commit(folder: Path, profile: Profile) -> None:
    """Model, preconditioner, rows and queries as files."""
    task, data = demonstration()
    attributor = Attributor(task, profile)
    index = attributor.fit(data)
    torch.save(task.model.state_dict(), folder / "model.pt")
    write_whole(folder / "preconditioner", attributor.committed)
    part = RowPart(index.mantissas(), index.exponents(), index.self_influence)
    write_whole(folder / "rows", encode_tensors(part.tensors()))
    np.save(folder / "queries.npy", attributor.query(data))


def check(folder: Path, profile: Profile, device: str, threads: int) -> Distance:
    """The committed files against this process's own arithmetic."""
    torch.set_num_threads(threads)
    task, data = demonstration()
    task.model.load_state_dict(torch.load(folder / "model.pt", weights_only=True))
    committed = (folder / "preconditioner").read_bytes()
    attributor = Attributor.load(task, committed, profile, device)
    index = FeatureIndex((open_part(folder / "rows"),), committed)
    return row_distance(index, attributor, data) + query_distance(
        np.load(folder / "queries.npy"), attributor, data
    )


def main() -> None:
    """Print one line per variant; exits 1 when one of the profile's own precision is beyond tolerance."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--dtype", default="float64")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    profile = Profile(dtype=options.dtype, row_limit=2.0)
    if options.folder is not None:
        found = check(options.folder, profile, options.device, options.threads)
        print(
            f"{found.different}/{found.coordinates} differ, {found.beyond} beyond tolerance, "
            f"largest distance {found.largest_lsb:.9f} lsb: {'within' if found.is_within else 'BEYOND'}"
        )
        sys.exit(0 if found.is_within else 1)
    is_good = True
    with TemporaryDirectory() as name:
        torch.set_num_threads(1)
        commit(Path(name), replace(profile, dtype="float64"))
        for label, arguments, environment in variants():
            command = [sys.executable, "-m", "workers.influence.verify", "--folder", name, *arguments]
            done = subprocess.run(  # noqa: S603 (its own module, no input of strangers)
                command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
            )
            print(f"{label:28} {done.stdout.strip() or done.stderr.strip()[-200:]}", flush=True)
            is_good &= done.returncode == 0
    sys.exit(0 if is_good else 1)


def variants() -> list[tuple[str, list[str], dict[str, str]]]:
    """(label, arguments, environment) of every recomputation this machine can do."""
    found: list[tuple[str, list[str], dict[str, str]]] = [
        ("the same again", [], {}),
        ("two threads", ["--threads", "2"], {}),
        ("AVX2 instead of AVX-512", [], {"ATEN_CPU_CAPABILITY": "avx2"}),
        ("no vector instructions", [], {"ATEN_CPU_CAPABILITY": "default"}),
        ("float32", ["--dtype", "float32"], {}),
        (
            "float32, two threads, AVX2",
            ["--dtype", "float32", "--threads", "2"],
            {"ATEN_CPU_CAPABILITY": "avx2"},
        ),
    ]
    if torch.cuda.is_available():
        found += [
            ("CUDA float64", ["--device", "cuda"], {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"}),
            (
                "CUDA float32",
                ["--device", "cuda", "--dtype", "float32"],
                {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"},
            ),
        ]
    return found


if __name__ == "__main__":
    main()
