"""Where receipts, vouchers and answers are kept: on disk before an answer goes out.

Covered: one receipt per (channel, number) and per (channel, idempotency key), the newest voucher of each
channel, the private content that attribution needs later. Not covered: deleting content (retention).
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Float,
    Integer,
    MetaData,
    RowMapping,
    String,
    Table,
    UniqueConstraint,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from genesis.typed_data import Voucher
from genesis.types import Hash32
from openledger_node.client.vouchers import SignedVoucher
from openledger_node.jobs.database import Database, Schema, add_columns, create_tables

metadata = MetaData()
_receipts = Table(
    "receipts",
    metadata,
    Column("channel_id", String, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("receipt_hash", String, nullable=False),
    Column("tokens_in", Integer, nullable=False),
    Column("tokens_out", Integer, nullable=False),
    Column("fee_wei", String, nullable=False),
    Column("prompt_salt", String, nullable=False),
    Column("output_salt", String, nullable=False),
    Column("features", JSON, nullable=False),
    Column("response", JSON, nullable=False, server_default="[]"),
    Column("answer", JSON, nullable=False),
    Column("request_hash", String, nullable=False),
    Column("idempotency_key", String, nullable=False),
    Column("created_s", Float, nullable=False),
    UniqueConstraint("channel_id", "idempotency_key"),
)
_vouchers = Table(
    "vouchers",
    metadata,
    Column("channel_id", String, primary_key=True),
    Column("receipt_count", Integer, nullable=False),
    Column("cumulative_fee_wei", String, nullable=False),
    Column("receipts_root", String, nullable=False),
    Column("signature", String, nullable=False),
)
SCHEMA = Schema("receipts", [create_tables(metadata), add_columns(_receipts, "response")])

Forget = Callable[[AsyncConnection, Hash32], Awaitable[None]]
"""What else ends with a channel's receipt, in the same transaction."""


@dataclass(frozen=True, slots=True)
class StoredReceipt:
    """One paid inference. `features`, `response` and the salts are private; `answer` is what was sent.

    `features` are a classifier's input or the prompt's token ids, `response` the answer's token ids.
    """

    channel_id: Hash32
    number: int
    receipt_hash: Hash32
    tokens_in: int
    tokens_out: int
    fee_wei: int
    prompt_salt: bytes
    output_salt: bytes
    features: tuple[int, ...]
    answer: Mapping[str, Any]
    request_hash: bytes
    idempotency_key: str
    created_s: float
    response: tuple[int, ...] = ()


class ReceiptTable:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, receipt: StoredReceipt, voucher: SignedVoucher, forget: Forget | None = None) -> None:
        """Keep a receipt with the voucher that paid for it, together or not at all, `forget` too."""
        async with self._database.transaction() as connection:
            await connection.execute(_receipts.insert().values(**_receipt_row(receipt)))
            await _keep_voucher(connection, voucher)
            if forget is not None:
                await forget(connection, receipt.channel_id)

    async def without_receipt(self, channel_id: Hash32, forget: Forget) -> None:
        """Do what goes with a receipt where there is none to add."""
        async with self._database.transaction() as connection:
            await forget(connection, channel_id)

    async def keep_voucher(self, voucher: SignedVoucher) -> None:
        """Keep a voucher that only acknowledges."""
        async with self._database.transaction() as connection:
            await _keep_voucher(connection, voucher)

    async def of_channel(self, channel_id: Hash32, first: int = 0) -> list[StoredReceipt]:
        """The receipts of a channel by number, from `first` on."""
        query = (
            select(_receipts)
            .where(_receipts.c.channel_id == channel_id.hex(), _receipts.c.number >= first)
            .order_by(_receipts.c.number)
        )
        async with self._database.transaction() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [_receipt(row) for row in rows]

    async def get(self, channel_id: Hash32, number: int) -> StoredReceipt | None:
        query = select(_receipts).where(
            _receipts.c.channel_id == channel_id.hex(), _receipts.c.number == number
        )
        async with self._database.transaction() as connection:
            row = (await connection.execute(query)).mappings().first()
        return None if row is None else _receipt(row)

    async def by_key(self, channel_id: Hash32, idempotency_key: str) -> StoredReceipt | None:
        """The receipt of an earlier attempt of the same call."""
        query = select(_receipts).where(
            _receipts.c.channel_id == channel_id.hex(), _receipts.c.idempotency_key == idempotency_key
        )
        async with self._database.transaction() as connection:
            row = (await connection.execute(query)).mappings().first()
        return None if row is None else _receipt(row)

    async def newest_voucher(self, channel_id: Hash32) -> SignedVoucher | None:
        query = select(_vouchers).where(_vouchers.c.channel_id == channel_id.hex())
        async with self._database.transaction() as connection:
            row = (await connection.execute(query)).mappings().first()
        return None if row is None else _voucher(row)

    async def channels(self) -> list[Hash32]:
        """Every channel that has a voucher."""
        async with self._database.transaction() as connection:
            found = (await connection.scalars(select(_vouchers.c.channel_id))).all()
        return [Hash32(bytes.fromhex(channel_id)) for channel_id in found]


