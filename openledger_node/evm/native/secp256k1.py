"""Whose signature a digest carries, as the precompile sees it: high s is allowed, v is a word.

Source: Yellow Paper, appendix E.1.
"""

from openledger_node.evm.native.recovery import recover_address

_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_INPUT_BYTES = 128


def recover(data: bytes) -> bytes:
    """The signer as a word, or nothing. `data`: digest, v, r, s, a word each; missing bytes are zero."""
    data = data[:_INPUT_BYTES].ljust(_INPUT_BYTES, b"\0")
    digest = data[:32]
    v, r, s = (int.from_bytes(data[start : start + 32], "big") for start in (32, 64, 96))
    if v not in (27, 28) or not 0 < r < _ORDER or not 0 < s < _ORDER:
        return b""
    # Nobody if no curve point has this r, or the key would be the point at infinity.
    signer = recover_address(digest, v - 27, r, s)
    return b"" if signer is None else signer.rjust(32, b"\0")
