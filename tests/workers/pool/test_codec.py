import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.errors import ProtocolError
from workers.pool.codec import MAX_MESSAGE_BYTES, decode_body, encode_message, read_message


def reader_of(data: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return reader


async def test_messages_follow_each_other_until_the_end() -> None:
    reader = reader_of(encode_message({"type": "a"}) + encode_message({"type": "b", "n": [1, "ü"]}))
    assert await read_message(reader) == {"type": "a"}
    assert await read_message(reader) == {"type": "b", "n": [1, "ü"]}
    assert await read_message(reader) is None


@pytest.mark.parametrize(
    "data",
    [
        b"\x00",
        b"\x00\x00\x00\x05{}",
        b"\x00\x00\x00\x00",
        (MAX_MESSAGE_BYTES + 1).to_bytes(4, "big"),
        b"\x00\x00\x00\x02{}",
        b"\x00\x00\x00\x02[]",
        b"\x00\x00\x00\x0a" + b'{"type":1}',
        b"\x00\x00\x00\x02\xff\xff",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
async def test_malformed_frames_are_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        await read_message(reader_of(data))


@given(st.binary(max_size=100))
def test_noise_is_refused_or_a_message(data: bytes) -> None:
    try:
        assert isinstance(decode_body(data)["type"], str)
    except ProtocolError:
        return


async def test_the_limit_is_the_callers() -> None:
    with pytest.raises(ProtocolError, match="outside"):
        await read_message(reader_of(encode_message({"type": "a" * 100})), limit_bytes=50)


def test_too_long_to_send() -> None:
    with pytest.raises(ProtocolError):
        encode_message({"type": "a" * (MAX_MESSAGE_BYTES + 1)})
