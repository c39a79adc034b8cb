"""How a run is watched until it is finished."""

import asyncio
from collections.abc import Callable
from typing import Any

from openledger_node.client.gateway import GatewayClient

POLL_S = 0.5
FINISHED = ("done", "failed", "cancelled")


async def follow(gateway: GatewayClient, run: str, say: Callable[[str], None]) -> dict[str, Any]:
    """The finished run; says each new progress message. Survives nothing: ask again after a restart."""
    said = ""
    while True:
        found: dict[str, Any] = await gateway.get(f"/api/factory/runs/{run}")
        message = (found["progress"] or {}).get("message", "")
        if message and message != said:
            said = message
            say(f"{found['progress']['fraction']:6.1%}  {message}")
        if found["state"] in FINISHED:
            return found
        await asyncio.sleep(POLL_S)
