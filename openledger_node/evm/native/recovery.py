"""Which public key made a signature: libsecp256k1 as coincurve brings it, without an object for each step.

About a fifth of the time of `PublicKey.from_signature_and_message` and `format` is spent around the library.
The calls leave Python's lock, so threads recover side by side.
"""

from coincurve._libsecp256k1 import ffi, lib  # type: ignore[import-not-found]  # compiled, without stubs
from coincurve.context import GLOBAL_CONTEXT

from genesis.keccak import keccak256
from genesis.types import Address

_PUBLIC_KEY_BYTES = 65


def recover_address(digest: bytes, y_parity: int, r: int, s: int) -> Address | None:
    """Signer of a 32-byte digest; None if there is no such point. `y_parity`: 0 or 1; r and s in range."""
    context = GLOBAL_CONTEXT.ctx
    signature = ffi.new("secp256k1_ecdsa_recoverable_signature *")
    compact = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    if not lib.secp256k1_ecdsa_recoverable_signature_parse_compact(context, signature, compact, y_parity):
        return None
    key = ffi.new("secp256k1_pubkey *")
    if not lib.secp256k1_ecdsa_recover(context, key, signature, digest):
        return None
    written = ffi.new("unsigned char[65]")
    size = ffi.new("size_t *", _PUBLIC_KEY_BYTES)
    lib.secp256k1_ec_pubkey_serialize(context, written, size, key, lib.SECP256K1_EC_UNCOMPRESSED)
    return Address(keccak256(ffi.buffer(written, _PUBLIC_KEY_BYTES)[1:])[12:])
