"""Whether a signature on the curve P-256 is good.

Covered: input length, ranges, curve membership; high s is allowed. Source: EIP-7951.
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

_INPUT_BYTES = 160
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_FIELD = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
_CURVE = ec.SECP256R1()
_ECDSA = ec.ECDSA(Prehashed(SHA256()))
_TRUE = (1).to_bytes(32, "big")


def verify(data: bytes) -> bytes:
    """One as a word if the signature is good, else nothing. `data`: digest, r, s, x, y, a word each."""
    if len(data) != _INPUT_BYTES:
        return b""
    r, s, x, y = (int.from_bytes(data[start : start + 32], "big") for start in (32, 64, 96, 128))
    if not 0 < r < _ORDER or not 0 < s < _ORDER or x >= _FIELD or y >= _FIELD:
        return b""
    try:
        key = ec.EllipticCurvePublicNumbers(x, y, _CURVE).public_key()
        key.verify(encode_dss_signature(r, s), data[:32], _ECDSA)
    except (ValueError, InvalidSignature):
        # Not a point of the curve, or not its signature.
        return b""
    return _TRUE
