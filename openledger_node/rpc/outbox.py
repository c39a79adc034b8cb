"""What waits to be written to one client, and when is it too much?

Covered: bounded memory however slowly a client reads: its requests wait for room, and notifications that find
none mean that it is cut off. Not covered: the socket's own buffers.
"""

import asyncio
from collections import deque


class Outbox:
    """Lives on the event loop. Sizes are bytes; a message counts until it is written."""

    def __init__(self, *, most_messages: int, most_bytes: int) -> None:
        self._most_messages = most_messages
        self._most_bytes = most_bytes
        self._waiting: deque[bytes] = deque()
        self._size_bytes = 0
        self._filled = asyncio.Event()
        self._has_room = asyncio.Event()
        self._has_room.set()

    @property
    def is_full(self) -> bool:
        return len(self._waiting) >= self._most_messages or self._size_bytes >= self._most_bytes

    def add(self, message: bytes) -> None:
        self._waiting.append(message)
        self._size_bytes += len(message)
        self._filled.set()
        if self.is_full:
            self._has_room.clear()

    async def next(self) -> bytes:
        """The oldest message; say `written` when it is gone."""
        await self._filled.wait()
        message = self._waiting.popleft()
        if not self._waiting:
            self._filled.clear()
        return message

    def written(self, message: bytes) -> None:
        self._size_bytes -= len(message)
        if not self.is_full:
            self._has_room.set()

    async def room(self) -> None:
        """Wait until the client has read enough."""
        await self._has_room.wait()
