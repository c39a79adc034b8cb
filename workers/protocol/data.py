"""What records of several kinds have in common: integers, artefacts, versions of a Datanet."""

from dataclasses import dataclass
from typing import NewType

from genesis.types import Address
from workers.artifacts.store import ArtifactId

BigInt = NewType("BigInt", int)
"""An integer that may not fit a JSON number exactly."""
NO_ARTIFACT = ArtifactId("")
"""Stands for an artefact that is not given."""
MAX_THREADS = 64
"""Of a CPU that one job may compute on; its bits depend on their number."""


@dataclass(frozen=True, slots=True)
class ContributionSource:
    """One accepted contribution of a version; `artifact` is its JSONL file (`docs/formats.md`)."""

    contribution_id: int
    contributor: Address
    commit_block: int
    artifact: ArtifactId


@dataclass(frozen=True, slots=True)
class DatasetVersion:
    """A published version: its contributions in the order of acceptance, and the policy's similarity."""

    chain_id: int
    datanet_id: int
    version: int
    similarity_ppm: int
    contributions: tuple[ContributionSource, ...]
