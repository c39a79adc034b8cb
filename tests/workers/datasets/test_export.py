import json
from pathlib import Path

from workers.datasets.digits import demo_parts
from workers.datasets.export import HOLDOUT_FILE, WRONG_INDICES_FILE, main, part_file
from workers.datasets.records import encode_jsonl


def test_files_are_the_demo_parts(tmp_path: Path) -> None:
    main(["--directory", str(tmp_path), "--seed", "3", "--part-records", "20"])
    digits = demo_parts(3, part_records=20)
    for number, records in enumerate(digits.parts):
        assert (tmp_path / part_file(number)).read_bytes() == encode_jsonl(records)
    assert (tmp_path / HOLDOUT_FILE).read_bytes() == encode_jsonl(digits.holdout)
    assert json.loads((tmp_path / WRONG_INDICES_FILE).read_text()) == list(digits.wrong_indices)
