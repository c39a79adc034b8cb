import contextlib
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load, save

from workers.artifacts import tensors
from workers.artifacts.tensors import Array, decode_tensors, encode_tensors
from workers.errors import InvalidInputError

TENSORS: dict[str, Array] = {
    "b": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a": np.array([-1, 127], dtype=np.int8),
    "empty": np.zeros((0, 4), dtype=np.int64),
    "big": np.array([1.5]).astype(">f8"),
}


def test_round_trip() -> None:
    decoded = decode_tensors(encode_tensors(TENSORS))
    assert set(decoded) == set(TENSORS)
    for name, array in TENSORS.items():
        assert np.array_equal(decoded[name], array)
        assert decoded[name].shape == array.shape


def test_equal_tensors_give_equal_bytes() -> None:
    assert encode_tensors(TENSORS) == encode_tensors(dict(reversed(TENSORS.items())))


def test_the_published_library_reads_and_writes_the_same() -> None:
    ours = {name: array for name, array in TENSORS.items() if name != "big"}
    for name, array in load(encode_tensors(ours)).items():
        assert np.array_equal(array, ours[name])
    for name, array in decode_tensors(save(ours, metadata={"who": "them"})).items():
        assert np.array_equal(array, ours[name])


def test_unknown_types_are_refused() -> None:
    with pytest.raises(InvalidInputError):
        encode_tensors({"a": np.array([1 + 1j])})


def frame(header: object) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(8)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff" * 8,
        frame([1]),
        frame({"a": {"dtype": "F64", "shape": [2], "data_offsets": [0, 8]}}),
        frame({"a": {"dtype": "F64", "shape": [-1], "data_offsets": [0, 8]}}),
        frame({"a": {"dtype": "F64", "shape": [2], "data_offsets": [0, 16]}}),
        frame({"a": {"dtype": "F64", "shape": [1], "data_offsets": [-8, 0]}}),
        frame({"a": {"dtype": "O", "shape": [1], "data_offsets": [0, 8]}}),
        frame({"a": 1}),
    ],
)
def test_malformed_files_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidInputError):
        decode_tensors(data)


@given(st.binary(max_size=64))
def test_noise_never_crashes(data: bytes) -> None:
    with contextlib.suppress(InvalidInputError):
        decode_tensors(data)


def test_parts_of_a_large_tensor_are_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    large = {"a": np.arange(60, dtype=np.int64).reshape(20, 3).T, "b": np.array(2.5)}
    whole = encode_tensors(large)
    monkeypatch.setattr(tensors, "PART_BYTES", 50)
    parts = list(tensors.encode_in_parts(large))
    assert len(parts) > 3
    assert b"".join(parts) == whole
    assert np.array_equal(decode_tensors(whole)["a"], large["a"])
