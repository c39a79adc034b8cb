"""How addresses, channel ids and whole numbers are written in URLs and bodies."""

from typing import Any

from genesis.types import Address, Hash32
from openledger_node.errors import UserError


def address_of(text: Any) -> Address:
    """20 bytes from 0x hex; raises UserError."""
    return Address(_hex(text, 20, "an address"))


def channel_id_of(text: Any) -> Hash32:
    """32 bytes from hex with or without 0x; raises UserError."""
    return Hash32(_hex(text, 32, "a channel id"))


def signature_of(text: Any) -> bytes:
    """65 bytes from 0x hex; raises UserError."""
    return _hex(text, 65, "a signature")


def hex_data(data: bytes) -> str:
    """Bytes as 0x hex."""
    return f"0x{data.hex()}"


def _hex(text: Any, length: int, what: str) -> bytes:
    try:
        data = bytes.fromhex(str(text).removeprefix("0x"))
    except ValueError as error:
        raise UserError(f"{what} is {length} bytes in hex") from error
    if len(data) != length:
        raise UserError(f"{what} is {length} bytes in hex, not {len(data)}")
    return data
