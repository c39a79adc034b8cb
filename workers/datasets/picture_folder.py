"""Pictures in a folder as rows, as Hugging Face's `imagefolder` reads it: classes by directory, or a list.

`train/cat/1.png` is of class `cat`; where a `metadata.csv` (or `.jsonl`, `.parquet`) with a column
`file_name` stands beside the pictures, its rows say everything and the pictures that it lists are taken.
"""

from pathlib import PurePosixPath
from typing import Any

from workers.errors import InvalidInputError

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")


def in_class(name: str, data: bytes) -> dict[str, Any]:
    """A picture as a row: its label is the directory that it is in."""
    return {"image": {"bytes": data, "path": name}, "label": PurePosixPath(name).parent.name}


def with_picture(
    row: dict[str, Any], metadata: str, files: dict[str, bytes]
) -> dict[str, Any] | InvalidInputError:
    """A row of a list with the picture that it names in place of the name, or that there is none."""
    named = str(row["file_name"])
    path = str(PurePosixPath(metadata).parent / named)
    if path not in files:
        return InvalidInputError(f"file_name: there is no picture {named!r} in the upload")
    rest = {key: value for key, value in row.items() if key != "file_name"}
    return {"image": {"bytes": files[path], "path": path}, **rest}
