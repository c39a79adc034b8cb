"""Where settlements under way are kept, so that a provider's claims survive its restart."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Float, MetaData, RowMapping, String, Table, select, update

from genesis.types import Hash32
from openledger_node.jobs.database import Database, Schema, create_tables
from openledger_node.jobs.settlement import (
    AgreedRetrieval,
    PaidReceipt,
    SettlementPlan,
    SettlementProgress,
    shares_from_json,
    shares_to_json,
)

metadata = MetaData()
_settlements = Table(
    "settlements",
    metadata,
    Column("key", String, primary_key=True),
    Column("channel_id", String, nullable=False, index=True),
    Column("created_s", Float, nullable=False),
    Column("closed", Boolean, nullable=False, index=True),
    Column("plan", JSON, nullable=False),
    Column("progress", JSON, nullable=False),
)
SCHEMA = Schema("settlements", [create_tables(metadata)])


class SettlementTable:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, plan: SettlementPlan, now_s: float) -> bool:
        """Keep a new plan; False when it is there already."""
        async with self._database.transaction() as connection:
            known = await connection.scalar(select(_settlements.c.key).where(_settlements.c.key == plan.key))
            if known is not None:
                return False
            await connection.execute(
                _settlements.insert().values(
                    key=plan.key,
                    channel_id=plan.channel_id.hex(),
                    created_s=now_s,
                    closed=False,
                    plan=_plan_to_json(plan),
                    progress=_progress_to_json(SettlementProgress()),
                )
            )
        return True

    async def save(self, key: str, progress: SettlementProgress) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(
                update(_settlements)
                .where(_settlements.c.key == key)
                .values(progress=_progress_to_json(progress), closed=progress.final or bool(progress.error))
            )

    async def reopen(self, key: str) -> None:
        """Forget the error that stopped a settlement; what was done before it stays done."""
        found = await self.get(key)
        if found is not None and found[1].error:
            await self.save(key, replace(found[1], error=""))

    async def get(self, key: str) -> tuple[SettlementPlan, SettlementProgress] | None:
        query = select(_settlements).where(_settlements.c.key == key)
        async with self._database.transaction() as connection:
            row = (await connection.execute(query)).mappings().first()
        return None if row is None else _entry(row)

    async def open(self) -> list[tuple[SettlementPlan, SettlementProgress]]:
        """Everything not final, oldest first."""
        query = (
            select(_settlements).where(_settlements.c.closed.is_(False)).order_by(_settlements.c.created_s)
        )
        async with self._database.transaction() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [_entry(row) for row in rows]

    async def of_channel(self, channel_id: Hash32) -> list[tuple[SettlementPlan, SettlementProgress]]:
        """A channel's settlements, oldest first."""
        query = (
            select(_settlements)
            .where(_settlements.c.channel_id == channel_id.hex())
            .order_by(_settlements.c.created_s)
        )
        async with self._database.transaction() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [_entry(row) for row in rows]


def _entry(row: RowMapping) -> tuple[SettlementPlan, SettlementProgress]:
    return _plan_from_json(row["plan"]), _progress_from_json(row["progress"])


def _plan_to_json(plan: SettlementPlan) -> dict[str, Any]:
    return {
        **asdict(plan),
        "channel_id": plan.channel_id.hex(),
        "cumulative_fee_wei": str(plan.cumulative_fee_wei),
        "receipts_root": plan.receipts_root.hex(),
        "signature": plan.signature.hex(),
        "receipts": [
            [
                r.number,
                r.receipt_hash.hex(),
                str(r.fee_wei),
                None if r.features is None else list(r.features),
                list(r.response),
            ]
            for r in plan.receipts
        ],
        "retrieval": _retrieval_to_json(plan.retrieval),
    }


def _plan_from_json(data: Mapping[str, Any]) -> SettlementPlan:
    return SettlementPlan(
        **{
            **data,
            "channel_id": Hash32(bytes.fromhex(data["channel_id"])),
            "cumulative_fee_wei": int(data["cumulative_fee_wei"]),
            "receipts_root": Hash32(bytes.fromhex(data["receipts_root"])),
            "signature": bytes.fromhex(data["signature"]),
            "receipts": tuple(
                PaidReceipt(
                    number,
                    Hash32(bytes.fromhex(receipt)),
                    int(fee),
                    None if features is None else tuple(features),
                    tuple(response[0]) if response else (),
                )
                for number, receipt, fee, features, *response in data["receipts"]
            ),
            "retrieval": _retrieval_from_json(data.get("retrieval")),
        }
    )


def _retrieval_to_json(agreed: AgreedRetrieval | None) -> dict[str, Any] | None:
    if agreed is None:
        return None
    return {"shares": shares_to_json(agreed.shares), "signature": agreed.signature.hex()}


def _retrieval_from_json(data: Mapping[str, Any] | None) -> AgreedRetrieval | None:
    if data is None:
        return None
    return AgreedRetrieval(shares_from_json(data["shares"]), bytes.fromhex(data["signature"]))


def _progress_to_json(progress: SettlementProgress) -> dict[str, Any]:
    root = progress.queries_root
    return {
        **asdict(progress),
        "queries_root": None if root is None else root.hex(),
        "pool_wei": str(progress.pool_wei),
        "carry_wei": str(progress.carry_wei),
    }


def _progress_from_json(data: Mapping[str, Any]) -> SettlementProgress:
    root = data["queries_root"]
    return SettlementProgress(
        **{
            **data,
            "queries_root": None if root is None else Hash32(bytes.fromhex(root)),
            "pool_wei": int(data["pool_wei"]),
            "carry_wei": int(data["carry_wei"]),
        }
    )
