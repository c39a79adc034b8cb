"""Where Solidity keeps a variable: mappings, structs and dynamic arrays as storage slots.

Precompile storage uses whole words only (uint256, bytes32, address), so a struct's field `i` is at its base
slot plus `i` and a Solidity twin with the same declarations reads the same slots.
Source: Solidity documentation, "Layout of State Variables in Storage".
"""

from collections.abc import Sequence
from typing import Any, TypeVar

from genesis.commitments import word
from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from precompiles.abi import TWO_256, AbiType, Struct, encode_word
from precompiles.host import Host

Record = TypeVar("Record")


def key_word(key: int | bytes) -> bytes:
    """A mapping key as its word: integers and addresses padded on the left, 32-byte values as they are."""
    return word(key) if isinstance(key, int) else bytes(key).rjust(32, b"\0")


def mapping_slot(slot: int, *keys: int | bytes) -> int:
    """Slot of `mapping[key]`, or of `mapping[key1][key2]` and so on."""
    for key in keys:
        slot = int.from_bytes(keccak256(key_word(key) + word(slot)), "big")
    return slot


def array_slot(slot: int, index: int, element_words: int = 1) -> int:
    """Slot of element `index` of the dynamic array declared at `slot`, which itself holds the length."""
    return (int.from_bytes(keccak256(word(slot)), "big") + index * element_words) % TWO_256


def field_slot(base: int, index: int) -> int:
    """Slot of field `index` of the struct at `base`."""
    return (base + index) % TWO_256


def load_struct(host: Host, address: Address, base: int, struct: Struct[Record]) -> Record:
    """Read a struct of whole-word fields."""
    words = (host.load(address, field_slot(base, i)) for i in range(len(struct.fields)))
    return struct.record(
        *(_from_word(field.type, value) for field, value in zip(struct.fields, words, strict=True))
    )


def struct_words(struct: Struct[Record], record: Record) -> Sequence[int]:
    """The words of a struct in slot order."""
    return [
        int.from_bytes(encode_word(field.type, value), "big")
        for field, value in zip(struct.fields, struct.values(record), strict=True)
    ]


def store_struct(host: Host, base: int, struct: Struct[Record], record: Record) -> None:
    """Write every field of a struct of the running precompile."""
    for i, value in enumerate(struct_words(struct, record)):
        host.store(field_slot(base, i), value)


def update_struct(host: Host, base: int, struct: Struct[Record], before: Record, after: Record) -> None:
    """Write the fields in which `after` differs from `before`."""
    changes = zip(struct_words(struct, before), struct_words(struct, after), strict=True)
    for i, (old, new) in enumerate(changes):
        if new != old:
            host.store(field_slot(base, i), new)


def load_address(host: Host, address: Address, slot: int) -> Address:
    """Read an `address` variable."""
    return Address(host.load(address, slot).to_bytes(32, "big")[12:])


def load_hash(host: Host, address: Address, slot: int) -> Hash32:
    """Read a `bytes32` variable."""
    return Hash32(host.load(address, slot).to_bytes(32, "big"))


def hash_word(value: bytes) -> int:
    """A `bytes32` or `address` as the word that is stored."""
    return int.from_bytes(value, "big")


def _from_word(kind: AbiType, value: int) -> Any:
    if kind.kind == "uint":
        return value
    raw = value.to_bytes(32, "big")
    return Address(raw[12:]) if kind.kind == "address" else Hash32(raw)


def add_to_slot(host: Host, address: Address, slot: int, change: int) -> None:
    """Add `change` to a number of the running precompile, which is `address`."""
    if change:
        host.store(slot, host.load(address, slot) + change)
