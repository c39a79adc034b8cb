"""What every client over HTTP has: one session, opened on first use and closed with the client."""

from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson

from openledger_node.errors import UserError


def encoded(body: Any) -> bytes:
    """JSON; raises UserError for an integer of more than 64 bits, text that is no Unicode and the like."""
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError as error:
        raise UserError(f"this cannot be asked for ({error})", "use smaller numbers and plain text") from None


class HttpClient:
    """Use as an async context manager, or `close` it. Safe to share between tasks of one event loop."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._opened: aiohttp.ClientSession | None = None

    @property
    def _session(self) -> aiohttp.ClientSession:
        if self._opened is None:
            self._opened = aiohttp.ClientSession(timeout=self._timeout)
        return self._opened

    async def close(self) -> None:
        if self._opened is not None:
            await self._opened.close()
            self._opened = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
