"""A juror's own work on a case: everything fetched and held against the chain, then recomputed by workers.

What is asked for is fetched from every artefact URL in turn: followers keep copies of what a provider may no
longer serve. Nothing is believed that does not hash to what is committed, and records are the chain's.

Covered: rows of feature indexes, accused or audited, preconditioners, and receipts' queries, whose inputs and
committed values are in the case's and the queries' events. Not covered: whether an output is the model's.
"""

import asyncio
from dataclasses import dataclass

import numpy as np

from genesis.commitments import QUERY_BYTES
from genesis.types import Hash32
from openledger_node.client.economy import ATTRIBUTION, EconomyReader
from openledger_node.client.openings import receipt_input
from openledger_node.jobs.ports import WorkerFailedError, WorkerPool
from openledger_node.validator.documents import DocumentError, Documents
from openledger_node.validator.index_check import IndexInputs, rows_layers
from openledger_node.validator.sources import Sources
from precompiles.views.attribution import INDEX_KEY
from precompiles.views.juries import AUDIT, NOT_AVAILABLE, PRECONDITIONER, QUERY, RIGHT, ROW, WRONG, JuryCase
from workers.artifacts.store import ArtifactId
from workers.errors import InvalidInputError
from workers.protocol import (
    DatasetVersion,
    JuryQueryRequest,
    JuryQueryResult,
    JuryRowRequest,
    JuryRowResult,
    PreconditionerRequest,
    PreconditionerResult,
)
from workers.protocol.codec import from_json, to_json

NOT_TO_BE_HAD = frozenset({"artifact", "invalid_input"})
"""How a worker says that a file could not be had, or is not what its place wants."""


class NotAvailableError(DocumentError):
    """What a case is about is not published, or not what was committed."""

    code = "not-available"


@dataclass(frozen=True, slots=True)
class Opinion:
    """A juror's own finding: `RIGHT` or `WRONG`, and the values that go with it, packed."""

    verdict: int
    values: bytes


UNAVAILABLE = Opinion(NOT_AVAILABLE, b"")


class Recomputation:
    """Finds opinions; raises `NotAvailableError` where something is missing, the pool's errors otherwise."""

    def __init__(self, reader: EconomyReader, documents: Documents) -> None:
        self._reader = reader
        self._documents = documents

    async def opinion(
        self, pool: WorkerPool, case_id: int, case: JuryCase, coordinates: list[int]
    ) -> Opinion:
        """The opinion on a row, a query or a preconditioner."""
        try:
            inputs = await self._committed(await self._index_of(case))
            if case.subject == QUERY:
                return await self._query(pool, inputs, case_id, case, coordinates)
            datasets = await self._documents.datasets(inputs.index.model_id)
            sources = await self._documents.sources(inputs.index.model_id)
            if case.subject == PRECONDITIONER:
                return await self._preconditioner(pool, inputs, datasets)
            row = row_of(inputs, case)
            await asyncio.to_thread(_assert_committed, sources, row)
            request = JuryRowRequest(inputs.document, datasets, row)
            return await self._row(pool, request, coordinates)
        except DocumentError as error:
            raise NotAvailableError(str(error)) from error
        except WorkerFailedError as error:
            if error.failure in NOT_TO_BE_HAD:
                raise NotAvailableError(str(error)) from error
            raise

    async def _committed(self, index_id: int) -> IndexInputs:
        """An index's documents, which must be those that its roots and hashes commit to."""
        inputs = await self._documents.index_inputs(index_id)
        index, published = inputs.index, inputs.published
        model = await self._reader.model(index.model_id)
        layers = await asyncio.to_thread(rows_layers, inputs.rows)
        if layers[-1][0] != index.rows_root:
            raise DocumentError(f"the published rows of feature index {index_id} are not the committed ones")
        if _hash(published.preconditioner) != index.preconditioner_hash:
            raise DocumentError(f"feature index {index_id} is published with another preconditioner")
        if _hash(published.manifest) != model.manifest_hash:
            raise DocumentError(f"feature index {index_id} is published with another manifest")
        return inputs

    async def _index_of(self, case: JuryCase) -> int:
        """The index a case is about: named by its key, or the one that its post pays by."""
        if case.key >= INDEX_KEY:
            return case.key - INDEX_KEY
        return (await self._reader.post(case.key)).feature_index

    async def _row(self, pool: WorkerPool, request: JuryRowRequest, coordinates: list[int]) -> Opinion:
        found = from_json(JuryRowResult, await pool.run("jury_row", to_json(request)))
        return Opinion(RIGHT if found.is_right else WRONG, bytes(found.row[each] for each in coordinates))

    async def _query(
        self, pool: WorkerPool, inputs: IndexInputs, case_id: int, case: JuryCase, coordinates: list[int]
    ) -> Opinion:
        """A receipt that is not of an input a model can be asked proves nothing: its customer may have made
        it up."""
        committed = await shown_query(self._reader, case.content)
        try:
            receipt = receipt_input(case.position, *await shown_answer(self._reader, case_id))
        except InvalidInputError:
            return Opinion(RIGHT, _values(committed, coordinates))
        request = JuryQueryRequest(inputs.document, receipt, committed)
        found = from_json(JuryQueryResult, await pool.run("jury_query", to_json(request)))
        return Opinion(RIGHT if found.is_right else WRONG, _values(found.query, coordinates))

    async def _preconditioner(
        self, pool: WorkerPool, inputs: IndexInputs, datasets: tuple[DatasetVersion, ...]
    ) -> Opinion:
        request = PreconditionerRequest(inputs.document, datasets)
        found = from_json(PreconditionerResult, await pool.run("preconditioner", to_json(request)))
        return Opinion(RIGHT if found.is_right else WRONG, b"")


def can_judge(case: JuryCase) -> bool:
    """Whether this software recomputes what the case is about."""
    return case.subject in {ROW, PRECONDITIONER, QUERY, AUDIT}


async def shown_query(reader: EconomyReader, query_root: Hash32) -> bytes:
    """All of a query that was shown, packed: its parts are in events, in order."""
    events = await reader.ethereum.events(ATTRIBUTION, "QueryShown", query_root)
    return b"".join(event.arguments["part"] for event in events)


async def shown_answer(reader: EconomyReader, case_id: int) -> tuple[bytes, bytes]:
    """The salted input and output that a case about a query is opened with."""
    (event,) = await reader.ethereum.events(ATTRIBUTION, "AnswerShown", case_id)
    return event.arguments["prompt"], event.arguments["output"]


def row_of(inputs: IndexInputs, case: JuryCase) -> int:
    """The row a case is about; an audit names a contributor and which of its canonical rows."""
    if case.subject == ROW:
        return case.position
    rows = inputs.rows
    own = np.flatnonzero(rows.canonical_mask & (rows.owners == case.position))
    ordinal = int.from_bytes(case.content, "big")
    if ordinal >= len(own):
        raise DocumentError(f"contributor {case.position} has no canonical row number {ordinal}")
    return int(own[ordinal])


def _assert_committed(sources: Sources, row: int) -> None:
    """The file that a row's record is in hashes to what its contributor committed. Raises DocumentError."""
    try:
        sources.locate(row)[2].assert_committed()
    except InvalidInputError as error:
        raise DocumentError(str(error)) from error


def _values(query: bytes, coordinates: list[int]) -> bytes:
    """The int16 of these coordinates of a packed query."""
    return b"".join(query[QUERY_BYTES * each : QUERY_BYTES * (each + 1)] for each in coordinates)


def _hash(name: ArtifactId) -> Hash32:
    return Hash32(bytes.fromhex(name))
