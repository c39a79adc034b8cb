"""When services that speak to the L1 fall silent: once the chain was changed by hand."""

import asyncio

from openledger_node.chain.chain import Chain
from openledger_node.node.lifecycle import Service

DETACHED_POLL_S = 0.5


class UnlessDetached:
    """Runs a service until a dev method detaches the chain from its L1: what it posts would be false then."""

    def __init__(self, chain: Chain, service: Service) -> None:
        self._chain = chain
        self._service = service

    async def run(self) -> None:
        """Run the service, or nothing, until cancelled."""
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self._service.run())
            while not self._chain.detached:
                await asyncio.sleep(DETACHED_POLL_S)
            task.cancel()
            await asyncio.Event().wait()
