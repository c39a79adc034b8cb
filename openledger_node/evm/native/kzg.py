"""Whether a blob's commitment opens to a value at a point.

Of the trusted setup only the secret times the generator of G2 is needed, so nothing is read from disk.
Covered: field bounds, canonical encodings, subgroup membership. Source: EIP-4844; consensus-specs
`verify_kzg_proof_impl`, here as e(C - y + z·proof, 1) = e(proof, secret).
"""

from hashlib import sha256

from py_arkworks_bls12381 import GT, G1Point, G2Point, Scalar

from openledger_node.evm.native.errors import InvalidInputError

INPUT_BYTES = 192
_VERSION = b"\x01"
_SECRET_G2 = G2Point.from_compressed_bytes(
    bytes.fromhex(
        "b5bfd7dd8cdeb128843bc287230af38926187075cbfbefa81009a2ce615ac53d2914e5870cb452d2afaaab24f3499f72"
        "185cbfee53492714734429b7b38608e23926c911cceceac9a36851477ba4c60b087041de621000edc98edada20c1def2"
    )
)
_GENERATOR_G2, _MINUS_SECRET_G2 = G2Point(), -_SECRET_G2
_MINUS_GENERATOR_G1 = -G1Point()
_INFINITY_FLAG = 0x40
_INFINITY = b"\xc0" + bytes(47)


def verify_opening(data: bytes) -> None:
    """Raises `InvalidInputError` unless the input is a valid opening: versioned hash, z, y, commitment,
    proof."""
    if len(data) != INPUT_BYTES:
        raise InvalidInputError("point evaluation: wrong input length")
    versioned_hash, z, y, commitment, proof = data[:32], data[32:64], data[64:96], data[96:144], data[144:]
    if _VERSION + sha256(commitment).digest()[1:] != versioned_hash:
        raise InvalidInputError("point evaluation: commitment does not match the versioned hash")
    if not _opens(_point(commitment), _scalar(z), _scalar(y), _point(proof)):
        raise InvalidInputError("point evaluation: wrong proof")


def _opens(commitment: G1Point, z: Scalar, y: Scalar, proof: G1Point) -> bool:
    left = commitment + _MINUS_GENERATOR_G1 * y + proof * z
    return GT.pairing_check([left, proof], [_GENERATOR_G2, _MINUS_SECRET_G2])


def _point(encoded: bytes) -> G1Point:
    if encoded[0] & _INFINITY_FLAG and encoded != _INFINITY:
        # The library takes any bytes with this flag for infinity.
        raise InvalidInputError("point evaluation: infinity is not canonical")
    try:
        return G1Point.from_compressed_bytes(encoded)
    except ValueError as error:
        raise InvalidInputError(f"point evaluation: {error}") from None


def _scalar(encoded: bytes) -> Scalar:
    try:
        return Scalar.from_be_bytes(encoded)
    except ValueError as error:
        raise InvalidInputError(f"point evaluation: {error}") from None
