"""Where the gateway listens: HTTP over a limited number of connections, none of them idle for long.

Covered: more connections than the limit (503 and closed), connections that bring no request. Not covered:
slow bodies (`http.read_body`), who may ask for how much (`rate_limits`).
"""

import asyncio
from dataclasses import dataclass

from aiohttp import web

from workers.serving.http.connections import Connections

MOST_CONNECTIONS = 4_096
IDLE_S = 75.0
BACKLOG = 1_024
SHUTDOWN_S = 1.0


@dataclass(frozen=True, slots=True)
class Door:
    """An open port; `close` ends every connection."""

    port: int
    runner: web.AppRunner
    listener: asyncio.Server
    sweeper: "asyncio.Task[None]"

    @classmethod
    async def open(cls, app: web.Application, host: str, port: int) -> "Door":
        """Bind the port, any free one for 0. Raises OSError when it is taken."""
        connections = Connections(MOST_CONNECTIONS, IDLE_S)
        app.middlewares.insert(0, connections.watch)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S, auto_decompress=False)
        await runner.setup()
        assert runner.server is not None
        connections.attach(runner.server)
        loop = asyncio.get_running_loop()
        try:
            listener = await loop.create_server(connections, host, port, backlog=BACKLOG)
        except OSError:
            await runner.cleanup()
            raise
        sweeper = loop.create_task(connections.sweep(), name="idle connections")
        return cls(listener.sockets[0].getsockname()[1], runner, listener, sweeper)

    async def close(self) -> None:
        """Take no connection any more and end those that are open."""
        self.sweeper.cancel()
        self.listener.close()
        await self.runner.cleanup()
