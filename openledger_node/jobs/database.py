"""Where durable tables live: one SQL database with numbered schemas, one number per room.

Covered: opening, migrating, commits that survive a power cut (SQLite: WAL, synchronous FULL).
Not covered: what the tables mean (`table`, `settlements`, `gateway.receipts`).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    event,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.schema import CreateColumn

from openledger_node.errors import StartError

Migration = Callable[[AsyncConnection], Awaitable[None]]

_metadata = MetaData()
_versions = Table(
    "schema_versions", _metadata, Column("room", String, primary_key=True), Column("version", Integer)
)


@dataclass(frozen=True, slots=True)
class Schema:
    """A room's tables: `migrations[n]` brings version n to n + 1."""

    room: str
    migrations: Sequence[Migration]


def create_tables(metadata: MetaData) -> Migration:
    """The first migration of a room: all its tables."""

    async def migrate(connection: AsyncConnection) -> None:
        await connection.run_sync(metadata.create_all)

    return migrate


def add_columns(table: Table, *names: str) -> Migration:
    """A migration that adds columns which `create_tables` of a later program has made already."""

    def alter(connection: Connection) -> None:
        known = {column["name"] for column in inspect(connection).get_columns(table.name)}
        for name in names:
            if name not in known:
                made = CreateColumn(table.c[name]).compile(dialect=connection.dialect)
                connection.execute(text(f"ALTER TABLE {table.name} ADD COLUMN {made}"))

    async def migrate(connection: AsyncConnection) -> None:
        await connection.run_sync(alter)

    return migrate


class Database:
    """Open one with `Database.open`; transactions are short and run one after the other."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._turn = asyncio.Lock()

    @classmethod
    async def open(cls, url: str, schemas: Sequence[Schema]) -> "Database":
        """Connect and migrate; raises StartError when the database is newer than this program."""
        engine = create_async_engine(url)
        if engine.dialect.name == "sqlite":
            event.listen(engine.sync_engine, "connect", _sqlite_pragmas)
        database = cls(engine)
        async with database.transaction() as connection:
            await connection.run_sync(_metadata.create_all)
        for schema in schemas:
            await database._migrate(schema)
        return database

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """All or nothing, on disk when the block ends."""
        async with self._turn, self._engine.begin() as connection:
            yield connection

    async def cells(self, *, without: Collection[str]) -> AsyncIterator[str | bytes]:
        """Every text and every blob of every table but some, for whoever looks for a name anywhere."""
        async with self.transaction() as connection:
            names = await connection.run_sync(lambda found: inspect(found).get_table_names())
        for name in names:
            if name in without:
                continue
            async with self.transaction() as connection:
                rows = (await connection.execute(text(f'SELECT * FROM "{name}"'))).all()  # noqa: S608 - ours
            for row in rows:
                for cell in row:
                    if isinstance(cell, str | bytes):
                        yield cell

    async def close(self) -> None:
        await self._engine.dispose()

    async def _migrate(self, schema: Schema) -> None:
        async with self.transaction() as connection:
            found = await connection.scalar(
                select(_versions.c.version).where(_versions.c.room == schema.room)
            )
            if found is None:
                await connection.execute(insert(_versions).values(room=schema.room, version=0))
            version = found or 0
            if version > len(schema.migrations):
                raise StartError(
                    f"the {schema.room} tables have version {version}, this program knows"
                    f" {len(schema.migrations)}",
                    "run the newer program, or another --datadir",
                )
            for migration in schema.migrations[version:]:
                await migration(connection)
            await connection.execute(
                update(_versions)
                .where(_versions.c.room == schema.room)
                .values(version=len(schema.migrations))
            )


def sqlite_url(path: Path) -> str:
    """The URL of an SQLite file; its folder is created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return f"sqlite+aiosqlite:///{path}"


def _sqlite_pragmas(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
