"""Which of Ethereum's precompiles a fork has, and how one runs in a frame: price first, then the arithmetic.

py-evm's curve arithmetic is Python, a hundred times slower than libraries; it answers 0 for MODEXP of empty
operands even if the exponent is 0 (0^0 mod m is 1); and it reads the trusted setup from disk on every point
evaluation.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from eth.exceptions import VMError

from genesis.forks import Fork
from genesis.types import Address
from openledger_node.evm import precompile_gas as gas
from openledger_node.evm.native import blake2, bls12_381, bn254, kzg, modular, secp256k1, secp256r1
from openledger_node.evm.native.errors import InvalidInputError

_NO_LIMIT = 2**62
_HEAD_BYTES = 96
_FIELD_ELEMENTS_PER_BLOB = 4096
_BLS_MODULUS = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001


def modexp(data: bytes) -> bytes:
    """base^exponent mod modulus of the encoded operands. Source: EIP-198."""
    sizes = gas.modexp_sizes(data)
    if not sizes.modulus:
        # The other sizes may be absurd then: they cost nothing.
        return b""
    operands, position = [], 96
    for size in (sizes.base, sizes.exponent, sizes.modulus):
        operands.append(data[position : position + size].ljust(size, b"\0"))
        position += size
    return modular.power(*operands)


def point_evaluation(data: bytes) -> bytes:
    """Source: EIP-4844."""
    kzg.verify_opening(data)
    return _FIELD_ELEMENTS_PER_BLOB.to_bytes(32, "big") + _BLS_MODULUS.to_bytes(32, "big")


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _ripemd160(data: bytes) -> bytes:
    return bytes(12) + hashlib.new("ripemd160", data, usedforsecurity=False).digest()


class Frame(Protocol):
    """What a precompile sees of the frame that it runs in."""

    data_size: int

    def data_part(self, size: int) -> bytes: ...


class Precompile:
    """A price and what answers. Of the input, which may be megabytes large for nothing, no more is copied
    than matters: `most_bytes`, one more than there may be where only one size is right."""

    def __init__(
        self, name: str, price: int, run: Callable[[bytes], bytes], most_bytes: int = _NO_LIMIT
    ) -> None:
        self._name = name
        self._price = price
        self.run = run
        """Raises `InvalidInputError`."""
        self._most_bytes = most_bytes

    def input_of(self, frame: Frame) -> bytes:
        return frame.data_part(self._most_bytes)

    def price_of(self, frame: Frame) -> int:
        """Gas. Raises `InvalidInputError`."""
        return self._price

    def __call__(self, computation: Any) -> Any:
        """As py-evm calls a precompile."""
        frame = _Input(computation.msg.data_as_bytes)
        try:
            computation.consume_gas(self.price_of(frame), reason=self._name)
            computation.output = self.run(self.input_of(frame))
        except InvalidInputError as error:
            raise VMError(str(error)) from None
        return computation


class PricedBySize(Precompile):
    """Looks at the input only once it is paid for."""

    def __init__(self, name: str, price: Callable[[int], int], run: Callable[[bytes], bytes]) -> None:
        super().__init__(name, 0, run)
        self._price_of_size = price

    def price_of(self, frame: Frame) -> int:
        return self._price_of_size(frame.data_size)


class PricedByContent(Precompile):
    """`most_bytes` by the input's first bytes."""

    def __init__(
        self,
        name: str,
        price: Callable[[bytes], int],
        run: Callable[[bytes], bytes],
        most_bytes: Callable[[bytes], int],
    ) -> None:
        super().__init__(name, 0, run)
        self._price_of_input = price
        self._most_bytes_of = most_bytes

    def input_of(self, frame: Frame) -> bytes:
        return frame.data_part(min(self._most_bytes_of(frame.data_part(_HEAD_BYTES)), _NO_LIMIT))

    def price_of(self, frame: Frame) -> int:
        return self._price_of_input(self.input_of(frame))


class _Input:
    """The input of a frame of py-evm's."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.data_size = len(data)

    def data_part(self, size: int) -> bytes:
        return self._data[:size]


def _modexp(price: Callable[[bytes], int]) -> Precompile:
    return PricedByContent("modexp", price, modexp, gas.modexp_bytes)


def _numbered(*precompiles: tuple[int, Precompile]) -> dict[Address, Precompile]:
    return {Address(number.to_bytes(20, "big")): precompile for number, precompile in precompiles}


_CANCUN = _numbered(
    (1, Precompile("ecrecover", gas.ECRECOVER, secp256k1.recover, 128)),
    (2, PricedBySize("sha256", gas.sha256, _sha256)),
    (3, PricedBySize("ripemd160", gas.ripemd160, _ripemd160)),
    (4, PricedBySize("identity", gas.identity, bytes)),
    (5, _modexp(gas.modexp)),
    (6, Precompile("alt_bn128 add", gas.BN254_ADD, bn254.add, 128)),
    (7, Precompile("alt_bn128 multiply", gas.BN254_MULTIPLY, bn254.multiply, 96)),
    (8, PricedBySize("alt_bn128 pairing", gas.bn254_pairing, bn254.pairing_is_one)),
    (9, PricedByContent("blake2", blake2.rounds_of, blake2.compress_block, lambda _: 214)),
    (10, Precompile("point evaluation", gas.POINT_EVALUATION, point_evaluation, 193)),
)
_PRAGUE = _CANCUN | _numbered(
    (11, Precompile("bls12-381 add G1", gas.BLS_ADD_G1, bls12_381.add_g1, 257)),
    (12, PricedBySize("bls12-381 sum G1", gas.bls_multiply_sum_g1, bls12_381.multiply_sum_g1)),
    (13, Precompile("bls12-381 add G2", gas.BLS_ADD_G2, bls12_381.add_g2, 513)),
    (14, PricedBySize("bls12-381 sum G2", gas.bls_multiply_sum_g2, bls12_381.multiply_sum_g2)),
    (15, PricedBySize("bls12-381 pairing", gas.bls_pairing, bls12_381.pairing_is_one)),
    (16, Precompile("bls12-381 map to G1", gas.BLS_MAP_TO_G1, bls12_381.map_to_g1, 65)),
    (17, Precompile("bls12-381 map to G2", gas.BLS_MAP_TO_G2, bls12_381.map_to_g2, 129)),
)
_OSAKA = _PRAGUE | _numbered(
    (5, _modexp(gas.modexp_osaka)),
    (256, Precompile("p256 verify", gas.P256_VERIFY, secp256r1.verify, 161)),
)

MODEXP = Address((5).to_bytes(20, "big"))
MODEXP_BYZANTIUM = _modexp(gas.modexp_byzantium)
MODEXP_BERLIN = _CANCUN[MODEXP]
"""For forks that have py-evm's precompiles otherwise."""

PRECOMPILES: Mapping[Fork, Mapping[Address, Precompile]] = {
    Fork.CANCUN: _CANCUN,
    Fork.PRAGUE: _PRAGUE,
    Fork.OSAKA: _OSAKA,
}
