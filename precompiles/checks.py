"""Checks that several precompiles make of their arguments."""

from genesis.types import ZERO_ADDRESS, Address
from precompiles.contract import Error

INVALID_ARGUMENT = Error("error InvalidArgument(string name)")

MAXIMUM_TEXT_BYTES = 2_048
MAXIMUM_COUNT = 2**32
"""Records, rows, contributors or receipts in one thing."""
MAXIMUM_WEI = 10**27
"""The whole supply: no amount above it can be meant."""


def require(condition: bool, name: str) -> None:
    """Revert with `InvalidArgument(name)` unless `condition` holds."""
    if not condition:
        raise INVALID_ARGUMENT(name.encode())


def require_text(text: bytes, name: str) -> None:
    """Names and URIs are at most 2,048 bytes."""
    require(len(text) <= MAXIMUM_TEXT_BYTES, name)


def require_recipient(recipient: Address) -> None:
    """Money is never sent to address zero."""
    require(recipient != ZERO_ADDRESS, "recipient")
