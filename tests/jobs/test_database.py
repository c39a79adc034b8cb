"""Numbered schemas: applied once, refused when newer, together or not at all."""

from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from openledger_node.errors import StartError
from openledger_node.jobs.database import Database, Schema, add_columns, create_tables, sqlite_url

metadata = MetaData()
things = Table("things", metadata, Column("id", Integer, primary_key=True))


async def add_one(connection: AsyncConnection) -> None:
    await connection.execute(things.insert().values(id=7))


FIRST = Schema("things", [create_tables(metadata)])
SECOND = Schema("things", [create_tables(metadata), add_one])


async def count(database: Database) -> int:
    async with database.transaction() as connection:
        return int(await connection.scalar(select(func.count()).select_from(things)) or 0)


async def test_migrations_run_once_each(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "folder" / "a.sqlite")
    for schema, expected in ((FIRST, 0), (SECOND, 1), (SECOND, 1)):
        database = await Database.open(url, [schema])
        assert await count(database) == expected
        await database.close()


async def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "a.sqlite")
    await (await Database.open(url, [SECOND])).close()
    with pytest.raises(StartError, match="version 2"):
        await Database.open(url, [FIRST])


async def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    database = await Database.open(sqlite_url(tmp_path / "a.sqlite"), [FIRST])
    with pytest.raises(RuntimeError, match="half way"):
        async with database.transaction() as connection:
            await add_one(connection)
            raise RuntimeError("half way")
    assert await count(database) == 0
    await database.close()


async def test_a_column_is_added_to_an_older_table_and_not_to_a_fresh_one(tmp_path: Path) -> None:
    newer = MetaData()
    wider = Table(
        "things", newer, Column("id", Integer, primary_key=True), Column("size", Integer, server_default="3")
    )
    schema = Schema("things", [create_tables(newer), add_columns(wider, "size")])
    old, fresh = sqlite_url(tmp_path / "old.sqlite"), sqlite_url(tmp_path / "fresh.sqlite")
    await (await Database.open(old, [FIRST])).close()
    for url in (old, fresh):
        database = await Database.open(url, [schema])
        async with database.transaction() as connection:
            await connection.execute(wider.insert().values(id=1))
            assert await connection.scalar(select(wider.c.size)) == 3
        await database.close()
