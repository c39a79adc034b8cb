import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis.keccak import keccak256
from genesis.parents import ParentRecord
from workers.datasets.records import Record, content_hash, decode_jsonl, encode_jsonl, encode_record
from workers.errors import InvalidInputError

PARENT = ParentRecord(17, 3).word


def test_canonical_bytes() -> None:
    record = Record(b"\x00\xff", 3, (PARENT,))
    assert encode_record(record) == b"OLVC\x01\x00\x00\x00\x02\x00\xff\x00\x00\x00\x03"
    assert content_hash(record) == keccak256(encode_record(record))


def test_jsonl_form() -> None:
    line = b'{"features":[0,255],"label":3,"parents":["17/3"]}\n'
    assert encode_jsonl([Record(b"\x00\xff", 3, (PARENT,))]) == line


@given(st.lists(st.builds(Record, st.binary(min_size=5, max_size=5), st.integers(0, 65_535)), min_size=1))
def test_round_trip(records: list[Record]) -> None:
    assert decode_jsonl(encode_jsonl(records)) == records


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b'{"features":[1]}',
        b'{"features":[1],"label":1,"more":1}',
        b'{"features":[256],"label":1}',
        b'{"features":[1.0],"label":1}',
        b'{"features":[true],"label":1}',
        b'{"features":[],"label":1}',
        b'{"features":"ab","label":1}',
        b'{"features":[1],"label":-1}',
        b'{"features":[1],"label":"1"}',
        b'{"features":[1],"label":1,"parents":["0x00"]}',
        b'{"features":[1],"label":1,"parents":[["1/1"]]}',
        b'{"features":[1],"label":1}\n{"features":[1,2],"label":1}',
    ],
)
def test_malformed_files_are_refused(line: bytes) -> None:
    with pytest.raises(InvalidInputError):
        decode_jsonl(line)


def test_the_line_is_named() -> None:
    with pytest.raises(InvalidInputError, match="line 2"):
        decode_jsonl(b'{"features":[1],"label":1}\n{"features":[1]}')
