"""How a span batch's columns become whole signed transactions again.

Covered: legacy (protected or not), access-list, dynamic-fee and set-code transactions.
Source: OP Stack specification, Delta, "Span Batch Format", tx_datas; EIP-155, 2930, 1559, 7702 for the
results.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import rlp

from rollup_bridge.codec import rlp_reader
from rollup_bridge.codec.cursor import Bits, Cursor
from rollup_bridge.codec.rlp_reader import Item
from rollup_bridge.errors import MalformedError

_LEGACY, _ACCESS_LIST, _DYNAMIC_FEE, _SET_CODE = 0, 1, 2, 4
_FIELD_COUNTS = {_LEGACY: 3, _ACCESS_LIST: 4, _DYNAMIC_FEE: 5, _SET_CODE: 6}


@dataclass(frozen=True, slots=True)
class TransactionData:
    """The part of a transaction that a span batch keeps in one piece. `lists` are raw RLP."""

    type: int
    value: int
    prices: tuple[int, ...]
    data: bytes
    lists: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Columns:
    """One entry per transaction in each list; `tos` only for calls, `protected_bits` only for legacy ones."""

    creation_bits: Bits
    parity_bits: Bits
    signatures: list[tuple[int, int]]
    tos: list[bytes]
    datas: list[TransactionData]
    nonces: list[int]
    gases: list[int]
    protected_bits: Bits

    def transactions(self, chain_id: int) -> Iterator[bytes]:
        """Raw transactions in order; `MalformedError` for a set-code transaction without a target."""
        tos = iter(self.tos)
        legacy_seen = 0
        for index, data in enumerate(self.datas):
            to = b"" if self.creation_bits[index] else next(tos)
            v = self.parity_bits[index]
            if data.type == _LEGACY:
                v += 35 + 2 * chain_id if self.protected_bits[legacy_seen] else 27
                legacy_seen += 1
            signature = (v, *self.signatures[index])
            yield _assemble(
                data=data,
                chain_id=chain_id,
                nonce=self.nonces[index],
                gas=self.gases[index],
                to=to,
                signature=signature,
            )


def read_columns(cursor: Cursor, count: int) -> Columns:
    """All columns of `count` transactions."""
    creation_bits = cursor.bits(count)
    parity_bits = cursor.bits(count)
    signatures = [(_word(cursor), _word(cursor)) for _ in range(count)]
    tos = [cursor.take(20) for _ in range(count - creation_bits.count())]
    datas = [_read_data(cursor) for _ in range(count)]
    nonces = [cursor.uvarint() for _ in range(count)]
    gases = [cursor.uvarint() for _ in range(count)]
    protected_bits = cursor.bits(sum(data.type == _LEGACY for data in datas))
    columns = Columns(creation_bits, parity_bits, signatures, tos, datas, nonces, gases, protected_bits)
    if any(data.type == _SET_CODE and creation_bits[index] for index, data in enumerate(datas)):
        raise MalformedError("a set-code transaction cannot create a contract")
    return columns


def _word(cursor: Cursor) -> int:
    return int.from_bytes(cursor.take(32), "big")


def _read_data(cursor: Cursor) -> TransactionData:
    raw = cursor.data
    kind = _LEGACY
    if cursor.at < len(raw) and raw[cursor.at] < 0x80:
        kind = cursor.take(1)[0]
        if kind not in (_ACCESS_LIST, _DYNAMIC_FEE, _SET_CODE):
            raise MalformedError(f"span batch transaction of type {kind}")
    item = rlp_reader.read_item(raw, cursor.at)
    cursor.at = item.end
    price_count = 2 if kind in (_DYNAMIC_FEE, _SET_CODE) else 1
    parts = rlp_reader.fields(raw, item, _FIELD_COUNTS[kind])
    value, prices, data, lists = (
        parts[0],
        parts[1 : 1 + price_count],
        parts[1 + price_count],
        parts[2 + price_count :],
    )
    _check_lists(raw, lists)
    return TransactionData(
        kind,
        rlp_reader.as_integer(raw, value, 256),
        tuple(rlp_reader.as_integer(raw, price, 256) for price in prices),
        rlp_reader.as_bytes(raw, data),
        tuple(raw[part.at : part.end] for part in lists),
    )


def _check_lists(raw: bytes, lists: list[Item]) -> None:
    """Access list first, authorizations second; either may be absent."""
    if lists:
        for entry in rlp_reader.children(raw, lists[0]):
            address, slots = rlp_reader.fields(raw, entry, 2)
            rlp_reader.as_fixed(raw, address, 20)
            for slot in rlp_reader.children(raw, slots):
                rlp_reader.as_fixed(raw, slot, 32)
    if len(lists) > 1:
        for entry in rlp_reader.children(raw, lists[1]):
            chain_id, address, nonce, parity, r, s = rlp_reader.fields(raw, entry, 6)
            rlp_reader.as_fixed(raw, address, 20)
            for number, bits in ((chain_id, 256), (nonce, 64), (parity, 8), (r, 256), (s, 256)):
                rlp_reader.as_integer(raw, number, bits)


def _assemble(
    *, data: TransactionData, chain_id: int, nonce: int, gas: int, to: bytes, signature: tuple[int, int, int]
) -> bytes:
    fields: tuple[int | bytes, ...] = (nonce, *data.prices, gas, to, data.value, data.data)
    head = () if data.type == _LEGACY else (chain_id,)
    parts = [rlp.encode(field) for field in (*head, *fields)]
    parts.extend(data.lists)
    parts.extend(rlp.encode(number) for number in signature)
    kind = b"" if data.type == _LEGACY else bytes([data.type])
    return kind + _list(b"".join(parts))


def _list(payload: bytes) -> bytes:
    if len(payload) <= 55:
        return bytes([0xC0 + len(payload)]) + payload
    size = len(payload).to_bytes((len(payload).bit_length() + 7) // 8, "big")
    return bytes([0xF7 + len(size)]) + size + payload
