"""What a transaction's bytes say: decoding, hashes and the sender, for every type.

Covered: canonical encoding, field ranges, chain id, signature. Not covered: whether the state can pay for it
(`validity.py`). Errors are worded as geth words them.
Source: EIP-155, EIP-2718, EIP-2930, EIP-1559, EIP-4844, EIP-7702; OP Stack specification, Deposits.
"""

from functools import lru_cache

from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from openledger_node.evm.errors import TransactionError
from openledger_node.evm.impersonation import impersonated_sender
from openledger_node.evm.records import (
    DEPOSIT_TYPE,
    AccessListEntry,
    Authorization,
    DepositFields,
    Transaction,
)
from openledger_node.evm.rlp_codec import (
    Item,
    RlpError,
    decode_list,
    encode,
    to_bytes,
    to_fixed,
    to_list,
    to_uint,
    uint,
)
from openledger_node.evm.signatures import recover_signer

LEGACY, ACCESS_LIST, DYNAMIC_FEE, BLOB, SET_CODE = range(5)

_CACHED = 10_000
_CACHED_BYTES = 2_048
"""Larger transactions are decoded again, so that the cache stays under 65 MB."""


def decode_transaction(raw: bytes, chain_id: int, *, impersonation: bool = False) -> Transaction:
    """The transaction `raw` encodes, its sender recovered. Raises `TransactionError`."""
    if impersonation and (named := impersonated_sender(raw)) is not None:
        return _decode(raw, chain_id, named)
    return _cached(raw, chain_id) if len(raw) <= _CACHED_BYTES else _decode(raw, chain_id)


def decode_stored(raw: bytes, chain_id: int, sender: Address) -> Transaction:
    """A transaction that was decoded before, with the sender found then."""
    return _decode_any(raw, chain_id, sender)


def _decode(raw: bytes, chain_id: int, sender: Address | None = None) -> Transaction:
    try:
        return _decode_any(bytes(raw), chain_id, sender)
    except RlpError as error:
        raise TransactionError(str(error)) from None


_cached = lru_cache(_CACHED)(_decode)


def _decode_any(raw: bytes, chain_id: int, sender: Address | None) -> Transaction:
    if not raw:
        raise TransactionError("typed transaction too short")
    if raw[0] >= 0xC0:
        return _decode_legacy(raw, chain_id, sender)
    if raw[0] == DEPOSIT_TYPE:
        return _decode_deposit(raw)
    if raw[0] not in _FIELD_COUNT:
        raise TransactionError("transaction type not supported")
    return _decode_typed(raw, chain_id, sender)


def _decode_legacy(raw: bytes, chain_id: int, sender: Address | None) -> Transaction:
    fields = _fields(raw, 0, 9)
    nonce, gas_price, gas, to, value, data, v_item, r_item, s_item = fields
    v, r, s = to_uint(v_item), to_uint(r_item), to_uint(s_item)
    signed: list[Item] = fields[:6]
    own_chain: int | None = None
    if v >= 35:
        own_chain = (v - 35) // 2
        _check_chain(own_chain, chain_id)
        signed = [*signed, uint(own_chain), b"", b""]
    elif v not in (27, 28):
        raise TransactionError("invalid transaction v, r, s values")
    y_parity = v - 27 if own_chain is None else (v - 35) % 2
    price = to_uint(gas_price)
    return Transaction(
        type=LEGACY,
        hash=keccak256(raw),
        raw=raw,
        sender=sender or _sender(encode(signed), y_parity, r, s),
        to=_recipient(to),
        nonce=_nonce(nonce),
        gas=to_uint(gas, 64),
        value_wei=to_uint(value),
        data=to_bytes(data),
        chain_id=own_chain,
        max_fee_wei=price,
        max_priority_fee_wei=price,
        v=v,
        r=r,
        s=s,
    )


# chain id, nonce, fees (1 or 2), gas, to, value, data, access list, own fields, y parity, r, s
_FIELD_COUNT = {ACCESS_LIST: 11, DYNAMIC_FEE: 12, BLOB: 14, SET_CODE: 13}


def _decode_typed(raw: bytes, chain_id: int, sender: Address | None) -> Transaction:
    kind = raw[0]
    fields = _fields(raw, 1, _FIELD_COUNT[kind])
    own_chain = to_uint(fields[0])
    _check_chain(own_chain, chain_id)
    fees = 1 if kind == ACCESS_LIST else 2
    max_priority_fee, max_fee = to_uint(fields[2]), to_uint(fields[1 + fees])
    gas, to, value, data, access_list = fields[2 + fees : 7 + fees]
    own, (y_parity_item, r, s) = fields[7 + fees : -3], fields[-3:]
    y_parity = to_uint(y_parity_item)
    recipient = _recipient(to)
    if recipient is None and kind in (BLOB, SET_CODE):
        raise TransactionError("rlp: input string too short for common.Address")
    return Transaction(
        type=kind,
        hash=keccak256(raw),
        raw=raw,
        sender=sender or _sender(raw[:1] + encode(fields[:-3]), y_parity, to_uint(r), to_uint(s)),
        to=recipient,
        nonce=_nonce(fields[1]),
        gas=to_uint(gas, 64),
        value_wei=to_uint(value),
        data=to_bytes(data),
        chain_id=own_chain,
        max_fee_wei=max_fee,
        max_priority_fee_wei=max_priority_fee,
        v=y_parity,
        r=to_uint(r),
        s=to_uint(s),
        access_list=_access_list(access_list),
        max_blob_fee_wei=to_uint(own[0]) if kind == BLOB else 0,
        blob_hashes=_hashes(own[1]) if kind == BLOB else (),
        authorizations=_authorizations(own[0]) if kind == SET_CODE else (),
    )


