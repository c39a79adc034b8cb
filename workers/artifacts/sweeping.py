"""Which artefacts nothing names any more, and how they go without ever taking one that is needed.

Needed is, conservatively: every artefact whose name stands in what the caller knows (`roots`), and in turn
every one whose name stands in the text of a needed artefact. What is young stays whatever names it: somebody
may be about to.

Covered: a kill at any moment (a file that goes is renamed first; the next look takes it back and judges it
anew), an artefact that is put again while it is being judged (putting it touches it), names within files
within files. Not covered: the bucket behind a directory, which keeps everything; names in raw bytes.
"""

import os
import re
import shutil
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

REMOVING = ".removing-"
TEMPORARY = (".writing-", ".fitting-")
"""Of a store's and a feature index's half-made files; left behind only by a kill."""
BLOCK_BYTES = 1 << 20
TENSORS_HEAD_BYTES = 1 << 20
_NAME = re.compile(rb"[0-9a-f]{64}")
_ANYWHERE = re.compile(rb"(?=([0-9a-f]{64}))")


@dataclass(frozen=True, slots=True)
class Leftover:
    """A file or folder that nobody needs; `touched_s` is when somebody last wrote to it, as seen."""

    path: Path
    size_bytes: int
    touched_s: float


def names_in(text: bytes) -> set[str]:
    """Whatever could be an artefact's name in a text."""
    return {found.decode() for found in _ANYWHERE.findall(text)}


def artefacts(directory: Path) -> dict[str, Leftover]:
    """Every artefact by its name."""
    taken_back(directory)
    found = (_seen(path) for path in directory.iterdir() if _NAME.fullmatch(path.name.encode()))
    return {each.path.name: each for each in found if each is not None}


def unneeded(here: dict[str, Leftover], roots: Collection[str], before_s: float) -> list[Leftover]:
    """What was not touched since `before_s` and is not reached from the roots; largest first."""
    needed = _reached(here, roots)
    found = [each for name, each in here.items() if name not in needed and each.touched_s < before_s]
    return sorted(found, key=lambda each: (-each.size_bytes, each.path.name))


def temporaries(directory: Path, before_s: float) -> list[Leftover]:
    """Half-made files and folders that nobody wrote to since `before_s`."""
    found = (_seen(path) for path in directory.iterdir() if path.name.startswith(TEMPORARY))
    return [each for each in found if each is not None and each.touched_s < before_s]


def remove(leftovers: Iterable[Leftover], is_needed: Callable[[str], bool]) -> list[Leftover]:
    """Those that went; one that was touched since it was seen, or is needed by now, stays."""
    return [each for each in leftovers if not is_needed(each.path.name) and _gone(each)]


def taken_back(directory: Path) -> None:
    """Undo what a kill left half removed: judged anew, it goes again or stays."""
    for path in directory.glob(f"{REMOVING}*"):
        target = directory / path.name.removeprefix(REMOVING)
        if target.exists():
            _delete(path)
        else:
            path.rename(target)


def _gone(leftover: Leftover) -> bool:
    aside = leftover.path.with_name(REMOVING + leftover.path.name)
    try:
        leftover.path.rename(aside)
    except FileNotFoundError:
        return False
    found = _seen(aside)
    if found is not None and found.touched_s > leftover.touched_s:
        if leftover.path.exists():
            _delete(aside)
        else:
            aside.rename(leftover.path)
        return False
    _delete(aside)
    return True


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _seen(path: Path) -> Leftover | None:
    """A file, or a folder as a whole; None when it has just gone."""
    try:
        parts = [path, *path.rglob("*")] if path.is_dir() else [path]
        stats = [part.stat() for part in parts]
    except FileNotFoundError:
        return None
    return Leftover(path, sum(each.st_size for each in stats), max(each.st_mtime for each in stats))


def _reached(here: dict[str, Leftover], roots: Collection[str]) -> set[str]:
    waiting = [name for name in roots if name in here]
    found = set(waiting)
    while waiting:
        for name in _named_by(here[waiting.pop()].path) & here.keys():
            if name not in found:
                found.add(name)
                waiting.append(name)
    return found


def _named_by(path: Path) -> set[str]:
    """Names in a document; of other files (tensors) only their head can hold any."""
    found: set[str] = set()
    try:
        with path.open("rb") as file:
            is_document = file.read(1) == b"{"
            file.seek(0)
            kept = b""
            while block := file.read(BLOCK_BYTES):
                found |= names_in(kept + block)
                kept = block[-63:]
                if not is_document and file.tell() >= TENSORS_HEAD_BYTES:
                    break
    except FileNotFoundError:
        return found
    return found


def touch(path: Path) -> bool:
    """Say that a file is wanted now; False when it is not there."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True
