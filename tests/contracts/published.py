"""Contracts that others publish: which npm package has which code, and where it belongs.

The packages stand in `genesis/contracts/published/package.json`; `make contracts` installs them to
`.cache/preinstalls`. Where an address follows from the code (CREATE2), what a package publishes is only taken
if it leads to the address that every other chain has.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import rlp
from eth_abi.abi import encode

from genesis.addresses import (
    CREATE2_FACTORY,
    CREATEX,
    ENTRY_POINT,
    GOVERNANCE_TIMELOCK,
    OP_WETH9,
    PERMIT2,
    SAFE,
    SAFE_CREATE_CALL,
    SAFE_FALLBACK_HANDLER,
    SAFE_L2,
    SAFE_MULTI_SEND,
    SAFE_MULTI_SEND_CALL_ONLY,
    SAFE_PROXY_FACTORY,
    SAFE_SIGN_MESSAGE_LIBRARY,
    SAFE_SIMULATE_ACCESSOR,
    SAFE_SINGLETON_FACTORY,
    UNISWAP_FACTORY,
    UNISWAP_ROUTER,
)
from genesis.keccak import keccak256
from genesis.types import Address

PACKAGES = Path(__file__).parents[2] / ".cache" / "preinstalls" / "node_modules"

ENTRY_POINT_SALT = bytes.fromhex("90d8084deab30c2a37c45e8d47f49f2f7965183cb6990a98943ef94940681de3")
PERMIT2_CODE_HASH = bytes.fromhex("c67d1657868aa5146eaf24fb879fb1fdec3d2d493b3683a61c9c2f4fb2851131")
"""Of the account on Ethereum."""

SAFE_FILES = {
    SAFE: "Safe.sol/Safe.json",
    SAFE_L2: "SafeL2.sol/SafeL2.json",
    SAFE_PROXY_FACTORY: "proxies/SafeProxyFactory.sol/SafeProxyFactory.json",
    SAFE_FALLBACK_HANDLER: "handler/CompatibilityFallbackHandler.sol/CompatibilityFallbackHandler.json",
    SAFE_MULTI_SEND: "libraries/MultiSend.sol/MultiSend.json",
    SAFE_MULTI_SEND_CALL_ONLY: "libraries/MultiSendCallOnly.sol/MultiSendCallOnly.json",
    SAFE_CREATE_CALL: "libraries/CreateCall.sol/CreateCall.json",
    SAFE_SIGN_MESSAGE_LIBRARY: "libraries/SignMessageLib.sol/SignMessageLib.json",
    SAFE_SIMULATE_ACCESSOR: "accessors/SimulateTxAccessor.sol/SimulateTxAccessor.json",
}


@dataclass(frozen=True, slots=True)
class Creation:
    """Constructor code with its arguments, and the account that it makes."""

    address: Address
    code: bytes


class WrongCodeError(ValueError):
    """A package's code is not that of the address it is meant for."""


def creations() -> list[Creation]:
    """Everything with a constructor, in the order in which they are made. Raises `FileNotFoundError`."""
    return [_entry_point(), _createx(), *map(_safe, SAFE_FILES), *_exchange()]


def permit2_code() -> bytes:
    """The runtime code as it stands on Ethereum: on another chain it works out its domain at each call."""
    source = (PACKAGES / "@eth-optimism/contracts-bedrock/src/libraries/Preinstalls.sol").read_text()
    found = re.search(r'Permit2TemplateCode =\s*hex"([0-9a-f]+)"', source)
    code = bytes.fromhex(found[1]) if found else b""
    _check(PERMIT2, keccak256(code) == PERMIT2_CODE_HASH)
    return code


def _entry_point() -> Creation:
    code = _bytecode("@account-abstraction/contracts/artifacts/EntryPoint.json")
    return _created_by(CREATE2_FACTORY, ENTRY_POINT_SALT, ENTRY_POINT, code)


def _safe(address: Address) -> Creation:
    code = _bytecode(f"@safe-global/safe-contracts/build/artifacts/contracts/{SAFE_FILES[address]}")
    return _created_by(SAFE_SINGLETON_FACTORY, bytes(32), address, code)


def _created_by(factory: Address, salt: bytes, address: Address, code: bytes) -> Creation:
    _check(address, keccak256(b"\xff" + factory + salt + keccak256(code))[12:] == address)
    return Creation(address, code)


def _createx() -> Creation:
    """From the signed transaction that makes it on every chain; its sender is nobody."""
    script = (
        PACKAGES / "@nomicfoundation/ignition-core/dist/src/internal/execution/strategy/createx-artifact.js"
    )
    found = re.search(r'presignedTx = "0x([0-9a-f]+)"', script.read_text())
    transaction = bytes.fromhex(found[1]) if found else b""
    _check(CREATEX, bool(transaction))
    nonce, _price, _gas, to, _value, data = rlp.decode(transaction)[:6]
    _check(CREATEX, (nonce, to) == (b"", b""))
    return Creation(CREATEX, data)


def _exchange() -> list[Creation]:
    factory = _bytecode("@uniswap/v2-core/build/UniswapV2Factory.json")
    pair = _bytecode("@uniswap/v2-core/build/UniswapV2Pair.json")
    router = _bytecode("@uniswap/v2-periphery/build/UniswapV2Router02.json")
    _check(UNISWAP_ROUTER, router.find(keccak256(pair)) >= 0)
    return [
        Creation(UNISWAP_FACTORY, factory + encode(("address",), (GOVERNANCE_TIMELOCK,))),
        Creation(UNISWAP_ROUTER, router + encode(("address", "address"), (UNISWAP_FACTORY, OP_WETH9))),
    ]


def _bytecode(file: str) -> bytes:
    return bytes.fromhex(json.loads((PACKAGES / file).read_text())["bytecode"].removeprefix("0x"))


def _check(address: Address, holds: bool) -> None:
    if not holds:
        raise WrongCodeError(f"0x{address.hex()}")
