"""What a deposit transaction looks like on L2: type 0x7E, no signature, no nonce, no fee.

Source: OP Stack specification, deposits, "The Deposited Transaction Type".
"""

from dataclasses import dataclass

import rlp

from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from rollup_bridge.codec import rlp_reader
from rollup_bridge.errors import MalformedError

DEPOSIT_TYPE = 0x7E


@dataclass(frozen=True, slots=True)
class Deposit:
    """`to` is None for a creation; `mint_wei` is added to the sender before anything else and survives
    failure."""

    source_hash: Hash32
    sender: Address
    to: Address | None
    mint_wei: int
    value_wei: int
    gas: int
    is_system: bool
    data: bytes


def encode_deposit(deposit: Deposit) -> bytes:
    """A deposit transaction with its type byte 0x7E. Source: OP Stack, deposits."""
    body: bytes = rlp.encode(
        [
            deposit.source_hash,
            deposit.sender,
            deposit.to or b"",
            deposit.mint_wei,
            deposit.value_wei,
            deposit.gas,
            int(deposit.is_system),
            deposit.data,
        ]
    )
    return bytes([DEPOSIT_TYPE]) + body


def decode_deposit(raw: bytes) -> Deposit:
    """Inverse of `encode_deposit`; `MalformedError` otherwise."""
    if raw[:1] != bytes([DEPOSIT_TYPE]):
        raise MalformedError("not a deposit transaction")
    item = rlp_reader.read_item(raw, 1)
    if item.end != len(raw):
        raise MalformedError("bytes after a deposit transaction")
    source, sender, to, mint, value, gas, is_system, data = rlp_reader.fields(raw, item, 8)
    return Deposit(
        Hash32(rlp_reader.as_fixed(raw, source, 32)),
        Address(rlp_reader.as_fixed(raw, sender, 20)),
        Address(rlp_reader.as_fixed(raw, to, 20)) if to.end > to.start else None,
        rlp_reader.as_integer(raw, mint, 256),
        rlp_reader.as_integer(raw, value, 256),
        rlp_reader.as_integer(raw, gas, 64),
        rlp_reader.as_integer(raw, is_system, 1) == 1,
        rlp_reader.as_bytes(raw, data),
    )


def deposit_hash(raw: bytes) -> Hash32:
    """The L2 transaction hash under which a raw deposit can be found."""
    return keccak256(raw)
