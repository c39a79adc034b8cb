"""Where payers' signatures for retrieved records are kept: on disk before they are acknowledged."""

from sqlalchemy import Column, Integer, MetaData, String, Table, delete, select

from genesis.types import Hash32
from openledger_node.jobs.database import Database, Schema, create_tables

metadata = MetaData()
_vouchers = Table(
    "retrieval_vouchers",
    metadata,
    Column("channel_id", String, primary_key=True),
    Column("receipt_count", Integer, primary_key=True, autoincrement=False),
    Column("signature", String, nullable=False),
)
SCHEMA = Schema("retrieval_vouchers", [create_tables(metadata)])


class RetrievalVoucherTable:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, channel_id: Hash32, receipt_count: int, signature: bytes) -> None:
        """Keep a channel's newest signature for so many receipts."""
        place = _vouchers.c.channel_id == channel_id.hex()
        async with self._database.transaction() as connection:
            await connection.execute(
                delete(_vouchers).where(place, _vouchers.c.receipt_count == receipt_count)
            )
            await connection.execute(
                _vouchers.insert().values(
                    channel_id=channel_id.hex(), receipt_count=receipt_count, signature=signature.hex()
                )
            )

    async def signature(self, channel_id: Hash32, receipt_count: int) -> bytes | None:
        """The signature for so many receipts of a channel."""
        query = select(_vouchers.c.signature).where(
            _vouchers.c.channel_id == channel_id.hex(), _vouchers.c.receipt_count == receipt_count
        )
        async with self._database.transaction() as connection:
            found = await connection.scalar(query)
        return None if found is None else bytes.fromhex(found)
