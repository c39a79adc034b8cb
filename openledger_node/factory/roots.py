"""Which artefacts and runs something still needs: the chain, the jobs, everything in the gateway's database.

Told conservatively: every name that stands anywhere there counts, whatever it means. Strings and hashes are
in the precompiles' events, so those are what is read of the chain.

Covered: registered models, indexes, contributions, settlements, posts; waiting, running and done jobs;
receipts and settlements not yet posted; small files of the data directory (the served base).
Not covered: what another node's database names (it fetches, and keeps its own copy).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import orjson

from openledger_node.client.contract import Contract
from openledger_node.client.economy import ATTRIBUTION, DATANETS, METERING, MODELS
from openledger_node.client.errors import RemoteError
from openledger_node.client.ethereum import LOG_RANGE, Ethereum
from openledger_node.jobs.database import Database
from openledger_node.jobs.machine import FINISHED, Job, JobState
from openledger_node.jobs.table import TABLES, JobTable
from workers.artifacts.sweeping import names_in
from workers.errors import InvalidInputError
from workers.protocol import REQUEST_TYPES
from workers.protocol.codec import from_json
from workers.protocol.identity import run_name

NAMING = (DATANETS, MODELS, METERING, ATTRIBUTION)
SMALL_BYTES = 1 << 16
RESTARTING = "verify"
"""A kind of job whose run is named by a manifest, not by its request."""
WORD_BYTES = 32


@dataclass(frozen=True, slots=True)
class Needed:
    """Names of artefacts, of runs whose checkpoints go on, and whether all checkpoints may be needed."""

    names: frozenset[str]
    runs: frozenset[str]
    is_any_checkpoint: bool

    def has_checkpoint(self, name: str) -> bool:
        """Whether a checkpoint's file is of a run that goes on."""
        return self.is_any_checkpoint or name.partition("-")[0] in self.runs


async def needed(ethereum: Ethereum, jobs: JobTable, database: Database, directory: Path) -> Needed:
    """Everything that is needed now."""
    names = await named_on_chain(ethereum)
    async for cell in database.cells(without=TABLES):
        names |= names_in(cell.hex().encode() if isinstance(cell, bytes) else cell.encode())
    names |= await asyncio.to_thread(_in_small_files, directory)
    return of_jobs(await jobs.all(), names)


def of_jobs(jobs: Sequence[Job], names: set[str]) -> Needed:
    """Names and runs of jobs besides others: failed and cancelled ones need nothing any more."""
    kept = [job for job in jobs if job.state not in {JobState.FAILED, JobState.CANCELLED}]
    going = [job for job in kept if job.state not in FINISHED]
    found = set(names)
    for job in kept:
        found |= names_in(orjson.dumps([job.request, job.result]))
    runs = {name for job in going if (name := _run_of(job)) is not None}
    return Needed(frozenset(found), frozenset(runs), any(job.kind == RESTARTING for job in going))


async def named_on_chain(ethereum: Ethereum) -> set[str]:
    """Every word and every name within a string of the precompiles' events."""
    head = await ethereum.block_number()
    found: set[str] = set()
    for contract, first in product(NAMING, range(0, head + 1, LOG_RANGE)):
        for log in await _logs(ethereum, contract, first, min(head, first + LOG_RANGE - 1)):
            found |= {topic.removeprefix("0x") for topic in log["topics"]}
            found |= names_in_data(bytes.fromhex(log["data"].removeprefix("0x")))
    return found


def names_in_data(data: bytes) -> set[str]:
    """Words of an event's data, and names within its strings."""
    words = {data[place : place + WORD_BYTES].hex() for place in range(0, len(data), WORD_BYTES)}
    return words | names_in(data)


async def _logs(ethereum: Ethereum, contract: Contract, first: int, last: int) -> list[Any]:
    """Logs of a range, asked for in halves where the node says that they are too many."""
    address = f"0x{contract.address.hex()}"
    query = {"address": address, "topics": [], "fromBlock": hex(first), "toBlock": hex(last)}
    try:
        found: list[Any] = await ethereum.rpc.call("eth_getLogs", query)
    except RemoteError:
        if first == last:
            raise
        middle = (first + last) // 2
        halves = [(first, middle), (middle + 1, last)]
        return [log for half in halves for log in await _logs(ethereum, contract, *half)]
    return found


def _run_of(job: Job) -> str | None:
    try:
        return run_name(from_json(REQUEST_TYPES[job.kind], job.request))
    except (InvalidInputError, KeyError):
        return None


def _in_small_files(directory: Path) -> set[str]:
    found: set[str] = set()
    for path in directory.iterdir():
        if path.is_file() and path.stat().st_size <= SMALL_BYTES:
            found |= names_in(path.read_bytes())
    return found
