"""Chain records made by hand, for whatever shows or watches them."""

from dataclasses import replace

from genesis.keccak import keccak256
from genesis.types import ZERO_ADDRESS, ZERO_HASH, Address, Hash32
from openledger_node.evm.records import (
    DEPOSIT_TYPE,
    Block,
    DepositFields,
    Header,
    Log,
    Receipt,
    SupplyChange,
    Transaction,
)

SENDER = Address(b"\x5e" * 20)
WATCHED = Address(b"\xaa" * 20)


def topic(number: int) -> Hash32:
    return Hash32(number.to_bytes(32))


def log(data: bytes = b"", *topics: int, address: Address = WATCHED) -> Log:
    return Log(address, tuple(map(topic, topics)), data)


def transaction(nonce: int, *, type_: int = 2) -> Transaction:
    deposit = DepositFields(ZERO_HASH, 7, is_system=False) if type_ == DEPOSIT_TYPE else None
    return Transaction(
        type=type_,
        hash=keccak256(bytes([type_, nonce])),
        raw=bytes([type_, nonce]),
        sender=SENDER,
        to=WATCHED,
        nonce=nonce,
        gas=50_000,
        value_wei=1,
        data=b"\1",
        chain_id=1,
        max_fee_wei=20,
        max_priority_fee_wei=2,
        v=1,
        r=3,
        s=4,
        deposit=deposit,
    )


def receipt(logs: list[Log]) -> Receipt:
    return Receipt(
        succeeded=True,
        gas_used=30_000,
        cumulative_gas_used=30_000,
        effective_gas_price_wei=12,
        logs=tuple(logs),
        bloom=bytes(256),
    )


def header(number: int, *, salt: int = 0) -> Header:
    blank = Header(
        parent_hash=ZERO_HASH,
        ommers_hash=ZERO_HASH,
        coinbase=ZERO_ADDRESS,
        state_root=ZERO_HASH,
        transactions_root=ZERO_HASH,
        receipts_root=ZERO_HASH,
        bloom=bytes(256),
        difficulty=0,
        number=number,
        gas_limit=30_000_000,
        gas_used=30_000,
        timestamp_s=1_000 + number,
        extra_data=b"",
        prev_randao=ZERO_HASH,
        nonce=bytes(8),
        base_fee_wei=10,
        withdrawals_root=ZERO_HASH,
        blob_gas_used=0,
        excess_blob_gas=0,
        parent_beacon_block_root=ZERO_HASH,
        requests_hash=ZERO_HASH,
        hash=ZERO_HASH,
        rlp=b"",
    )
    return replace(blank, hash=keccak256(bytes([number, salt])))


def block(number: int, content: list[tuple[Transaction, list[Log]]], *, salt: int = 0) -> Block:
    return Block(
        header=header(number, salt=salt),
        transactions=tuple(item for item, _ in content),
        receipts=tuple(receipt(logs) for _, logs in content),
        supply_change=SupplyChange(0, 0),
    )
