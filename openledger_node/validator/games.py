"""How a challenger plays a game over a sum: sixteen parts at a time down to one element, read from the chain.

The same moves serve contributor sums (rows) and batch queries (receipts): the accused answers with partial
sums, the challenger names a part that is wrong, and the last element decides. Nothing is remembered, so a
restart goes on where the game is.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog

from openledger_node.client.economy import ATTRIBUTION, EconomyReader
from openledger_node.validator.challenger import Challenger
from precompiles.views.attribution import ANSWER, CHOICE, PROOF

WORD_RANGE = 2**256
"""Sums in games are modulo this."""

Game = Mapping[str, Any]
PartialSums = Callable[[int, int], Sequence[int]]
"""From the first element and the number of elements to the right sums of the parts."""
Prove = Callable[[int, Game], Awaitable[None]]
"""Shows the last element of a game."""

log = structlog.get_logger(__name__)


class Games:
    """The challenger's side of games over sums."""

    def __init__(self, reader: EconomyReader, challenger: Challenger) -> None:
        self._reader = reader
        self._challenger = challenger

    async def opened(self, event: str, subject: int) -> int | None:
        """This account's game over an index (`SumGameOpened`) or a post (`QueryGameOpened`), if any."""
        events = await self._reader.ethereum.events(
            ATTRIBUTION, event, None, subject, self._challenger.address_bytes
        )
        return int(events[-1].arguments["gameId"]) if events else None

    async def play(self, game_id: int, partial_sums: PartialSums, prove: Prove) -> None:
        """Make the next move, if it is ours or the accused let its time pass."""
        game = await self._reader.ethereum.read(ATTRIBUTION, "getSumGame", game_id)
        if game["turn"] == CHOICE:
            await self._choose(game_id, partial_sums(game["first"], game["count"]))
        elif game["turn"] == PROOF:
            await prove(game_id, game)
        elif game["turn"] == ANSWER and await self._reader.ethereum.timestamp_s() > game["until"]:
            await self._challenger.send("endSumGame", game_id)

    async def _choose(self, game_id: int, right: Sequence[int]) -> None:
        answers = await self._reader.ethereum.events(ATTRIBUTION, "SumGameAnswered", game_id)
        answered = answers[-1].arguments["partials"]
        part = disputed_part(right, answered)
        if part is None:
            log.error("every part of an answer is right though its sum is wrong", game=game_id)
            return
        await self._challenger.send("chooseSumGame", game_id, answered, part)


def disputed_part(right: Sequence[int], answered: Sequence[int]) -> int | None:
    """The first part that is wrong, None when all are right."""
    for number, (value, claimed) in enumerate(zip(right, answered, strict=True)):
        if value % WORD_RANGE != claimed:
            return number
    return None
