"""How an L1 node's JSON becomes the rollup's records.

Every function raises `L1UnavailableError` on an answer of the wrong shape: another node may do better.
Source: ethereum/execution-apis; EIP-4844 for the blob base fee.
"""

from collections.abc import Mapping
from typing import Any

from genesis.spec import BlockId
from genesis.types import ZERO_ADDRESS, Address, Hash32
from openledger_node.l1.errors import L1UnavailableError
from rollup_bridge.ports import L1Block, L1Inclusion, L1Log, L1Receipt, L1Transaction

BLOB_BASE_FEE_UPDATE_FRACTION = 5_007_716
"""Prague's. The blob base fee must be a function of the header alone, or two nodes could disagree on it."""
_HASH_BYTES = 32
_ADDRESS_BYTES = 20
_LAST_KNOWN_TYPE = 4


def quantity(value: Any) -> int:
    """An integer from hex."""
    try:
        return int(value, 16)
    except (TypeError, ValueError) as error:
        raise L1UnavailableError(f"the L1 gave {value!r} for a number") from error


def octets(value: Any) -> bytes:
    """Bytes from hex, with or without 0x."""
    try:
        return bytes.fromhex(value.removeprefix("0x"))
    except (AttributeError, ValueError) as error:
        raise L1UnavailableError(f"the L1 gave {value!r} for bytes") from error


def hash32(value: Any) -> Hash32:
    """32 bytes."""
    return Hash32(_sized(octets(value), _HASH_BYTES))


def address(value: Any) -> Address:
    """20 bytes."""
    return Address(_sized(octets(value), _ADDRESS_BYTES))


def _sized(value: bytes, size: int) -> bytes:
    if len(value) != size:
        raise L1UnavailableError(f"the L1 gave {len(value)} bytes instead of {size}")
    return value


def member(record: Any, name: str) -> Any:
    """A member that must be there; its value may be null."""
    if not isinstance(record, Mapping) or name not in record:
        raise L1UnavailableError(f"the L1 left out {name}")
    return record[name]


def block(record: Any) -> L1Block:
    """A header; what came with later forks is zero where it is missing."""
    excess = quantity(record.get("excessBlobGas") or "0x0")
    zero = "0x" + "00" * 32
    return L1Block(
        hash=hash32(member(record, "hash")),
        number=quantity(member(record, "number")),
        parent_hash=hash32(member(record, "parentHash")),
        timestamp_s=quantity(member(record, "timestamp")),
        base_fee_wei=quantity(record.get("baseFeePerGas") or "0x0"),
        blob_base_fee_wei=blob_base_fee_wei(excess),
        prev_randao=hash32(record.get("mixHash") or zero),
        parent_beacon_block_root=hash32(record.get("parentBeaconBlockRoot") or zero),
    )


def transaction(record: Any) -> L1Transaction:
    """A transaction of a type that came with a later fork may lack any field: it is then nobody's batch."""
    kind = quantity(member(record, "type")) if "type" in record else 0
    try:
        return _transaction(record, kind)
    except L1UnavailableError:
        if kind <= _LAST_KNOWN_TYPE:
            raise
        return L1Transaction(hash32(member(record, "hash")), kind, ZERO_ADDRESS, None, b"")


def _transaction(record: Any, kind: int) -> L1Transaction:
    to = member(record, "to")
    return L1Transaction(
        hash=hash32(member(record, "hash")),
        type=kind,
        sender=address(member(record, "from")),
        to=None if to is None else address(to),
        data=octets(member(record, "input")),
        blob_hashes=tuple(hash32(item) for item in record.get("blobVersionedHashes") or ()),
    )


def log(record: Any) -> L1Log:
    """One log of a receipt."""
    return L1Log(
        address=address(member(record, "address")),
        topics=tuple(hash32(topic) for topic in member(record, "topics")),
        data=octets(member(record, "data")),
    )


def receipt(record: Any) -> L1Receipt:
    """Whether a transaction succeeded, and its logs."""
    return L1Receipt(
        transaction_hash=hash32(member(record, "transactionHash")),
        succeeded=quantity(member(record, "status")) == 1,
        logs=tuple(log(item) for item in member(record, "logs")),
    )


def inclusion(record: Any) -> L1Inclusion:
    """The block a transaction is in, and its fee in wei: gas used at the effective price."""
    gas_used = quantity(member(record, "gasUsed"))
    return L1Inclusion(
        transaction_hash=hash32(member(record, "transactionHash")),
        block=BlockId(hash32(member(record, "blockHash")), quantity(member(record, "blockNumber"))),
        succeeded=quantity(member(record, "status")) == 1,
        gas_used=gas_used,
        fee_wei=gas_used * quantity(record.get("effectiveGasPrice") or "0x0"),
        logs=tuple(log(item) for item in member(record, "logs")),
    )


def blob_base_fee_wei(excess_blob_gas: int) -> int:
    """`fake_exponential(1, excess, fraction)` of EIP-4844."""
    fraction = BLOB_BASE_FEE_UPDATE_FRACTION
    index, total, term = 1, 0, fraction
    while term > 0:
        total += term
        term = term * excess_blob_gas // (fraction * index)
        index += 1
    return total // fraction
