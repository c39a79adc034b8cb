"""How a stream is read ahead: what has come by the time its reader is ready is handed over together."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

from openledger_node.errors import OpenLedgerError

MOST_AHEAD = 256
Item = TypeVar("Item")


async def in_bunches(source: AsyncGenerator[Item, None]) -> AsyncGenerator[list[Item], None]:
    """Everything of `source` in order, in lists of at least one; its errors behind what came before them.

    Closing this closes the source.
    """
    ahead: asyncio.Queue[Item] = asyncio.Queue(MOST_AHEAD)
    ended: list[OpenLedgerError | None] = []
    more = asyncio.Event()

    async def read() -> None:
        try:
            async with aclosing(source):
                async for item in source:
                    await ahead.put(item)
                    more.set()
            ended.append(None)
        except OpenLedgerError as error:
            ended.append(error)
        more.set()

    reader = asyncio.create_task(read())
    try:
        while True:
            await more.wait()
            more.clear()
            bunch = [ahead.get_nowait() for _ in range(ahead.qsize())]
            if bunch:
                yield bunch
            if ended and ahead.empty():
                if ended[0] is not None:
                    raise ended[0]
                return
            if not ahead.empty() or ended:
                more.set()
    finally:
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
