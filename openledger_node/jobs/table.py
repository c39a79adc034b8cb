"""Where jobs and their news are kept: every state is on disk before anybody hears of it."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, Column, Float, Integer, MetaData, RowMapping, String, Table, select, update

from openledger_node.jobs.database import Database, Schema, create_tables
from openledger_node.jobs.machine import FINISHED, Job, JobState

metadata = MetaData()
_jobs = Table(
    "jobs",
    metadata,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("request", JSON, nullable=False),
    Column("created_s", Float, nullable=False),
    Column("state", String, nullable=False, index=True),
    Column("attempts", Integer, nullable=False),
    Column("lost_workers", Integer, nullable=False),
    Column("not_before_s", Float, nullable=False),
    Column("result", JSON),
    Column("error", String, nullable=False),
)
_news = Table(
    "job_news",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("job_id", String, nullable=False, index=True),
    Column("kind", String, nullable=False),
    Column("data", JSON, nullable=False),
)
SCHEMA = Schema("jobs", [create_tables(metadata)])
TABLES = frozenset(metadata.tables)


@dataclass(frozen=True, slots=True)
class News:
    """Something that happened to a job; `sequence` orders all news and resumes a stream."""

    sequence: int
    job_id: str
    kind: str
    data: Any


class JobTable:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, job: Job) -> News:
        """Write the job and the news of its state together."""
        values = _values(job)
        news = {"state": str(job.state), "error": job.error}
        async with self._database.transaction() as connection:
            changed = await connection.execute(update(_jobs).where(_jobs.c.id == job.id).values(**values))
            if changed.rowcount == 0:
                await connection.execute(_jobs.insert().values(**values))
            added = await connection.execute(_news.insert().values(job_id=job.id, kind="state", data=news))
        return News(_first_key(added.inserted_primary_key), job.id, "state", news)

    async def add_progress(self, job_id: str, fraction: float, message: str) -> News:
        data = {"fraction": fraction, "message": message}
        async with self._database.transaction() as connection:
            added = await connection.execute(_news.insert().values(job_id=job_id, kind="progress", data=data))
        return News(_first_key(added.inserted_primary_key), job_id, "progress", data)

    async def get(self, job_id: str) -> Job | None:
        async with self._database.transaction() as connection:
            row = (await connection.execute(select(_jobs).where(_jobs.c.id == job_id))).mappings().first()
        return None if row is None else _job(row)

    async def unfinished(self) -> list[Job]:
        """Everything still to be done, oldest first."""
        finished = [str(state) for state in FINISHED]
        query = select(_jobs).where(_jobs.c.state.not_in(finished)).order_by(_jobs.c.created_s)
        async with self._database.transaction() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [_job(row) for row in rows]

    async def all(self) -> list[Job]:
        """Every job that was ever asked for."""
        async with self._database.transaction() as connection:
            rows = (await connection.execute(select(_jobs))).mappings().all()
        return [_job(row) for row in rows]

    async def recent(self, count: int) -> list[Job]:
        """The newest jobs, newest first."""
        query = select(_jobs).order_by(_jobs.c.created_s.desc()).limit(count)
        async with self._database.transaction() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [_job(row) for row in rows]

    async def news_after(self, job_id: str, sequence: int) -> list[News]:
        """A job's news with a higher sequence number, in order."""
        query = (
            select(_news)
            .where(_news.c.job_id == job_id, _news.c.sequence > sequence)
            .order_by(_news.c.sequence)
        )
        async with self._database.transaction() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [News(row["sequence"], row["job_id"], row["kind"], row["data"]) for row in rows]


def _first_key(key: Any) -> int:
    return int(key[0])


def _values(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "kind": job.kind,
        "request": job.request,
        "created_s": job.created_s,
        "state": str(job.state),
        "attempts": job.attempts,
        "lost_workers": job.lost_workers,
        "not_before_s": job.not_before_s,
        "result": job.result,
        "error": job.error,
    }


def _job(row: RowMapping) -> Job:
    return Job(**{**row, "state": JobState(row["state"])})
