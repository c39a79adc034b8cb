"""What a gateway's data directory holds for nobody: old checkpoints, half-made files, unnamed artefacts.

Covered: a list with sizes before anything goes, jobs that begin while it is made (their needs are read again
before anything is removed). Not covered: the cache of unpacked folders, which is any program's to empty.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from openledger_node.client.ethereum import Ethereum
from openledger_node.clock import Clock
from openledger_node.errors import UserError
from openledger_node.factory.roots import Needed, needed, of_jobs
from openledger_node.jobs.database import Database
from openledger_node.jobs.table import JobTable
from workers.artifacts import sweeping
from workers.artifacts.sweeping import Leftover
from workers.protocol.identity import FOLDER

LEAST_AGE_S = 3_600
"""Younger files may be of somebody who is about to name them."""
LEAST_TEMPORARY_AGE_S = 24 * 3_600
SHOWN = 200


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What nobody needs, by kind; `kept` counts the artefacts that stay."""

    checkpoints: Sequence[Leftover]
    temporary: Sequence[Leftover]
    artifacts: Sequence[Leftover]
    kept: int

    def to_json(self, now_s: float, *, removed: bool) -> dict[str, Any]:
        """Sizes and ages; of each kind the largest by name."""
        kinds = {
            "checkpoints": self.checkpoints,
            "temporary": self.temporary,
            "artifacts": self.artifacts,
        }
        return {
            "removed": removed,
            "sizeBytes": sum(each.size_bytes for found in kinds.values() for each in found),
            "kept": self.kept,
            **{name: _shown(found, now_s) for name, found in kinds.items()},
        }


class Cleaner:
    """Looks through one data directory, and removes when told."""

    def __init__(
        self, directory: Path, ethereum: Ethereum, jobs: JobTable, database: Database, clock: Clock
    ) -> None:
        self._directory = directory
        self._ethereum, self._jobs, self._database, self._clock = ethereum, jobs, database, clock
        self._turn = asyncio.Lock()

    async def clean(self, artifacts: Path, age_s: int, *, removes: bool) -> dict[str, Any]:
        """What is older than `age_s` and needed by nobody, removed or only shown; raises UserError."""
        if age_s < LEAST_AGE_S:
            raise UserError(
                f"files younger than {LEAST_AGE_S} s always stay",
                "somebody may be about to use them: name a greater age",
            )
        async with self._turn:
            now_s = self._clock.now_s()
            here = await asyncio.to_thread(sweeping.artefacts, artifacts)
            wanted = await needed(self._ethereum, self._jobs, self._database, self._directory)
            found = await asyncio.to_thread(leftovers, artifacts, here, wanted, now_s, age_s)
            if removes:
                newest = of_jobs(await self._jobs.all(), set())
                found = await asyncio.to_thread(removed, found, newest)
        return found.to_json(now_s, removed=removes)


def leftovers(
    artifacts: Path, here: dict[str, Leftover], wanted: Needed, now_s: float, age_s: int
) -> Leftovers:
    """What nobody needs of a directory of artefacts and the checkpoints beside it."""
    unneeded = sweeping.unneeded(here, wanted.names, now_s - age_s)
    return Leftovers(
        [
            each
            for each in _files(artifacts.parent / FOLDER)
            if each.touched_s < now_s - age_s and not wanted.has_checkpoint(each.path.name)
        ],
        sweeping.temporaries(artifacts, now_s - max(age_s, LEAST_TEMPORARY_AGE_S)),
        unneeded,
        len(here) - len(unneeded),
    )


def removed(found: Leftovers, newest: Needed) -> Leftovers:
    """What went of it."""

    def never(_name: str) -> bool:
        return False

    def gone(some: Sequence[Leftover], is_needed: Callable[[str], bool]) -> list[Leftover]:
        return sweeping.remove(some, is_needed)

    artifacts = gone(found.artifacts, newest.names.__contains__)
    return replace(
        found,
        checkpoints=gone(found.checkpoints, newest.has_checkpoint),
        temporary=gone(found.temporary, never),
        artifacts=artifacts,
        kept=found.kept + len(found.artifacts) - len(artifacts),
    )


def _files(folder: Path) -> list[Leftover]:
    if not folder.is_dir():
        return []
    sweeping.taken_back(folder)
    stats = [(path, path.stat()) for path in sorted(folder.iterdir()) if path.is_file()]
    return [Leftover(path, found.st_size, found.st_mtime) for path, found in stats]


def _shown(found: Sequence[Leftover], now_s: float) -> dict[str, Any]:
    largest = sorted(found, key=lambda each: -each.size_bytes)[:SHOWN]
    return {
        "count": len(found),
        "sizeBytes": sum(each.size_bytes for each in found),
        "files": [
            {
                "name": each.path.name,
                "sizeBytes": each.size_bytes,
                "ageDays": round((now_s - each.touched_s) / 86_400, 1),
            }
            for each in largest
        ],
    }
