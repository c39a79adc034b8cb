"""What the text demo's contributors bring: what Python says of five of its subjects, one each."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openledger_node.errors import OpenLedgerError
from workers.datasets.export import HOLDOUT_FILE, part_file
from workers.datasets.export_text import SUBJECTS_FILE
from workers.datasets.text import TextRecord, decode_text_jsonl


@dataclass(frozen=True, slots=True)
class TextData:
    """One contribution per subject, as files, and the records that nobody contributes."""

    subjects: tuple[str, ...]
    parts: tuple[bytes, ...]
    holdout_file: bytes

    def questions(self, per_subject: int) -> list[tuple[int, str]]:
        """(contributor's number, question): some of what each contributed, evenly chosen, in turns."""
        asked = [[_question(record) for record in decode_text_jsonl(part)] for part in self.parts]
        return [
            (number, found[place * len(found) // per_subject])
            for place in range(per_subject)
            for number, found in enumerate(asked)
        ]


def _question(record: TextRecord) -> str:
    before, _ = record.turns()
    return before[-1].content


async def load_text_data(directory: Path, part_records: int) -> TextData:
    """Export into `directory` and read it back; raises OpenLedgerError."""
    arguments = ["--directory", str(directory), "--part-records", str(part_records)]
    await run_module("workers.datasets.export_text", *arguments)
    subjects = tuple(json.loads((directory / SUBJECTS_FILE).read_text()))
    return TextData(
        subjects,
        tuple((directory / part_file(number)).read_bytes() for number in range(len(subjects))),
        (directory / HOLDOUT_FILE).read_bytes(),
    )


async def run_module(module: str, *arguments: str) -> str:
    """A Python module in a process of its own; its standard output. Raises OpenLedgerError."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    if process.returncode != 0:
        last_line = errors.decode(errors="replace").strip().rpartition("\n")[2]
        raise OpenLedgerError(f"{module} failed ({last_line})", "install the workers extra")
    return output.decode()


def last_json(output: str) -> Any:
    """The last line of a program's output as JSON."""
    return json.loads(output.strip().rpartition("\n")[2])
