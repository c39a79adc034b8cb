"""Products and pairings on alt_bn128 by the precompiles of revm.

This revm is no oracle for whole transactions, but its precompiles are proven; here each call gets a machine
of its own, so nothing lives longer than the call.
"""

from pyrevm import EVM

from openledger_node.evm.native.errors import InvalidInputError

_CALLER = "0x" + "11" * 20
_MULTIPLY = "0x" + "07".rjust(40, "0")
_PAIRING = "0x" + "08".rjust(40, "0")
# More than any input that fits a block can cost there.
_GAS = 2**48
_REFUSED = "PrecompileError"


def multiply(data: bytes) -> bytes:
    """A point times a scalar, 64 bytes. Raises InvalidInputError."""
    return _call(_MULTIPLY, data)


def pairing_is_one(data: bytes) -> bytes:
    """1 as a word where the product of pairings is one, else 0. Raises InvalidInputError."""
    return _call(_PAIRING, data)


def _call(precompile: str, data: bytes) -> bytes:
    try:
        output: bytes = EVM(spec_id="CANCUN").message_call(_CALLER, precompile, calldata=data, gas=_GAS)
    except RuntimeError as error:
        if _REFUSED in str(error):
            raise InvalidInputError("alt_bn128: invalid point") from None
        raise
    return output
