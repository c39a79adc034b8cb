"""Whether the native libraries that the engine counts on are the ones in use."""

from eth_hash.auto import keccak
from eth_keys.backends import get_backend
from eth_keys.backends.coincurve import CoinCurveECCBackend

from genesis.keccak import keccak256
from openledger_node.errors import StartError


def assert_native_backends() -> None:
    """Raises `StartError` on the pure-Python signature backend, or if the two hash functions disagree."""
    if not isinstance(get_backend(), CoinCurveECCBackend):
        raise StartError(
            "signatures would be recovered in pure Python, about 25 times slower than the chain needs",
            "install coincurve (pip install coincurve) and unset ECC_BACKEND_CLASS",
        )
    if keccak(b"openledger") != keccak256(b"openledger"):
        raise StartError("the hash backends disagree", "unset ETH_HASH_BACKEND")
