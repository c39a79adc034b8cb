"""What the text demo's contributors bring: what Python says of five of its subjects, one each."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openledger_node.errors import OpenLedgerError
from workers.datasets.export import HOLDOUT_FILE, part_file
from workers.datasets.text import TextRecord, decode_text_jsonl
from workers.text.export import SUBJECTS_FILE, asked_about


@dataclass(frozen=True, slots=True)
class TextData:
    """One contribution per subject, as files, and the records that nobody contributes."""

    subjects: tuple[str, ...]
    parts: tuple[bytes, ...]
    holdout_file: bytes

    def questions(self, per_subject: int) -> list[tuple[int, str]]:
        """(contributor's number, question): about records that no recipe was chosen by, in turns."""
        asked = [
            [
                _question(record)
                for record in asked_about(decode_text_jsonl(part), per_subject, is_report=True)
            ]
            for part in self.parts
        ]
        return [(number, found[place]) for place in range(per_subject) for number, found in enumerate(asked)]


def _question(record: TextRecord) -> str:
    before, _ = record.turns()
    return before[-1].content


async def load_text_data(directory: Path, part_records: int) -> TextData:
    """Export into `directory` and read it back; raises OpenLedgerError."""
    arguments = ["--directory", str(directory), "--part-records", str(part_records)]
    await run_module("workers.text.export", *arguments)
    subjects = tuple(json.loads((directory / SUBJECTS_FILE).read_text()))
    return TextData(
        subjects,
        tuple((directory / part_file(number)).read_bytes() for number in range(len(subjects))),
        (directory / HOLDOUT_FILE).read_bytes(),
    )


async def run_module(module: str, *arguments: str, heard: Callable[[str], None] | None = None) -> str:
    """A Python module in a process of its own; its standard output. Raises OpenLedgerError.

    `heard` is called with every line of its standard error as it comes.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        last_line, output = await asyncio.gather(
            _listen(process.stderr, heard or (lambda line: None)), process.stdout.read()
        )
        await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
    if process.returncode != 0:
        raise OpenLedgerError(f"{module} failed ({last_line})", "install the workers extra")
    return output.decode()


async def _listen(errors: asyncio.StreamReader, heard: Callable[[str], None]) -> str:
    """Every line as it comes; returns the last one."""
    line = ""
    async for raw in errors:
        line = raw.decode(errors="replace").strip()
        heard(line)
    return line


def last_json(output: str) -> Any:
    """The last line of a program's output as JSON."""
    return json.loads(output.strip().rpartition("\n")[2])
