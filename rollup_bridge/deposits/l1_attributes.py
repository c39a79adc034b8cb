"""What every L2 block learns of L1: the first transaction, from 0xDeaD…0001 to the L1Block predeploy.

The layout is OP Stack's Ecotone packing with the L1 origin's prevRandao appended (the one extension):
selector 4, baseFeeScalar 4, blobBaseFeeScalar 4, sequenceNumber 8, timestamp 8, number 8, then 32 bytes each
of baseFee, blobBaseFee, hash, batcherHash, prevRandao.
Source: OP Stack specification, Ecotone, "L1 Attributes Predeployed Contract"; docs/protocol for the
extension.
"""

import struct
from dataclasses import dataclass

from genesis.addresses import L1_ATTRIBUTES_DEPOSITOR, L1_BLOCK
from genesis.keccak import keccak256
from genesis.spec import SystemConfig
from genesis.types import Address, Hash32
from rollup_bridge.deposits.source_hash import l1_attributes_source
from rollup_bridge.deposits.transaction import Deposit, decode_deposit, encode_deposit
from rollup_bridge.errors import MalformedError
from rollup_bridge.ports import L1Block

SELECTOR = bytes(keccak256(b"setL1BlockValuesOpenLedger()")[:4])
GAS = 1_000_000
_HEAD = struct.Struct(">4sIIQQQ")
_WORDS = 5
CALLDATA_BYTES = _HEAD.size + 32 * _WORDS


@dataclass(frozen=True, slots=True)
class L1Attributes:
    """L1 origin, place within its epoch, and the system configuration in force."""

    base_fee_scalar: int
    blob_base_fee_scalar: int
    sequence_number: int
    timestamp_s: int
    number: int
    base_fee_wei: int
    blob_base_fee_wei: int
    hash: Hash32
    batcher: Address
    prev_randao: Hash32


def attributes_of(origin: L1Block, config: SystemConfig, sequence_number: int) -> L1Attributes:
    """What an L2 block says about its L1 origin, under the system configuration there."""
    return L1Attributes(
        base_fee_scalar=config.base_fee_scalar,
        blob_base_fee_scalar=config.blob_base_fee_scalar,
        sequence_number=sequence_number,
        timestamp_s=origin.timestamp_s,
        number=origin.number,
        base_fee_wei=origin.base_fee_wei,
        blob_base_fee_wei=origin.blob_base_fee_wei,
        hash=origin.hash,
        batcher=config.batcher,
        prev_randao=origin.prev_randao,
    )


def encode_calldata(attributes: L1Attributes) -> bytes:
    return b"".join(
        (
            _HEAD.pack(
                SELECTOR,
                attributes.base_fee_scalar,
                attributes.blob_base_fee_scalar,
                attributes.sequence_number,
                attributes.timestamp_s,
                attributes.number,
            ),
            attributes.base_fee_wei.to_bytes(32, "big"),
            attributes.blob_base_fee_wei.to_bytes(32, "big"),
            attributes.hash,
            attributes.batcher.rjust(32, b"\x00"),
            attributes.prev_randao,
        )
    )


def decode_calldata(data: bytes) -> L1Attributes:
    """Inverse of `encode_calldata`; `MalformedError` on another selector, length or a dirty batcher hash."""
    if len(data) != CALLDATA_BYTES:
        raise MalformedError(f"L1 attributes have {len(data)} bytes, not {CALLDATA_BYTES}")
    selector, base_scalar, blob_scalar, sequence, timestamp, number = _HEAD.unpack_from(data)
    words = [data[_HEAD.size + 32 * index : _HEAD.size + 32 * (index + 1)] for index in range(_WORDS)]
    if selector != SELECTOR or any(words[3][:12]):
        raise MalformedError("not L1 attributes")
    return L1Attributes(
        base_fee_scalar=base_scalar,
        blob_base_fee_scalar=blob_scalar,
        sequence_number=sequence,
        timestamp_s=timestamp,
        number=number,
        base_fee_wei=int.from_bytes(words[0], "big"),
        blob_base_fee_wei=int.from_bytes(words[1], "big"),
        hash=Hash32(words[2]),
        batcher=Address(words[3][12:]),
        prev_randao=Hash32(words[4]),
    )


def l1_attributes_transaction(attributes: L1Attributes) -> bytes:
    """The raw transaction that must come first in a block."""
    return encode_deposit(
        Deposit(
            source_hash=l1_attributes_source(attributes.hash, attributes.sequence_number),
            sender=L1_ATTRIBUTES_DEPOSITOR,
            to=L1_BLOCK,
            mint_wei=0,
            value_wei=0,
            gas=GAS,
            is_system=False,
            data=encode_calldata(attributes),
        )
    )


def read_l1_attributes(raw: bytes) -> L1Attributes:
    """Attributes out of a block's first raw transaction; `MalformedError` if it is anything else."""
    deposit = decode_deposit(raw)
    if deposit.sender != L1_ATTRIBUTES_DEPOSITOR or deposit.to != L1_BLOCK:
        raise MalformedError("the first transaction does not set the L1 attributes")
    return decode_calldata(deposit.data)
