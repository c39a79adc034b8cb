"""How messages cross a pool connection: a 4-byte big-endian length, then one UTF-8 JSON object.

Covered: framing, size limits, JSON only (nothing received is ever executed or unpickled).
Not covered: who may speak (`handshake`), what messages mean (`messages`).
"""

import asyncio
from typing import Any

from workers.artifacts import canonical_json
from workers.errors import InvalidInputError, ProtocolError

LENGTH_BYTES = 4
MAX_MESSAGE_BYTES = 64 * 1024 * 1024
MAX_HANDSHAKE_BYTES = 4 * 1024
"""What a stranger may send before it has proved that it knows the token."""

Message = dict[str, Any]


def encode_message(message: Message) -> bytes:
    """One frame; raises ProtocolError when it is too long."""
    body = canonical_json.encode(message)
    if len(body) > MAX_MESSAGE_BYTES:
        raise ProtocolError(f"a message of {len(body)} bytes is above the limit of {MAX_MESSAGE_BYTES}")
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def decode_body(body: bytes) -> Message:
    """The message in a frame's body; raises ProtocolError unless it is an object with a string `type`."""
    try:
        message = canonical_json.decode(body)
    except InvalidInputError as error:
        raise ProtocolError(str(error)) from error
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise ProtocolError("a message is a JSON object with a type")
    return message


async def read_message(reader: asyncio.StreamReader, limit_bytes: int = MAX_MESSAGE_BYTES) -> Message | None:
    """The next message, or None when the other side has closed between two messages.

    Raises ProtocolError for a frame that is cut off, empty, too long or malformed.
    """
    try:
        length = int.from_bytes(await reader.readexactly(LENGTH_BYTES), "big")
        if not 0 < length <= limit_bytes:
            raise ProtocolError(f"a message of {length} bytes is outside 1..{limit_bytes}")
        body = await reader.readexactly(length)
    except asyncio.IncompleteReadError as error:
        if error.partial or error.expected != LENGTH_BYTES:
            raise ProtocolError("the connection ended inside a message") from error
        return None
    except ConnectionError:
        return None
    return decode_body(body)


async def write_message(writer: asyncio.StreamWriter, message: Message) -> None:
    """Send one message and wait until the buffer has room again."""
    writer.write(encode_message(message))
    await writer.drain()
