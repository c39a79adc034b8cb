"""Which real text demo, tests and benchmarks contribute: what Python says of five of its subjects.

`python -m workers.datasets.export_text --directory DIR` writes `part-0.jsonl` to `part-4.jsonl`, one
contribution per subject in the order of `subjects.json`, and `holdout.jsonl`. The base has seen none of
it (`workers.text.corpus`). Needs no AI package.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workers.datasets.export import HOLDOUT_FILE, part_file
from workers.datasets.text import TextRecord, encode_text_jsonl, text_record
from workers.text.corpus import SUBJECTS, Passage, subject_passages

SUBJECTS_FILE = "subjects.json"
PART_RECORDS = 60
HOLDOUT_RECORDS = 8
"""Of each subject."""


@dataclass(frozen=True, slots=True)
class TextParts:
    """One contribution per subject, and the records that nobody contributes."""

    subjects: tuple[str, ...]
    parts: tuple[tuple[TextRecord, ...], ...]
    holdout: tuple[TextRecord, ...]


def text_parts(part_records: int = PART_RECORDS, holdout_records: int = HOLDOUT_RECORDS) -> TextParts:
    """Evenly chosen passages of every subject as questions and answers; always the same."""
    chosen = {subject: _spread(subject, part_records + holdout_records) for subject in SUBJECTS}
    every = (part_records + holdout_records) // holdout_records
    held_out = {subject: found[every - 1 :: every][:holdout_records] for subject, found in chosen.items()}
    return TextParts(
        subjects=tuple(SUBJECTS),
        parts=tuple(
            tuple(record for record in found if record not in held_out[subject])[:part_records]
            for subject, found in chosen.items()
        ),
        holdout=tuple(record for found in held_out.values() for record in found),
    )


def conversation(passage: Passage) -> TextRecord:
    """A passage as a question and its answer."""
    asked = f"{passage.name}({passage.signature})" if passage.signature else passage.name
    return text_record(
        {
            "messages": [
                {"role": "user", "content": f"What does {asked} do?"},
                {"role": "assistant", "content": passage.text},
            ]
        }
    )


def _spread(subject: str, count: int) -> list[TextRecord]:
    passages = subject_passages(subject)
    step = len(passages) / min(count, len(passages))
    return [conversation(passages[int(number * step)]) for number in range(min(count, len(passages)))]


def export(directory: Path, part_records: int, holdout_records: int) -> None:
    """Write all files; the same arguments and Python give the same bytes."""
    made = text_parts(part_records, holdout_records)
    directory.mkdir(parents=True, exist_ok=True)
    for number, records in enumerate(made.parts):
        (directory / part_file(number)).write_bytes(encode_text_jsonl(records))
    (directory / HOLDOUT_FILE).write_bytes(encode_text_jsonl(made.holdout))
    (directory / SUBJECTS_FILE).write_text(json.dumps(made.subjects))


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the files that the command line asks for."""
    parser = argparse.ArgumentParser(description="Write contributions of real text, and questions.")
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--part-records", type=int, default=PART_RECORDS)
    parser.add_argument("--holdout-records", type=int, default=HOLDOUT_RECORDS)
    options = parser.parse_args(arguments)
    export(options.directory, options.part_records, options.holdout_records)


if __name__ == "__main__":
    main()
