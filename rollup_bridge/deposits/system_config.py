"""How the L1 SystemConfig contract's events change the rollup's configuration.

Covered: update types 0 batcher, 1 fee scalars (Ecotone encoding), 2 gas limit; 3 (unsafe block signer) does
not concern derivation.
Not covered: any other type. It stops the node: a node that does not know it cannot follow the chain.
Source: OP Stack specification, system configuration, "ConfigUpdate"; Ecotone, "L1-Cost fees" for the scalars.
"""

from collections.abc import Iterable
from dataclasses import replace

from genesis.keccak import keccak256
from genesis.spec import SystemConfig
from genesis.types import Address
from rollup_bridge.deposits import abi
from rollup_bridge.errors import CriticalError, MalformedError
from rollup_bridge.ports import L1Log, L1Receipt

CONFIG_UPDATE_TOPIC = keccak256(b"ConfigUpdate(uint256,uint8,bytes)")
UPDATE_BATCHER = 0
UPDATE_FEE_SCALARS = 1
UPDATE_GAS_LIMIT = 2
UPDATE_UNSAFE_SIGNER = 3
_ECOTONE_SCALARS = 1


def updated_config(config: SystemConfig, receipts: Iterable[L1Receipt], contract: Address) -> SystemConfig:
    """The configuration after one L1 block; in force from that block on."""
    for receipt in receipts:
        if not receipt.succeeded:
            continue
        for log in receipt.logs:
            if log.address == contract and log.topics[:1] == (CONFIG_UPDATE_TOPIC,):
                config = _applied(config, log)
    return config


def _applied(config: SystemConfig, log: L1Log) -> SystemConfig:
    try:
        return apply_update(config, log)
    except MalformedError as error:
        raise CriticalError(f"system configuration update cannot be read: {error}") from error


def apply_update(config: SystemConfig, log: L1Log) -> SystemConfig:
    """One ConfigUpdate event; `MalformedError` if it is not one this node knows."""
    if len(log.topics) != 3 or any(log.topics[1]):
        raise MalformedError("not a ConfigUpdate of version 0")
    kind = int.from_bytes(log.topics[2], "big")
    body = abi.single_bytes(log.data)
    if kind == UPDATE_BATCHER:
        return replace(config, batcher=Address(_small(body, 0, 1, 160).to_bytes(20, "big")))
    if kind == UPDATE_FEE_SCALARS:
        base, blob = _scalars(body)
        return replace(config, base_fee_scalar=base, blob_base_fee_scalar=blob)
    if kind == UPDATE_GAS_LIMIT:
        return replace(config, gas_limit=_small(body, 0, 1, 64))
    if kind == UPDATE_UNSAFE_SIGNER:
        return config
    raise MalformedError(f"unknown update type {kind}")


def _small(body: bytes, index: int, words: int, bits: int) -> int:
    if len(body) != 32 * words:
        raise MalformedError(f"update has {len(body)} bytes, not {32 * words}")
    value = abi.word(body, index)
    if value >> bits:
        raise MalformedError(f"update value needs more than {bits} bits")
    return value


def _scalars(body: bytes) -> tuple[int, int]:
    """(base, blob) of the second word: version 1 in the top byte, zeros, blob u32, base u32; version 0 has a
    base scalar only. The first word (overhead) no longer counts."""
    packed = _small(body, 1, 2, 256)
    version = packed >> 248
    base, blob, rest = packed & 0xFFFFFFFF, (packed >> 32) & 0xFFFFFFFF, (packed & (2**248 - 1)) >> 64
    if rest or version > _ECOTONE_SCALARS or (version == 0 and blob):
        raise MalformedError("unknown fee scalar encoding")
    return base, blob


def encode_scalars(base_fee_scalar: int, blob_base_fee_scalar: int) -> int:
    """The packed `scalar` word as the contract stores it."""
    return (_ECOTONE_SCALARS << 248) | (blob_base_fee_scalar << 32) | base_fee_scalar
