"""How to get an answer out of several L1 nodes: JSON-RPC with back-off, jitter and failover.

Covered: nodes that are down, slow, overloaded (HTTP 429, 5xx, code -32005) or answer rubbish: the next URL is
tried, then all again after a pause. An error that the node means (a revert, an unknown method) is raised at
once. What `read` refuses of an answer (`L1UnavailableError`: a lie that can be seen) counts as rubbish.
Not covered: whether two nodes see the same head; who thinks a node's head is old says so by `pass_over`.
"""

import itertools
import random
from collections.abc import Callable, Sequence
from typing import Any

import aiohttp
import orjson
import structlog

from openledger_node.client.http import HttpClient
from openledger_node.clock import Clock
from openledger_node.l1.errors import L1RefusedError, L1UnavailableError

log = structlog.get_logger(__name__)
_OVERLOADED = -32005
_OK = 200


class FailoverRpc(HttpClient):
    """`rounds` times through all URLs; pauses grow from `first_pause_s`, doubled each round, times 0.5 to
    1.5."""

    def __init__(
        self,
        urls: Sequence[str],
        clock: Clock,
        *,
        timeout_s: float = 15.0,
        rounds: int = 4,
        first_pause_s: float = 0.25,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        if not urls:
            raise ValueError("an L1 needs at least one URL")
        super().__init__(timeout_s)
        self._urls = tuple(urls)
        self._clock = clock
        self._rounds = rounds
        self._first_pause_s = first_pause_s
        self._jitter = jitter
        self._preferred = 0
        self._ids = itertools.count(1)
        self.failures = 0

    async def call(self, method: str, *parameters: Any, read: Callable[[Any], Any] | None = None) -> Any:
        """What `read` makes of the `result` member, or the member itself.

        `L1RefusedError` for an error member, `L1UnavailableError` for no usable answer.
        """
        body = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": list(parameters)}
        reason = ""
        for attempt in range(self._rounds * len(self._urls)):
            if attempt and attempt % len(self._urls) == 0:
                await self._pause(attempt // len(self._urls))
            url = self._urls[self._preferred]
            try:
                answer = await self._post(url, body)
                if "error" not in answer:
                    return read(answer.get("result")) if read else answer.get("result")
            except _FAILURES as error:
                reason = f"{type(error).__name__} {error}".strip()
                self.pass_over(reason)
                continue
            raise _refused(method, answer["error"])
        raise L1UnavailableError(f"no L1 node answers {method} ({reason})", "check --l1.url and the node")

    @property
    def has_others(self) -> bool:
        """Whether there is more than one node to ask."""
        return len(self._urls) > 1

    def pass_over(self, reason: str) -> None:
        """Ask the next node first from now on."""
        log.warning("L1 node failed", node=self._preferred + 1, nodes=len(self._urls), reason=reason)
        self.failures += 1
        self._preferred = (self._preferred + 1) % len(self._urls)

    async def _post(self, url: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        async with self._session.post(url, data=orjson.dumps(body), headers=headers) as response:
            raw = await response.read()
            if response.status != _OK:
                raise _UnusableError(f"HTTP status {response.status}")
        answer = orjson.loads(raw)
        if not isinstance(answer, dict) or ("result" not in answer and not _is_error(answer)):
            raise _UnusableError("not a JSON-RPC answer")
        if _is_error(answer) and answer["error"].get("code") == _OVERLOADED:
            raise _UnusableError("the node is overloaded")
        return answer

    async def _pause(self, round_number: int) -> None:
        await self._clock.sleep(self._first_pause_s * 2 ** (round_number - 1) * (0.5 + self._jitter()))


class _UnusableError(Exception):
    """The node answered, but nothing that can be used: another one is asked."""


_FAILURES = (
    TimeoutError,
    aiohttp.ClientError,
    orjson.JSONDecodeError,
    _UnusableError,
    L1UnavailableError,
)


def _is_error(answer: dict[str, Any]) -> bool:
    return isinstance(answer.get("error"), dict)


def _refused(method: str, error: dict[str, Any]) -> L1RefusedError:
    return L1RefusedError(method, int(error.get("code", 0)), str(error.get("message", "")), error.get("data"))
