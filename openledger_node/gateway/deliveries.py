"""What was handed to customers of answers still under way: on disk before each piece goes out.

A gateway that is killed in the middle of an answer finds here exactly what it has to bill, and what a retry
brings back. Pieces that wait at the same time share one commit.

Covered: one open delivery per channel, its pieces in order, removed in the transaction that adds its receipt.
Not covered: turning what is left after a crash into receipts (`text_calls`).
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, Column, Integer, MetaData, String, Table, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from genesis.types import Hash32
from openledger_node.gateway.text_tools import CallPiece, from_rows, merged, to_rows
from openledger_node.jobs.database import Database, Schema, add_columns, create_tables

metadata = MetaData()
_deliveries = Table(
    "deliveries",
    metadata,
    Column("channel_id", String, primary_key=True),
    Column("head", JSON, nullable=False),
)
_pieces = Table(
    "delivery_pieces",
    metadata,
    Column("channel_id", String, primary_key=True),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("tokens", JSON, nullable=False),
    Column("text", String, nullable=False),
    Column("calls", JSON(none_as_null=True)),
)
SCHEMA = Schema("deliveries", [create_tables(metadata), add_columns(_pieces, "calls")])


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an answer: its token ids, their text and calls of tools, any of which may be empty."""

    tokens: tuple[int, ...]
    text: str
    calls: tuple[CallPiece, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.tokens or self.text or self.calls)

    def row(self) -> dict[str, Any]:
        """Its columns."""
        return {"tokens": list(self.tokens), "text": self.text, "calls": to_rows(self.calls)}


def joined(pieces: Iterable[Piece]) -> Piece:
    """Several pieces as one."""
    every = list(pieces)
    return Piece(
        tuple(token for piece in every for token in piece.tokens),
        "".join(piece.text for piece in every),
        merged(call for piece in every for call in piece.calls),
    )


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A piece on its way to the disk. `head` comes with the first piece of a delivery only."""

    channel_id: str
    sequence: int
    piece: Piece
    head: Mapping[str, Any] | None
    kept: "asyncio.Future[None]"


class DeliveryTable:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[_Waiting] = []
        self._writer: asyncio.Task[None] | None = None

    async def keep(self, channel_id: Hash32, sequence: int, piece: Piece, head: Mapping[str, Any]) -> None:
        """Return once a piece is on disk; piece 0 brings the delivery's `head` with it."""
        kept = asyncio.get_running_loop().create_future()
        self._waiting.append(
            _Waiting(channel_id.hex(), sequence, piece, head if sequence == 0 else None, kept)
        )
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        await kept

    async def replace(self, channel_id: Hash32, piece: Piece, head: Mapping[str, Any]) -> None:
        """Exactly this is what was delivered: one piece in place of those there are."""
        async with self._database.transaction() as connection:
            await self.forget(connection, channel_id)
            await connection.execute(
                _deliveries.insert().values(channel_id=channel_id.hex(), head=dict(head))
            )
            row = {"channel_id": channel_id.hex(), "sequence": 0, **piece.row()}
            await connection.execute(_pieces.insert().values(row))

    async def unfinished(self) -> list[tuple[Hash32, dict[str, Any], list[Piece]]]:
        """What was left: channel, head and pieces in order."""
        pieces: dict[str, list[Piece]] = {}
        async with self._database.transaction() as connection:
            heads = (await connection.execute(select(_deliveries))).mappings().all()
            rows = await connection.execute(select(_pieces).order_by(_pieces.c.sequence))
            for row in rows.mappings():
                piece = Piece(tuple(row["tokens"]), row["text"], from_rows(row["calls"]))
                pieces.setdefault(row["channel_id"], []).append(piece)
        return [
            (Hash32(bytes.fromhex(row["channel_id"])), row["head"], pieces[row["channel_id"]])
            for row in heads
        ]

    async def forget(self, connection: AsyncConnection, channel_id: Hash32) -> None:
        """Remove a channel's delivery as part of the transaction that adds its receipt."""
        for table in (_deliveries, _pieces):
            await connection.execute(delete(table).where(table.c.channel_id == channel_id.hex()))

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                await self._insert(batch)
            except BaseException as error:
                for each in batch:
                    if not each.kept.done():
                        each.kept.set_exception(error)
                raise
            for each in batch:
                if not each.kept.done():
                    each.kept.set_result(None)

    async def _insert(self, batch: list[_Waiting]) -> None:
        heads = [
            {"channel_id": each.channel_id, "head": dict(each.head)}
            for each in batch
            if each.head is not None
        ]
        pieces = [
            {"channel_id": each.channel_id, "sequence": each.sequence, **each.piece.row()} for each in batch
        ]
        async with self._database.transaction() as connection:
            if heads:
                await connection.execute(_deliveries.insert(), heads)
            await connection.execute(_pieces.insert(), pieces)
