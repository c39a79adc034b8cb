"""From a request's bytes to an answer's bytes: JSON-RPC 2.0 envelopes, batches, limits and faults.

Covered: every input gets an answer or, for notifications, none; no exception leaves this module but
cancellation; a fault of ours is logged under an id and shows nothing else.
Not covered: transports, and who may ask how often.
"""

import asyncio
import json
import secrets
import traceback
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import orjson
import structlog

from openledger_node.rpc import errors
from openledger_node.rpc.errors import RpcError, to_rpc_error
from openledger_node.rpc.reading import Outcome, Read, ReadingJob, timed_out
from openledger_node.rpc.table import Method, Place, Table

log = structlog.get_logger(__name__)

MAXIMUM_ID_BYTES = 1_024
FRAMES_LOGGED = 20
TURN_S = 0.005
"""How long a batch may keep the event loop before others get their turn."""
MOST_READS_AHEAD = 100


@dataclass(frozen=True, slots=True)
class RpcLimits:
    """What one client may ask. Sizes are bytes, times seconds.

    Calls run Python, so more threads for them would only take turns with the block under construction.
    """

    request_bytes: int = 5 * 1024 * 1024
    response_bytes: int = 25 * 1024 * 1024
    batch_requests: int = 1_000
    answer_time_s: float = 20.0
    batch_time_s: float = 60.0
    reader_threads: int = 4
    execution_threads: int = 2
    scan_threads: int = 2
    connections: int = 4_096
    subscriptions: int = 256
    queued_messages: int = 4_096
    queued_bytes: int = 32 * 1024 * 1024
    """Unread on one WebSocket."""
    body_time_s: float = 30.0
    """For a request's body to arrive."""


class Observer(Protocol):
    """Told about every answered request; the metrics' way in."""

    def answered(self, method: str, seconds: float, failed: bool) -> None: ...


class Dispatcher:
    """Answers requests from one table. Safe for any number of concurrent tasks of one event loop."""

    def __init__(self, table: Table, limits: RpcLimits, observer: Observer | None = None) -> None:
        self._table = table
        self._limits = limits
        self._observer = observer
        self._threads = {
            Place.THREAD: ThreadPoolExecutor(limits.reader_threads, thread_name_prefix="rpc-read"),
            Place.EXECUTION: ThreadPoolExecutor(limits.execution_threads, thread_name_prefix="rpc-call"),
            Place.SCAN: ThreadPoolExecutor(limits.scan_threads, thread_name_prefix="rpc-scan"),
        }

    def close(self) -> None:
        for threads in self._threads.values():
            threads.shutdown(wait=False, cancel_futures=True)

    async def answer(self, body: bytes | str, session_table: Table | None = None) -> bytes | None:
        """The response's JSON, or None when there is nothing to say (only notifications).

        `session_table` adds methods that exist on this connection only.
        """
        try:
            request = _parsed(body)
        except (ValueError, RecursionError):
            return _encoded(_failure(None, RpcError(errors.PARSE_ERROR, "parse error")))
        if not isinstance(request, list):
            return await self._answer_one(request, session_table)
        return await self._answer_batch(request, session_table)

    async def _answer_batch(self, requests: list[Any], session_table: Table | None) -> bytes | None:
        if not requests:
            return _encoded(_failure(None, RpcError(errors.INVALID_REQUEST, "empty batch")))
        if len(requests) > self._limits.batch_requests:
            identity = next((_identity(request) for request in requests if _is_call(request)), None)
            return b"[%b]" % _encoded(_failure(identity, RpcError(errors.INVALID_REQUEST, "batch too large")))
        parts: list[bytes] = []
        size = 0
        turn_s = asyncio.get_running_loop().time()
        give_up_s = turn_s + self._limits.batch_time_s
        await self._prepare(requests)
        ahead: deque[Outcome] = deque()
        for position, request in enumerate(requests, 1):
            if not ahead:
                ahead.extend(await self._read_ahead(requests, position - 1))
            if asyncio.get_running_loop().time() - turn_s > TURN_S:
                await asyncio.sleep(0)
                turn_s = asyncio.get_running_loop().time()
            answer = await self._answer_one(request, session_table, ahead.popleft() if ahead else None)
            if answer is not None:
                parts.append(answer)
                size += len(answer)
            reason = _too_large() if size > self._limits.response_bytes else None
            if asyncio.get_running_loop().time() > give_up_s:
                reason = timed_out()
            if reason is not None:
                parts += _refusals(requests[position:], reason)
                break
        return b"[" + b",".join(parts) + b"]" if parts else None

    async def _prepare(self, requests: list[Any]) -> None:
        """Let methods do together what a batch asks of them many times."""
        together: dict[str, list[object]] = {}
        for request in requests:
            name = request.get("method") if isinstance(request, dict) else None
            method = self._table.get(name) if isinstance(name, str) else None
            if isinstance(name, str) and method is not None and method.prepare is not None:
                together.setdefault(name, []).append(request.get("params"))
        for name, parameters in together.items():
            prepare = self._table[name].prepare
            if prepare is not None and len(parameters) > 1:
                await prepare(parameters)

    async def _read_ahead(self, requests: list[Any], first: int) -> list[Outcome]:
        """Outcomes of reads from `first` on, as many as one job did; none for a read that stands alone."""
        place, reads = self._reads(requests[first : first + MOST_READS_AHEAD])
        if len(reads) < 2:
            return []
        job = ReadingJob(reads)
        running = asyncio.get_running_loop().run_in_executor(self._threads[place], job.run)
        try:
            return await asyncio.wait_for(running, self._limits.answer_time_s)
        except TimeoutError:
            return job.give_up()

    def _reads(self, requests: list[Any]) -> tuple[Place, list[Read]]:
        """The reads at the beginning of `requests` that belong into the same threads."""
        place = Place.LOOP
        reads: list[Read] = []
        for request in requests:
            try:
                name, values = _envelope(request)
            except RpcError:
                break
            method = self._table.get(name)
            if method is None or method.place not in self._threads or (reads and method.place is not place):
                break
            place = method.place
            reads.append(partial(_read, method, values))
        return place, reads

    async def _answer_one(
        self, request: object, session_table: Table | None, done: Outcome | None = None
    ) -> bytes | None:
        identity = _identity(request)
        try:
            name, values = _envelope(request)
            result = await self._call(name, values, session_table, done)
            answer = b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (_encoded(identity), result)
            if len(answer) > self._limits.response_bytes:
                raise _too_large()
        except RpcError as error:
            answer = _encoded(_failure(identity, error))
        return None if _is_notification(request) else answer

    async def _call(
        self, name: str, values: list[object], session_table: Table | None, done: Outcome | None
    ) -> bytes:
        """The result's JSON. Raises RpcError and nothing else. `done` is what the method answered already."""
        method = self._table.get(name) or (session_table or {}).get(name)
        if method is None:
            raise RpcError(errors.METHOD_NOT_FOUND, f"the method {name[:64]} does not exist/is not available")
        started_s = asyncio.get_running_loop().time()
        failed = True
        try:
            result = _encoded(done.result() if done else await self._run(method, values))
            failed = False
        except RpcError:
            raise
        except Exception as error:
            raise to_rpc_error(error) or _internal_fault(name, error) from error
        finally:
            if self._observer is not None:
                seconds = done.seconds if done else asyncio.get_running_loop().time() - started_s
                self._observer.answered(name, seconds, failed)
        return result

    async def _run(self, method: Method, values: list[object]) -> Any:
        if method.place is Place.LOOP:
            return _read(method, values)
        if method.place is Place.TASK:
            return await method.answer(*method.arguments(values))
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(self._threads[method.place], _read, method, values)
        try:
            return await asyncio.wait_for(running, self._limits.answer_time_s)
        except TimeoutError:
            raise timed_out() from None


