"""Where a pool listens: `unix:/path` or `tcp:host:port`, in one notation for both sides."""

import asyncio
from collections.abc import Awaitable, Callable

from workers.errors import InvalidInputError

MAX_UNIX_PATH_BYTES = 100
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def _split_tcp(address: str) -> tuple[str, int]:
    host, _, port = address.removeprefix("tcp:").rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise InvalidInputError(f"{address!r} is not tcp:host:port")
    return host.strip("[]"), int(port)


def _unix_path(address: str) -> str:
    path = address.removeprefix("unix:")
    if not path or len(path.encode()) > MAX_UNIX_PATH_BYTES:
        raise InvalidInputError(f"{address!r}: a socket path has 1 to {MAX_UNIX_PATH_BYTES} bytes; use tcp:")
    return path


async def connect(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a connection; raises InvalidInputError for a bad address, OSError when nobody listens."""
    if address.startswith("unix:"):
        return await asyncio.open_unix_connection(_unix_path(address))
    host, port = _split_tcp(address)
    return await asyncio.open_connection(host, port)


async def listen(address: str, handler: Handler) -> tuple[asyncio.Server, str]:
    """Listen there; returns the server and the address to connect to (port 0 becomes the real one)."""
    if address.startswith("unix:"):
        return await asyncio.start_unix_server(handler, _unix_path(address)), address
    host, port = _split_tcp(address)
    server = await asyncio.start_server(handler, host, port)
    return server, f"tcp:{host}:{server.sockets[0].getsockname()[1]}"