async def _keep_voucher(connection: AsyncConnection, signed: SignedVoucher) -> None:
    """Replace the channel's voucher unless the known one acknowledges more receipts."""
    row = _voucher_row(signed)
    known = await connection.scalar(
        select(_vouchers.c.receipt_count).where(_vouchers.c.channel_id == row["channel_id"])
    )
    if known is None:
        await connection.execute(_vouchers.insert().values(**row))
    elif known <= signed.voucher.receipt_count:
        await connection.execute(
            update(_vouchers).where(_vouchers.c.channel_id == row["channel_id"]).values(**row)
        )


def _receipt_row(receipt: StoredReceipt) -> dict[str, Any]:
    return {
        "channel_id": receipt.channel_id.hex(),
        "number": receipt.number,
        "receipt_hash": receipt.receipt_hash.hex(),
        "tokens_in": receipt.tokens_in,
        "tokens_out": receipt.tokens_out,
        "fee_wei": str(receipt.fee_wei),
        "prompt_salt": receipt.prompt_salt.hex(),
        "output_salt": receipt.output_salt.hex(),
        "features": list(receipt.features),
        "answer": dict(receipt.answer),
        "request_hash": receipt.request_hash.hex(),
        "idempotency_key": receipt.idempotency_key,
        "created_s": receipt.created_s,
        "response": list(receipt.response),
    }


def _receipt(row: RowMapping) -> StoredReceipt:
    return StoredReceipt(
        channel_id=Hash32(bytes.fromhex(row["channel_id"])),
        number=row["number"],
        receipt_hash=Hash32(bytes.fromhex(row["receipt_hash"])),
        tokens_in=row["tokens_in"],
        tokens_out=row["tokens_out"],
        fee_wei=int(row["fee_wei"]),
        prompt_salt=bytes.fromhex(row["prompt_salt"]),
        output_salt=bytes.fromhex(row["output_salt"]),
        features=tuple(row["features"]),
        answer=row["answer"],
        request_hash=bytes.fromhex(row["request_hash"]),
        idempotency_key=row["idempotency_key"],
        created_s=row["created_s"],
        response=tuple(row["response"]),
    )


def _voucher_row(signed: SignedVoucher) -> dict[str, Any]:
    return {
        "channel_id": signed.voucher.channel_id.hex(),
        "receipt_count": signed.voucher.receipt_count,
        "cumulative_fee_wei": str(signed.voucher.cumulative_fee_wei),
        "receipts_root": signed.voucher.receipts_root.hex(),
        "signature": signed.signature.hex(),
    }


def _voucher(row: RowMapping) -> SignedVoucher:
    voucher = Voucher(
        channel_id=Hash32(bytes.fromhex(row["channel_id"])),
        receipt_count=row["receipt_count"],
        cumulative_fee_wei=int(row["cumulative_fee_wei"]),
        receipts_root=Hash32(bytes.fromhex(row["receipts_root"])),
    )
    return SignedVoucher(voucher, bytes.fromhex(row["signature"]))