def _read(method: Method, values: list[object]) -> Any:
    return method.answer(*method.arguments(values))


def _parsed(body: bytes | str) -> Any:
    """The body's JSON. Raises ValueError or RecursionError."""
    value = orjson.loads(body)
    requests = value if isinstance(value, list) else [value]
    if any(isinstance(item, dict) and isinstance(item.get("id"), float) for item in requests):
        # orjson rounds integers past 64 bits; an answer carries the id that was sent.
        return json.loads(body)
    return value


def _envelope(request: object) -> tuple[str, list[object]]:
    """Method name and positional parameters. Raises RpcError for what is no request."""
    if not isinstance(request, dict) or not _is_request(request):
        raise RpcError(errors.INVALID_REQUEST, "invalid request")
    if _identity(request) != request.get("id"):
        raise RpcError(errors.INVALID_REQUEST, "invalid request")
    values = request.get("params")
    if values is None:
        return request["method"], []
    if not isinstance(values, list):
        raise RpcError(errors.INVALID_PARAMS, "non-array args")
    return request["method"], values


def _identity(request: object) -> str | int | float | None:
    """The request's id if it is one a response may carry, else None."""
    identity = request.get("id") if isinstance(request, dict) else None
    if isinstance(identity, bool) or not isinstance(identity, str | int | float):
        return None
    if isinstance(identity, str) and len(identity) > MAXIMUM_ID_BYTES:
        return None
    return identity


def _is_call(request: object) -> bool:
    """Whether it is a valid request that wants an answer."""
    return isinstance(request, dict) and "id" in request and _is_request(request)


def _is_notification(request: object) -> bool:
    """Whether it is a valid request that wants none."""
    return isinstance(request, dict) and "id" not in request and _is_request(request)


def _is_request(fields: dict[str, Any]) -> bool:
    return fields.get("jsonrpc") == "2.0" and isinstance(fields.get("method"), str)


def _refusals(requests: list[Any], reason: RpcError) -> list[bytes]:
    """The same error for each of a batch's requests that is not run."""
    waiting = (request for request in requests if not _is_notification(request))
    return [_encoded(_failure(_identity(request), reason)) for request in waiting]


def _failure(identity: str | int | float | None, error: RpcError) -> dict[str, Any]:
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.data is not None:
        body["data"] = error.data
    return {"jsonrpc": "2.0", "id": identity, "error": body}


def _internal_fault(method: str, error: Exception) -> RpcError:
    """Log the fault in full; the client gets its id only."""
    fault = secrets.token_hex(4)
    # Formatted here, so that no renderer adds the values of local variables.
    where = "".join(traceback.format_exception(error, limit=-FRAMES_LOGGED))
    log.error("request failed", method=method, fault=fault, traceback=where)
    return RpcError(errors.INTERNAL_ERROR, f"internal error (fault {fault}; see the node's log)")


def _too_large() -> RpcError:
    return RpcError(errors.RESPONSE_TOO_LARGE, "response too large: ask for less")


def _encoded(value: object) -> bytes:
    """JSON of a plain value. Raises TypeError for anything else."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        # orjson stops at 254 levels; a trace of 1,024 nested calls has twice as many as calls.
        return json.dumps(value, separators=(",", ":")).encode()
