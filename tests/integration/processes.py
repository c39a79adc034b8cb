"""Which processes of a dev network are alive, by what they do."""

import os
import signal
from pathlib import Path

MARKS = {
    "node": " dev --datadir ",
    "l1": " ethereum --dev ",
    "verifier": "/verifier ",
    "validator": " --role validator ",
    "worker": " workers.pool.main ",
    "text server": " workers.serving.main ",
}
ACTOR = "ray::Worker"


def processes_of(datadir: Path) -> dict[int, str]:
    """Process id → part played, for every live process started with a path inside `datadir`."""
    found: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            command = _command(entry)
            if f"{datadir}/" in f"{command}/":
                found[int(entry.name)] = next((part for part, mark in MARKS.items() if mark in command), "?")
    return found


def process_of(datadir: Path, part: str) -> int | None:
    """The process that plays `part`, or None while there is none."""
    return next((pid for pid, found in processes_of(datadir).items() if found == part), None)


def actors_of(ancestor: int) -> list[int]:
    """Workers on the Ray cluster that this process started."""
    parents = {int(entry.name): _parent(entry) for entry in Path("/proc").iterdir() if entry.name.isdecimal()}

    def descends(pid: int) -> bool:
        while pid > 1:
            if pid == ancestor:
                return True
            pid = parents.get(pid, 0)
        return False

    return [
        pid for pid in parents if text_of(Path(f"/proc/{pid}/cmdline")).startswith(ACTOR) and descends(pid)
    ]


def text_of(path: Path) -> str:
    """A file's text, "" for one that is gone."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _parent(process: Path) -> int:
    stat = text_of(process / "stat")
    return int(stat.rpartition(")")[2].split()[1]) if stat else 0


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def _command(process: Path) -> str:
    """The command line with spaces around it; "" for zombies and for what ended meanwhile."""
    try:
        return " " + (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
