"""How rows of a table or pictures become labelled vectors of bytes: by a schema that a Datanet keeps.

Numbers are scaled from their column's range to 0..255, categories become one byte each (255 for the one
that is there), pictures are resized and read row by row. The schema is made from the first upload, or
given; whoever contributes later uses the same, so that a feature means the same in every record.

Covered: values outside of the schema (refused by name, never clipped), rows with missing values (refused).
Not covered: text columns, guessing what is missing.
"""

import base64
import decimal
import io
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workers.datasets.parents import parse_parents
from workers.datasets.records import MAX_FEATURES, Record
from workers.datasets.upload import Row
from workers.errors import InvalidInputError

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

MAX_CATEGORIES = 256
MAX_PIXELS = 1 << 26
"""Of a picture before it is resized: 64 megapixels."""
PICTURE_TEXTS = ("iVBORw0KGgo", "/9j/", "UklGR")
"""How PNG, JPEG and WebP begin in base64."""
NUMBER, CATEGORY, PICTURE = "number", "category", "image"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: a `number` within `least` and `most`, a `category` of `categories`, or an `image` of
    `width` by `height` with `channels` 1 or 3."""

    name: str
    kind: str
    least: float = 0.0
    most: float = 0.0
    categories: tuple[str, ...] = ()
    width: int = 0
    height: int = 0
    channels: int = 1

    @property
    def features(self) -> int:
        """How many bytes of the vector it makes."""
        sizes = {NUMBER: 1, CATEGORY: len(self.categories), PICTURE: self.width * self.height * self.channels}
        return sizes.get(self.kind, 0)


@dataclass(frozen=True, slots=True)
class TableSchema:
    """`label` names the column to predict, one of `classes`, which number the labels from 0."""

    label: str
    classes: tuple[str, ...]
    columns: tuple[Column, ...]


def schema_of(rows: Sequence[Row], label: str, width: int = 0, height: int = 0) -> TableSchema:
    """The schema that fits all rows; raises InvalidInputError naming a column that does not work."""
    if not rows or any(row.get(label) is None or row[label] == "" for row in rows):
        raise InvalidInputError(f"every row needs the label column {label!r}")
    if any(_is_nested(row[label]) for row in rows):
        raise InvalidInputError(f"column {label!r} holds lists or objects")
    classes = sorted({_word(row[label]) for row in rows}, key=_natural)
    if not 2 <= len(classes) <= 1_000:
        raise InvalidInputError(f"the label column has {len(classes)} classes; 2 to 1,000 can be learnt")
    names = [name for name in common_columns(rows) if name not in {label, "parents"}]
    columns = tuple(_column(name, [row.get(name) for row in rows], width, height) for name in names)
    if (width or height) and not any(column.kind == PICTURE for column in columns):
        raise InvalidInputError("width and height are given, and no column holds pictures")
    return check_schema(TableSchema(label, tuple(classes), columns))


def common_columns(rows: Sequence[Row]) -> list[str]:
    """Columns that more than half of the rows have, in the order of their first appearance."""
    counts = Counter(name for row in rows for name in row)
    return [name for name, count in counts.items() if 2 * count > len(rows)]


def missing_in(row: Row, columns: Sequence[str]) -> str:
    """The first column that the row leaves out, or ""."""
    return next((name for name in columns if name != "parents" and _is_missing(row.get(name))), "")


def check_schema(schema: TableSchema) -> TableSchema:
    """Raises InvalidInputError when the schema makes no vector."""
    features = sum(column.features for column in schema.columns)
    if not 1 <= features <= MAX_FEATURES:
        raise InvalidInputError(f"the columns make {features} features; 1 to {MAX_FEATURES} are allowed")
    return schema


def vector_record(row: Row, schema: TableSchema) -> Record:
    """A row as a record; raises InvalidInputError naming the column that does not fit."""
    label = _word(row.get(schema.label))
    if label not in schema.classes:
        raise InvalidInputError(f"{schema.label}: {label!r} is not one of the {len(schema.classes)} classes")
    unknown = set(row) - {schema.label, "parents", *(column.name for column in schema.columns)}
    if unknown:
        raise InvalidInputError(f"column {min(unknown)!r} is not in the schema")
    features = b"".join(_bytes_of(row.get(column.name), column) for column in schema.columns)
    return Record(features, schema.classes.index(label), parse_parents(row.get("parents", [])))


def _column(name: str, values: Sequence[Any], width: int, height: int) -> Column:
    if any(value is None or value == "" for value in values):
        raise InvalidInputError(f"column {name!r} has empty fields")
    if any(_is_picture(value) for value in values):
        if not (width and height):
            raise InvalidInputError(f"column {name!r} holds pictures: give their width and height")
        return Column(name, PICTURE, width=width, height=height)
    if any(_is_nested(value) for value in values):
        raise InvalidInputError(f"column {name!r} holds lists or objects")
    numbers = [_number(value) for value in values]
    known = [number for number in numbers if number is not None]
    if len(known) == len(values):
        if not math.isfinite(max(known) - min(known)):
            raise InvalidInputError(f"column {name!r} has a range beyond what numbers can hold")
        return Column(name, NUMBER, min(known), max(known))
    categories = sorted({_word(value) for value in values}, key=_natural)
    if len(categories) > MAX_CATEGORIES:
        raise InvalidInputError(f"column {name!r} is free text with {len(categories)} different values")
    return Column(name, CATEGORY, categories=tuple(categories))


def _bytes_of(value: Any, column: Column) -> bytes:
    if column.kind == NUMBER:
        number = _number(value)
        if number is None or not column.least <= number <= column.most:
            raise InvalidInputError(f"{column.name}: {value!r} is not within {column.least} to {column.most}")
        width = column.most - column.least
        return bytes([round(255 * (number - column.least) / width) if width else 0])
    if column.kind == CATEGORY:
        if _word(value) not in column.categories:
            raise InvalidInputError(f"{column.name}: {value!r} is not one of its categories")
        return bytes(255 if name == _word(value) else 0 for name in column.categories)
    if column.kind == PICTURE:
        return _pixels(value, column)
    raise InvalidInputError(f"{column.name}: kind {column.kind!r} is not {NUMBER}, {CATEGORY} or {PICTURE}")


def _pixels(value: Any, column: Column) -> bytes:
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - only pictures need it

    data: Any = value.get("bytes") if isinstance(value, dict) else value
    try:
        data = base64.b64decode(data.partition("base64,")[2] or data) if isinstance(data, str) else data
        with Image.open(io.BytesIO(data or b""), formats=("PNG", "JPEG", "BMP", "WEBP")) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise InvalidInputError(f"{column.name}: a picture of more than {MAX_PIXELS} pixels")
            flat = _flat(picture, "L" if column.channels == 1 else "RGB")
            found: bytes = flat.resize((column.width, column.height)).tobytes()
    except UnidentifiedImageError as error:
        raise InvalidInputError(f"{column.name}: not a PNG, JPEG, BMP or WebP picture") from error
    except (OSError, ValueError, TypeError, SyntaxError, Image.DecompressionBombError) as error:
        raise InvalidInputError(f"{column.name}: not a PNG, JPEG, BMP or WebP picture ({error})") from error
    return found


def _flat(picture: "ImageFile", mode: str) -> "Image":
    """Upright as its camera says, on white where it is transparent, 16 bits a pixel scaled to 8."""
    from PIL import Image, ImageOps  # noqa: PLC0415 - only pictures need it

    upright = ImageOps.exif_transpose(picture)
    if upright.mode.startswith("I"):
        upright = Image.fromarray(
            (np.asarray(upright).astype(np.int64).clip(0, 65_535) >> 8).astype(np.uint8)
        )
    if upright.has_transparency_data:
        coloured = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", coloured.size, "white"), coloured)
    return upright.convert(mode)


def _is_picture(value: Any) -> bool:
    if isinstance(value, str):
        return value.partition("base64,")[2].startswith(PICTURE_TEXTS) or value.startswith(PICTURE_TEXTS)
    return isinstance(value, bytes) or (isinstance(value, dict) and "bytes" in value)


def _is_missing(value: Any) -> bool:
    """Nothing, or what programs write where a number is missing."""
    if isinstance(value, str) and value.strip().lower() in {"", "na", "n/a", "null"}:
        return True
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return True
    return isinstance(value, str) and _is_number(value) and _number(value) is None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_nested(value: Any) -> bool:
    return isinstance(value, list | dict)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str | decimal.Decimal):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _word(value: Any) -> str:
    return str(value).strip()


def _natural(text: str) -> tuple[float, str]:
    number = _number(text)
    return (math.inf if number is None else number, text)
