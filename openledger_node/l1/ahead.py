"""How derivation does not wait for each L1 block in turn: the next are fetched while it works on one.

Implements `rollup_bridge.ports.L1Source` over an `L1Client`, whose memory of blocks by hash it fills; what is
at which height is asked again when its turn comes. Covered: errors (who needs the block asks again and gets
them), the head (the first height without a block ends the look ahead). Not covered: blobs.
"""

import asyncio
from types import TracebackType
from typing import Self

from genesis.types import Hash32
from openledger_node.l1.client import L1Client
from rollup_bridge.errors import BridgeError
from rollup_bridge.ports import BlockTag, L1Block, L1Receipt, L1Transaction


class ReadAhead:
    """`most` blocks at a time, at most. Use as an async context manager."""

    def __init__(self, l1: L1Client, most: int = 8) -> None:
        self._l1 = l1
        self._most = most
        self._last = -1
        self._tasks: dict[int, asyncio.Task[bool]] = {}

    async def block_by_number(self, number: int) -> L1Block | None:
        task = self._tasks.pop(number, None)
        if task is not None:
            await asyncio.wait([task])
        block = await self._l1.block_by_number(number)
        if block is None or number != self._last + 1:
            self._last = number if block is not None else self._last
            return block
        self._last = number
        self._look_ahead(number)
        return block

    async def block_by_hash(self, block_hash: Hash32) -> L1Block | None:
        return await self._l1.block_by_hash(block_hash)

    async def block_by_tag(self, tag: BlockTag) -> L1Block | None:
        return await self._l1.block_by_tag(tag)

    async def receipts(self, block_hash: Hash32) -> tuple[L1Receipt, ...]:
        return await self._l1.receipts(block_hash)

    async def transactions(self, block_hash: Hash32) -> tuple[L1Transaction, ...]:
        return await self._l1.transactions(block_hash)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = [*self._tasks.values()]
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _look_ahead(self, number: int) -> None:
        for behind in [each for each in self._tasks if not number < each <= number + self._most]:
            self._tasks.pop(behind).cancel()
        if any(task.done() and not task.result() for task in self._tasks.values()):
            return  # the head was reached
        for following in range(number + 1, number + 1 + self._most):
            if following not in self._tasks:
                self._tasks[following] = asyncio.create_task(self._fetch(following))

    async def _fetch(self, number: int) -> bool:
        """Bring a block's contents into the client's memory; False if there is none to bring."""
        try:
            block = await self._l1.block_by_number(number)
            if block is None:
                return False
            await asyncio.gather(self._l1.transactions(block.hash), self._l1.receipts(block.hash))
        except BridgeError:
            return False
        return True
