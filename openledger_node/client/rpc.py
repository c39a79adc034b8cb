"""How to ask a node: JSON-RPC 2.0 over HTTP.

Covered: one request per call, errors told apart by who must act. Not covered: subscriptions (poll instead).
"""

import itertools
from typing import Any, Protocol

import aiohttp
import orjson

from openledger_node.client.errors import RemoteError, UnreachableError
from openledger_node.client.http import HttpClient, encoded


class Rpc(Protocol):
    """Anything that answers JSON-RPC methods: a node by URL, or the node's own table in process."""

    async def call(self, method: str, *parameters: Any) -> Any:
        """The `result` member. Raises `RemoteError` for an error member, `UnreachableError` for no answer."""
        ...


class HttpRpc(HttpClient):
    """A node by URL. Safe to share between tasks; the session opens on first use."""

    def __init__(self, url: str, timeout_s: float = 30.0) -> None:
        self._url = url
        super().__init__(timeout_s)
        self._ids = itertools.count(1)

    @property
    def url(self) -> str:
        return self._url

    async def call(self, method: str, *parameters: Any) -> Any:
        request = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": list(parameters)}
        answer = await self._post(encoded(request))
        if "error" in answer:
            error = answer["error"]
            raise RemoteError(method, int(error["code"]), str(error["message"]), error.get("data"))
        return answer.get("result")

    async def _post(self, body: bytes) -> dict[str, Any]:
        try:
            async with self._session.post(
                self._url, data=body, headers={"Content-Type": "application/json"}
            ) as response:
                answer = orjson.loads(await response.read())
        except (TimeoutError, aiohttp.ClientError, orjson.JSONDecodeError) as error:
            raise UnreachableError(f"{self._url} gave no answer ({error})", "is the node running?") from error
        if not isinstance(answer, dict):
            raise UnreachableError(f"{self._url} gave an answer that is not JSON-RPC")
        return answer
