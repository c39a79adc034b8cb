"""Which real text demo, tests and benchmarks contribute: what Python says of five of its subjects.

`python -m workers.text.export --directory DIR` writes `part-0.jsonl` to `part-4.jsonl`, one
contribution per subject in the order of `subjects.json`, and `holdout.jsonl`. The base has seen none of
it (`workers.text.contributed`). Needs no AI package.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workers.datasets.export import HOLDOUT_FILE, part_file
from workers.datasets.text import TextRecord, encode_text_jsonl, text_record
from workers.errors import InvalidInputError
from workers.text.contributed import CHOSEN, SUBJECTS, chosen_passages
from workers.text.corpus import Passage

SUBJECTS_FILE = "subjects.json"
HOLDOUT_RECORDS = 8
PART_RECORDS = CHOSEN - HOLDOUT_RECORDS
"""Of each subject, at most."""
EVERY = CHOSEN // HOLDOUT_RECORDS
"""One chosen passage in so many is held out."""


@dataclass(frozen=True, slots=True)
class TextParts:
    """One contribution per subject, and the records that nobody contributes."""

    subjects: tuple[str, ...]
    parts: tuple[tuple[TextRecord, ...], ...]
    holdout: tuple[TextRecord, ...]


def text_parts(part_records: int = PART_RECORDS, holdout_records: int = HOLDOUT_RECORDS) -> TextParts:
    """Passages of every subject as questions and answers, always the same; raises InvalidInputError."""
    if part_records > PART_RECORDS or holdout_records > HOLDOUT_RECORDS:
        raise InvalidInputError(f"there are {PART_RECORDS} records of a subject, {HOLDOUT_RECORDS} held out")
    chosen = [[conversation(passage) for passage in chosen_passages(subject)] for subject in SUBJECTS]
    held_out = [found[EVERY - 1 :: EVERY][:HOLDOUT_RECORDS] for found in chosen]
    kept = [
        [record for record in found if record not in apart]
        for found, apart in zip(chosen, held_out, strict=True)
    ]
    return TextParts(
        subjects=tuple(SUBJECTS),
        parts=tuple(tuple(_spread(found, part_records)) for found in kept),
        holdout=tuple(record for found in held_out for record in found[:holdout_records]),
    )


def conversation(passage: Passage) -> TextRecord:
    """A passage as a question and its answer."""
    return text_record(
        {
            "messages": [
                {"role": "user", "content": passage.question},
                {"role": "assistant", "content": passage.text},
            ]
        }
    )


def asked_about(records: Sequence[TextRecord], count: int, *, is_report: bool) -> list[TextRecord]:
    """`count` of a contributor's records to ask about, evenly chosen.

    Recipes are chosen by answers about every other record; figures are reported of those between.
    """
    half = records[int(is_report) :: 2]
    return [half[place * len(half) // count] for place in range(count)]


def _spread(records: list[TextRecord], count: int) -> list[TextRecord]:
    return [records[place * len(records) // count] for place in range(min(count, len(records)))]


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
