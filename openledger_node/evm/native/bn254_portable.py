"""Products and pairings on alt_bn128 in Python, where no wheel of a native library exists.

A pairing takes a tenth of a second here: enough to follow a chain that uses few of them.
"""

from eth.precompiles.ecmul import _ecmull
from eth.precompiles.ecpairing import _ecpairing
from eth_utils.exceptions import ValidationError

from openledger_node.evm.native.errors import InvalidInputError


def multiply(data: bytes) -> bytes:
    """A point times a scalar, 64 bytes. Raises InvalidInputError."""
    try:
        x, y = _ecmull(data)
    except ValidationError as error:
        raise InvalidInputError(f"alt_bn128: {error}") from None
    return int(x).to_bytes(32, "big") + int(y).to_bytes(32, "big")


def pairing_is_one(data: bytes) -> bytes:
    """1 as a word where the product of pairings is one, else 0. Raises InvalidInputError."""
    try:
        is_one: bool = _ecpairing(data)
    except ValidationError as error:
        raise InvalidInputError(f"alt_bn128: {error}") from None
    return int(is_one).to_bytes(32, "big")