def _decode_deposit(raw: bytes) -> Transaction:
    source_hash, sender, to, mint, value, gas, is_system, data = _fields(raw, 1, 8)
    deposit = DepositFields(
        source_hash=Hash32(to_fixed(source_hash, 32)),
        mint_wei=to_uint(mint),
        is_system=bool(to_uint(is_system, 1 if is_system == b"" else 8)),
    )
    if is_system not in (b"", b"\x01"):
        raise TransactionError("rlp: invalid boolean value")
    return Transaction(
        type=DEPOSIT_TYPE,
        hash=keccak256(raw),
        raw=raw,
        sender=Address(to_fixed(sender, 20)),
        to=_recipient(to),
        nonce=0,
        gas=to_uint(gas, 64),
        value_wei=to_uint(value),
        data=to_bytes(data),
        chain_id=None,
        max_fee_wei=0,
        max_priority_fee_wei=0,
        v=0,
        r=0,
        s=0,
        deposit=deposit,
    )


def _fields(raw: bytes, skip: int, count: int) -> list[Item]:
    """The list after `skip` bytes, of exactly `count` items and in canonical form."""
    payload = raw[skip:]
    fields = decode_list(payload)
    if len(fields) != count:
        raise RlpError(f"rlp: expected {count} transaction fields, got {len(fields)}")
    return fields


def _check_chain(own: int, expected: int) -> None:
    if own != expected:
        raise TransactionError(f"invalid chain id for signer: have {own} want {expected}")


def _sender(signed: bytes, y_parity: int, r: int, s: int) -> Address:
    sender = recover_signer(keccak256(signed), y_parity, r, s)
    if sender is None:
        raise TransactionError("invalid sender")
    return sender


def _nonce(item: Item) -> int:
    return to_uint(item, 64)


def _recipient(item: Item) -> Address | None:
    return None if item == b"" else Address(to_fixed(item, 20))


def _hashes(item: Item) -> tuple[Hash32, ...]:
    return tuple(Hash32(to_fixed(entry, 32)) for entry in to_list(item))


def _access_list(item: Item) -> tuple[AccessListEntry, ...]:
    return tuple(_access_entry(entry) for entry in to_list(item))


def _access_entry(item: Item) -> AccessListEntry:
    parts = to_list(item)
    if len(parts) != 2:
        raise RlpError("rlp: expected address and slots")
    return AccessListEntry(Address(to_fixed(parts[0], 20)), _hashes(parts[1]))


def _authorizations(item: Item) -> tuple[Authorization, ...]:
    return tuple(_authorization(entry) for entry in to_list(item))


def _authorization(item: Item) -> Authorization:
    parts = to_list(item)
    if len(parts) != 6:
        raise RlpError("rlp: expected six authorization fields")
    chain_id, address, nonce, y_parity, r, s = parts
    return Authorization(
        chain_id=to_uint(chain_id),
        address=Address(to_fixed(address, 20)),
        nonce=to_uint(nonce, 64),
        y_parity=to_uint(y_parity, 8),
        r=to_uint(r),
        s=to_uint(s),
    )


def contract_address(sender: Address, nonce: int) -> Address:
    """Where a creation transaction puts its contract."""
    return Address(keccak256(encode([sender, uint(nonce)]))[12:])


def encode_deposit(
    sender: Address,
    to: Address | None,
    *,
    deposit: DepositFields,
    value_wei: int,
    gas: int,
    data: bytes,
) -> bytes:
    """Canonical encoding of a deposit transaction. Source: OP Stack specification, Deposits."""
    fields: list[Item] = [
        deposit.source_hash,
        sender,
        to or b"",
        uint(deposit.mint_wei),
        uint(value_wei),
        uint(gas),
        b"\x01" if deposit.is_system else b"",
        data,
    ]
    return bytes((DEPOSIT_TYPE,)) + encode(fields)


def authorization_digest(authorization: Authorization) -> Hash32:
    """What an EIP-7702 authority signs."""
    fields = [uint(authorization.chain_id), authorization.address, uint(authorization.nonce)]
    return keccak256(b"\x05" + encode(fields))
