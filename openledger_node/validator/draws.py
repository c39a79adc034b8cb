"""How a validator has draws for derived records kept before L1Block forgets their blocks.

Covered: accepted contributions whose records name parents, each once; others' draws are left alone. Not
covered: contributions whose files nobody serves, which no index can be built over either.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import structlog

from genesis.types import ZERO_HASH
from openledger_node.client.draws import drawable
from openledger_node.client.economy import DATANETS, EconomyReader
from openledger_node.client.patience import Patience
from openledger_node.client.sender import Sender
from openledger_node.validator.documents import REFUSALS, Documents
from workers.artifacts.store import parse_id
from workers.datasets.kinds import names_parents
from workers.errors import ArtifactError, InvalidInputError

log = structlog.get_logger(__name__)


class Draws:
    """One round of `look` at a time; `kept` counts the draws that this account sent."""

    def __init__(self, reader: EconomyReader, documents: Documents, sender: Sender) -> None:
        self._reader, self._documents, self._sender = reader, documents, sender
        self._next_block = 0
        self._revealed: dict[int, str] = {}
        """Files of contributions that nobody reviewed yet."""
        self._unread: dict[int, str] = {}
        """Files of accepted contributions, by number, that were not looked into yet."""
        self._derived: set[int] = set()
        self._patience = Patience()
        self.kept = 0

    async def look(self) -> None:
        """One round over new contributions and over those whose block is awaited."""
        await self._discover()
        if not self._unread and not self._derived:
            return
        now_s = await self._reader.ethereum.timestamp_s()
        for number in sorted(self._unread):
            await self._try(self._read, number, now_s)
        for number in sorted(self._derived):
            await self._try(self._attend, number, now_s)

    async def _try(self, attend: Callable[[int], Awaitable[None]], number: int, now_s: int) -> None:
        failure = await self._patience.attempt(number, now_s, partial(attend, number), REFUSALS)
        if failure is not None and failure.is_news:
            log.info("a draw waits", contribution=number, reason=str(failure.error))

    async def _discover(self) -> None:
        ethereum = self._reader.ethereum
        head = await ethereum.block_number()
        if head < self._next_block:
            return
        revealed, reviewed = [
            await ethereum.events(DATANETS, name, first_block=self._next_block, last_block=head)
            for name in ("ContributionRevealed", "ContributionReviewed")
        ]
        for event in revealed:
            self._revealed[int(event.arguments["contributionId"])] = str(event.arguments["uri"])
        for event in reviewed:
            number = int(event.arguments["contributionId"])
            uri = self._revealed.pop(number, "")
            if event.arguments["accepted"]:
                self._unread[number] = uri or await self._uri(number)
        self._next_block = head + 1

    async def _uri(self, number: int) -> str:
        """Of a contribution whose reveal came in a block that another replaced."""
        (revealed,) = await self._reader.ethereum.events(DATANETS, "ContributionRevealed", None, number)
        return str(revealed.arguments["uri"])

    async def _read(self, number: int) -> None:
        """Whether the contribution's records name parents; asked again while nobody serves its file. Of one
        whose block is forgotten nothing can be saved."""
        if await drawable(self._reader, number) == ZERO_HASH:
            del self._unread[number]
            return
        try:
            name = parse_id(self._unread[number])
        except ArtifactError as error:
            del self._unread[number]
            log.info("a contribution's file cannot be read", contribution=number, reason=str(error))
            return
        data = await self._documents.artifact(name)
        del self._unread[number]
        try:
            if await asyncio.to_thread(names_parents, data):
                self._derived.add(number)
        except InvalidInputError as error:
            log.info("a contribution's file cannot be read", contribution=number, reason=str(error))

    async def _attend(self, number: int) -> None:
        accepted = await self._reader.ethereum.read(DATANETS, "getAcceptance", number)
        if accepted["randomness"] != ZERO_HASH:
            self._derived.remove(number)
        elif await drawable(self._reader, number) is not None:
            mined = await self._sender.transact(DATANETS, "drawParents", number)
            self.kept += 1
            log.info("parents drawn", contribution=number, transaction=mined.hash)
