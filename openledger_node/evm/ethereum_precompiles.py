"""Where Ethereum's own precompiles differ from py-evm's: MODEXP of empty operands, and the KZG setup.

py-evm answers 0 for an empty MODEXP base even if the exponent is 0 (0^0 mod m is 1), and reads the trusted
setup from disk on every point evaluation.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any

import ckzg
from eth.exceptions import VMError
from eth.precompiles.modexp import extract_lengths
from eth.precompiles.point_evaluation import TRUSTED_SETUP_PATH
from eth.vm.forks.berlin.computation import _compute_modexp_gas_fee_eip_2565

from genesis.types import Address

_POINT_EVALUATION_GAS = 50_000
_POINT_EVALUATION_INPUT_BYTES = 192
_FIELD_ELEMENTS_PER_BLOB = 4096
_BLS_MODULUS = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
_KZG_VERSION = b"\x01"

Precompile = Callable[[Any], Any]


def modexp(computation: Any) -> Any:
    """base^exponent mod modulus. Source: EIP-198, EIP-2565."""
    data: bytes = computation.msg.data_as_bytes
    computation.consume_gas(_compute_modexp_gas_fee_eip_2565(data), reason="MODEXP")
    base_size, exponent_size, modulus_size = extract_lengths(data)
    if not modulus_size:
        computation.output = b""
        return computation
    operands, position = [], 96
    for size in (base_size, exponent_size, modulus_size):
        operands.append(int.from_bytes(data[position : position + size].ljust(size, b"\0"), "big"))
        position += size
    base, exponent, modulus = operands
    result = pow(base, exponent, modulus) if modulus else 0
    computation.output = result.to_bytes(modulus_size, "big")
    return computation


@lru_cache(maxsize=1)
def _trusted_setup() -> Any:
    return ckzg.load_trusted_setup(TRUSTED_SETUP_PATH, 0)


def point_evaluation(computation: Any) -> Any:
    """Verify one KZG opening. Source: EIP-4844."""
    computation.consume_gas(_POINT_EVALUATION_GAS, reason="point evaluation")
    data: bytes = computation.msg.data_as_bytes
    if len(data) != _POINT_EVALUATION_INPUT_BYTES:
        raise VMError("point evaluation: wrong input length")
    versioned_hash, z, y, commitment, opening = data[:32], data[32:64], data[64:96], data[96:144], data[144:]
    if _KZG_VERSION + sha256(commitment).digest()[1:] != versioned_hash:
        raise VMError("point evaluation: commitment does not match the versioned hash")
    if not _opens(commitment, z, y, opening):
        raise VMError("point evaluation: wrong proof")
    computation.output = _FIELD_ELEMENTS_PER_BLOB.to_bytes(32, "big") + _BLS_MODULUS.to_bytes(32, "big")
    return computation


def _opens(commitment: bytes, z: bytes, y: bytes, opening: bytes) -> bool:
    try:
        verified: bool = ckzg.verify_kzg_proof(commitment, z, y, opening, _trusted_setup())
    except RuntimeError:
        # Raised for operands that are no field elements or curve points.
        return False
    return verified


CORRECTED: Mapping[Address, Precompile] = {
    Address((5).to_bytes(20, "big")): modexp,
    Address((10).to_bytes(20, "big")): point_evaluation,
}
