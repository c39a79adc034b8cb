"""The worst use of Ethereum's precompiles."""

from hashlib import sha256

import ckzg
from coincurve import PrivateKey
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from eth.precompiles.point_evaluation import TRUSTED_SETUP_PATH
from py_arkworks_bls12381 import G1Point, G2Point, Scalar

from benchmarks.precompiles.assembly import LOAD_INPUT, call_precompile, loop
from benchmarks.precompiles.workload import Workload, contract_call
from openledger_node.evm.native import bn254

_DIGEST = sha256(b"worst").digest()
_SCALAR = b"\xfe" * 32
_BN_G1 = (1).to_bytes(32, "big") + (2).to_bytes(32, "big")
_BN_G2 = b"".join(
    value.to_bytes(32, "big")
    for value in (
        11559732032986387107991004021392285783925812861821192530917403151452391805634,
        10857046999023057135944570762232829481370756359578518086990519993285655852781,
        4082367875863433681332203403145435568316851327593401208105741076214120093531,
        8495653923123431417604973247489272438418190587263600148770280649306958101930,
    )
)


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def _case(name: str, number: int, data: bytes, *, times: int = 20, sample_gas: int = 3_000_000) -> Workload:
    body = call_precompile(number, len(data))
    return contract_call(
        "precompiles", name, loop(LOAD_INPUT, body, times=times), data, sample_gas=sample_gas
    )


def _padded(point: G1Point | G2Point) -> bytes:
    raw = point.to_xy_bytes_be()
    return b"".join(bytes(16) + raw[start : start + 48] for start in range(0, len(raw), 48))


def _hashes() -> list[Workload]:
    cases = []
    for name, number in (("SHA-256", 2), ("RIPEMD-160", 3), ("identity", 4)):
        for size in (0, 32, 100_000):
            setup = f"1 {size} MSTORE"
            body = call_precompile(number, size, 0)
            cases.append(contract_call("precompiles", f"{name} of {size} bytes", loop(setup, body, times=20)))
    return cases


def _signatures() -> list[Workload]:
    signature = PrivateKey(b"\7" * 32).sign_recoverable(_DIGEST, hasher=None)
    recovery = _DIGEST + _word(27 + signature[64]) + signature[:64]
    key = ec.derive_private_key(7**70, ec.SECP256R1())
    r, s = decode_dss_signature(key.sign(_DIGEST, ec.ECDSA(Prehashed(SHA256()))))
    public = key.public_key().public_numbers()
    verification = _DIGEST + b"".join(map(_word, (r, s, public.x, public.y)))
    return [_case("ecrecover", 1, recovery), _case("P-256 verification (Osaka)", 256, verification)]


def _modexp() -> list[Workload]:
    """Operands where the price is low for the work: short exponents, even and odd moduli."""
    shapes = [(size, exponent) for size in (1, 32, 64, 128, 192, 256, 512, 1024) for exponent in (1, 32)]
    shapes += [(size, size) for size in (64, 128, 256)]
    cases = []
    for size, exponent_size in shapes:
        for kind, last in (("odd", 0xFF), ("even", 0xFE)):
            modulus = b"\xff" * (size - 1) + bytes((last,))
            sizes = b"".join(map(_word, (size, exponent_size, size)))
            data = sizes + b"\xfd" * size + b"\xff" * exponent_size + modulus
            name = f"MODEXP of {size} bytes, {kind}, exponent of {exponent_size}"
            cases.append(_case(name, 5, data, times=10))
    return cases


def _curves() -> list[Workload]:
    product = bn254.multiply(_BN_G1 + _SCALAR)
    scalar = Scalar.from_be_bytes_mod_order(_SCALAR)
    g1, g2 = _padded(G1Point() * scalar), _padded(G2Point() * scalar)
    field = bytes(16) + b"\x19" + b"\xee" * 47
    return [
        _case("alt_bn128 add", 6, product + _BN_G1),
        _case("alt_bn128 multiply", 7, product + _SCALAR),
        *(
            _case(f"alt_bn128 pairing of {pairs}", 8, (product + _BN_G2) * pairs, sample_gas=6_000_000)
            for pairs in (1, 2, 8, 60)
        ),
        _case("BLAKE2, no rounds", 9, bytes(4) + b"\1" * 208 + b"\1"),
        _case("BLAKE2, 1 million rounds", 9, (10**6).to_bytes(4, "big") + b"\1" * 208 + b"\1"),
        _case("BLAKE2, 1000 rounds", 9, (1000).to_bytes(4, "big") + b"\1" * 208 + b"\1"),
        _case("point evaluation", 10, _opening()),
        _case("bls12-381 add G1", 11, g1 + _padded(G1Point())),
        _case("bls12-381 add G2", 13, g2 + _padded(G2Point())),
        *(
            _case(f"bls12-381 sum G1 of {k}", 12, (g1 + _SCALAR) * k, sample_gas=6_000_000)
            for k in (1, 2, 8, 32, 128, 256)
        ),
        *(
            _case(f"bls12-381 sum G2 of {k}", 14, (g2 + _SCALAR) * k, sample_gas=6_000_000)
            for k in (1, 2, 8, 32, 128)
        ),
        *(_case(f"bls12-381 pairing of {k}", 15, (g1 + g2) * k, sample_gas=6_000_000) for k in (1, 2, 8, 32)),
        _case("bls12-381 map to G1", 16, field),
        _case("bls12-381 map to G2", 17, field * 2),
    ]


def _opening() -> bytes:
    """A true opening of a polynomial without special values."""
    setup = ckzg.load_trusted_setup(TRUSTED_SETUP_PATH, 0)
    blob = b"".join(_word(pow(3, 7 * index, 2**251)) for index in range(4096))
    z = b"\x3e" * 32
    commitment: bytes = ckzg.blob_to_kzg_commitment(blob, setup)
    proof, y = (bytes(part) for part in ckzg.compute_kzg_proof(blob, z, setup))
    return b"\1" + sha256(commitment).digest()[1:] + z + y + commitment + proof


def ethereum_workloads() -> list[Workload]:
    return [*_signatures(), *_hashes(), *_modexp(), *_curves()]
