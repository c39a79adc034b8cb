"""Whether a blob's commitment opens to a value at a point.

Source: EIP-4844; consensus-specs `verify_kzg_proof`.
"""

from functools import lru_cache
from hashlib import sha256
from typing import Any

import ckzg
from eth.precompiles.point_evaluation import TRUSTED_SETUP_PATH

from openledger_node.evm.native.errors import InvalidInputError

INPUT_BYTES = 192
_VERSION = b"\x01"


@lru_cache(maxsize=1)
def trusted_setup() -> Any:
    """Read once: that takes seconds."""
    return ckzg.load_trusted_setup(TRUSTED_SETUP_PATH, 0)


def verify_opening(data: bytes) -> None:
    """Raises `InvalidInputError` unless the input is a valid opening: versioned hash, z, y, commitment,
    proof."""
    if len(data) != INPUT_BYTES:
        raise InvalidInputError("point evaluation: wrong input length")
    versioned_hash, z, y, commitment, opening = data[:32], data[32:64], data[64:96], data[96:144], data[144:]
    if _VERSION + sha256(commitment).digest()[1:] != versioned_hash:
        raise InvalidInputError("point evaluation: commitment does not match the versioned hash")
    if not _opens(commitment, z, y, opening):
        raise InvalidInputError("point evaluation: wrong proof")


def _opens(commitment: bytes, z: bytes, y: bytes, opening: bytes) -> bool:
    try:
        verified: bool = ckzg.verify_kzg_proof(commitment, z, y, opening, trusted_setup())
    except RuntimeError:
        # Raised for operands that are no field elements or curve points.
        return False
    return verified
