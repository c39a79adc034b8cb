"""Which contribution files were checked here, and what their contributors commit on chain."""

from typing import Any

from sqlalchemy import JSON, Column, MetaData, String, Table, select

from openledger_node.jobs.database import Database, Schema, create_tables

metadata = MetaData()
_datasets = Table(
    "datasets",
    metadata,
    Column("key", String, primary_key=True),
    Column("summary", JSON, nullable=False),
)
SCHEMA = Schema("datasets", [create_tables(metadata)])


class DatasetTable:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, key: str, summary: dict[str, Any]) -> None:
        """Keep a summary; the same key keeps the first."""
        async with self._database.transaction() as connection:
            known = await connection.scalar(select(_datasets.c.key).where(_datasets.c.key == key))
            if known is None:
                await connection.execute(_datasets.insert().values(key=key, summary=summary))

    async def all(self) -> list[dict[str, Any]]:
        async with self._database.transaction() as connection:
            return [dict(found) for found in (await connection.scalars(select(_datasets.c.summary))).all()]
