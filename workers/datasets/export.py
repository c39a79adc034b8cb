"""How the demo's data reaches processes without AI packages: files in a folder.

`python -m workers.datasets.export --seed 1 --directory DIR` writes `part-0.jsonl` to `part-4.jsonl` (the five
contributions), `holdout.jsonl` (the queries) and `wrong-indices.json` (which records of part 3 carry a wrong
label, for the narrator alone). Importing this needs no AI package; running it does.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from workers.datasets.records import encode_jsonl

COPY_NOISE = 0.02
PART_RECORDS = 300
HOLDOUT_FILE = "holdout.jsonl"
WRONG_INDICES_FILE = "wrong-indices.json"


def part_file(number: int) -> str:
    """The name of contribution `number`'s file."""
    return f"part-{number}.jsonl"


def export(directory: Path, seed: int, copy_noise: float, part_records: int) -> None:
    """Write all files; the same arguments give the same bytes."""
    from workers.datasets.digits import demo_parts  # noqa: PLC0415 - only here are AI packages needed

    digits = demo_parts(seed, copy_noise, part_records)
    directory.mkdir(parents=True, exist_ok=True)
    for number, records in enumerate(digits.parts):
        (directory / part_file(number)).write_bytes(encode_jsonl(records))
    (directory / HOLDOUT_FILE).write_bytes(encode_jsonl(digits.holdout))
    (directory / WRONG_INDICES_FILE).write_text(json.dumps(digits.wrong_indices))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Write the demo's contributions and queries.")
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--copy-noise", type=float, default=COPY_NOISE)
    parser.add_argument("--part-records", type=int, default=PART_RECORDS)
    options = parser.parse_args(arguments)
    export(options.directory, options.seed, options.copy_noise, options.part_records)


if __name__ == "__main__":
    main()
