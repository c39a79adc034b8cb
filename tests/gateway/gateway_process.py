"""A gateway as a process of its own, to be killed: RPC, DATA, FILES and TEXT by argument.

Prints its port. No worker: language models are served at TEXT.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

from genesis.networks import DEV_PROVIDER
from openledger_node.client.account import dev_account
from openledger_node.client.rpc import HttpRpc
from openledger_node.gateway.parts import GatewayOptions
from openledger_node.gateway.server import Gateway
from openledger_node.gateway.settling import SettlingRule
from openledger_node.gateway.text_server import OutsideServer
from openledger_node.jobs.ports import Progress, WorkerLostError
from workers.artifacts.store import ArtifactStore


class NoWorkers:
    """A pool that nobody joined."""

    workers = 0

    async def run(self, kind: str, request: Any, progress: Progress | None = None) -> Any:
        raise WorkerLostError("there is no worker here")


async def serve(rpc_url: str, directory: str, artifacts: str, text_url: str) -> None:
    async with HttpRpc(rpc_url) as rpc:
        gateway = await Gateway.open(
            GatewayOptions("127.0.0.1", 0, Path(directory), rule=SettlingRule(look_every_s=3600.0)),
            rpc=rpc,
            pool=NoWorkers(),
            artifacts=ArtifactStore(Path(artifacts)),
            provider=dev_account(DEV_PROVIDER),
            text_server=OutsideServer(text_url),
        )
        await gateway.start()
        print(gateway.port, flush=True)
        await gateway.run()


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
