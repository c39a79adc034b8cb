"""How work over chunks of a stream survives a kill and is shared among processes with the same result.

A stage computes one result per chunk of records. With a folder each result is a file, written whole or not at
all; whoever starts again finds them, and a process of several computes only its own. Results are then
combined in the order of chunks, so that neither kills nor the number of processes can change a bit.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers.artifacts.tensors import Array, decode_tensors, encode_tensors
from workers.errors import InvalidInputError

POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Shard:
    """Process `index` of `count`, all of which share one folder; waits `patience_s` for the others."""

    index: int = 0
    count: int = 1
    patience_s: float = 3_600.0

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            raise InvalidInputError(f"shard {self.index} of {self.count} does not exist")


class Stages:
    """Runs stages in a folder, or in memory when there is none."""

    def __init__(self, folder: Path | None, shard: Shard) -> None:
        if folder is None and shard.count > 1:
            raise InvalidInputError("several processes need a folder that they share")
        self._folder, self._shard = folder, shard
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def check_plan(self, plan: bytes) -> None:
        """Refuse a folder that was begun with another profile, model or number of dimensions."""
        if self._folder is None:
            return
        path = self._folder / "plan.json"
        if not path.exists():
            write_whole(path, plan)
        if path.read_bytes() != plan:
            raise InvalidInputError(
                f"{self._folder} was begun with another profile or model: use an empty folder"
            )

    def run(
        self, name: str, chunks: Iterator[Any], compute: Callable[[Any], dict[str, Array]]
    ) -> Iterator[dict[str, Array]]:
        """The results of all chunks in order; computes what is this process's and not there yet."""
        if self._folder is None:
            for chunk in chunks:
                yield compute(chunk)
            return
        count = 0
        for number, chunk in enumerate(chunks):
            count += 1
            path = self._path(name, number)
            if number % self._shard.count == self._shard.index and not path.exists():
                write_whole(path, encode_tensors(compute(chunk)))
        for number in range(count):
            yield decode_tensors(self._wait(self._path(name, number)))

    def once(self, name: str, compute: Callable[[], bytes]) -> bytes:
        """A result that only the first process computes."""
        if self._folder is None:
            return compute()
        path = self._folder / name
        if self._shard.index == 0 and not path.exists():
            write_whole(path, compute())
        return self._wait(path)

    def _path(self, name: str, number: int) -> Path:
        assert self._folder is not None
        return self._folder / f"{name}-{number:06d}.safetensors"

    def _wait(self, path: Path) -> bytes:
        deadline_s = time.monotonic() + self._shard.patience_s
        while not path.exists():
            if time.monotonic() > deadline_s:
                raise InvalidInputError(f"{path.name} did not come from another process in time")
            time.sleep(POLL_S)
        return path.read_bytes()


def write_whole(path: Path, data: bytes) -> None:
    """The file appears with all of its content or not at all."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
