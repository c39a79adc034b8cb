"""How tensors lie in a file: the safetensors format, written so that equal tensors give equal bytes.

The published library is read-compatible both ways (tested); its own writer orders metadata by a random hash,
which content addressing cannot have, and a node without AI packages must read these files too. Rule: header
keys sorted, tensors laid out in name order, header padded with spaces to 8 bytes.

Covered: bounds and types of a file from a stranger. Not covered: metadata (ignored).
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.artifacts.canonical_json import check_depth
from workers.errors import InvalidInputError

Array = NDArray[Any]
MAX_HEADER_BYTES = 1 << 20
PART_BYTES = 1 << 22
_DTYPES: dict[str, np.dtype[Any]] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U8": np.dtype("u1"),
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


def encode_tensors(tensors: Mapping[str, Array]) -> bytes:
    """One safetensors file; raises InvalidInputError for an element type outside the table."""
    return b"".join(encode_in_parts(tensors))


def encode_in_parts(tensors: Mapping[str, Array]) -> Iterator[bytes]:
    """The same file in parts of at most some MiB, so that mapped tensors never lie in memory whole."""
    header: dict[str, object] = {}
    offset = 0
    for name in sorted(tensors):
        array = tensors[name]
        dtype = array.dtype.newbyteorder("<")
        if dtype not in _NAMES:
            raise InvalidInputError(f"tensor {name}: element type {array.dtype} is not supported")
        header[name] = {
            "dtype": _NAMES[dtype],
            "shape": list(np.shape(array)),
            "data_offsets": [offset, offset + array.nbytes],
        }
        offset += array.nbytes
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    yield len(text).to_bytes(8, "little") + text
    for name in sorted(tensors):
        yield from _parts(tensors[name])


def _parts(array: Array) -> Iterator[bytes]:
    little = array.dtype.newbyteorder("<")
    if array.ndim == 0 or array.nbytes <= PART_BYTES:
        yield array.astype(little, copy=False).tobytes()
        return
    rows = max(1, PART_BYTES * len(array) // array.nbytes)
    for first in range(0, len(array), rows):
        yield array[first : first + rows].astype(little, copy=False).tobytes()


def decode_tensors(data: bytes) -> dict[str, Array]:
    """All tensors of a file, read-only and copied from nowhere; raises InvalidInputError when malformed."""
    header, body = _split(data)
    header.pop("__metadata__", None)
    return {name: _tensor(name, entry, body) for name, entry in header.items()}


@dataclass(frozen=True, slots=True)
class TensorPlace:
    """Where one tensor of a file lies: bytes from `first` on, in `dtype`, of `shape`."""

    first: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    def rows(self, start: int, count: int) -> tuple[int, int]:
        """(first byte, number of bytes) of some consecutive rows."""
        size = self.dtype.itemsize * math.prod(self.shape[1:])
        return self.first + start * size, count * size


def tensor_places(read: Callable[[int, int], bytes]) -> dict[str, TensorPlace]:
    """Where a file's tensors lie, from its header alone; `read` gives `count` bytes from `first` on.

    Raises InvalidInputError when malformed, and what `read` raises.
    """
    size = int.from_bytes(read(0, 8), "little")
    if size > MAX_HEADER_BYTES:
        raise InvalidInputError("tensor file: header length is out of bounds")
    header, _ = _split(size.to_bytes(8, "little") + read(8, size))
    header.pop("__metadata__", None)
    try:
        return {
            name: TensorPlace(
                8 + size + int(entry["data_offsets"][0]),
                _DTYPES[entry["dtype"]],
                tuple(map(int, entry["shape"])),
            )
            for name, entry in header.items()
        }
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InvalidInputError("tensor file: malformed entry") from error


def _split(data: bytes) -> tuple[dict[str, Any], memoryview]:
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 or size > MAX_HEADER_BYTES or 8 + size > len(data):
        raise InvalidInputError("tensor file: header length is out of bounds")
    try:
        check_depth(data[8 : 8 + size])
        header = json.loads(data[8 : 8 + size])
    except ValueError as error:
        raise InvalidInputError(f"tensor file: {error}") from error
    if not isinstance(header, dict):
        raise InvalidInputError("tensor file: header is not an object")
    return header, memoryview(data)[8 + size :]


def _tensor(name: str, entry: Any, body: memoryview) -> Array:
    try:
        dtype, shape, (start, stop) = _DTYPES[entry["dtype"]], tuple(entry["shape"]), entry["data_offsets"]
        is_bounded = all(type(n) is int and n >= 0 for n in (*shape, start, stop)) and stop <= len(body)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInputError(f"tensor {name}: malformed entry") from error
    count = 1
    for length in shape:
        count *= length
    if not is_bounded or stop - start != count * dtype.itemsize:
        raise InvalidInputError(f"tensor {name}: offsets do not fit its shape")
    try:
        tensor: Array = np.frombuffer(body[start:stop], dtype=dtype).reshape(shape)
    except ValueError as error:  # an empty tensor may claim any shape
        raise InvalidInputError(f"tensor {name}: {error}") from error
    return tensor
