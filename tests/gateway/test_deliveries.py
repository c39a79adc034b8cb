"""Pieces of answers on disk: what was kept comes back in order, calls of tools too, and from old tables."""

from pathlib import Path

from sqlalchemy import text

from genesis.types import Hash32
from openledger_node.gateway.deliveries import SCHEMA, DeliveryTable, Piece, joined
from openledger_node.gateway.text_tools import CallPiece
from openledger_node.jobs.database import Database, Schema, sqlite_url

CHANNEL = Hash32(bytes(range(32)))
HEAD = {"model": "model-2"}
PIECES = [
    Piece((1, 2), "I look."),
    Piece((3,), "", (CallPiece(0, "call_1", "f", '{"x": '),)),
    Piece((4,), "", (CallPiece(0, arguments="1}"), CallPiece(1, "call_2", "g", "{}"))),
]


async def test_pieces_come_back_as_they_were_kept(tmp_path: Path) -> None:
    database = await Database.open(sqlite_url(tmp_path / "db"), [SCHEMA])
    table = DeliveryTable(database)
    for place, piece in enumerate(PIECES):
        await table.keep(CHANNEL, place, piece, HEAD)
    assert await table.unfinished() == [(CHANNEL, HEAD, PIECES)]
    whole = joined(PIECES)
    assert whole == Piece(
        (1, 2, 3, 4),
        "I look.",
        (CallPiece(0, "call_1", "f", '{"x": 1}'), CallPiece(1, "call_2", "g", "{}")),
    )
    await table.replace(CHANNEL, whole, HEAD)
    assert await table.unfinished() == [(CHANNEL, HEAD, [whole])]
    await database.close()


async def test_pieces_of_an_older_gateway_have_no_calls(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "db")
    old = await Database.open(url, [Schema("deliveries", SCHEMA.migrations[:1])])
    async with old.transaction() as connection:
        await connection.execute(text("ALTER TABLE delivery_pieces DROP COLUMN calls"))
        await connection.execute(
            text("INSERT INTO deliveries VALUES (:channel, '{}')"), {"channel": CHANNEL.hex()}
        )
        await connection.execute(
            text("INSERT INTO delivery_pieces VALUES (:channel, 0, '[1]', 'a')"), {"channel": CHANNEL.hex()}
        )
    await old.close()
    new = await Database.open(url, [SCHEMA])
    assert await DeliveryTable(new).unfinished() == [(CHANNEL, {}, [Piece((1,), "a")])]
    await new.close()
